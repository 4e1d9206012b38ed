"""Progress: a bar where a person looks on, and none in a file, a pipe or a saved notebook."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
import redis as redis_py
from nbclient import NotebookClient

from streamviz import Scenario, Stream, load, series
from streamviz.client import progress
from streamviz.errors import InputError
from streamviz.export import to_embed, to_html
from streamviz.recording import save

COUNT = """
from streamviz.client import progress
progress.DELAY_S = {delay}
with progress.progress_bar({show}, "Counting", 1000, "things") as advance:
    for _ in range(1000):
        advance(1)
print("done")
"""


def on_a_terminal(code: str) -> str:
    """Run a program whose stderr is a terminal, and return what that shows."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 80))
    done = subprocess.run([sys.executable, "-c", code], stdout=-1, stderr=its, check=True)
    os.close(its)
    shown = b""
    try:
        while text := os.read(ours, 4096):
            shown += text
    except OSError:  # nothing more
        pass
    os.close(ours)
    assert done.stdout == b"done\n"
    return shown.decode()


def test_a_terminal_shows_a_bar_after_two_seconds_and_clears_it() -> None:
    assert progress.DELAY_S == 2
    shown = on_a_terminal(COUNT.format(delay=0, show=True))
    assert "Counting:" in shown
    assert "/1000" in shown
    assert shown.endswith("\r")
    assert not shown.rpartition("\r")[0].rpartition("\r")[2].strip()
    assert on_a_terminal(COUNT.format(delay=2, show=True)) == ""
    assert on_a_terminal(COUNT.format(delay=0, show=False)) == ""


def test_a_pipe_gets_no_bar() -> None:
    code = COUNT.format(delay=0, show=True)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


class Watched(NotebookClient):
    """Keeps what a front end would show meanwhile."""

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] == "update_display_data":
            self.shown.append(msg["content"]["data"])  # type: ignore[has-type]
        return super().process_message(msg, cell, cell_index)


def in_a_notebook(code: str, **environment: str) -> tuple[list[Any], list[Any]]:
    """Run a cell, and return what it showed meanwhile and the outputs that are saved."""
    cell = nbformat.v4.new_code_cell(code)
    client = Watched(nbformat.v4.new_notebook(cells=[cell]), timeout=60)
    client.shown = []  # type: ignore[attr-defined]
    client.execute(env=os.environ | environment)
    return client.shown, cell.outputs  # type: ignore[attr-defined]


def test_a_front_end_shows_a_bar_and_the_saved_notebook_has_none() -> None:
    code = COUNT.format(delay=0, show=True)
    shown, saved = in_a_notebook(code, STREAMVIZ_LIVE="1")
    assert "Counting:" in shown[0]["text/plain"]
    assert shown[-1] == {}
    texts = [one["text"] for one in saved if one.output_type == "stream"]
    assert texts == ["done\n"]
    assert [one["data"] for one in saved if one.output_type == "display_data"] == [{}]
    shown, saved = in_a_notebook(code)  # nobody looks on
    assert (shown, [one.output_type for one in saved]) == ([], ["stream"])


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what was written to a terminal, as a list that grows."""

    class Terminal(list[str]):
        encoding = "utf-8"
        write = list.append

        def flush(self) -> None: ...

    terminal = Terminal()
    monkeypatch.setattr(progress, "DELAY_S", 0)
    monkeypatch.setattr(progress, "_place", lambda: terminal)
    return terminal


def test_all_that_may_take_long_shows_a_bar_unless_told_not_to(
    bars: list[str], redis: redis_py.Redis, key: str, tmp_path: Any
) -> None:
    shop = Scenario(redis, seed=7)
    shop.produce(f"{key}:run", series.orders(5))
    stream, path = Stream(redis, key), tmp_path / "run.jsonl.gz"
    history = shop.run(seconds=1, progress=False)
    calls: dict[str, Callable[[bool], Any]] = {
        "Running": lambda on: shop.run(seconds=3, progress=on),
        "Adding": lambda on: stream.add_many([{"n": n} for n in range(10)], progress=on),
        "Saving": lambda on: save(history, path, overwrite=True, progress=on),
        "Loading": lambda on: load(path, progress=on),
        "Packing": lambda on: to_html(path, tmp_path / "a.html", overwrite=True, progress=on),
        "Packing:": lambda on: to_embed(
            path, tmp_path / "a.frames.jsonl", overwrite=True, progress=on
        ),
    }
    for word, call in calls.items():
        call(False)
        assert bars == [], word
        call(True)
        shown = "".join(bars)
        assert word in shown
        assert shown.endswith(" \r")
        bars.clear()
    with pytest.raises(InputError, match="progress=1: give True or False"):
        load(path, progress=1)  # type: ignore[arg-type]
    assert shop.on_sample == []
