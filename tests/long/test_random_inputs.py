"""A thousand random files redirected to the scripts: each session ends, with exit code 0 or 2 and no traceback."""

import collections
import random

import pytest
from conftest import OF_USER, letters_arguments, run_script, save_encoder

FILES = 500  # for each of the two scripts
FILES_IN_A_TEST = 100
# An answer too many makes the batch size of a good input the epochs, so they are few.
GOOD = {
    "autoencoder": (("1", "3", "2", "1", "8"), ("2", "3x3, 3", "2; 2", "2", "16"), ("2", "[2, 3]", "3", "1", "99")),
    "classification": (("4", "1", "16"), ("1", "2", "9"), ("8", "1", "200")),
}
CHOICES = (
    *("0", "1", "2", "3", "2\n0", "2\n1", "2\n2", "2\n3", "2\n4", "2\n5", "3\nencoder.h5", "3\nnew/place", "3\n-"),
    *("3\n~/encoder.h5", "3\n/proc/no.h5", "9", ""),
)
STRANGE = (
    *("0", "-1", "1e3", "999999999999", "9" * 300, "1.5", "\x00", "\x1b[2J", "\t", "ü", "٣", "NaN", "y", "n", "()"),
    *("(3, 3)", "3,3", "3 3 3 3", "3 x 3", "(((((", "99 99", "100", "100001", "a" * 5000, "\r", "../.."),
    *("2 # layers", "b", "-"),
)


def input_of(script, seed):
    """Return the input of a seed, bytes: answers good and bad, choices, noise, and an end anywhere."""
    generator = random.Random(seed)
    lines = list(generator.choice(GOOD[script]))
    for _ in range(generator.choice((0, 0, 1, 3))):
        lines.insert(generator.randrange(len(lines) + 1), generator.choice(STRANGE))
    lines += generator.choices(CHOICES, k=generator.randrange(4))
    encoding = generator.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16"))
    content = (generator.choice(("\n", "\r\n")).join(lines) + generator.choice(("", "\n"))).encode(encoding)
    form = generator.randrange(8)
    if form == 0:
        return generator.randbytes(generator.choice((1, 50, 5000)))
    if form == 1:
        return content[: generator.randrange(len(content))]
    if form == 2:
        place = generator.randrange(len(content))
        return content[:place] + generator.randbytes(4) + content[place:]
    return content


@pytest.mark.parametrize("first", range(0, FILES, FILES_IN_A_TEST))
@pytest.mark.parametrize("script", GOOD)
def test_random_input_ends_with_exit_code_0_or_2_and_no_traceback(data, tmp_path, monkeypatch, script, first):
    arguments, codes = letters_arguments(data, save_encoder(tmp_path)), collections.Counter()
    for seed in range(first, first + FILES_IN_A_TEST):
        folder = tmp_path / str(seed)
        folder.mkdir()
        monkeypatch.setitem(OF_USER, "HOME", str(folder))
        (folder / "input").write_bytes(input_of(script, seed))
        of_script = arguments if script == "classification" else arguments[:2]
        session = run_script(script, of_script, (folder / "input").open("rb"), folder)
        assert session.code in (0, 2), (seed, session)
        assert "Traceback" not in session.stdout + session.stderr, seed
        codes[session.code] += 1
    assert min(codes[0], codes[2]) > FILES_IN_A_TEST / 10
