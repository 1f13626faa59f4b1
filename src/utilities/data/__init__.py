"""The images and labels: the IDX files they are read from, the validation split, and the batches of an epoch."""
