"""What a user sees, whole: a redirected session of each script, but for the numbers that differ from run to run.

Where a change is meant, so is the one of tests/data/*_session.txt.
"""

import os
import re
from pathlib import Path

import pytest
from conftest import LABELLED, make_images, make_labels, run_script

from utilities.backend import UNUSED_PACKAGES
from utilities.data import idx

pytestmark = pytest.mark.backend

SESSIONS = Path(__file__).parent / "data"
VARYING = [
    # So few steps may or may not teach anything; test_phases.py and test_scripts.py have these lines.
    (r"(?m)^(nothing was learnt|no better than principal components): .*\n", ""),
    (r"(?m)^phase [12] is kept: (validation.*; )phase [12]", r"phase ? is kept: \1phase ?"),
    (r"(?m)^phase [12](?= is kept: all)", "phase ?"),
    (r"\d{4}-\d\d-\d\d_[\d-]+", "DATE"),
    (r"(?m)^(test \w+ +|\w*correct +)[\d.]+", r"\1#"),  # in a column of their own, on the left
    (r"(?m)^( {3,6}(?:[12]|high|low)) (?: *\d+)+$", r"\1 counts"),  # of the confusion matrix
    (r"(?m)^device +.*", "device   #"),
    (r"(?m)^(\d)[* ](?=  )", r"\1?"),  # the mark of the best
    (r"  +\d+\.\d+(?:e-\d+)?", lambda number: "#".rjust(len(number[0]))),  # on the right of a column
    (r"(?m)^(\d\?(?: +#%?)+) +\d+(?=  )", r"\1  #"),
    (r"\d+\.\d+(?:e-\d+)?|(?<=after )\d+|\d+:\d\d", "#"),
]


def masked(text):
    """Return a text with what differs from run to run masked, and columns as wide as they are."""
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return text


AUTOENCODER_ANSWERS = ["1", "3", "2", "2", "16", "2", "", "0", "3", ""]
AUTOENCODER_ANSWERS += ["1", "2", "3,5 3", "2, 4", "1", "99", "2", "6", "2", "0", "0"]
CLASSIFICATION_ANSWERS = ["3", "2", "16", "3", "2", "6", "0", "1", "4"]


def run_sessions(folder, end_of_line="\n", **options):
    """Write images of two classes to a folder, and their labels; return the sessions of both scripts on them.

    The options are those of run_script.
    """
    labels = make_labels(40, (1, 2))
    idx.write(folder / "images", make_images(labels))
    idx.write(folder / "labels", labels)
    autoencoder, classification = (
        "".join(f"{answer}{end_of_line}" for answer in answers)
        for answers in (AUTOENCODER_ANSWERS, CLASSIFICATION_ANSWERS)
    )
    return [
        run_script("autoencoder", ["-d", "images"], autoencoder, folder, **options),
        run_script("classification", LABELLED, classification, folder, **options),
    ]


def assert_as_kept(sessions):
    """Check that the sessions of both scripts, in this order, are those that are kept."""
    for script, session in zip(("autoencoder", "classification"), sessions, strict=True):
        assert masked(session.stdout) == (SESSIONS / f"{script}_session.txt").read_text()
        assert (session.stderr, session.code) == ("", 0)


@pytest.fixture
def traps(tmp_path):
    """A folder with the packages that the scripts leave alone where they are installed, each fatal to import."""
    for name in {*UNUSED_PACKAGES} - {os.environ["KERAS_BACKEND"]}:
        (tmp_path / "traps" / name).mkdir(parents=True)
        (tmp_path / "traps" / name / "__init__.py").write_text("raise SystemExit('imported')")
    return tmp_path / "traps"


def test_a_session_of_each_script(tmp_path, traps):
    assert_as_kept(run_sessions(tmp_path, fresh=True, PYTHONPATH=str(traps)))
