"""Measure the styles five times each, and every way to restart a judge that was killed.

``python -m go_game.variants.recovery`` saves the runs for notebook 11; it takes about ten minutes.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from go_game.messages import GameState, Topic, encode
from go_game.rules import Game
from go_game.variants import plain
from go_game.variants.benchmark import check_answers, legal_moves, measure, server_for, wait_until
from go_game.variants.runner import STYLES, JudgeProcess

FILE = Path(__file__).parents[2] / "recordings" / "five_runs.json"
RUNS = 5
_WIDTH, _LEFT = 720, 280  # pixels
NOTICED_S = 6
"""When a dead judge is noticed: Kafka's session timeout (6 s is the least that its brokers allow by
default), and the minimum idle time of a claim on Redis."""

_KAFKA = f"from go_game.variants import kafka\nkafka.QUICK['session.timeout.ms'] = {NOTICED_S}000\n"
_STATIC = _KAFKA + "kafka.QUICK['group.instance.id'] = 'judge'\n"
_NEW_NAME = "from go_game.variants import plain, recovery\nplain.run = recovery.run_as_heir\n"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to restart a judge.

    Attributes
    ----------
    style : str
        The style of the judge.
    first, then : str
        Python that the two processes run before they begin.
    kept : bool
        Whether the second process has the first one's folder, with its state store.
    """

    style: str
    first: str
    then: str
    kept: bool


WAYS = {
    "Redis, old name": Way("plain", "", "", kept=True),
    "Kafka, static member, state kept": Way("kafka", _STATIC, _STATIC, kept=True),
    "Kafka, static member, state restored": Way("kafka", _STATIC, _STATIC, kept=False),
    "Redis, new name": Way("plain", "", _NEW_NAME, kept=False),
    "Kafka, new member, state kept": Way("kafka", _KAFKA, _KAFKA, kept=True),
    "Kafka, new member, state restored": Way("kafka", _KAFKA, _KAFKA, kept=False),
}


def run_as_heir(address: str, prefix: str, ready: Callable[[], object]) -> None:
    """Judge under a new name: claim what has been idle for `NOTICED_S`, then read new moves."""
    plain.NAME = "heir"
    judge = plain.PlainJudge(address, prefix)
    judge.prepare()
    ready()
    while True:
        idle_ms = NOTICED_S * 1000
        claimed = judge.redis.xautoclaim(judge.moves, plain.GROUP, plain.NAME, idle_ms, "0")
        for entry_id, fields in claimed[1]:
            judge.handle(entry_id, fields)
        judge.read(">")


def recovery_s(way: Way, moves: int = 500) -> float:
    """Return the time from SIGKILL, followed at once by a restart, to the next answer, in seconds.

    The killed judge holds one move: on Redis it is pending, on Kafka not committed.

    Raises
    ------
    StreamVizError
        If the two judges do not answer each move exactly once.
    """
    *most, last = legal_moves(moves)
    with server_for(way.style) as (topics, address, prefix):
        games = {move.game_id: Game.new(9) for move in (*most, last)}
        topics.send(Topic.GAME_STATES, *(encode(GameState(*one)) for one in games.items()))
        with JudgeProcess(way.style, address, prefix, setup=way.first) as judge:
            topics.send(Topic.MAKE_MOVE, *map(encode, most))
            wait_until(topics, len(most))
            begin = time.perf_counter()
            judge.kill()
            topics.send(Topic.MAKE_MOVE, encode(last))
            if way.style != "kafka":
                _deliver(address, prefix)
            if way.kept:
                judge.restart()
                seconds = wait_until(topics, moves) - begin
            else:
                with JudgeProcess(way.style, address, prefix, setup=way.then):
                    seconds = wait_until(topics, moves) - begin
        check_answers(topics, [*most, last])
    return seconds


def _deliver(address: str, prefix: str) -> None:
    """Deliver the last move to the judge that was killed."""
    with redis.Redis.from_url(address) as client:
        key = f"{prefix}{Topic.MAKE_MOVE}"
        client.xreadgroup(plain.GROUP, plain.NAME, {key: ">"}, count=1)


def save_all(path: Path = FILE) -> None:
    """Measure every style and every way to restart, five times each, and save the runs."""
    styles = {style: [asdict(measure(style)) for _ in range(RUNS)] for style in STYLES}
    ways = {name: [round(recovery_s(way), 3) for _ in range(RUNS)] for name, way in WAYS.items()}
    saved = {"noticed_s": NOTICED_S, "styles": styles, "ways": ways}
    path.write_text(json.dumps(saved, indent=1) + "\n", "utf-8")


@dataclass(frozen=True, slots=True)
class Runs:
    """Measurements that were repeated, shown as medians with the smallest and the largest.

    Attributes
    ----------
    rows : dict of str to dict of str to sequence of float
        For each row, the runs of each figure.
    """

    rows: dict[str, dict[str, Sequence[float]]]

    def median(self, row: str, figure: str) -> float:
        """Return the median of one figure."""
        return statistics.median(self.rows[row][figure])

    def _repr_html_(self) -> str:
        """Return the table above the picture: of an SVG and a text, a front end shows only one."""
        words, drawn = escape(repr(self)), quote(self.svg())
        style = f"display:block;width:100%;max-width:{_WIDTH}px"
        image = f'<img alt="{self._title()}" style="{style}" src="data:image/svg+xml,{drawn}">'
        return f"<pre>{words}</pre>{image}"

    def _title(self) -> str:
        return next(iter(next(iter(self.rows.values()))))

    def svg(self) -> str:
        """Draw the first figure from zero: a single run as a bar, several as dots and a median."""
        title = self._title()
        runs = {row: list(figures[title]) for row, figures in self.rows.items()}
        several = max(map(len, runs.values())) > 1
        highest = max(map(max, runs.values())) or 1
        scale = (_WIDTH - _LEFT - 20) / highest
        words = f"{title}, each run a dot, the median a line" if several else title
        parts = [f"<text x='0' y='14'>{words}</text>"]
        bottom = 34 + 24 * len(runs)
        step = 10 ** math.floor(math.log10(highest))
        step = next(step / part for part in (1, 2, 5) if highest * part / step >= 3)
        for number in range(math.floor(highest / step) + 1):
            x, value = _LEFT + number * step * scale, f"{number * step:,g}"
            parts.append(f"<path d='M{x:.1f} 24V{bottom - 4}' stroke='#888888' opacity='.3'/>")
            parts.append(f"<text x='{x:.1f}' y='{bottom + 10}' text-anchor='middle'>{value}</text>")
        for number, (row, numbers) in enumerate(runs.items()):
            y, median = 38 + 24 * number, statistics.median(numbers)
            x = _LEFT + median * scale
            parts.append(f"<text x='0' y='{y + 4}'>{row}</text>")
            value = f"<text x='{_LEFT - 12}' y='{y + 4}' text-anchor='end'>{median:.3g}</text>"
            parts += [value, *(_dots(numbers, y, scale) if several else ())]
            begin, wide, colour = (
                (x - 1.5, 3, "#D55E00") if several else (_LEFT, x - _LEFT, "#0072B2")
            )
            box = f"x='{begin:.1f}' y='{y - 9}' width='{wide:.1f}' height='18'"
            parts.append(f"<rect {box} fill='{colour}'/>")
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {bottom + 18}' "
            f"style='background:#ffffff' font-family='system-ui,sans-serif' font-size='12' "
            f"fill='#333333'><title>{title}</title>{''.join(parts)}</svg>"
        )

    def __repr__(self) -> str:
        wide = max(map(len, self.rows))
        figures = list(next(iter(self.rows.values())))
        lines = [" " * wide + "".join(f"{figure:>21}" for figure in figures)]
        for row, runs in self.rows.items():
            cells = (f"{_spread(runs[figure]):>21}" for figure in figures)
            lines.append(f"{row:{wide}}" + "".join(cells))
        return "\n".join(lines)


def saved_styles(path: Path = FILE) -> Runs:
    """Return the saved runs of each style."""
    saved: dict[str, Any] = json.loads(path.read_text("utf-8"))
    figures = {"USS MB": "uss_mb", "import s": "import_s", "first s": "first_s"}
    figures |= {"moves/s": "moves_per_s", "work ms": "work_ms"}
    return Runs(
        {
            style: {title: [run[name] for run in runs] for title, name in figures.items()}
            for style, runs in saved["styles"].items()
        }
    )


def saved_ways(path: Path = FILE) -> Runs:
    """Return the saved runs of each way to restart, those to compare one below the other."""
    saved = json.loads(path.read_text("utf-8"))
    return Runs({way: {"recovery s": saved["ways"][way]} for way in WAYS})


def _dots(numbers: Sequence[float], y: int, scale: float) -> Iterator[str]:
    for one in numbers:
        x = _LEFT + one * scale
        yield f"<circle cx='{x:.1f}' cy='{y}' r='5' fill='#0072B2' opacity='.6'/>"


def _spread(runs: Sequence[float]) -> str:
    def short(number: float) -> str:
        return f"{number:.0f}" if number >= 100 else f"{number:.3g}"

    spread = f" ({short(min(runs))}-{short(max(runs))})" if len(runs) > 1 else ""
    return short(statistics.median(runs)) + spread


if __name__ == "__main__":
    save_all()
