"""The flow of a few entries: each is a box with its ID or another label in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streamviz.plots.flow_constants import BOX_H, NOTE
from streamviz.plots.flow_parts import Shape, rect_at, state_of, text_at
from streamviz.plots.flow_shapes import FlowShapes
from streamviz.plots.parts import RED, columns

_HIGH, _GAP, _EDGE = 14, 4, 6  # pixels: a box, the space between two, and beside the label
_LETTER, _HYPHEN = 7.0, 4.2  # their widths
_REST = 26  # of what says how many more there are


def labelled(scene: dict[str, Any], width: int, labels: Mapping[str, str]) -> Labelled | None:
    """Return the flow with labels; None if they have no room.

    Parameters
    ----------
    scene : dict
        As `Flow.scene` returns it. Its tape has an entry for each label.
    width : int
        In pixels.
    labels : mapping of str to str
        The label of each entry in the stream, by its ID, oldest first.
    """
    flow = Labelled(scene, width, labels)
    number = scene["added"] - scene["first"] + 1
    return flow if 0 < number == len(labels) <= flow.count and flow.every == 1 else None


class Labelled(FlowShapes):
    """The shapes of a scene in which an entry's box has a label."""

    def __init__(self, scene: dict[str, Any], width: int, labels: Mapping[str, str]) -> None:
        super().__init__(scene, width, low=False)
        self.labels = labels
        self.side = _side(labels.values())
        self.pitch = self.side + _GAP
        self.count = (self.right - self.left) // self.pitch
        groups = scene["groups"]
        needed = [self._needed(one) for group in groups for one in group["consumers"]]
        self.box = max([FlowShapes.box, *needed])

    def shapes(self) -> Iterator[Shape]:
        """Yield the flow's shapes, and the label of each box on the tape and in the lanes."""
        texts = list(self.labels.values())
        for shape in super().shapes():
            if "square" not in shape:
                yield shape
                continue
            kind = "labelled" if shape["kind"] == "entry" else shape["kind"]
            label = texts[shape["square"] - self.scene["first"]]
            box = shape["x"], shape["y"], self.side
            yield from self.boxed(shape["key"], *box, kind, shape["colour"], label)

    def boxed(
        self, key: str, x: int, y: int, wide: int, kind: str, colour: str, label: str
    ) -> Iterator[Shape]:
        """Yield a box in the place of a square, and its label."""
        yield rect_at(key, x, y - 1, wide, _HIGH, kind, colour)
        yield text_at(f"{key} label", x + wide // 2, y + 10, label, "inside", "middle")

    def ids(self, oldest: int) -> Iterator[Shape]:
        """Yield nothing: the boxes say it."""
        yield from ()

    def consumer(
        self, name: str, key: str, one: dict[str, Any], x: int, top: int, wide: int, colour: str
    ) -> Iterator[Shape]:
        """Yield a consumer's box, with the entries that it holds: the oldest first."""
        yield rect_at(name, x, top, wide, BOX_H, "dead" if one["dead"] else "box", colour)
        yield from self.words(name, x, top, wide - 12, 0, one["name"], *state_of(one))
        side, labels = self._held(one)
        end = x + wide - 6
        room = end - x - _name_width(one)
        if len(labels) * (side + _GAP) > room or len(labels) < one["pending"]:
            labels = labels[: max(0, room - _REST) // (side + _GAP)]
            yield text_at(
                f"{name} rest", end, top + 14, f"+{one['pending'] - len(labels)}", "note", "end"
            )
            end -= _REST
        paint = RED if one["dead"] else colour
        at = end - (side + _GAP) * len(labels) + _GAP
        for place, label in enumerate(labels):
            box = at + (side + _GAP) * place, top + 4, side
            kind = "lost" if one["held"][place][0] in one["lost"] else "labelled"
            yield from self.boxed(f"{name} held {place}", *box, kind, paint, label)

    def _held(self, one: dict[str, Any]) -> tuple[int, list[str]]:
        """Return how wide the boxes of a consumer's entries are, and their labels."""
        labels = [self.labels.get(entry_id, entry_id) for entry_id, *_ in one["held"]]
        return _side(labels), labels

    def _needed(self, one: dict[str, Any]) -> int:
        """Return how wide a consumer's box must be to show what it holds."""
        side, labels = self._held(one)
        return 6 + _name_width(one) + (side + _GAP) * len(labels)


def _name_width(one: dict[str, Any]) -> int:
    return 12 + int(NOTE * columns(one["name"]))


def _side(labels: Iterable[str]) -> int:
    """Return how wide a box must be for each of these labels."""
    return _EDGE + max(map(_wide, labels), default=0)


def _wide(label: str) -> int:
    """Return the width of a label in pixels."""
    hyphens = label.count("-")
    return round(_LETTER * (columns(label) - hyphens) + _HYPHEN * hyphens)
