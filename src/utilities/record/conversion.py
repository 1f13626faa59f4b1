"""Pictures converted to IDX files of images, in as many processes as there are cores, in flat memory.

Pillow's decoders leave Python's lock, but opening a small picture does not: threads would wait for each other. Each
process decodes a chunk of the pictures at a time, and returns its images as members of the gzip files.
"""

import contextlib
import gzip
import math
import multiprocessing
import os
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np

from utilities import system
from utilities.data import idx
from utilities.errors import BadInput, Fault

IMAGES = {False: "train-images-idx3-ubyte.gz", True: "t10k-images-idx3-ubyte.gz"}  # by whether they are test images
LARGEST_SHARE_LEFT_OUT = 0.1
CHUNK, CHUNK_BYTES = 64, 2**23  # the most pictures, and bytes of images, of a chunk
MOST_PROCESSES = 60  # Windows waits for no more at a time
COMPRESSION = 1  # more would take as long as decoding, to save a tenth


def convert(source, form, folder, progress):
    """Write the pictures of a Source in a Form as IDX files in a folder, those of training and of test.

    Returns:
        The Source of the pictures that could be read, and the number of those left out, which ``progress`` tells of.

    Raises:
        BadInput: more than a tenth cannot be read.
        Fault: a decoder crashed, or the system has no semaphores.
    """
    read, left_out = np.zeros(len(source), bool), len(source.left_out)
    most = LARGEST_SHARE_LEFT_OUT * (len(source) + left_out)
    progress(0, source.left_out)
    with contextlib.ExitStack() as stack:
        files = {test: stack.enter_context((folder / name).open("wb")) for test, name in IMAGES.items()}
        for file in files.values():
            file.write(_header(0, form))
        for chunk, is_read, faults, members in stack.enter_context(contextlib.closing(_converted(source, form))):
            read[chunk] = is_read
            left_out += len(faults)
            progress(chunk.stop, faults)
            if left_out > most:
                raise BadInput(f"{left_out} pictures cannot be read: expected at most one in ten")
            for test, member in members.items():
                files[test].write(member)
        for test, file in files.items():
            file.seek(0)
            file.write(_header((read & (source.is_test == test)).sum(), form))
    converted = source.take(np.flatnonzero(read))
    if not converted.is_test.any():
        (folder / IMAGES[True]).unlink()
    return converted, left_out


def _header(count, form):
    """Return the gzip member of the header of an IDX file, which has the same length for any count."""
    return gzip.compress(idx.header(np.uint8, (count, *form.shape)), 0, mtime=0)


def _converted(source, form):
    """Yield what _convert returns of each chunk of the pictures, in their order, from several processes."""
    size = max(1, min(CHUNK, CHUNK_BYTES // math.prod(form.shape)))
    chunks = [slice(start, min(start + size, len(source))) for start in range(0, len(source), size)]
    processes = min(len(chunks), system.cores(), MOST_PROCESSES)
    try:
        pool = ProcessPoolExecutor(processes, initializer=_begin, initargs=(source, form))
    except OSError as error:
        raise Fault(f"processes cannot wait for each other: {error.strerror}; on Linux they need /dev/shm") from error
    with pool:
        chunk, waiting = chunks[0], deque()
        try:
            # Ctrl-C would be lost in what libraries do when Python forks. The decoders go on to hold signals back.
            with system.signals_held():
                waiting.extend((chunk, pool.submit(_convert, chunk)) for chunk in chunks)
            while waiting:
                chunk, result = waiting.popleft()
                yield chunk, *result.result()
        except BrokenProcessPool as error:
            lost = [chunk, *(chunk for chunk, result in waiting if result.exception())][:processes]
            names = f"{source.name(lost[0].start)} to {source.name(lost[-1].stop - 1)}"
            raise Fault(f"decoding crashed at a picture from {names}: leave it out") from error
        finally:
            for child in multiprocessing.active_children():
                child.kill()


def _begin(source, form):
    """Let this process decode the pictures of a source, and end when the script does."""
    global _pictures
    _pictures = source, form

    def end_with_parent():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _convert(chunk):
    """Return which pictures of a chunk could be read, lines on others, and the images, gzipped, {is_test: bytes}."""
    source, form = _pictures
    images, read, faults = np.empty((chunk.stop - chunk.start, *form.shape), np.uint8), [], []
    for place, index in enumerate(range(chunk.start, chunk.stop)):
        try:
            images[place] = source.bring(index, form)
            read.append(True)
        except BadInput as fault:
            read.append(False)
            faults.append(str(fault))
    parts = {test: images[read & (source.is_test[chunk] == test)] for test in IMAGES}
    members = {test: gzip.compress(part.tobytes(), COMPRESSION, mtime=0) for test, part in parts.items() if len(part)}
    return read, faults, members
