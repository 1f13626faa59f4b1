import resource

import pytest
from conftest import make_hyperparameters

from utilities.network import memory
from utilities.network.architecture import NetworkSize, autoencoder_size, classifier_size
from utilities.network.encoder_check import check_encoder
from utilities.network.model_files import save_model
from utilities.network.networks import build_autoencoder, build_classifier, size_of
from utilities.session.questions import ask_autoencoder, ask_classifier

GIGABYTE = 10**9


@pytest.mark.parametrize(
    ("shape", "layers", "third_pooling"),
    [((8, 12), 1, None), ((8, 12), 2, None), ((28, 56), 3, True), ((28, 28), 3, False), ((28, 28), 6, True)],
)
def test_the_size_told_at_the_prompt_is_that_of_the_network_built(tmp_path, shape, layers, third_pooling):
    answers = make_hyperparameters(layers, third_pooling=third_pooling)
    autoencoder = build_autoencoder(shape, answers)
    size = autoencoder_size(shape, answers.kernel_sizes, answers.filters, third_pooling)
    assert size == size_of(autoencoder.whole, autoencoder.encoder)
    assert size.weights == autoencoder.whole.count_params()

    save_model(autoencoder.encoder, tmp_path / "encoder.h5")
    encoder_size = check_encoder(tmp_path / "encoder.h5", shape)
    assert encoder_size == size_of(autoencoder.encoder, autoencoder.encoder)
    classifier = build_classifier(autoencoder.encoder, 7, 3)
    # Flatten's output is the code once more.
    assert classifier_size(encoder_size, 7, 3) == size_of(classifier.whole, classifier.encoder)


def test_memory_grows_with_the_weights_and_with_the_batch():
    size = NetworkSize(weights=1_000_000, features=2_000_000, code=1)
    grown = memory.training_memory(size, 100) - memory.training_memory(NetworkSize(0, 0, 1), 1)
    assert grown == 5 * 4_000_000 + 100 * 8_000_000


@pytest.mark.parametrize(("bound", "expected"), [("1000000000\n", GIGABYTE), ("max\n", None), (None, None)])
def test_a_containers_bound_counts_where_it_is_lower(tmp_path, monkeypatch, bound, expected):
    monkeypatch.setattr(memory, "CONTAINER_BOUNDS", ())
    machine = memory.available_memory()
    assert 2**28 < machine < float("inf")
    monkeypatch.setattr(memory, "CONTAINER_BOUNDS", (tmp_path / "memory.max",))
    if bound:
        (tmp_path / "memory.max").write_text(bound)
    assert memory.available_memory() == (expected or machine)


def test_a_limit_of_the_process_counts_too():
    bounds = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (GIGABYTE, bounds[1]))
    try:
        assert memory.available_memory() == GIGABYTE
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
def test_a_network_that_cannot_fit_is_refused_where_it_is_asked_for(small_machine, redirect, capsys, answers, refused):
    hyperparameters = ask_autoencoder(redirect("\n".join(answers)), (28, 28))
    assert hyperparameters.answers()[-1] == answers[-1]
    lines = capsys.readouterr().out.splitlines()
    (fault,) = [number for number, line in enumerate(lines) if line.startswith("  too large: training takes about ")]
    assert lines[fault].endswith("and there are 2.0 GB")
    assert lines[fault - 1].startswith(refused)
    assert lines[fault + 1].startswith(refused)


@pytest.mark.parametrize(
    ("answers", "refused"), [(["9999", "9", "1", "1"], "units"), (["9", "1", "999", "1"], "batch size")]
)
def test_a_classifier_that_cannot_fit_is_refused_too(small_machine, redirect, capsys, answers, refused):
    ask_classifier(redirect("\n".join(answers)), NetworkSize(weights=10, features=500_000, code=10_000), 10)
    lines = capsys.readouterr().out.splitlines()
    (fault,) = [number for number, line in enumerate(lines) if line.startswith("  too large")]
    assert lines[fault - 1].startswith(refused)
