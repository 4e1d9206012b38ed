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


# They draw the flow with a label in each box, by subclassing what draws it.
FLOW_WITH_LABELS = {
    "labels.py": {"flow_constants", "flow_parts", "flow_shapes"},
    "picture.py": {"flow_constants", "flow_svg"},
}


def is_face(module: str) -> bool:
    """Return whether a module is the package, a room, or a module that its room makes public."""
    parts = module.split(".")
    return len(parts) < 3 or (
        len(parts) == 3 and parts[2] in importlib.import_module(".".join(parts[:2])).__all__
    )


def names_of(module: str) -> set[str]:
    """Return the public names of a face."""
    face = importlib.import_module(module)
    names = getattr(face, "__all__", None) or [name for name in vars(face) if name[0] != "_"]
    return {*names}


def not_public(tree: ast.AST) -> list[str]:
    """Return the names of the package that are imported, and that no face makes public."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [one.name for one in node.names if not is_face(one.name)]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamviz"):
            assert node.module
            public = names_of(node.module) if is_face(node.module) else set()
            names += [f"{node.module}.{one.name}" for one in node.names if one.name not in public]
    return names


def test_the_code_beside_the_notebooks_imports_public_names() -> None:
    paths = sorted(NOTEBOOKS.rglob("*.py"))
    assert len(paths) > 100
    for path in paths:
        modules = {one.split(".")[2] for one in not_public(ast.parse(path.read_text("utf-8")))}
        assert modules == FLOW_WITH_LABELS.get(path.name, set()), path


def test_an_import_of_what_is_not_public_is_noticed() -> None:
    for forbidden in (
        "from streamviz.client.stream import Stream",
        "from streamviz.client import transport",
        "from streamviz.plots.parts import Peak",
        "import streamviz.client.stream",
    ):
        assert not_public(ast.parse(forbidden)), forbidden
    for allowed in (
        "import streamviz",
        "from streamviz import Stream, plots",
        "from streamviz.errors import InputError",
        "from streamviz.client import Stream, replies",
        "from streamviz.plots.parts import RED",
    ):
        assert not not_public(ast.parse(allowed)), allowed


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_imports_from_the_package_or_from_a_room(path: Path) -> None:
    cells = [
        "".join(cell["source"])
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    trees = list(map(ast.parse, cells))
    assert any(
        isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamviz")
        for tree in trees
        for node in ast.walk(tree)
    )
    assert not [name for tree in trees for name in not_public(tree)]
    assert not any("import streamviz." in cell for cell in cells)
