import resource

import numpy as np
import pytest
from conftest import ask_autoencoder, ask_classifier, make_hyperparameters, make_images, make_labels

from utilities import limits
from utilities.data import idx
from utilities.errors import BadInput
from utilities.network import memory
from utilities.network.architecture import autoencoder_size, classifier_size
from utilities.network.encoder_reader import read_encoder
from utilities.network.layers import NetworkSize
from utilities.network.networks import build_autoencoder, build_classifier, size_of
from utilities.network.saving import save_model

GIGABYTE = 10**9


@pytest.mark.parametrize(
    ("shape", "layers", "third_pooling"),
    [
        *(((8, 12, channels), 1, None) for channels in (1, 2, 4)),
        ((8, 12, 1), 2, None),
        ((28, 56, 3), 3, True),
        ((28, 28, 1), 3, False),
        ((28, 28, 3), 6, True),
    ],
)
def test_the_size_told_at_the_prompt_is_that_of_the_network_built(tmp_path, shape, layers, third_pooling):
    answers = make_hyperparameters(layers, third_pooling=third_pooling)
    autoencoder = build_autoencoder(shape, answers)
    size = autoencoder_size(shape, answers.kernel_sizes, answers.filters, third_pooling)
    assert size == size_of(autoencoder.whole, autoencoder.encoder)
    assert size.weights == autoencoder.whole.count_params()

    save_model(autoencoder.encoder, tmp_path / "encoder.h5")
    encoder_size = read_encoder(tmp_path / "encoder.h5", shape).size
    assert encoder_size == size_of(autoencoder.encoder, autoencoder.encoder)
    classifier = build_classifier(autoencoder.encoder, 7, 3)
    # Flatten's output is the code once more.
    assert classifier_size(encoder_size, 7, 3) == size_of(classifier.whole, classifier.encoder)


def test_memory_grows_with_the_weights_the_batch_and_the_data():
    size = NetworkSize(weights=1_000_000, features=2_000_000, code=1)
    grown = memory.training_memory(size, 100, 7_000_000) - memory.training_memory(NetworkSize(0, 0, 1), 1, 0)
    assert grown == 8 * 4_000_000 + 100 * 8_000_000 + 7_000_000


@pytest.mark.parametrize(
    # At the peak of a session of images of 8 x 8 pixels that saves, in GB.
    ("weights", "of_encoder", "dense", "measured"),
    [
        (91_790_352, 0, 0, 3.94),
        (65_655_035, 0, 0, 2.71),
        (59_087_409, 59_005_445, 81_964, 3.88),
        (51_095_749, 51_066_905, 28_844, 3.32),
        (59_007_384, 20_480, 58_986_904, 3.88),
        (29_214_949, 29_186_105, 28_844, 2.22),
    ],
)
def test_the_estimate_of_large_networks_is_right_within_a_fifth(weights, of_encoder, dense, measured):
    size = NetworkSize(weights, 100_000, 1, dense)
    estimate = memory.training_memory(size, 16, memory.bytes_of_encoder(of_encoder))
    assert estimate == pytest.approx(measured * GIGABYTE, rel=0.2)


def test_images_count_where_they_are_decompressed_and_not_where_they_are_mapped(tmp_path):
    images = make_images(make_labels(50, range(3)))
    for name in ("images", "images.gz"):
        idx.write(tmp_path / name, images)
    mapped, decompressed = (idx.read(tmp_path / name) for name in ("images", "images.gz"))
    assert memory.bytes_in_memory(mapped, mapped[3:]) == 0
    assert memory.bytes_in_memory(mapped, decompressed, decompressed[:10]) == 60 * 64
    assert memory.bytes_in_memory(mapped[np.arange(7)]) == 7 * 64  # chosen by index, they are copied


def test_codes_count_where_they_are_kept():
    assert memory.bytes_of_codes(7 * 7 * 64, 60_000) == 752_640_000
    assert memory.bytes_of_codes(2**10, 2**18) == 2**30
    assert memory.bytes_of_codes(2**10, 2**18 + 1) == 0


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A function that sets this process's control groups, and the bounds by their files: {path: text}."""

    def make(own_groups, bounds):
        (tmp_path / "own").write_text(own_groups)
        for path, text in bounds.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)

    monkeypatch.setattr(limits, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(limits, "GROUPS", tmp_path)
    return make


VERSION_1 = "9:name=systemd:/init\n4:cpu,memory:/docker/1f\n3:cpuset:/\n0::/\n"


@pytest.mark.parametrize(
    ("own_groups", "bounds", "expected"),
    [
        ("0::/\n", {"memory.max": "1000000000\n"}, GIGABYTE),
        ("0::/user.slice/job\n", {"memory.max": "max\n", "user.slice/job/memory.max": "1000000000\n"}, GIGABYTE),
        ("0::/outer/inner\n", {"outer/inner/memory.max": "max\n", "outer/memory.max": "1000000000\n"}, GIGABYTE),
        ("0::/a/b\n", {"a/b/memory.max": "1000000000\n", "a/memory.max": "2000000000\n"}, GIGABYTE),
        ("0::/mine:odd\n", {"mine:odd/memory.max": "1000000000\n"}, GIGABYTE),
        (VERSION_1, {"memory/docker/1f/memory.limit_in_bytes": "1000000000\n"}, GIGABYTE),
        (VERSION_1, {"memory/memory.limit_in_bytes": "1000000000\n"}, GIGABYTE),
        (VERSION_1, {"memory/docker/1f/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ("0::/other\n", {"mine/memory.max": "1000000000\n", "other/memory.max": "max\n"}, None),
        ("0::/../outside\n", {}, None),
        ("", {"memory.max": "1000000000\n"}, None),
    ],
)
def test_the_bounds_of_the_processs_own_control_group_and_of_those_around_it_count(
    groups, own_groups, bounds, expected
):
    machine = limits.available_memory()
    assert 2**28 < machine < float("inf")
    groups(own_groups, bounds)
    assert limits.available_memory() == (expected or machine)


def test_control_groups_that_cannot_be_read_bound_nothing(groups, tmp_path):
    machine = limits.available_memory()
    groups("0::/a/b\n", {"a/b/memory.max": "1000000000\n"})
    (tmp_path / "own").write_bytes(b"\xff")
    assert limits.available_memory() == machine
    (tmp_path / "own").unlink()
    (tmp_path / "own").mkdir()
    assert limits.available_memory() == machine


def test_a_limit_of_the_process_counts_too():
    bounds = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (GIGABYTE, bounds[1]))
    try:
        assert limits.available_memory() == GIGABYTE
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, bounds)


@pytest.fixture
def small_machine(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2 * GIGABYTE)


@pytest.mark.parametrize(
    ("answers", "refused"),
    [
        (["4", "99 99 99 99", "4096 4096 4096 4096", "1 1 1 1", "1", "1", "y"], "filters"),
        (["1", "3", "32", "1", "60000", "100"], "batch size"),
        # With the third pooling this fits: what comes after it is small.
        (["4", "1 1 1 1", "1 1 1 600", "1", "4000", "n", "y"], "third max-pooling"),
    ],
)
def test_a_network_that_cannot_fit_is_refused_where_it_is_asked_for(small_machine, at_terminal, answers, refused):
    hyperparameters, shown = at_terminal(lambda console: ask_autoencoder(console, (28, 28, 1), 60_000), *answers)
    assert hyperparameters.answers()[-1] == answers[-1]
    assert_refused(refused, shown)


@pytest.mark.parametrize(
    ("answers", "refused"), [(["9999", "9", "1", "1"], "units"), (["9", "1", "999", "1"], "batch size")]
)
def test_a_classifier_that_cannot_fit_is_refused_too(small_machine, at_terminal, answers, refused):
    size = NetworkSize(weights=10, features=500_000, code=10_000)
    _, shown = at_terminal(lambda console: ask_classifier(console, size, 10, 60_000), *answers)
    assert_refused(refused, shown)


def assert_refused(question, shown):
    """Check that one answer was refused, to the question that begins so, which was asked again."""
    lines = shown.splitlines()
    (fault,) = [number for number, line in enumerate(lines) if line.startswith("  too large: training takes about ")]
    assert lines[fault].endswith("and there are 2.0 GB")
    assert lines[fault - 1].startswith(question)
    assert lines[fault + 1].startswith(question)


def test_data_in_memory_leave_less_for_the_network(small_machine, redirect):
    answers = "1\n3\n32\n1\n16\n1\n"
    assert ask_autoencoder(redirect(answers), (28, 28, 1), 60_000).batch_size == 16
    with pytest.raises(BadInput, match=r"about 2\.2 GB of memory in batches of 1, 1\.5 GB of it for images"):
        ask_autoencoder(redirect(answers), (28, 28, 1), 60_000, data_bytes=1_500_000_000)
    with pytest.raises(BadInput, match="too large"):
        ask_classifier(redirect("9\n1\n1\n"), NetworkSize(10, 10, 10), 10, 60_000, data_bytes=1_500_000_000)
