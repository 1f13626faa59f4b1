"""Pictures converted to IDX files of images, in as many processes as there are cores, in flat memory.

Pillow's decoders leave Python's lock, but opening a small picture does not: threads would wait for each other. Each
process decodes a chunk of the pictures at a time, and leaves its images in a file. What it sends is short: a process
that is killed while it sends more leaves half a message, and whoever reads that waits for the rest.
"""

import contextlib
import gzip
import hashlib
import math
import multiprocessing
import os
import shutil
import threading
import time
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

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
GOING_ON = "going-on"  # a file that is there while decoders are to go on
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
    chunks = _chunks(len(source), form)
    with system.signals_held(), contextlib.closing(_converted(source, form, chunks, folder, progress)) as converted:
        for chunk, (is_read, found, faults) in zip(chunks, converted, strict=True):
            read[chunk], checksums[chunk] = is_read, found
            left_out += len(faults)
            if left_out > most:
                raise BadInput(f"{left_out} pictures cannot be read: expected at most one in ten")
    for test in IMAGES:
        if not test or read[source.is_test].any():
            _join(folder, test, len(chunks), ((read & (source.is_test == test)).sum(), *form.shape))
    taken = np.flatnonzero(read)
    return source.take(taken), left_out, _describe_alike(source, taken, checksums)


def _chunks(count, form):
    """Return slices of ``count`` pictures."""
    most = min(CHUNK, CHUNK_BYTES // math.prod(form.shape), count // (CHUNKS_OF_PROCESS * system.cores()))
    return [slice(start, min(start + max(1, most), count)) for start in range(0, count, max(1, most))]


def _part(folder, number, test):
    """Return the path of the images of a chunk."""
    return folder / f"part-{number}-{IMAGES[test]}"


def _join(folder, test, chunks, shape):
    """Write an IDX file of so many chunks of images, which are members of a gzip file already, and remove these."""
    with (folder / IMAGES[test]).open("wb") as file:
        file.write(gzip.compress(idx.header(np.uint8, shape), mtime=0))
        for number in range(chunks):
            with contextlib.suppress(FileNotFoundError), _part(folder, number, test).open("rb") as part:
                shutil.copyfileobj(part, file)
            _part(folder, number, test).unlink(missing_ok=True)


def _converted(source, form, chunks, folder, progress):
    """Yield what _convert returns of each chunk of the pictures, in their order, from several processes.

    While it waits, signals that are held are let in. However it is left, the processes have then ended.
    """
    processes = min(len(chunks), system.cores(), MOST_PROCESSES)
    try:
        large = multiprocessing.Semaphore(max(1, available_memory() // pictures.LARGEST_BYTES))
        pool = ProcessPoolExecutor(processes, initializer=_begin, initargs=(source, form, folder, large))
    except OSError as error:
        raise Fault(f"processes cannot wait for each other: {error.strerror}; on Linux they need /dev/shm") from error
    results = []
    try:
        (folder / GOING_ON).touch()
        for number, chunk in enumerate(chunks):
            results.append(pool.submit(_convert, number, chunk))
        for chunk, result in zip(chunks, results, strict=True):
            while not wait([result], REFRESH_SECONDS).done:
                system.let_signals_in()
                progress(chunk.start, [])
            progress(chunk.stop, result.result()[-1])
            yield result.result()
    except BrokenProcessPool as error:
        system.let_signals_in()  # what ended the processes may have been meant for all
        lost = [chunk for chunk, result in zip(chunks, results, strict=False) if result.exception()][:processes]
        names = f"{source.name(lost[0].start)} to {source.name(lost[-1].stop - 1)}"
        raise Fault(f"decoding crashed at a picture from {names}: leave it out") from error
    finally:
        (folder / GOING_ON).unlink(missing_ok=True)
        pool.shutdown(cancel_futures=True)


def _begin(source, form, folder, large):
    """Let this process decode the pictures of a source, and end when the script does."""
    global _work
    _work = source, form, folder
    pictures.limit_large(large)
    system.end_when_terminated()

    def end_with_parent():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _convert(number, chunk):
    """Write the images of a chunk, gzipped; return which pictures could be read, checksums, and lines on others."""
    source, form, folder = _work
    looked = time.monotonic()
    images, read, faults = np.zeros((chunk.stop - chunk.start, *form.shape), np.uint8), [], []
    for place, index in enumerate(range(chunk.start, chunk.stop)):
        if time.monotonic() > looked + REFRESH_SECONDS:
            looked = time.monotonic()
            if not (folder / GOING_ON).exists():
                return None
        try:
            images[place] = source.bring(index, form)
            read.append(True)
        except BadInput as fault:
            read.append(False)
            faults.append(str(fault))
    for test in IMAGES:
        part = images[read & (source.is_test[chunk] == test)]
        if len(part):
            _part(folder, number, test).write_bytes(gzip.compress(part.tobytes(), COMPRESSION, mtime=0))
    checksums = b"".join(hashlib.blake2b(image, digest_size=CHECKSUM_BYTES).digest() for image in images)
    return read, np.frombuffer(checksums, np.uint64), faults


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
