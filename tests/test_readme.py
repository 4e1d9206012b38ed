"""The README: what it shows runs, and what it says of speed names who was measured."""

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

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_its_python_runs_from_top_to_bottom(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(BLOCKS) == 5
    monkeypatch.chdir(tmp_path)
    trips = "ride,pickup_time\n1,2026-03-01 08:00\n2,2026-02-01 08:00\n"
    (tmp_path / "trips.csv.gz").write_bytes(gzip.compress(trips.encode()))
    client = server.client()
    monkeypatch.setattr(redis_py, "Redis", lambda: client)
    monkeypatch.setattr(streamviz, "connect", lambda: client)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
    assert [entry.fields["ride"] for entry in streamviz.Stream(client, "trips").range()] == [
        "2",
        "1",
    ]
    client.delete("orders", "trips")
    client.close()
    samples = load("run.jsonl.gz").samples
    assert len(samples) > 500
    frame = names["frame"]
    times_ms = [round(one.timestamp() * 1000) for one in frame["time"]]
    assert times_ms == [sample.time_ms for sample in samples for _ in sample.groups]
    assert set(frame["group"]) == {"billing"}


def test_a_live_plot_of_your_own_stream_takes_less_than_ten_lines() -> None:
    assert "watch(" in BLOCKS[0]
    assert len(BLOCKS[0].splitlines()) < 10


NAMED = ["Measured on 20", "make bench", "cores", "1,000,000"]
NAMED += ["redis-py", "walrus", "redis-benchmark", "figure widget", "bokeh"]


@pytest.mark.parametrize("named", NAMED)
def test_its_figures_say_who_was_measured_when_and_on_what(named: str) -> None:
    (figures,) = re.findall(
        r"<!-- performance -->(.*)<!-- /performance -->", README, flags=re.DOTALL
    )
    assert named in figures
