"""The utilities' rooms: which may import which, and what none of the light ones may bring along."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SOURCE

UTILITIES = SOURCE / "utilities"
# Each room may import those before it, the modules beside the rooms, and itself.
ROOMS = ("", "terminal", "data", "network", "record", "training", "session")
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts): path
    for path in UTILITIES.rglob("*.py")
    if path.name != "__init__.py"
}
HEAVY = ("keras", "tensorflow", "jax", "matplotlib", "h5py")


def imports_of(path):
    """Return the project's modules that a file imports, at its top or within a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("utilities"):
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (named & MODULES.keys()) or {node.module}
    return found


def room_of(module):
    return module.split(".")[1] if module.count(".") == 2 else ""


def test_every_room_is_known_and_there_are_at_most_six():
    assert {room_of(module) for module in MODULES} == set(ROOMS)
    assert len(ROOMS) - 1 <= 6
    assert {path.name for path in UTILITIES.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(ROOMS[1:])


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_own_room_and_those_before_it(module):
    allowed = ROOMS[: ROOMS.index(room_of(module)) + 1]
    assert [imported for imported in imports_of(MODULES[module]) if room_of(imported) not in allowed] == []


def test_no_two_modules_import_each_other():
    waiting = {module: imports_of(path) for module, path in MODULES.items()}
    while leaves := [module for module, imported in waiting.items() if not imported & waiting.keys()]:
        for module in leaves:
            del waiting[module]
    assert not waiting


def test_light_rooms_bring_no_heavy_library():
    light = [module for module in MODULES if room_of(module) in ("", "terminal", "data")]
    program = f"import sys, {', '.join(light)}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SOURCE, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_modules_and_functions_are_of_a_readable_length():
    for path in [*MODULES.values(), *SOURCE.glob("*/*.py")]:
        text = Path(path).read_text()
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        assert text.count("\n") <= 300, path
        assert [node.name for node in functions if node.end_lineno - node.lineno >= 40] == [], path
