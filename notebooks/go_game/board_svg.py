"""The board as a static SVG, shown when the notebook has no kernel."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from go_game.game_record import Record, point_name
from streamviz.plots.parts import TEXT_COLOUR as TEXT

_STEP = 40
_STARS = {9: (2, 4, 6), 13: (3, 6, 9), 19: (3, 9, 15)}
_WOOD, _LINES = "#dcb35c", "#5b4413"


def render(record: Record, after: int | None = None) -> str:
    """Return the board as SVG, with the last move marked.

    Parameters
    ----------
    record : Record
        The game.
    after : int, optional
        The number of moves to show; by default, all.
    """
    size, rows = record.size, record.stones(after)
    after = len(record.moves) if after is None else after
    side = _STEP * (size + 1)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {side} {side}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='{max(14, min(17, size))}'>",
        f"<title>Board</title><desc>{escape(summary(record, after))}</desc>",
        f"<rect x='{_STEP / 2:g}' y='{_STEP / 2:g}' width='{_STEP * size}' "
        f"height='{_STEP * size}' fill='{_WOOD}'/>",
        *_grid(size),
        *_stones(rows),
    ]
    last = record.moves[after - 1] if after else None
    if last is not None and last.coord is not None:
        x, y = _place(last.coord.x), _place(last.coord.y)
        ink = "#fff" if last.player == "BLACK" else "#000"
        parts.append(
            f"<circle cx='{x}' cy='{y}' r='7' fill='none' stroke='{ink}' stroke-width='3'/>"
        )
    return "".join(parts) + "</svg>"


def summary(record: Record, after: int | None = None) -> str:
    """Return a summary of the board in words; `after` is as in `render`."""
    rows = "".join(record.stones(after))
    after = len(record.moves) if after is None else after
    words = f"{record.size}x{record.size} board after {after} moves"
    if after:
        last = record.moves[after - 1]
        words += f", the last {last.player.lower()} {point_name(last.coord, record.size)}"
        if last.captured:
            words += f", which took {len(last.captured)}"
    return f"{words}: {rows.count('B')} black and {rows.count('W')} white stones."


def _place(number: int) -> int:
    return _STEP * (number + 1)


def _grid(size: int) -> Iterator[str]:
    first, last = _place(0), _place(size - 1)
    lines = "".join(f"M{first} {_place(n)}H{last}M{_place(n)} {first}V{last}" for n in range(size))
    yield f"<path d='{lines}' stroke='{_LINES}' stroke-width='1.5'/>"
    stars = "".join(
        f"M{_place(x) - 4} {_place(y)}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0"
        for x in _STARS.get(size, ())
        for y in _STARS.get(size, ())
    )
    yield f"<path d='{stars}' fill='{_LINES}'/>"
    for n in range(size):
        letter, row = "ABCDEFGHJKLMNOPQRSTUVWXYZ"[n], size - n
        yield f"<text x='{_place(n)}' y='15' text-anchor='middle' fill='{TEXT}'>{letter}</text>"
        end = 16 if size < 15 else 19
        yield f"<text x='{end}' y='{_place(n) + 5}' text-anchor='end' fill='{TEXT}'>{row}</text>"


def _stones(rows: tuple[str, ...]) -> Iterator[str]:
    """Draw each colour's stones as one path."""
    r = _STEP * 0.46
    for sign, fill in (("B", "#111"), ("W", "#fff")):
        discs = "".join(
            f"M{_place(x) - r:g} {_place(y)}a{r:g} {r:g} 0 1 0 {2 * r:g} 0"
            f"a{r:g} {r:g} 0 1 0 {-2 * r:g} 0"
            for y, row in enumerate(rows)
            for x, stone in enumerate(row)
            if stone == sign
        )
        if discs:
            yield f"<path d='{discs}' fill='{fill}' stroke='#333'/>"
