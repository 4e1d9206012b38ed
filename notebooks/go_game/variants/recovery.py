"""Measure the styles five times each, and every way to restart a judge that was killed.

``python -m go_game.variants.recovery`` saves the runs for notebook 11; it takes about ten minutes.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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

    def _repr_svg_(self) -> str:
        """Draw each run of the first figure as a dot, and the median as a line."""
        title = next(iter(next(iter(self.rows.values()))))
        runs = {row: list(figures[title]) for row, figures in self.rows.items()}
        scale = (_WIDTH - _LEFT - 20) / max(map(max, runs.values()))
        parts = [f"<text x='0' y='14'>{title}, each run a dot, the median a line</text>"]
        for number, (row, numbers) in enumerate(runs.items()):
            y = 38 + 24 * number
            parts.append(f"<text x='0' y='{y + 4}'>{row}</text>")
            for one in numbers:
                x = _LEFT + one * scale
                parts.append(f"<circle cx='{x:.1f}' cy='{y}' r='5' fill='#0072B2' opacity='.6'/>")
            x = _LEFT + statistics.median(numbers) * scale
            line = f"x1='{x:.1f}' x2='{x:.1f}' y1='{y - 9}' y2='{y + 9}'"
            parts.append(f"<line {line} stroke='#D55E00' stroke-width='3'/>")
            value = f"{statistics.median(numbers):.3g}"
            parts.append(f"<text x='{_LEFT - 12}' y='{y + 4}' text-anchor='end'>{value}</text>")
        height = 30 + 24 * len(runs)
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' "
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


def _spread(runs: Sequence[float]) -> str:
    def short(number: float) -> str:
        return f"{number:.0f}" if number >= 100 else f"{number:.3g}"

    return f"{short(statistics.median(runs))} ({short(min(runs))}-{short(max(runs))})"


if __name__ == "__main__":
    save_all()
