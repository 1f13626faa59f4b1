"""Make the keras2_....h5 and .npz files beside this file, with Keras 2.

The weights and the statistics are random; each .npz holds images and what Keras 2 predicts for them.

    python3.11 -m venv keras2
    keras2/bin/pip install tensorflow-cpu==2.15.1
    keras2/bin/python make_keras2_encoder.py
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

PLACE = Path(__file__).parent
SHAPE = (8, 8, 1)
LOWEST_VARIANCE = 0.5


def build_encoder():
    """Return an encoder of two sets."""
    images = features = keras.Input(SHAPE, name="images")
    for number, filters in enumerate((3, 4), start=1):
        features = layers.Conv2D(filters, (3, 2), padding="same", activation="relu", name=f"conv{number}")(features)
        features = layers.BatchNormalization(name=f"normalization{number}")(features)
        features = layers.MaxPooling2D((2, 2), name=f"pooling{number}")(features)
    return keras.Model(images, features, name="encoder")


def build_sequential():
    """Return a sequential encoder, whose first layer says what its input is, with activations that are layers."""
    return keras.Sequential(
        [
            layers.Conv2D(2, 3, strides=2, use_bias=False, activation=layers.LeakyReLU(0.1), input_shape=SHAPE),
            layers.BatchNormalization(scale=False),
            layers.ReLU(max_value=1.5, negative_slope=0.2),
            layers.MaxPooling2D(2, 1, padding="same"),
        ]
    )


def main():
    """Save the encoders, images and predictions."""
    for name, build in {"encoder": build_encoder, "sequential": build_sequential}.items():
        random = np.random.default_rng(0)
        encoder = build()
        for weight in encoder.weights:
            is_variance = "variance" in weight.name
            weight.assign(
                random.uniform(LOWEST_VARIANCE, 2, weight.shape) if is_variance else random.normal(0, 0.5, weight.shape)
            )
        encoder.save(PLACE / f"keras2_{name}.h5")
        images = random.random((5, *SHAPE), np.float32)
        np.savez(PLACE / f"keras2_{name}.npz", images=images, codes=encoder.predict(images, verbose=0))
    print(f"Keras {keras.__version__}")


if __name__ == "__main__":
    main()
