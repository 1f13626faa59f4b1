"""What `autoencoder.py` and `classification.py` share."""
