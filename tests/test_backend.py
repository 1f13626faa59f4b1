"""The backend and the job of several processes that the environment asks for."""

import os
import re
import socket
from importlib.machinery import PathFinder

import pytest
from conftest import run_script

from utilities import backend, processes
from utilities.errors import BadInput

JOB = {
    "KERAS_DISTRIBUTION_JOB_ADDRESSES": "127.0.0.1:9999",
    "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    "KERAS_DISTRIBUTION_PROCESS_ID": "1",
}


@pytest.fixture
def installed_jax(tmp_path):
    """A folder to import from with a package that is called jax, where none may be."""
    (tmp_path / "packages" / "jax").mkdir(parents=True)
    (tmp_path / "packages" / "jax" / "__init__.py").touch()
    return {"KERAS_BACKEND": "jax", "PYTHONPATH": str(tmp_path / "packages")}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"KERAS_BACKEND": "torch"}, "KERAS_BACKEND: expected tensorflow or jax, found 'torch'"),
        ({"KERAS_BACKEND": "tensorflow", **JOB}, "several processes train on JAX alone; set KERAS_BACKEND=jax"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_any_question(tmp_path, installed_jax, changes, fault):
    for script in ("autoencoder", "classification"):
        arguments = ["-model", "none.h5"] if script == "classification" else []
        session = run_script(script, arguments, "", tmp_path, **{**installed_jax, **changes})
        assert (session.code, session.stdout) == (2, "")
        assert session.stderr.startswith(f"{script}.py: error: ")
        assert session.stderr.count("\n") == 1
        assert fault in session.stderr


FORM = "expected HOST:PORT of process 0, how many processes there are, and which of them this is, from 0, found "


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        *[
            ({f"KERAS_DISTRIBUTION_{variable}": value}, FORM)
            for variable, values in {
                "NUM_PROCESSES": ["", "two", "0", "9" * 5000],
                "PROCESS_ID": ["", "2", "-1"],
                "JOB_ADDRESSES": ["", "here", ":9999", "here:0", "here:65536", "here:\u00b2", "here:-1"],
            }.items()
            for value in values
        ],
        ({"KERAS_DISTRIBUTION_JOB_ADDRESSES": "no.such.host.invalid:9"}, "no.such.host.invalid:9: Name or service not"),
    ],
)
def test_a_job_that_cannot_be_is_refused(monkeypatch, changes, fault):
    monkeypatch.setattr(os, "environ", {"KERAS_BACKEND": "jax", **JOB, **changes})
    with pytest.raises(BadInput, match=re.escape(fault)):
        processes.join_job()


def test_an_address_that_another_program_has_is_told_in_the_process_that_would_listen_there(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        addresses = f"127.0.0.1:{server.getsockname()[1]},elsewhere:1"
        changes = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses, "KERAS_DISTRIBUTION_PROCESS_ID": "0"}
        monkeypatch.setattr(os, "environ", {"KERAS_BACKEND": "jax", **JOB, **changes})
        with pytest.raises(BadInput, match=f"{addresses.split(',')[0]}: .*address already in use"):
            processes.join_job()


def test_a_job_of_one_and_a_launcher_of_tensorflow_are_no_job(monkeypatch):
    one = {"KERAS_DISTRIBUTION_NUM_PROCESSES": "1", "KERAS_DISTRIBUTION_PROCESS_ID": "0"}
    launcher = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "KERAS_BACKEND": "tensorflow"}
    for environment in ({"KERAS_BACKEND": "jax", **JOB, **one}, launcher):
        monkeypatch.setattr(os, "environ", environment)
        processes.join_job()
        assert processes.is_first_process()
        assert not processes.several_processes()


@pytest.mark.parametrize(("of_user", "found"), [({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")])
def test_tensorflow_computes_with_one_dnn_unless_the_user_has_set_otherwise(monkeypatch, of_user, found):
    monkeypatch.setattr(os, "environ", {"KERAS_BACKEND": "tensorflow", **of_user})
    backend.check_backend()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == found


def test_a_backend_that_is_not_installed_is_told(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['jax'] = None")
    session = run_script("autoencoder", [], None, tmp_path, KERAS_BACKEND="jax", PYTHONPATH=str(tmp_path))
    assert session.code == 2
    assert "KERAS_BACKEND=jax: not installed: python3 -m pip install -r requirements-jax.txt" in session.stderr


@pytest.mark.skipif(PathFinder.find_spec("jax") is None, reason="JAX is not installed")
@pytest.mark.parametrize(("name", "value"), [("JAX_PLATFORMS", "nonsense"), ("JAX_NUM_CPU_DEVICES", "abc")])
def test_a_variable_of_jax_that_it_cannot_follow_is_named(data, tmp_path, name, value):
    variables = {"KERAS_BACKEND": "jax", "JAX_LOG_COMPILES": "0", name: value}
    session = run_script("autoencoder", ["-d", data / "letters"], None, tmp_path, fresh=True, **variables)
    assert session.code == 2
    assert re.fullmatch(rf"autoencoder\.py: error: {name}={value}: [^\n]*{value}[^\n]*\n", session.stderr)
