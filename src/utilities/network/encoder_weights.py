"""The weights in an encoder file, judged before Keras reads them.

HDF5 can point into other files, compress, and promise arrays of any size. An encoder needs none of that: its weights
lie in the file as they are, in 32-bit floating point, so they take no more memory than the file does on the disk.
"""

import h5py
import numpy as np

from utilities.network.encoder_configuration import EncoderFault
from utilities.text import printable

LARGEST_ATTRIBUTE = 2**20
MOST_OBJECTS = 5000
# The classes that Keras counts, by the names that it gives them in .keras files.
COUNTED = {
    "Conv2D": "conv2d",
    "BatchNormalization": "batch_normalization",
    "Functional": "functional",
    "Model": "functional",
    "Sequential": "sequential",
}


def check_hdf5_weights(file, network):
    """Check that an open ``.h5`` file holds the weights of a network, an encoder_configuration.Part.

    Raises:
        EncoderFault: one is missing, superfluous, of another shape or type, not finite, or not plainly in the file.
    """
    groups, arrays = _walk(file)
    if "model_weights" not in groups:
        raise EncoderFault("holds a model without its weights")
    for name in ("keras_version", "backend"):
        if name in file["model_weights"].attrs:
            _text(read_attribute(file["model_weights"], name))
    top = groups.get("model_weights/top_level_model_weights")
    if top is not None and _names(top, "weight_names"):
        raise EncoderFault("has weights that belong to no layer")
    _compare(arrays, dict(_expected_in_hdf5(groups, network)))


def _expected_in_hdf5(groups, network):
    """Yield the path and the shape of every weight, as the file's lists of names lay them out, layer by layer."""
    layers = _names(groups["model_weights"], "layer_names")
    named = [(name, _names(_group(groups, name), "weight_names")) for name in layers]
    named = [(name, weights) for name, weights in named if weights]
    holders = [part for part in network.parts if part.trained + part.statistics]
    if any(part.parts and part.frozen for part in holders):  # their weights come in another order
        raise EncoderFault("not an encoder: a network inside it is frozen; save it with trainable=True")
    if len(named) != len(holders):
        raise EncoderFault(f"expected weights of {len(holders)} layers, found those of {len(named)}")
    for (name, weights), part in zip(named, holders, strict=True):
        shapes = part.trained + part.statistics
        if len(weights) != len(shapes):
            raise EncoderFault(f"expected {len(shapes)} weights in {printable(name)}, found {len(weights)}")
        yield from zip((f"model_weights/{name}/{weight}" for weight in weights), shapes, strict=True)


def check_keras_weights(file, network):
    """Check the weights in the HDF5 file within a ``.keras`` file; see check_hdf5_weights."""
    _, arrays = _walk(file)
    _compare(arrays, dict(_expected_in_keras(network, "layers")))


def read_attribute(holder, name):
    """Return an attribute of an HDF5 object, after its size is known to be harmless."""
    attribute = holder.attrs.get_id(name)
    if attribute.get_space().get_simple_extent_npoints() * attribute.get_type().get_size() > LARGEST_ATTRIBUTE:
        raise EncoderFault(f"not an encoder: the attribute {name} is larger than {LARGEST_ATTRIBUTE} bytes")
    return holder.attrs[name]


def _walk(file):
    """Return the groups and the arrays of an HDF5 file by their paths; nothing outside the file is looked at."""
    groups, arrays, seen = {}, {}, set()
    waiting = [("", file)]
    while waiting:
        path, group = waiting.pop()
        groups[path] = group
        for name in group:
            place = f"{path}/{name}" if path else name
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise EncoderFault(f"not an encoder: {printable(place)} is a link to another place")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or len(seen) > MOST_OBJECTS:
                raise EncoderFault(f"not an encoder: {printable(place)} is there twice, or one of too many")
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((place, item))
            else:
                arrays[place] = item
    return groups, arrays


def _group(groups, name):
    if f"model_weights/{name}" not in groups:
        raise EncoderFault(f"the weights of {printable(name)} are missing")
    return groups[f"model_weights/{name}"]


def _names(group, name):
    """Return a list of names from an attribute; Keras divides a long one among name0, name1, ..."""
    if name in group.attrs:
        return [_text(value) for value in np.atleast_1d(read_attribute(group, name)).tolist()]
    names = []
    for number in range(MOST_OBJECTS):
        if f"{name}{number}" not in group.attrs:
            break
        names += [_text(value) for value in np.atleast_1d(read_attribute(group, f"{name}{number}")).tolist()]
    return names


def _text(value):
    text = value.decode() if isinstance(value, bytes) else value
    if not isinstance(text, str):
        raise EncoderFault("not an encoder: expected a text in an attribute, found something else")
    return text


def _expected_in_keras(network, place):
    """Yield the path and the shape of every weight, as Keras 3 lays them out."""
    counts = {}
    for part in network.parts:
        if part.kind not in COUNTED:
            continue
        name = COUNTED[part.kind]
        number = counts[name] = counts.get(name, -1) + 1
        path = f"{place}/{name}_{number}" if number else f"{place}/{name}"
        if part.parts is not None:
            yield from _expected_in_keras(part, f"{path}/layers")
            continue
        for index, shape in enumerate(part.trained + part.statistics):
            yield f"{path}/vars/{index}", shape


def _compare(arrays, expected):
    """Check that the arrays are those expected, {path: shape}, and that each is sound."""
    for path in expected:
        if path not in arrays:
            raise EncoderFault(f"the weight {printable(path)} is missing")
    for path, array in arrays.items():
        if path not in expected:
            raise EncoderFault(f"the array {printable(path)} is none of the encoder's weights")
        fault = _fault_of(array, expected[path])
        if fault:
            raise EncoderFault(f"the weight {printable(path, 100)} {fault}")


def _fault_of(array, shape):
    """Return what is wrong with a weight, or None; its content is read, once, when all else is right."""
    if not isinstance(array, h5py.Dataset):
        return "is no array"
    layout = array.id.get_create_plist()
    if layout.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) or layout.get_nfilters():
        return "is virtual, divided or compressed; an encoder's lie in the file as they are"
    if layout.get_external_count():
        return "lies in another file"
    if not array.id.get_type().equal(h5py.h5t.IEEE_F32LE) or len(array.attrs):
        return "is not plain 32-bit floating point"
    if array.shape != shape:
        return f"has the shape {array.shape}, expected {shape}"
    if array.id.get_storage_size() != array.nbytes:
        return "is not wholly in the file"
    return None if np.isfinite(array[()]).all() else "is not finite"
