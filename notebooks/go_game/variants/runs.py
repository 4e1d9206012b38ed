"""Measurements that were repeated: a table of medians and spreads, and a picture of each run."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

FILE = Path(__file__).parents[2] / "recordings" / "five_runs.json"
_WIDTH, _LEFT, _ROW, _SPACE = 720, 330, 24, 12  # pixels
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#767676"
_HATCH = (
    "<pattern id='hatch' width='6' height='6' patternUnits='userSpaceOnUse' "
    f"patternTransform='rotate(45)'><path d='M0 0V6' stroke='{_BLUE}' stroke-width='3'/></pattern>"
)
STYLE_FIGURES = {
    "USS (MB)": "uss_mb",
    "import (s)": "import_s",
    "first (s)": "first_s",
    "recovery (s)": "recovery_s",
    "moves/s": "moves_per_s",
    "work per move (ms)": "work_ms",
}
RECOVERY = "time to recover (s)"


@dataclass(frozen=True, slots=True)
class Runs:
    """Measurements that were repeated, shown as medians with the smallest and the largest.

    Attributes
    ----------
    rows : dict of str to dict of str to sequence of float
        For each row, the runs of each figure. The picture shows the first figure.
    apart : collection of str
        Rows with a space above them.
    hatched : collection of str
        Rows that were counted or computed, and not run.
    marks : mapping of str to sequence of float
        For some rows, values that the picture marks in grey.
    marked : str
        What these values are.
    """

    rows: Mapping[str, Mapping[str, Sequence[float]]]
    apart: Sequence[str] = ()
    hatched: Sequence[str] = ()
    marks: Mapping[str, Sequence[float]] = field(default_factory=dict)
    marked: str = ""

    def median(self, row: str, figure: str) -> float:
        """Return the median of one figure."""
        return statistics.median(self.rows[row][figure])

    def medians(self, figure: str) -> dict[str, float]:
        """Return the median of one figure in each row, rounded as in the table."""
        places = self._places(figure)
        return {row: round(self.median(row, figure), places) for row in self.rows}

    def only(self, figure: str) -> Runs:
        """Return the runs of one figure."""
        return Runs({row: {figure: figures[figure]} for row, figures in self.rows.items()})

    def _repr_html_(self) -> str:
        """Return the table above the picture: of an SVG and a text, a front end shows only one."""
        words, drawn = escape(repr(self)), quote(self.svg())
        style = f"display:block;width:100%;max-width:{_WIDTH}px"
        image = f'<img alt="{self._title()}" style="{style}" src="data:image/svg+xml,{drawn}">'
        return f"<pre>{words}</pre>{image}"

    def _title(self) -> str:
        return next(iter(next(iter(self.rows.values()))))

    def _places(self, figure: str) -> int:
        """Return the decimals that leave two digits of the smallest median."""
        smallest = min(self.median(row, figure) for row in self.rows)
        return max(0, 1 - math.floor(math.log10(smallest))) if smallest > 0 else 0

    def svg(self) -> str:
        """Draw the first figure from zero: a single run as a bar, several as dots and a median."""
        title = self._title()
        runs = {row: list(figures[title]) for row, figures in self.rows.items()}
        several = max(map(len, runs.values())) > 1
        words = f"{title}: each run a dot, the median a line" if several else title
        words += "; hatched: counted, and not run" if self.hatched else ""
        words += f"; grey: {self.marked}" if self.marked else ""
        bottom = 34 + _ROW * len(runs) + _SPACE * len(self.apart)
        highest = max(map(max, [*runs.values(), *self.marks.values()])) or 1
        step = _step(highest)
        ticks = math.ceil(highest / step)
        scale = (_WIDTH - _LEFT - 20) / (ticks * step)
        parts = [_HATCH, f"<text x='0' y='14'>{words}</text>"]
        for number in range(ticks + 1):
            x, value = _LEFT + number * step * scale, f"{number * step:,g}"
            parts.append(f"<path d='M{x:.1f} 24V{bottom - 4}' stroke='#888888' opacity='.3'/>")
            parts.append(f"<text x='{x:.1f}' y='{bottom + 10}' text-anchor='middle'>{value}</text>")
        y, places = 38, self._places(title)
        for row, numbers in runs.items():
            y += _SPACE * (row in self.apart)
            median = statistics.median(numbers)
            parts.append(f"<text x='0' y='{y + 4}'>{row}</text>")
            value = f"{median:.{places}f}"
            parts.append(f"<text x='{_LEFT - 12}' y='{y + 4}' text-anchor='end'>{value}</text>")
            parts += _marks(self.marks.get(row, ()), y, scale)
            parts += _run(numbers, y, scale) if several else [self._bar(row, median, y, scale)]
            y += _ROW
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {bottom + 18}' "
            f"style='background:#ffffff' font-family='system-ui,sans-serif' font-size='12' "
            f"fill='#333333'><title>{title}</title>{''.join(parts)}</svg>"
        )

    def _bar(self, row: str, number: float, y: int, scale: float) -> str:
        box = f"x='{_LEFT}' y='{y - 9}' width='{number * scale:.1f}' height='18'"
        if row in self.hatched:
            return f"<rect {box} fill='url(#hatch)' stroke='{_BLUE}'/>"
        return f"<rect {box} fill='{_BLUE}'/>"

    def __repr__(self) -> str:
        columns = [["", *self.rows]]
        for name in next(iter(self.rows.values())):
            places = self._places(name)
            columns.append([name, *(_spread(runs[name], places) for runs in self.rows.values())])
        wide = [max(map(len, column)) for column in columns]
        lines = []
        for row, *cells in zip(*columns, strict=True):
            aligned = (f"  {cell:>{width}}" for cell, width in zip(cells, wide[1:], strict=True))
            lines += [""] * (row in self.apart)
            lines.append(f"{row:{wide[0]}}" + "".join(aligned))
        return "\n".join(lines)


def saved_styles(path: Path = FILE) -> Runs:
    """Return the saved runs of each style."""
    return Runs(
        {
            style: {title: [run[name] for run in runs] for title, name in STYLE_FIGURES.items()}
            for style, runs in _saved(path)["styles"].items()
        }
    )


def saved_ways(path: Path = FILE) -> Runs:
    """Return the saved runs of each way to restart, those to compare one below the other."""
    from go_game.variants.recovery import NOTICED_S, WAYS

    ways = _saved(path)["ways"]
    return Runs(
        {way: {RECOVERY: ways[way]} for way in WAYS},
        apart=["plain on Redis, new name"],
        marks={way: [NOTICED_S] for way in WAYS},
        marked=f"{NOTICED_S} s, when the old judge counts as dead",
    )


def saved_timeouts(path: Path = FILE) -> Runs:
    """Return the saved runs of `quix` with other session timeouts."""
    by_member = _saved(path)["timeouts"]
    rows = {
        f"{member}, session timeout {seconds} s": (int(seconds), runs)
        for member, by_timeout in by_member.items()
        for seconds, runs in by_timeout.items()
    }
    return Runs(
        {row: {RECOVERY: runs} for row, (_, runs) in rows.items()},
        apart=[next(row for row in rows if row.startswith(member)) for member in by_member][1:],
        marks={row: [seconds, 2 * seconds] for row, (seconds, _) in rows.items()},
        marked="one timeout and two",
    )


def _saved(path: Path) -> dict[str, Any]:
    saved: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return saved


def _step(highest: float) -> float:
    """Return the distance of the axis's ticks: at least three of them, and few."""
    step = float(10 ** math.floor(math.log10(highest)))
    return next(step / part for part in (1, 2, 5) if highest * part / step >= 3)


def _run(numbers: Sequence[float], y: int, scale: float) -> Iterator[str]:
    for one in numbers:
        x = _LEFT + one * scale
        yield f"<circle cx='{x:.1f}' cy='{y}' r='5' fill='{_BLUE}' opacity='.6'/>"
    x = _LEFT + statistics.median(numbers) * scale - 1.5
    yield f"<rect x='{x:.1f}' y='{y - 9}' width='3' height='18' fill='{_ORANGE}'/>"


def _marks(numbers: Sequence[float], y: int, scale: float) -> Iterator[str]:
    for one in numbers:
        x = _LEFT + one * scale
        yield f"<path d='M{x:.1f} {y - 10}V{y + 10}' stroke='{_GREY}' stroke-width='2'/>"


def _spread(runs: Sequence[float], places: int) -> str:
    spread = f" ({min(runs):.{places}f}-{max(runs):.{places}f})" if len(runs) > 1 else ""
    return f"{statistics.median(runs):.{places}f}{spread}"
