"""Pictures converted to IDX files of images, in as many processes as there are cores, in flat memory.

Pillow's decoders leave Python's lock, but opening a small picture does not: threads would wait for each other. Each
process decodes its share of the pictures, a chunk at a time, and sends the images through a pipe of its own: it can be
killed at any moment, as nothing that others use is then half written, or locked.
"""

import contextlib
import gzip
import hashlib
import math
import multiprocessing
import os
import shutil
import tempfile
import threading
from multiprocessing.connection import wait

import numpy as np

from utilities import system
from utilities.data import idx, pictures
from utilities.errors import BadInput, Fault
from utilities.limits import available_memory

IMAGES = {False: "train-images-idx3-ubyte.gz", True: "t10k-images-idx3-ubyte.gz"}  # by whether they are test images
LARGEST_SHARE_LEFT_OUT = 0.1
CHUNK, CHUNK_BYTES = 64, 2**23  # the most pictures, and bytes of images, of a chunk
CHUNKS_OF_PROCESS = 8  # where there are few pictures, which may be large
MOST_PROCESSES = 60  # Windows waits for no more at a time
COMPRESSION = 1  # more would take as long as decoding, to save a tenth
REFRESH_SECONDS = 0.1
CHECKSUM_BYTES = 8  # chance makes two of a billion images alike in one set of forty


def convert(source, form, folder, progress):
    """Write the pictures of a Source in a Form as IDX files in a folder, those of training and of test.

    Returns:
        The Source of the pictures that could be read; the number of those left out, which ``progress`` tells of; and
        lines on images that are there more than once.

    Raises:
        BadInput: more than a tenth cannot be read.
        Fault: a decoder crashed, or the system has no semaphores.
        OSError: the folder cannot be written.
    """
    read, checksums = np.zeros(len(source), bool), np.zeros(len(source), np.uint64)
    left_out = len(source.left_out)
    most = LARGEST_SHARE_LEFT_OUT * (len(source) + left_out)
    progress(0, source.left_out)
    with contextlib.ExitStack() as stack:
        images = {test: stack.enter_context(tempfile.TemporaryFile(dir=folder)) for test in IMAGES}
        for chunk, result in stack.enter_context(contextlib.closing(_converted(source, form, progress))):
            read[chunk], checksums[chunk], faults, members = result
            progress(chunk.stop, faults)
            left_out += len(faults)
            if left_out > most:
                raise BadInput(f"{left_out} pictures cannot be read: expected at most one in ten")
            for test, member in members.items():
                images[test].write(member)
        for test, file in images.items():
            if count := (read & (source.is_test == test)).sum():
                _write(folder / IMAGES[test], (count, *form.shape), file)
    taken = np.flatnonzero(read)
    return source.take(taken), left_out, _describe_alike(source, taken, checksums)


def _write(path, shape, images):
    """Write an IDX file of a shape; an open file has the images, as members of a gzip file already."""
    with path.open("wb") as file:
        file.write(gzip.compress(idx.header(np.uint8, shape), mtime=0))
        images.seek(0)
        shutil.copyfileobj(images, file)


def _chunks(count, form):
    """Return slices of ``count`` pictures."""
    most = min(CHUNK, CHUNK_BYTES // math.prod(form.shape), count // (CHUNKS_OF_PROCESS * system.cores()))
    return [slice(start, min(start + max(1, most), count)) for start in range(0, count, max(1, most))]


def _converted(source, form, progress):
    """Yield each chunk of the pictures, in their order, and what _convert returns of it, from several processes.

    These end with it, however it is left.
    """
    chunks = _chunks(len(source), form)
    count = min(len(chunks), system.cores(), MOST_PROCESSES)
    try:
        large = multiprocessing.Semaphore(max(1, available_memory() // pictures.LARGEST_BYTES))
    except OSError as error:
        raise Fault(f"processes cannot wait for each other: {error.strerror}; on Linux they need /dev/shm") from error
    decoders, shares, results = [], {}, {}
    try:
        # Ctrl-C would be lost in what libraries do when Python forks. In the decoders signals go on to wait.
        with system.signals_held():
            for share in (chunks[first::count] for first in range(count)):
                receiver, sender = multiprocessing.Pipe(duplex=False)
                decoder = multiprocessing.Process(target=_decode, args=(source, form, share, sender, large))
                decoder.start()
                decoders.append(decoder)
                sender.close()  # that of the decoder is then the only one, and its end that of the pipe
                shares[receiver] = iter(share)
        for chunk in chunks:
            while chunk.start not in results:
                _receive(source, shares, results)
                progress(chunk.start, [])
            yield chunk, results.pop(chunk.start)
    finally:
        for decoder in decoders:
            decoder.kill()
        for decoder in decoders:
            decoder.join()


def _receive(source, shares, results):
    """Add results that come soon to those, {first index: result}; ``shares`` has an iterator of chunks of each pipe."""
    for receiver in wait(shares, REFRESH_SECONDS):
        chunk = next(shares[receiver])
        try:
            results[chunk.start] = receiver.recv()
        except (EOFError, OSError) as error:
            names = f"{source.name(chunk.start)} to {source.name(chunk.stop - 1)}"
            raise Fault(f"decoding crashed at a picture from {names}: leave it out") from error


def _decode(source, form, chunks, sender, large):
    """Send what _convert returns of each chunk, and wait to be killed; end when the script does."""
    parent = multiprocessing.parent_process()

    def end_with_parent():
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    pictures.limit_large(large)
    try:
        for chunk in chunks:
            sender.send(_convert(source, form, chunk))
        parent.join()
    finally:
        os._exit(1)  # without a traceback: the end of the pipe tells


def _convert(source, form, chunk):
    """Return which pictures of a chunk could be read, checksums, lines on others, and {is_test: images, gzipped}."""
    images, read, faults = np.zeros((chunk.stop - chunk.start, *form.shape), np.uint8), [], []
    for place, index in enumerate(range(chunk.start, chunk.stop)):
        try:
            images[place] = source.bring(index, form)
            read.append(True)
        except BadInput as fault:
            read.append(False)
            faults.append(str(fault))
    parts = {test: images[read & (source.is_test[chunk] == test)] for test in IMAGES}
    members = {test: gzip.compress(part.tobytes(), COMPRESSION, mtime=0) for test, part in parts.items() if len(part)}
    checksums = b"".join(hashlib.blake2b(image, digest_size=CHECKSUM_BYTES).digest() for image in images)
    return read, np.frombuffer(checksums, np.uint64), faults, members


def _describe_alike(source, taken, checksums):
    """Return lines on images of the same pixels, of the pictures taken, by their checksums: they flatter results."""
    _, images = np.unique(checksums[taken], return_inverse=True)
    labels, tests = source.labels[taken], source.is_test[taken]
    lines = []
    leaked = np.flatnonzero(tests & np.isin(images, images[~tests]))
    if len(leaked):
        trained = np.flatnonzero((images == images[leaked[0]]) & ~tests)[0]
        pair = " and ".join(source.name(taken[index]) for index in (trained, leaked[0]))
        lines.append(f"the same image to train on and to test with, {len(leaked):,} times: {pair}")
    _, groups = np.unique(2 * labels + tests, return_inverse=True)
    _, first, alike = np.unique(images * (1 + groups.max(initial=0)) + groups, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[alike] != np.arange(len(taken)))
    if len(again):
        pair = " and ".join(source.name(taken[index]) for index in (first[alike[again[0]]], again[0]))
        lines.append(f"the same image again in its class, {len(again):,} times: {pair}")
    return lines
