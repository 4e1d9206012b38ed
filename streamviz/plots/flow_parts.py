"""The parts of the flow's picture: texts, rectangles and squares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamviz.plots.flow_constants import BAR, LETTER, SHOWN, SQUARE, STATES, SWATCH, UNCLEAR
from streamviz.plots.texts import columns
from streamviz.plots.traces import GREY

Shape = dict[str, Any]


def text_at(key: str, x: int, y: int, text: str, kind: str, anchor: str = "start") -> Shape:
    """Return a text that begins, ends or has its middle at a place."""
    return {"key": key, "kind": kind, "x": x, "y": y, "text": text, "anchor": anchor}


def rect_at(key: str, x: int, y: int, w: int, h: int, kind: str, colour: str) -> Shape:
    """Return a rectangle by its top left corner."""
    return {"key": key, "kind": kind, "x": x, "y": y, "w": w, "h": h, "colour": colour}


def square_at(key: str, x: int, y: int, kind: str, colour: str = GREY, **more: Any) -> Shape:
    """Return a square, which stands for an entry or for many."""
    return rect_at(key, x, y, SQUARE, SQUARE, kind, colour) | more


def groups_words(of_all: str, shown: int, total: int) -> list[str]:
    """Return what is said of all groups, and that the worst are shown; nothing if all are."""
    if shown == total:
        return []
    words = SHOWN.format(n=shown, of_total="" if of_all else f" of {total}")
    return [of_all, words] if of_all else [words]


def state_of(one: dict[str, Any]) -> list[str]:
    """Return what a consumer does, in words, from the longest to the shortest text."""
    state = f"{'dead ' if one['dead'] else ''}{'busy' if one['pending'] else 'idle'}"
    age = f" for {int(one['held'][0][2])} s" if one["held"] else ""
    return [words.format(n=f"{one['pending']:,}", age=age) for words in STATES[state]]


def bar_at(
    key: str, group: dict[str, Any], added: int, box: tuple[int, int, int, int], *, counted: bool
) -> Iterator[Shape]:
    """Yield a bar of all entries that were ever added, and below it what its parts are.

    `box` is from where to where the bar goes, its top, and where the words end. What is waiting is
    not counted here, because the lane says it, nor what is acknowledged if that is `counted`
    elsewhere.
    """
    left, right, top, end = box
    rest = added - sum(group.get(name) or 0 for name in BAR)
    numbers = group | {"unknown": max(0, rest)}
    names = [name for name in BAR if numbers[name]]
    sure = group["waiting"] is not None and group["gone"] is not None
    long = BAR | {"unknown": UNCLEAR} if sure else BAR
    whole = max(1, sum(numbers[name] for name in names))
    x = left
    for name in names:
        wide, part = max(2, numbers[name] * (right - left) // whole), f"{key} bar {name}"
        title = f"{_count(name, numbers[name])}{long[name]}"
        yield _piece(part, x, top, wide, name, group) | {"title": title}
        x += wide
    elsewhere = {"waiting", "acked"} if counted else {"waiting"}
    counts = {name: "" if name in elsewhere else _count(name, numbers[name]) for name in names}
    for words in (long, BAR, BAR | {"acked": "acked"}):
        texts = {name: counts[name] + words[name] for name in names}
        needs = {name: SWATCH + int(LETTER * columns(text)) for name, text in texts.items()}
        if left + sum(needs.values()) <= end:
            break
    x = left
    for name in names:
        if x + needs[name] <= end:
            yield _piece(f"{key} swatch {name}", x, top + 13, 9, name, group)
            yield text_at(f"{key} part {name}", x + 13, top + 20, texts[name], "note")
        x += needs[name]


def _count(name: str, number: int) -> str:
    """Return a part's number; that of dropped entries is an upper bound."""
    return f"{'up to ' if name == 'dropped' else ''}{number:,} "


def _piece(key: str, x: int, top: int, wide: int, name: str, group: dict[str, Any]) -> Shape:
    more = 2 if name == "pending" else 0  # what is pending is a thicker piece
    return rect_at(key, x, top - more, wide, 5 + 2 * more, f"bar-{name}", group["colour"])
