"""The house: nine rooms, imports that go one way, no circle, and faces that tell what is public."""

from __future__ import annotations

import ast
import importlib
import json
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import streamviz

PACKAGE = Path(streamviz.__file__).parent
NOTEBOOKS = PACKAGE.parent / "notebooks"
ROOMS = (
    "client",
    "export",
    "observation",
    "patterns",
    "plots",
    "recording",
    "server",
    "simulation",
    "widgets",
)
ROOT = {"__init__.py", "__init__.pyi", "__main__.py", "cli.py", "errors.py", "py.typed"}


@cache
def modules() -> dict[str, ast.Module]:
    """Return every module of the package, parsed, by its name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text("utf-8"))
    return found


def imports(name: str) -> set[str]:
    """Return what a module imports of the package, at any depth and also for type checking."""
    names = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamviz"):
            assert node.module
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return (names & modules().keys()) - {name}


def test_the_root_holds_the_face_the_errors_and_the_command_line() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == ROOT
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} == {*ROOMS}


def test_the_api_page_shows_every_room_and_the_errors() -> None:
    page = (PACKAGE.parent / "docs/api.md").read_text("utf-8")
    for room in (*ROOMS, "errors"):
        assert f"automodule:: streamviz.{room}\n   :members:" in page


def test_no_module_imports_itself_over_others() -> None:
    graph = {name: imports(name) for name in modules()}
    assert sum(map(len, graph.values())) > 200
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def names_of_the_package(tree: ast.Module) -> set[str]:
    """Return the public names that a module imports of the package itself, over all rooms."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module == "streamviz" or node.level > 1):
            names |= {alias.name for alias in node.names} - {*ROOMS, "errors"}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name == "streamviz"}
    return names


def test_no_module_but_the_command_line_imports_what_the_package_makes_public() -> None:
    """The package's names load any room: the import contract would not notice."""
    of_modules = {name: names_of_the_package(tree) for name, tree in modules().items()}
    assert {name for name, names in of_modules.items() if names} == {"streamviz.cli"}
    assert of_modules["streamviz.cli"] == {"__version__"}
    for forbidden in (
        "from streamviz import Scenario",
        "def later():\n    from streamviz import connect as c",
        "import streamviz",
        "import streamviz as sv",
        "from .. import Scenario",
    ):
        assert names_of_the_package(ast.parse(forbidden)), forbidden
    for allowed in ("from streamviz import plots", "from streamviz.errors import InputError"):
        assert not names_of_the_package(ast.parse(allowed)), allowed


def test_no_module_is_imported_by_its_name_in_a_string() -> None:
    for name, tree in modules().items():
        for node in ast.walk(tree):
            called = isinstance(node, ast.Call) and getattr(
                node.func, "id", getattr(node.func, "attr", "")
            )
            assert called not in ("import_module", "__import__"), name


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_in_a_sentence_what_it_is_and_names_what_is_public(room: str) -> None:
    face = importlib.import_module(f"streamviz.{room}")
    assert face.__doc__
    assert len(face.__doc__.strip().splitlines()) == 1
    assert face.__doc__.strip().endswith(".")
    assert face.__all__ == sorted(face.__all__)
    stub = ast.parse((PACKAGE / room / "__init__.pyi").read_text("utf-8"))
    hinted = {
        alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert hinted == set(face.__all__), "what type checkers see is what __all__ says"
    for name in face.__all__:
        assert getattr(face, name) is not None


def depth(module: str) -> int:
    return module.count(".") if module.split(".")[0] == "streamviz" else 0


def public_from_deeper(tree: ast.Module) -> list[str]:
    """Return the public names that are not imported from the package or from their room."""
    return [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and depth(node.module) > 1
        for alias in node.names
        if alias.name in importlib.import_module(node.module.rpartition(".")[0]).__all__
    ]


def test_the_code_beside_the_notebooks_imports_public_names_from_the_rooms() -> None:
    for path in sorted(NOTEBOOKS.rglob("*.py")):
        assert not public_from_deeper(ast.parse(path.read_text("utf-8"))), path
    assert public_from_deeper(ast.parse("from streamviz.client.stream import Stream, read_streams"))


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_imports_from_the_package_or_from_a_room(path: Path) -> None:
    cells = [
        "".join(cell["source"])
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    found = [
        node.module or ""
        for cell in cells
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.ImportFrom)
    ]
    assert any(module.startswith("streamviz") for module in found)
    assert not [module for module in found if depth(module) > 1]
    assert not any("import streamviz." in cell for cell in cells)
