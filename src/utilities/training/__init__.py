"""Training the networks, on TensorFlow or JAX."""
