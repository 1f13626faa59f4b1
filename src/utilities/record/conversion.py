"""Pictures converted to IDX files of images, in flat memory.

Threads decode: Pillow leaves Python's lock while it does, so large pictures take all cores.
"""

import contextlib
import gzip
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from utilities import system
from utilities.data import idx
from utilities.errors import BadInput

IMAGES = {False: "train-images-idx3-ubyte.gz", True: "t10k-images-idx3-ubyte.gz"}  # by whether they are test images
LARGEST_SHARE_LEFT_OUT = 0.1
AT_A_TIME = 64  # images that are in memory
COMPRESSION = 1  # more would take as long as decoding, to save a tenth


def convert(source, form, folder, progress):
    """Write the pictures of a Source in a Form as IDX files in a folder, those of training and of test.

    Returns:
        The Source of the pictures that could be read; the number of those left out, which ``progress`` tells of; and
        lines on images that are there more than once.

    Raises:
        BadInput: more than a tenth cannot be read.
        OSError: the folder cannot be written.
    """
    checksums, left_out = {}, len(source.left_out)
    most = LARGEST_SHARE_LEFT_OUT * (len(source) + left_out)
    progress(0, source.left_out)
    with contextlib.ExitStack() as stack:
        files = {test: stack.enter_context(tempfile.TemporaryFile(dir=folder)) for test in IMAGES}
        images = stack.enter_context(contextlib.closing(_images(source, form)))
        for index, (image, fault) in enumerate(images):
            progress(index + 1, [fault] if fault else [])
            if fault:
                left_out += 1
            else:
                checksums[index] = hash(image)  # of 64 bits: chance makes two of a billion alike in one set of forty
                files[source.is_test[index]].write(image)
            if left_out > most:
                raise BadInput(f"{left_out} pictures cannot be read: expected at most one in ten")
        source = source.take(np.array([*checksums], int))
        for test, file in files.items():
            if count := (source.is_test == test).sum():
                _write(folder / IMAGES[test], (count, *form.shape), file)
    return source, left_out, _describe_alike(source, checksums.values())


def _images(source, form):
    """Yield the bytes of the image that each picture becomes, and None; or None, and a line on why it cannot be."""

    def bring(index):
        try:
            return source.bring(index, form).tobytes(), None
        except BadInput as fault:
            return None, str(fault)

    with ThreadPoolExecutor(system.cores()) as threads:
        for start in range(0, len(source), AT_A_TIME):
            yield from threads.map(bring, range(start, min(start + AT_A_TIME, len(source))))


def _write(path, shape, items):
    """Write an IDX file of a shape and of items, which an open file has."""
    items.seek(0)
    with gzip.GzipFile(path, "wb", COMPRESSION, mtime=0) as file:
        file.write(idx.header(np.uint8, shape))
        shutil.copyfileobj(items, file)


def _describe_alike(source, checksums):
    """Return lines on images of a Source that have the same pixels, by their checksums: they flatter results."""
    images = list(zip(checksums, source.labels.tolist(), source.is_test.tolist(), strict=True))
    first, trained = {}, {}
    for index, image in enumerate(images):
        checksum, _, is_test = image
        first.setdefault(image, index)
        if not is_test:
            trained.setdefault(checksum, index)
    leaked = [(trained[image[0]], index) for index, image in enumerate(images) if image[2] and image[0] in trained]
    again = [(first[image], index) for index, image in enumerate(images) if first[image] != index]
    pairs = {"the same image to train on and to test with": leaked, "the same image again in its class": again}
    return [
        f"{what}, {len(found):,} times: {' and '.join(map(source.name, found[0]))}"
        for what, found in pairs.items()
        if found
    ]
