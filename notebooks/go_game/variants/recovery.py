"""Measure the styles five times each, and every way to restart a judge that was killed.

``python -m go_game.variants.recovery`` saves the runs for notebook 11, which takes
about fifteen minutes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import redis

from go_game.messages import GameState, Topic, encode
from go_game.rules import Game
from go_game.variants import plain
from go_game.variants.benchmark import check_answers, legal_moves, measure, server_for, wait_until
from go_game.variants.runner import STYLES, JudgeProcess
from go_game.variants.runs import FILE

RUNS = 5
NOTICED_S = 6
"""When a dead judge is noticed: the session timeout (Kafka's own broker allows no less than 6 s, by
default), and the minimum idle time of a claim on Redis."""

_STATIC = "quix.QUICK['group.instance.id'] = 'judge'\n"
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


def _member(noticed_s: int = NOTICED_S, *, static: bool = False) -> str:
    """Return Python that gives Quix a session timeout and, if `static`, a name that it keeps."""
    setting = f"quix.QUICK['session.timeout.ms'] = {noticed_s}000\n"
    return "from go_game.variants import quix\n" + setting + (_STATIC if static else "")


def _quix(noticed_s: int = NOTICED_S, *, static: bool = False, kept: bool = True) -> Way:
    program = _member(noticed_s, static=static)
    return Way("quix", program, program, kept=kept)


WAYS = {
    "plain on Redis, old name": Way("plain", "", "", kept=True),
    "quix on Tansu, static member, state kept": _quix(static=True),
    "quix on Tansu, static member, state restored": _quix(static=True, kept=False),
    "plain on Redis, new name": Way("plain", "", _NEW_NAME, kept=False),
    "quix on Tansu, new member, state kept": _quix(),
    "quix on Tansu, new member, state restored": _quix(kept=False),
}
TIMEOUTS = {
    member: {str(noticed_s): _quix(noticed_s, static=static) for noticed_s in (2, 4, 6, 10)}
    for member, static in (("new member", False), ("static member", True))
}
"""The ways of `quix`, with its state kept, by the session timeout in seconds."""
TIMEOUT_RUNS = 3


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

    The killed judge holds one move: on Redis it is pending, with Quix not committed.

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
            if way.style != "quix":
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
    """Measure every style and every way to restart five times each, and save the runs.

    The ways with other session timeouts are measured three times.
    """
    styles = {style: [asdict(measure(style)) for _ in range(RUNS)] for style in STYLES}
    ways = {name: _runs(way, RUNS) for name, way in WAYS.items()}
    saved = {"noticed_s": NOTICED_S, "styles": styles, "ways": ways, "timeouts": timeouts()}
    path.write_text(json.dumps(saved, indent=1) + "\n", "utf-8")


def timeouts() -> dict[str, dict[str, list[float]]]:
    """Measure how the session timeout changes the time to recover."""
    return {
        member: {noticed_s: _runs(way, TIMEOUT_RUNS) for noticed_s, way in by_timeout.items()}
        for member, by_timeout in TIMEOUTS.items()
    }


def _runs(way: Way, number: int) -> list[float]:
    return [round(recovery_s(way), 3) for _ in range(number)]


if __name__ == "__main__":
    save_all()
