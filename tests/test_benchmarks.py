"""The benchmarks: what they use of the project exists. They are too slow to run here."""

import ast

import pytest
from conftest import SOURCE

SCRIPTS = sorted((SOURCE.parent / "benchmarks").rglob("*.py"))
MODULES = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in SOURCE.rglob("*.py")}
MODULES |= {path.stem: path for path in SCRIPTS}


def names_in(path):
    """Return the names that a module defines or imports."""
    names, waiting = set(), ast.parse(path.read_text()).body
    while waiting:
        node, *waiting = waiting
        if isinstance(node, ast.If):
            waiting += node.body + node.orelse
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        else:
            stored = (part for part in ast.walk(node) if isinstance(getattr(part, "ctx", None), ast.Store))
            names |= {part.id for part in stored if isinstance(part, ast.Name)}
    return names


def unknown_names(source):
    """Yield what a module's source uses of this project's modules, and these do not have."""
    imported = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in {"utilities", *MODULES}:
            for alias in node.names:
                full_name = f"{node.module}.{alias.name}"
                if full_name in MODULES:
                    imported[alias.name] = MODULES[full_name]
                elif node.module not in MODULES or alias.name not in names_in(MODULES[node.module]):
                    yield full_name
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            if node.attr not in names_in(imported[node.value.id]):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Constant) and "\nfrom utilities" in str(node.value):  # a program to run
            yield from unknown_names(node.value)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_benchmark_uses_of_the_project_exists(path):
    assert list(unknown_names(path.read_text())) == []
