"""The map of the course and its table of commands are as the notebooks are, and get complete."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from streamviz.server.embedded import EmbeddedServer

HERE = Path(__file__).parent / "course_map"

# What no notebook's cells send yet. It only gets shorter: strike a row out as soon as it is met.
MISSING: set[str] = set()
NO_PICTURE: set[str] = set()  # notebooks whose first picture is not a file's
AGAIN = "run make coverage-table, and commit what it writes"


@pytest.fixture(scope="module", autouse=True)
def _programs() -> Iterator[None]:
    sys.path.insert(0, str(HERE))
    yield
    sys.path.remove(str(HERE))


def test_the_page_is_as_the_notebooks_are() -> None:
    import make

    observed = json.loads(make.OBSERVED.read_text("utf-8"))
    paths = make.notebooks()
    assert len(paths) >= 5
    assert {name: found["digest"] for name, found in observed.items()} == {
        path.stem: make.digest(path) for path in paths
    }, AGAIN
    assert make.README.read_text("utf-8") == make.page(observed), AGAIN
    for path in paths:
        shown = make.picture(path)
        assert (shown is None) == (path.stem in NO_PICTURE), path.name
        if shown is not None:
            name, words, content = shown
            assert words, f"{name} has no words for those who can't see it"
            assert (make.NOTEBOOKS / "images" / name).read_bytes() == content, AGAIN


def test_what_is_still_missing_is_said_here_and_gets_shorter() -> None:
    import make

    missing = make.missing(json.loads(make.OBSERVED.read_text("utf-8")))
    assert missing <= MISSING, f"no notebook sends these any more: {sorted(missing - MISSING)}"
    assert missing >= MISSING, f"met now, strike them out of MISSING: {sorted(MISSING - missing)}"


def test_what_was_kept_is_what_the_cells_send() -> None:
    import make

    path = make.NOTEBOOKS / "13_newer_redis.ipynb"
    kept = json.loads(make.OBSERVED.read_text("utf-8"))[path.stem]
    found = make.observe(path)
    assert set(found["kit"]) >= set(kept["kit"])
    assert set(found["hand"]) >= set(kept["hand"])  # a newer server than ours gets further
    assert len(kept["hand"]) > 20


CELLS = """
import redis.asyncio
from streamviz import Scenario, Stream, connect, series
client = connect()
stream = Stream(client, "map")
stream.add_many([("1-0", {"MAXLEN": "KEEPREF"})])
pipeline = client.pipeline()
pipeline.xlen("map")
pipeline.xread({"map": "$"})
pipeline.execute()
---
scenario = Scenario(client, seed=1)
scenario.produce("map:orders", series.orders(rate_hz=1))
scenario.group("map:orders", "desk")
scenario.run(seconds=3)
---
async def later():
    await redis.asyncio.Redis.from_url(URL).xdel("map", "1-0")
await later()
---
client.delete("map", "map:orders")
"""


def test_a_cells_own_commands_are_told_from_those_of_the_kit(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import make

    monkeypatch.setenv("REDIS_URL", server.url)
    notebook = nbformat.v4.new_notebook()
    for source in CELLS.replace("URL", repr(server.url)).split("---\n"):
        notebook.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(notebook, tmp_path / "00_x.ipynb")
    found = make.observe(tmp_path / "00_x.ipynb")
    assert found["hand"] == ["XADD", "XADD explicit ID", "XDEL", "XLEN", "XREAD", "XREAD $"]
    assert {"XADD", "XGROUP CREATE", "XREADGROUP", "XINFO STREAM"} <= set(found["kit"])


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        ("XADD s * MAXLEN 1", ["XADD", "XADD *"]),
        ("XADD s 5-* f 1", ["XADD", "XADD <ms>-*"]),
        (
            "xadd s nomkstream acked maxlen ~ 5 limit 9 5-1 IDMP NOMKSTREAM",
            [
                *("XADD", "XADD ACKED", "XADD LIMIT", "XADD MAXLEN"),
                *("XADD NOMKSTREAM", "XADD explicit ID", "XADD ~"),
            ],
        ),
        ("XADD s MINID 5 IDMP p * * f 1", ["XADD", "XADD *", "XADD IDMP", "XADD MINID"]),
        ("XADD s IDMPAUTO IDMP * f 1", ["XADD", "XADD *", "XADD IDMPAUTO"]),
        ("XADD s MAXLEN", ["XADD"]),
        (
            "XTRIM s MINID = 5 DELREF",
            ["XTRIM", "XTRIM =", "XTRIM DELREF", "XTRIM MINID"],
        ),
        ("XRANGE s - (5-1", ["XRANGE", "XRANGE (", "XRANGE -"]),
        (
            "XREVRANGE s + 1 COUNT 2",
            ["XREVRANGE", "XREVRANGE +", "XREVRANGE COUNT"],
        ),
        ("XREAD COUNT 1 STREAMS BLOCK $ 0 +", ["XREAD", "XREAD +", "XREAD COUNT"]),
        ("XREAD BLOCK 5 MAXSIZE 9", ["XREAD"]),
        (
            "XREADGROUP GROUP NOACK CLAIM CLAIM 9 STREAMS a b > 0",
            ["XREADGROUP", "XREADGROUP >", "XREADGROUP CLAIM", "XREADGROUP ID"],
        ),
        (
            "XREADGROUP GROUP COUNT BLOCK COUNT 1 BLOCK 5 STREAMS COUNT >",
            ["XREADGROUP", "XREADGROUP >", "XREADGROUP BLOCK", "XREADGROUP COUNT"],
        ),
        ("XREADGROUP GROUP COUNT BLOCK STREAMS COUNT 0", ["XREADGROUP", "XREADGROUP ID"]),
        ("XGROUP CREATE ENTRIESREAD g $ MKSTREAM", ["XGROUP CREATE", "XGROUP CREATE MKSTREAM"]),
        ("XGROUP HELP", ["XGROUP HELP"]),
        ("XPENDING s g", ["XPENDING summary"]),
        ("XPENDING s g - + 9", ["XPENDING range"]),
        (
            "XPENDING s g IDLE 5 - + 9 c",
            ["XPENDING IDLE", "XPENDING consumer", "XPENDING range"],
        ),
        (
            "XCLAIM s TIME FORCE 0 1-0 IDLE 5 LASTID 1-0",
            ["XCLAIM", "XCLAIM IDLE", "XCLAIM LASTID"],
        ),
        ("XAUTOCLAIM s g c 0 0 JUSTID", ["XAUTOCLAIM", "XAUTOCLAIM JUSTID"]),
        ("XACKDEL s g KEEPREF IDS 1 1-0", ["XACKDEL", "XACKDEL KEEPREF"]),
        ("XINFO STREAM s FULL COUNT 1", ["XINFO STREAM", "XINFO STREAM FULL"]),
        ("XSETID s 5 ENTRIESADDED 9", ["XSETID", "XSETID ENTRIESADDED"]),
        ("XINFO", []),
        ("HSET s XADD 1", []),
    ],
)
def test_an_option_is_told_from_a_name_or_a_value(command: str, rows: list[str]) -> None:
    from commands import met

    assert sorted(met(command.split())) == rows


def test_every_row_is_a_command_of_its_own() -> None:
    from commands import ROWS, key, met

    names = [key(row) for row in ROWS]
    assert len(names) == len(set(names)) > 80
    assert set(names) >= MISSING
    assert all(met([*row.command.split(), "s"]) for row in ROWS)
