"""The parts of which the flow's picture is made: texts, rectangles and squares."""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any]

SQUARE = 11  # a square's side
GREY = "#888888"


def text_at(key: str, x: int, y: int, text: str, kind: str, anchor: str = "start") -> Shape:
    """Return a text that begins, ends or has its middle at a place."""
    return {"key": key, "kind": kind, "x": x, "y": y, "text": text, "anchor": anchor}


def rect_at(key: str, x: int, y: int, w: int, h: int, kind: str, colour: str) -> Shape:
    """Return a rectangle by its top left corner."""
    return {"key": key, "kind": kind, "x": x, "y": y, "w": w, "h": h, "colour": colour}


def square_at(key: str, x: int, y: int, kind: str, colour: str = GREY, **more: Any) -> Shape:
    """Return a square, which stands for an entry or for many."""
    return rect_at(key, x, y, SQUARE, SQUARE, kind, colour) | more


def state_of(one: dict[str, Any]) -> list[str]:
    """Return what a consumer does, in words, from the longest to the shortest text."""
    number = f"{one['pending']:,}"
    if not one["pending"]:
        return ["dead" if one["dead"] else "idle"]
    if not one["dead"]:
        return [f"{number} pending", number]
    age = f" for {int(one['held'][0][2])} s" if one["held"] else ""
    return [f"dead, holds {number}{age}", f"dead, {number}{age}", f"dead, {number}", "dead"]
