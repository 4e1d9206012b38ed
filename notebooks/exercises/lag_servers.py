"""What several servers report as the lag after the same commands: a table for notebook 07.

`tests/matrix/lags.py` makes the file, and a test compares it with each server at hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import redis

from exercises.lag_picture import WRONG
from exercises.picture import Picture
from streamviz.client import ConsumerGroup, Stream
from streamviz.plots.parts import GREY, TEXT_COLOURS, on_background

FILE = Path(__file__).with_name("lags_by_server.json")
_WIDTH, _LEFT, _COLUMN, _ROW = 720, 16, 84, 22  # pixels
Reply = tuple[str, int | None, int]  # what was done, the lag that Redis reports, and the waiting


def replies(client: redis.Redis, key: str) -> list[Reply]:
    """Return what the server reports in each case; the stream at the key is deleted."""
    found = []
    for words, group in _cases(client, key):
        info = group.info()
        waiting = len(Stream(client, key).range(f"({info.last_delivered_id}"))
        found.append((words, info.lag, waiting))
    client.delete(key)
    return found


def server_name(client: redis.Redis) -> str:
    """Return the server's name and version, such as Redis 8.2."""
    info = client.info("server")
    name = "Valkey" if "valkey_version" in info else "Redis"
    major, minor, *_ = info.get("valkey_version", info["redis_version"]).split(".")
    return f"{name} {major}.{minor}"


def lags_by_server() -> Picture:
    """Draw the table: a row for each case, and a column for each server.

    A lag that is not the number of waiting entries is bold and red.
    """
    saved: dict[str, list[Any]] = json.loads(FILE.read_text("utf-8"))
    servers = list(saved)
    cases = [(words, waiting) for words, _, waiting in saved[servers[0]]]
    high = _ROW * (len(cases) + 1) + 14
    parts = [_text(0, n, name, bold=True) for n, name in enumerate([*servers, "waiting"])]
    listed = []
    for row, (words, waiting) in enumerate(cases, 1):
        lags = [saved[name][row - 1][1] for name in servers]
        listed.append(f"{words}: {', '.join(map(_shown, lags))} ({waiting} waiting)")
        y = _ROW * row + 8
        parts.append(f"<path d='M{_LEFT} {y - 5}H{_WIDTH - _LEFT}' stroke='{GREY}' opacity='.4'/>")
        parts.append(f"<text x='{_LEFT}' y='{y + 11}'>{escape(words)}</text>")
        parts += [
            _text(row, n, _shown(lag), ink=WRONG if lag not in (None, waiting) else "")
            for n, lag in enumerate(lags)
        ]
        parts.append(_text(row, len(servers), str(waiting), bold=True))
    text = f"The lag on {', '.join(servers)}.\n" + "\n".join(listed)
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {high}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='{TEXT_COLOURS['light']}'>"
        f"<title>Lags</title><desc>{escape(text)}</desc>{''.join(parts)}</svg>"
    )
    return Picture(on_background(svg, "light"), text)


def _cases(client: redis.Redis, key: str) -> Iterator[tuple[str, ConsumerGroup]]:
    """Yield each case in words, and its group, as soon as its commands were sent."""
    queue, crew = _fresh(client, key)
    yield "four of ten entries read", crew
    late = queue.group("late")
    late.create("$")
    queue.add({"n": 11}, id="11-0")
    yield "created at $, then one entry", late
    queue, crew = _fresh(client, key)
    queue.delete("2-0")
    yield "a read entry deleted", crew
    queue, crew = _fresh(client, key)
    queue.delete("7-0")
    yield "a waiting entry deleted", crew
    queue, _ = _fresh(client, key)
    guess = queue.group("guess")
    guess.create("$", entries_read=3)
    queue.add({"n": 11}, id="11-0")
    yield "created at $ with ENTRIESREAD 3, then one entry", guess
    queue, crew = _fresh(client, key)
    crew.set_id("4-0", entries_read=50)
    yield "moved to entry 4 with ENTRIESREAD 50", crew
    crew.consumer("ann").read(1)
    yield "… and one more entry read", crew
    queue, crew = _fresh(client, key, read=2)
    queue.trim(maxlen=5)
    yield "two entries read, then trimmed to five", crew
    crew.consumer("ann").read(1)
    yield "… and one more entry read", crew
    crew.consumer("ann").read()
    yield "… and all entries read", crew
    queue, crew = _fresh(client, key)
    queue.set_id("10-0", entries_added=100, max_deleted_id="0-0")
    yield "XSETID with ENTRIESADDED 100", crew


def _fresh(client: redis.Redis, key: str, read: int = 4) -> tuple[Stream, ConsumerGroup]:
    client.delete(key)
    queue = Stream(client, key)
    queue.add_many((f"{n}-0", {"n": n}) for n in range(1, 11))
    crew = queue.group("crew")
    crew.create("0")
    crew.consumer("ann").read(read)
    return queue, crew


def _shown(lag: int | None) -> str:
    return "nil" if lag is None else str(lag).replace("-", "−")


def _text(row: int, column: int, words: str, *, ink: str = "", bold: bool = False) -> str:
    x = _WIDTH - _LEFT - _COLUMN * (4 - column)
    style = f" fill='{ink}'" if ink else ""
    style += " font-weight='600'" if bold or ink else ""
    return f"<text x='{x}' y='{_ROW * row + 19}' text-anchor='end'{style}>{escape(words)}</text>"
