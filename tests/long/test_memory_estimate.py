"""What is told of memory before a training, against what it takes."""

import os
import re
import tempfile

import numpy as np
import pytest
from conftest import LABELLED, start

from utilities.data import idx
from utilities.network.hyperparameters import AutoencoderHyperparameters
from utilities.network.networks import build_autoencoder
from utilities.network.saving import save_model

SETS = 6
KERNELS, FILTERS = ((3, 3),) * SETS, (1, *[800] * (SETS - 1))  # an encoder of 23 million weights


@pytest.mark.parametrize("script", ["autoencoder", "classification"])
def test_a_large_network_takes_what_is_told_within_a_fifth(tmp_path, script):
    idx.write(tmp_path / "images", np.random.default_rng(0).integers(0, 256, (64, 8, 8), np.uint8))
    idx.write(tmp_path / "labels", np.resize(np.arange(4, dtype=np.uint8), 64))
    arguments, answers = ["-d", "images"], f"{SETS}\n3\n1{' 800' * (SETS - 1)}\n1\n16\n4\n"
    if script == "classification":
        encoder = build_autoencoder((8, 8, 1), AutoencoderHyperparameters(KERNELS, FILTERS, 1, 16, None)).encoder
        save_model(encoder, tmp_path / "encoder.h5")
        arguments = LABELLED
        answers = "8\n1\n16\n3\n"
    (tmp_path / "answers").write_text(answers)
    with (tmp_path / "answers").open() as stdin, tempfile.TemporaryFile("w+") as output:
        process = start(script, arguments, tmp_path, (stdin, output, output), fresh=True)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        shown = output.read()
    assert os.waitstatus_to_exitcode(status) == 0, shown
    told = float(re.search(r"takes about ([\d.]+) GB to train", shown)[1])
    assert usage.ru_maxrss * 1024 / 1e9 == pytest.approx(told, rel=0.2)
    assert told > 1.5
