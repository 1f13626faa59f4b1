"""The backend and the job of several processes that the environment asks for."""

import os
import pty
import re
import subprocess
from importlib.machinery import PathFinder

import pytest
from conftest import run_script, script_command, script_environment

from utilities import backend
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


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("NUM_PROCESSES", "", "KERAS_DISTRIBUTION_NUM_PROCESSES: not set"),
        ("NUM_PROCESSES", "two", "expected a whole number, found 'two'"),
        ("NUM_PROCESSES", "9" * 5000, "expected a whole number, found '9999"),
        ("PROCESS_ID", "2", "a number below KERAS_DISTRIBUTION_NUM_PROCESSES, 2, found 2"),
        ("JOB_ADDRESSES", "no.such.host.invalid:9999", "no host is found by the name 'no.such.host.invalid'"),
        *[
            ("JOB_ADDRESSES", value, f"expected HOST:PORT of process 0, or of each, found {value!r}")
            for value in ("here", ":9999", "here:0", "here:65536", "here:²", "here:-1", "a:1,b:1,c:1", "a:1,b")
        ],
    ],
)
def test_a_job_that_cannot_be_is_refused(monkeypatch, variable, value, fault):
    job = {"KERAS_BACKEND": "jax", **JOB, f"KERAS_DISTRIBUTION_{variable}": value}
    monkeypatch.setattr(os, "environ", job)
    with pytest.raises(BadInput, match=re.escape(fault)):
        backend.read_job()


@pytest.mark.parametrize(
    ("addresses", "address"),
    [("127.0.0.1:9999", ("127.0.0.1", 9999)), ("127.0.0.1:1,b:2", ("127.0.0.1", 1)), ("[::1]:65535", ("::1", 65535))],
)
def test_the_address_of_a_job_is_that_of_its_first_process(monkeypatch, addresses, address):
    job = {"KERAS_BACKEND": "jax", **JOB, "KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses}
    monkeypatch.setattr(os, "environ", job)
    assert backend.read_job() == backend.Job(address, count=2, number=1)
    job["KERAS_DISTRIBUTION_NUM_PROCESSES"], job["KERAS_DISTRIBUTION_PROCESS_ID"] = "1", "0"
    job["KERAS_DISTRIBUTION_JOB_ADDRESSES"] = "127.0.0.1:9999"
    assert backend.read_job() is None


def test_tensorflow_computes_with_one_dnn(monkeypatch):
    monkeypatch.setattr(os, "environ", {"KERAS_BACKEND": "tensorflow"})
    backend.check_backend()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_what_the_user_has_set_stays(monkeypatch):
    of_user = {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "0"}
    monkeypatch.setattr(os, "environ", dict(of_user))
    backend.check_backend()
    assert os.environ.items() >= of_user.items()


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


def test_several_processes_do_not_ask_at_a_terminal(tmp_path, installed_jax):
    ours, terminal = pty.openpty()
    done = subprocess.run(
        script_command("autoencoder", []),
        stdin=terminal,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=script_environment(**installed_jax, **JOB),
        check=False,
    )
    for descriptor in (ours, terminal):
        os.close(descriptor)
    assert done.returncode == 2
    assert "redirect a file to standard input" in done.stderr
    assert done.stderr.count("\n") == 1
