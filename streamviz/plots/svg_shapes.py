"""SVG path data of lines and of plotly's marker symbols."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]


def path(points: Sequence[Point | None], *, stepped: bool) -> str:
    """Return a line's path data; None is a gap. Steps too small for a pixel are left out."""
    pieces: list[str] = []
    at: Point | None = None
    for point, following in pairwise([*points, None]):
        if point is None:
            at = None
            continue
        x, y = round(point[0], 1), round(point[1], 1)
        across, up = (round(x - at[0], 1), round(y - at[1], 1)) if at else (0.0, 0.0)
        if at is None:
            pieces.append(f"M{x:g} {y:g}")
        elif not stepped:
            pieces.append(f"l{_number(across)} {_number(up)}")
        elif (across < 0.7 or abs(up) < 0.1) and following is not None:
            continue  # too small to see: the next step includes it
        else:
            pieces.append(f"h{_number(across)}v{_number(up)}")
        at = x, y
    return "".join(pieces)


def _number(value: float) -> str:
    return f"{value:g}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:g}"


def shape(symbol: str, x: float, y: float, r: float) -> str:
    """Return a marker's path data, around a point and with a radius; an unknown one is a circle."""
    corners = {
        "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
        "triangle-up": ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
        "triangle-down": ((0, 1.2), (1.1, -0.9), (-1.1, -0.9)),
        "cross": _plus(0.0),
        "x": _plus(math.pi / 4),
    }.get(symbol)
    if corners is None:
        return f"M{x - r:.1f} {y:.1f}a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0"
    return "M" + "L".join(f"{x + dx * r:.1f} {y + dy * r:.1f}" for dx, dy in corners) + "Z"


def _plus(turn: float) -> tuple[Point, ...]:
    corners = [(1, 0.35), (0.35, 0.35), (0.35, 1), (-0.35, 1), (-0.35, 0.35), (-1, 0.35)]
    corners += [(-a, -b) for a, b in corners]
    cos, sin = math.cos(turn), math.sin(turn)
    return tuple((a * cos - b * sin, a * sin + b * cos) for a, b in corners)


def hatching(corners: Sequence[Point]) -> str:
    """Return the path data of parallel lines in a box."""
    (left, right), (top, bottom) = ((min(some), max(some)) for some in zip(*corners, strict=True))
    pieces = []
    for together in range(math.ceil(left + top), math.floor(right + bottom), 9):  # x + y
        x, end = max(left, together - bottom), min(right, together - top)
        pieces.append(f"M{x:.1f} {together - x:.1f}L{end:.1f} {together - end:.1f}")
    return "".join(pieces)
