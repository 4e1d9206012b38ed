"""Where everything of the flow stands: a scene and a width become boxes and texts.

The browser's `flow_shapes.js` does the same, to the pixel, and a test compares the two. A shape is
a dict: ``key`` names it from frame to frame, so that the browser can move it; ``x`` and ``y`` are
its top left corner, or where its text begins; ``kind`` says what it is, and with ``colour`` how it
looks. A rectangle has ``w`` and ``h``. A text has ``text`` and ``anchor``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamviz.plots.flow import OLD_S

Shape = dict[str, Any]

PITCH, SQUARE = 15, 11  # from one square to the next, and a square's side
TOP, GROUP, READER = 52, 96, 22  # heights: above the tape, of a group, of a reader
BOX_W, BOX_H, BOX_GAP = 170, 34, 8


def flow_shapes(scene: dict[str, Any], width: int) -> tuple[int, list[Shape]]:
    """Return the picture's height and its shapes, from back to front."""
    if "added" not in scene or scene["trouble"]:
        text = scene["trouble"] or scene["headline"]
        return 80, [_text("headline", 16, 24, text, "headline")]
    flow = _Flow(scene, width)
    return flow.height, list(flow.shapes())


class _Flow:
    def __init__(self, scene: dict[str, Any], width: int) -> None:
        self.scene, self.width = scene, width
        self.left = 150 if width >= 640 else 92
        self.right = width - (112 if width >= 640 else 72)
        self.every = scene["every"]
        self.count = max(4, (self.right - self.left) // PITCH)  # squares that fit
        self.last = self.square(scene["added"])
        groups, readers = scene["groups"], scene["readers"]
        self.readers_top = TOP + 44 + GROUP * len(groups)
        self.height = self.readers_top + READER * len(readers) + 8

    def square(self, number: int) -> int:
        """Return the number of the square that stands for an entry; 0 before the first."""
        return -(-number // self.every)

    def x(self, square: int) -> int:
        """Return the left edge of a square."""
        return self.right - PITCH * (self.last - square + 1)

    def shapes(self) -> Iterator[Shape]:
        scene = self.scene
        yield _text("headline", 16, 24, scene["headline"], "headline")
        yield _text("rates", self.width - 16, 24, scene["rates"], "note", anchor="end")
        yield _text("stream", 16, TOP + 10, scene["stream"], "name")
        length = f"{scene['added'] - scene['first'] + 1:,} entries"
        yield _text("length", 16, TOP + 26, length, "note")
        oldest = max(self.square(scene["first"]), self.last - self.count + 1, 1)
        for square in range(oldest, self.last + 1):
            yield _square(f"tape {square}", self.x(square), TOP, "entry", enters=(self.right, 0))
        older = self.square(scene["first"]) < oldest
        hidden = (oldest - 1) * self.every - scene["first"] + 1
        words = f"{hidden:,} older" if older else scene["ids"][0]
        yield _text("oldest", self.left, TOP + 28, words, "note")
        yield _text("newest", self.right, TOP + 28, scene["ids"][1], "note", anchor="end")
        if self.every > 1:
            words = f"■ = {self.every:,} entries"
            yield _text("every", self.width - 16, TOP + 10, words, "note", anchor="end")
        for i, group in enumerate(scene["groups"]):
            yield from self.group(i, group, TOP + 44 + GROUP * i, oldest)
        for i, reader in enumerate(scene["readers"]):
            yield from self.reader(i, reader, self.readers_top + READER * i)

    def group(self, i: int, group: dict[str, Any], top: int, oldest: int) -> Iterator[Shape]:
        key, colour = f"group {i}", group["colour"]
        yield _text(f"{key} name", 16, top + 11, group["name"], "name", colour=colour)
        waiting = "unknown" if group["waiting"] is None else f"{group['waiting']:,}"
        yield _text(f"{key} waiting", 16, top + 27, f"{waiting} waiting", "note")
        if group["at"] is not None:
            yield from self.cursor(key, group["at"], top, colour)
            first = max(oldest, self.square(group["at"] + 1))
            for square in range(first, self.last + 1):
                x = self.x(square)
                yield _square(f"{key} waits {square}", x, top, "waits", colour=colour)
        yield from self.consumers(key, group, top + 20)
        yield from self.bar(key, group, top + 62)

    def cursor(self, key: str, at: int, top: int, colour: str) -> Iterator[Shape]:
        end = max(self.left, min(self.x(self.square(at)) + SQUARE, self.right))
        yield _rect(f"{key} read", self.left, top + 5, end - self.left, 2, "line", colour)
        yield _rect(f"{key} cursor", end - 4, top + 2, 8, 8, "dot", colour)

    def consumers(self, key: str, group: dict[str, Any], top: int) -> Iterator[Shape]:
        colour, all_shown = group["colour"], group["consumers"]
        room = self.right - self.left + BOX_GAP
        fit = max(1, room // (BOX_W // 2 + BOX_GAP))
        shown = all_shown[:fit]
        wide = min(BOX_W, room // max(1, len(shown)) - BOX_GAP)
        for k, one in enumerate(shown):
            x, name = self.left + k * (wide + BOX_GAP), f"{key} {one['name']}"
            yield _rect(name, x, top, wide, BOX_H, "dead" if one["dead"] else "box", colour)
            yield _text(f"{name} name", x + 8, top + 14, one["name"], "label")
            yield _text(f"{name} state", x + 8, top + 28, _state(one), "note")
            squares = max(1, (wide - 90) // PITCH)
            for place, (entry, number, age_s, deliveries) in enumerate(one["held"][:squares]):
                at = self.left if number is None else self.x(self.square(number))
                yield _square(
                    f"{key} held {entry}",
                    x + wide - 6 - PITCH * (place + 1),
                    top + 6,
                    "old" if one["dead"] or age_s > OLD_S else "held",
                    colour=colour,
                    enters=(max(self.left, min(at, self.right)), top - 20),
                    leaves=(self.right + 20, top + 6),
                    title=f"{entry}, delivery {deliveries}, held {age_s:.1f} s",
                )
        rest = len(all_shown) - len(shown) + group["more"][0]
        if rest:
            words = f"and {rest:,} more"
            yield _text(f"{key} more", self.right + 12, top + 46, words, "note")

    def bar(self, key: str, group: dict[str, Any], top: int) -> Iterator[Shape]:
        parts = [(name, group[name]) for name in ("acked", "pending", "waiting", "gone")]
        known = [(name, number) for name, number in parts if number is not None]
        whole = max(1, sum(number for _, number in known))
        x, room = self.left, self.right - self.left
        for name, number in known:
            wide = number * room // whole
            yield _rect(f"{key} {name}", x, top, wide, 5, f"bar-{name}", group["colour"])
            x += wide
        words = " · ".join(f"{number:,} {_WORDS[name]}" for name, number in known if number)
        yield _text(f"{key} books", self.left, top + 20, words, "note")
        acked = "?" if group["acked"] is None else f"{group['acked']:,}"
        x = self.width - 16
        colour = group["colour"]
        yield _text(f"{key} acked n", x, top - 32, acked, "name", colour=colour, anchor="end")
        yield _text(f"{key} acked", x, top - 18, "acknowledged", "note", anchor="end")

    def reader(self, i: int, reader: dict[str, Any], top: int) -> Iterator[Shape]:
        key = f"reader {i}"
        yield _text(f"{key} name", 16, top + 11, reader["name"], "label")
        if reader["at"] is not None:
            yield from self.cursor(key, reader["at"], top, "#7F7F7F")


_WORDS = {"acked": "acknowledged", "pending": "in hand", "waiting": "waiting", "gone": "never got"}


def _state(one: dict[str, Any]) -> str:
    age = f" for {one['held'][0][2]:.0f} s" if one["held"] else ""
    if one["dead"]:
        return f"dead, holds {one['pending']:,}{age}" if one["pending"] else "dead"
    return f"{one['pending']:,} in hand" if one["pending"] else "idle"


def _text(key: str, x: int, y: int, text: str, kind: str, **more: Any) -> Shape:
    return {"key": key, "kind": kind, "x": x, "y": y, "text": text, "anchor": "start"} | more


def _rect(key: str, x: int, y: int, w: int, h: int, kind: str, colour: str) -> Shape:
    return {"key": key, "kind": kind, "x": x, "y": y, "w": w, "h": h, "colour": colour}


def _square(key: str, x: int, y: int, kind: str, **more: Any) -> Shape:
    base = {"key": key, "kind": kind, "x": x, "y": y, "w": SQUARE, "h": SQUARE}
    return base | {"colour": "#888888"} | more
