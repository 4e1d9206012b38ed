"""The programs beside this file run, as short as they are, and are strictly typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from streamviz import Stream

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
PROGRAMS = sorted(set(FOLDER.glob("*.py")) - {Path(__file__)})
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
Until = Callable[..., None]

SLIPS = """
import threading
from streamviz import EntryId, Scenario, Stream, connect

shop = Scenario(connect())
shop.group("orders", "billing", handlr=3)
shop.group("orders", "billing", fail="often")
shop.reader("orders", "audit", bach=2)
shop.subscriber("orders", "screen", remembers="hash")
shop.history.last.group("billing").pendin
Stream(connect(), "orders").group("billing").consumer("ann").listen(stop=threading.Event)
added: EntryId = Stream(connect(), "orders").add({"item": "tea"}, wait=1).added
perhaps: EntryId = Stream(connect(), "orders").add({"item": "tea"}, create=False)
jpeg: bytes = Stream(connect(), "orders").range()[0].raw_fields["jpeg"]
text: bytes = Stream(connect(), "orders").range()[0].fields["jpeg"]
"""


def run(name: str, *arguments: str, folder: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, FOLDER / name, *arguments],
        cwd=folder,
        env=ENVIRONMENT | {"REDIS_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_failing_handlers() -> None:
    printed = run("failing_handlers.py").splitlines()
    assert printed[0].split()[:5] == ["group", "consumer", "handled", "failed", "retried"]
    counts = dict(zip(printed[0].split()[2:], map(int, printed[1].split()[1:]), strict=True))
    assert counts["handled"] == counts["acknowledged"] > 80
    assert counts["failed"] >= 3 * counts["dead_lettered"] > 30
    assert printed[4].startswith("GroupState(name='billing'")
    assert "'item': 'kettle'" in printed[5]
    assert "'dead-letter:error': 'LookupError: no price for a kettle'" in printed[5]
    assert run("failing_handlers.py").splitlines() == printed, "the same in every run"


def test_own_plot(tmp_path: Path) -> None:
    assert run("own_plot.py", folder=tmp_path).startswith("At most ")
    assert "Throughput" in (tmp_path / "throughput.svg").read_text()
    command = ["streamviz", "export", "run.jsonl.gz", "-o", "same.svg", "--plot"]
    subprocess.run(
        [sys.executable, "-m", *command, "own_plot:Throughput"],
        cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONPATH": f"{ROOT}{os.pathsep}{FOLDER}"},
        check=True,
    )
    assert (tmp_path / "same.svg").read_text() == (tmp_path / "throughput.svg").read_text()


def test_foreign_stream(redis: redis_py.Redis, server: Any, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many({"amount": 1.5 * n} for n in range(10))
    stream.group("billing").create()
    stream.group("billing").consumer("ann").read(3)
    assert run("foreign_stream.py", server.url, key).split() == [
        *("count", "10.00", "mean", "6.75"),
        *("lag_entries", "pending", "group", "billing", "7", "3"),
        *("[1,", "1,", "1]"),
    ]


def test_typed_worker(redis: redis_py.Redis, server: Any, key: str, until: Until) -> None:
    command = [sys.executable, FOLDER / "typed_worker.py", server.url, key, "billing", "ann"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        until(lambda: redis.exists(key), 20)
        for item in ("tea", "cup"):
            Stream(redis, key).add({"item": item})
            assert worker.stdout.readline() == f"{item}\n"
        worker.terminate()
        assert worker.wait(10) == 0
    assert Stream(redis, key).group("billing").pending().count == 0


def test_cluster() -> None:
    assert run("cluster.py") == "200 waiting\nmoved\n200 handled\n0 waiting\n"


def test_own_notebook() -> None:
    command = ["-m", "pytest", "--nbval", str(FOLDER / "own_notebook.ipynb"), "-q"]
    done = subprocess.run(
        [sys.executable, *command, "-p", "no:cacheprovider"],
        cwd=FOLDER,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout


def test_mkdocs_site(tmp_path: Path) -> None:
    run("mkdocs_site.py", folder=tmp_path)
    pages = sorted((tmp_path / "docs").rglob("*.md"))
    assert len(pages) == 2
    for page in pages:
        served_in = page.parent if page.stem == "index" else page.with_suffix("")
        (address,) = re.findall(r'src="(.*?)"', page.read_text())
        assert (served_in / address).resolve() == tmp_path / "docs" / "run.html"


def test_the_page_about_embedding_shows_the_program_for_voila() -> None:
    program = (FOLDER / "voila_page.py").read_text("utf-8").split("\n\n", 1)[1]
    shown = (ROOT / "docs/how_to/embed.md").read_text("utf-8")
    assert program.replace("ipywidgets\n\nfrom", "ipywidgets\nfrom") in shown


def mypy(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--config-file=", "--strict", *arguments]
    foreign = ["--disable-error-code=import-not-found", "--disable-error-code=import-untyped"]
    quiet = [
        *foreign,
        "--follow-imports=silent",
        "--cache-dir",
        str(ROOT / ".mypy_cache" / "examples"),
    ]
    return subprocess.run(
        [*command, *quiet], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(300)
def test_they_are_strictly_typed_and_slips_are_refused(tmp_path: Path) -> None:
    assert len(PROGRAMS) == 8
    (slips := tmp_path / "slips.py").write_text(SLIPS)
    done = mypy(*map(str, PROGRAMS), str(slips))
    found = [line for line in done.stdout.splitlines() if "error:" in line]
    assert [line for line in found if "slips.py" not in line] == []
    lines = {int(line.split("slips.py:")[1].split(":")[0]) for line in found}
    assert lines == {6, 7, 8, 9, 10, 11, 13, 15}
    assert "handlr" in done.stdout


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_they_are_short(program: Path) -> None:
    assert len(program.read_text().splitlines()) <= 42
