"""Saves models whole or not at all."""

from pathlib import Path

import keras

from utilities import system
from utilities.errors import Fault
from utilities.files import replacing
from utilities.network.memory import FLOAT32
from utilities.network.networks import leaves
from utilities.terminal.answers import MODEL_SUFFIXES

# What a file holds beside the weights, in bytes, at most: in all, and for each layer.
SURROUNDINGS, SURROUNDINGS_OF_LAYER = 2**14, 2**12


def save_model(model, path):
    """Save a model as ``.h5`` or ``.keras``, by the path's suffix, in place of any file there.

    A reader finds the old file or the new one, never a part.

    Raises:
        Fault: a foreign suffix, or a place that cannot be written.
    """
    path = Path(path)
    if path.suffix not in MODEL_SUFFIXES:
        raise Fault(f"{path}: the name must end in {' or '.join(MODEL_SUFFIXES)}")
    # Without what it was compiled with: that would make loading depend on this project's code.
    plain = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    try:
        with replacing(path) as beside:  # Keras tells the format by the suffix, which that path keeps
            # HDF5 would find out too, but cannot say it, and is left in disorder by it.
            surroundings = SURROUNDINGS + SURROUNDINGS_OF_LAYER * len(list(leaves(plain)))
            system.find_room(beside, FLOAT32 * plain.count_params() + surroundings)
            plain.save(beside)
    except (OSError, RuntimeError, ValueError) as error:  # h5py reports a full disk as RuntimeError
        raise Fault(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from error
