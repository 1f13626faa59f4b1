"""Files with seeded damage, and what is done with each, in a process of its own: a crash, a hang or a greedy read
ends that process alone, and the file it was at is known by its number.

    python3 tests/fuzz.py idx FOLDER FIRST COUNT
    python3 tests/fuzz.py encoder FOLDER FIRST COUNT
    python3 tests/fuzz.py build FOLDER < NUMBERS
    python3 tests/fuzz.py cut ENCODER
"""

import gzip
import itertools
import json
import math
import random
import resource
import signal
import struct
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from utilities.data import idx
from utilities.errors import BadInput
from utilities.network import encoder_reader
from utilities.network.encoder_reader import read_encoder

SECONDS = 2
MEMORY = 2**30  # less would leave no room for what a gzip file holds, beside the libraries
SHAPE = (8, 8, 1)
MOST_CHANGES = 4
CUTS = 64
# Where a size, a rank or a length is expected, these do the most harm.
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


def damage(content, generator):
    """Return content, bytes, with a few changes that the generator chooses."""
    content = bytearray(content)
    for _ in range(generator.randint(1, MOST_CHANGES)):
        if content:
            generator.choice((*IN_PLACE * 3, cut, insert, remove))(content, generator)
    return bytes(content)


def somewhere(content, generator):
    """Return a position in the content, more often near its beginning, and more often where something is."""
    span = generator.choice((16, 256, len(content), len(content)))
    for _ in range(20):
        position = generator.randrange(min(span, len(content)))
        if content[position]:
            break
    return position


def flip(content, generator):
    content[somewhere(content, generator)] ^= 1 << generator.randrange(8)


def overwrite(content, generator):
    content[somewhere(content, generator)] = generator.randrange(256)


def number(content, generator):
    position, width = somewhere(content, generator), generator.choice((1, 2, 4, 8))
    order = generator.choice(("big", "little"))
    content[position : position + width] = (generator.choice(NUMBERS) % 256**width).to_bytes(width, order)


def digit(content, generator):
    """Change a digit of a text, where there is one."""
    digits = [position for position, byte in enumerate(content) if 0x30 <= byte <= 0x39]
    if digits:
        content[generator.choice(digits)] = generator.randrange(0x30, 0x3A)


def cut(content, generator):
    if generator.random() < 0.3:
        del content[generator.randrange(len(content)) :]


def insert(content, generator):
    position = somewhere(content, generator)
    content[position:position] = generator.randbytes(generator.choice((1, 4, 100)))


def remove(content, generator):
    position = somewhere(content, generator)
    del content[position : position + generator.choice((1, 4, 100))]


def swap(content, generator):
    first, second = somewhere(content, generator), somewhere(content, generator)
    content[first], content[second] = content[second], content[first]


IN_PLACE = (flip, overwrite, number, digit, swap)


# --- IDX files


def idx_file(seed):
    """Return the damaged IDX file of a seed; one in four is damaged before it is compressed, so the damage is in it."""
    generator = random.Random(seed)
    letter = generator.choice("Bbhifd")
    shape = [generator.randint(0, 9) for _ in range(generator.randint(0, 4))]
    code = {"B": 8, "b": 9, "h": 11, "i": 12, "f": 13, "d": 14}[letter]
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)
    content = header + generator.randbytes(math.prod(shape) * struct.calcsize(letter))
    form = generator.randrange(4)
    if form == 0:
        return gzip.compress(damage(content, generator), generator.randrange(10), mtime=0)
    if form == 1:
        garbage = generator.randbytes(generator.choice((0, 0, 1, 100)))
        return damage(gzip.compress(content, generator.randrange(10), mtime=0) + garbage, generator)
    return damage(content, generator)


def expected_array(content):
    """Return the array in an IDX file, read in the plainest way, or None where the file is not one."""
    try:
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        zeros, code, rank = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
        letter = {8: "u1", 9: "i1", 11: "i2", 12: "i4", 13: "f4", 14: "f8"}[code]
        array = np.frombuffer(content[4 + 4 * rank :], f">{letter}").reshape(shape)
    except (EOFError, OSError, zlib.error, struct.error, KeyError, ValueError):
        return None
    return None if zeros else array


def judge_idx(path, seed):
    """Read the damaged file of a seed and return "read" or "refused"; anything else is an error."""
    content = idx_file(seed)
    path.write_bytes(content)
    expected = expected_array(content)
    message = message_of(lambda: idx.read(path), BadInput)
    assert (message is None) == (expected is not None), message or "read, but not good"
    if message:
        check_message(message, path)
        return "refused"
    array = idx.read(path)
    assert (array.shape, array.dtype, array.tobytes()) == (expected.shape, expected.dtype, expected.tobytes())
    return "read"


def message_of(action, kind):
    """Return the message of the error of a kind that an action ends in, or None."""
    try:
        action()
    except kind as error:
        return str(error)
    return None


def check_message(message, path):
    """Check that a message is one line that begins with the file's path and says more."""
    assert message.startswith(f"{path}: "), message
    assert message.isprintable(), message
    assert len(str(path)) + 10 < len(message) < len(str(path)) + 400, message


# --- encoders


def encoder_file(folder, seed):
    """Return the damaged encoder of a seed, and which of the folder's good encoders it was."""
    generator = random.Random(seed)
    good = sorted(folder.glob("good*.h5"))[seed % len(list(folder.glob("good*.h5")))]
    return damage(good.read_bytes(), generator), good


def judge_encoder(path, seed):
    """Read the damaged encoder of a seed and return "read" or "refused"; anything else is an error."""
    content, _ = encoder_file(path.parent, seed)
    path = path.with_suffix(".h5")
    path.write_bytes(content)
    message = message_of(lambda: read_encoder(path, SHAPE), BadInput)
    if message:
        check_message(message, path)
    return "refused" if message else "read"


def build(folder):
    """Build what is read of the damaged encoders of the seeds on standard input; each must be like the good one."""
    import keras

    from utilities.network.networks import build_encoder

    good = {path: build_encoder(read_encoder(path, SHAPE)) for path in sorted(folder.glob("good*.h5"))}
    for seed in map(int, sys.stdin.read().split()):
        content, original = encoder_file(folder, seed)
        path = folder / "built.h5"
        path.write_bytes(content)
        encoder = build_encoder(read_encoder(path, SHAPE))
        assert all(np.isfinite(weight).all() for weight in encoder.get_weights()), seed
        assert encoder.input_shape == good[original].input_shape, seed
        assert [type(layer) for layer in encoder.layers] == [type(layer) for layer in good[original].layers], seed
        keras.backend.clear_session()
    print(json.dumps({"built": "all"}))


def cut_anywhere(path):
    """Cut a file off at each of 64 places; print how often it is refused with which message."""
    content, messages = path.read_bytes(), Counter()
    for place in range(CUTS):
        path.write_bytes(content[: len(content) * place // CUTS])
        messages[message_of(lambda: read_encoder(path, SHAPE), BadInput)] += 1
    print(json.dumps(messages))


def main(kind, path, *bounds):
    """Judge the files of some seeds, and print which had which outcome, as JSON."""
    folder = Path(path)
    if kind in ("build", "cut"):
        {"build": build, "cut": cut_anywhere}[kind](folder)
        return
    first, count = map(int, bounds)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    encoder_reader.LONGEST_READING = SECONDS / 8
    judge = {"idx": judge_idx, "encoder": judge_encoder}[kind]
    path = folder / f"damaged-{first}"
    outcomes = {}
    for seed in itertools.islice(itertools.count(first), count):
        (folder / f"at-{first}").write_text(str(seed))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of the processor; ends this process
        outcomes.setdefault(judge(path, seed), []).append(seed)
        signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
