"""The README and the documentation: their code runs, and the tests that they name exist."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

import streamviz
from streamviz.recording import load
from streamviz.server.embedded import EmbeddedServer

ROOT = Path(__file__).parent.parent
PAGES = ["README", "docs/index", "docs/how_to/watch", "docs/how_to/talk", "docs/how_to/data"]


def blocks(page: str) -> list[str]:
    text = (ROOT / f"{page}.md").read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.timeout(180)  # a second's work, in thousands of round trips
def test_their_python_runs_from_top_to_bottom(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trips = "ride,pickup_time\n1,2026-03-01 08:00\n2,2026-02-01 08:00\n"
    (tmp_path / "trips.csv.gz").write_bytes(gzip.compress(trips.encode()))
    client = server.client()
    monkeypatch.setattr(redis_py, "Redis", lambda: client)
    monkeypatch.setattr(streamviz, "connect", lambda: client)
    names: dict[str, Any] = {}
    for page in PAGES:
        assert blocks(page)
        if page == "docs/how_to/talk":  # it makes what the README made
            Path("run.jsonl.gz").unlink()
        for block in blocks(page):
            exec(compile(block, page, "exec"), names)
    rides = streamviz.Stream(client, "demo:trips").range()
    assert [entry.fields["ride"] for entry in rides] == ["2", "1"]
    client.delete(*(f"demo:{name}" for name in ("orders", "sales", "trips", "all-trips")))
    client.close()
    samples = load("run.jsonl.gz").samples
    assert len(samples) > 500
    frame = names["frame"]
    times_ms = [round(one.timestamp() * 1000) for one in frame["time"]]
    assert times_ms == [sample.time_ms for sample in samples for _ in sample.groups]
    assert set(frame["group"]) == {"billing"}


def test_a_live_plot_of_your_own_stream_takes_less_than_ten_lines() -> None:
    assert "watch(" in blocks("README")[0]
    assert len(blocks("README")[0].splitlines()) < 10


NAMED = ["Measured with", "make bench", "cores", "(2026-", "200,000"]
NAMED += ["redis-py", "walrus", "redis-benchmark", "figure widget", "bokeh"]


@pytest.mark.parametrize("named", NAMED)
def test_its_figures_say_who_was_measured_when_and_on_what(named: str) -> None:
    (figures,) = re.findall(
        r"<!-- performance -->(.*)<!-- /performance -->",
        (ROOT / "docs/performance.md").read_text("utf-8"),
        flags=re.DOTALL,
    )
    assert named in figures


def test_each_fault_names_a_test_that_exists() -> None:
    page = (ROOT / "docs/faults.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    files = (ROOT / "tests").rglob("test_*.py")
    there = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert len(named) > 20
    assert named <= there
    for line in page.splitlines():
        if line.startswith("| ") and "shown by" not in line:
            assert "`test_" in line
