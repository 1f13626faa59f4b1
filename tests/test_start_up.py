import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import LABELLED, SOURCE, letters_arguments, make_images, run_script, save_encoder

from utilities.data import idx

# The script runs until it begins to import in the background, just before its first question.
PROBE = """
import json, os, runpy, sys
script, *sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, os.path.dirname(os.path.dirname(script)))
from utilities.terminal import program
def tell(module):
    print(json.dumps([name for name in ("h5py", "keras", "tensorflow", "jax", "matplotlib") if sys.modules.get(name)]))
    raise SystemExit(0)
program.import_in_background = tell
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.backend
@pytest.mark.parametrize("script", ["autoencoder", "classification"])
def test_the_first_question_waits_for_no_large_library(script, data, tmp_path):
    arguments = letters_arguments(data, save_encoder(tmp_path))[: None if script == "classification" else 2]
    command = [sys.executable, "-c", PROBE, SOURCE / script / f"{script}.py", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == []


def test_the_classifications_split_is_by_class(tmp_path):
    labels = np.array([3, 5, 8], np.uint8)
    idx.write(tmp_path / "images", make_images(labels))
    idx.write(tmp_path / "labels", labels)
    save_encoder(tmp_path)
    session = run_script("classification", LABELLED, "bad", tmp_path)
    assert session.stdout.splitlines()[:2] == [
        "each class has a single image: one class is held out for validation, and not trained on",
        "3 images of 8 x 8 pixels: 2 to train on, 1 for validation, 3 classes; seed 1",
    ]
    assert session.code == 2
