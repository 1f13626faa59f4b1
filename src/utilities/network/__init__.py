"""The networks: their architecture and size, the layers that they are built of, and the files that hold them."""
