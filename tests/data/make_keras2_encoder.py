"""Make keras2_encoder.h5 and keras2_encoder.npz beside this file, with Keras 2.

The weights and the statistics are random; the .npz holds images and what Keras 2 predicts for them.

    python3.11 -m venv keras2
    keras2/bin/pip install tensorflow-cpu==2.15.1
    keras2/bin/python make_keras2_encoder.py
"""

from pathlib import Path

import keras
import numpy as np

PLACE = Path(__file__).with_name("keras2_encoder.h5")
LOWEST_VARIANCE = 0.5


def build_encoder():
    """Return an encoder of two sets for images of 8 x 8."""
    images = features = keras.Input((8, 8, 1), name="images")
    for number, filters in enumerate((3, 4), start=1):
        features = keras.layers.Conv2D(filters, (3, 2), padding="same", activation="relu", name=f"conv{number}")(
            features
        )
        features = keras.layers.BatchNormalization(name=f"normalization{number}")(features)
        features = keras.layers.MaxPooling2D((2, 2), name=f"pooling{number}")(features)
    return keras.Model(images, features, name="encoder")


def main():
    """Save the encoder, images and predictions."""
    random = np.random.default_rng(0)
    encoder = build_encoder()
    encoder.set_weights(
        [
            random.uniform(LOWEST_VARIANCE, 2, weight.shape)
            if "variance" in weight.name
            else random.normal(0, 0.5, weight.shape)
            for weight in encoder.weights
        ]
    )
    encoder.save(PLACE)
    images = random.random((5, 8, 8, 1), np.float32)
    np.savez(PLACE.with_suffix(".npz"), images=images, codes=encoder.predict(images, verbose=0))
    print(f"Keras {keras.__version__}")


if __name__ == "__main__":
    main()
