"""Models on disk: saved whole or not at all, loaded without running anything the file brings along."""

from pathlib import Path

import keras

from utilities.errors import BadInput, Fault
from utilities.files import replacing

SUFFIXES = (".h5", ".keras")


def save_model(model, path):
    """Save a model as ``.h5`` or ``.keras``, by the path's suffix, in place of any file there.

    A reader finds the old file or the new one, never a part.

    Raises:
        Fault: a foreign suffix, or a place that cannot be written.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise Fault(f"{path}: the name must end in {' or '.join(SUFFIXES)}")
    # Without what it was compiled with: that would make loading depend on this project's code.
    plain = keras.Model(model.inputs, model.outputs, name=model.name)
    try:
        with replacing(path) as beside:  # Keras tells the format by the suffix, which that path keeps
            plain.save(beside)
    except (OSError, RuntimeError, ValueError) as error:  # h5py reports a full disk as RuntimeError
        raise Fault(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from error


def load_encoder(path):
    """Return the encoder in a file that encoder_check.check_encoder found good.

    Raises:
        BadInput: Keras cannot load it.
    """
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its parts raise
        raise BadInput(f"{path}: Keras cannot load it: {' '.join(str(error).split())[:200]}") from error
