"""Measure every style in the same way: one process and one server for each.

``python -m go_game.variants.benchmark`` prints one line per style.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import random
import time
import tokenize
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from go_game.messages import GameState, MakeMove, Topic, encode
from go_game.rules import Coord, Game, IllegalMove
from go_game.variants import runner
from go_game.variants.runner import STYLES, JudgeProcess
from go_game.variants.topics import KafkaTopics, RedisTopics, Topics
from streamviz.errors import InputError, StreamVizError
from streamviz.server import EmbeddedServer

_SETTLE_S = 0.1
_TIMEOUT_S = 60
_MB = 1_000_000
_MOVES_PER_GAME = 40
_ANSWERS = (Topic.MOVE_MADE, Topic.MOVE_REJECTED)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measurements of one style.

    Attributes
    ----------
    style : str
        The style.
    lines : int
        Lines of code, without blank lines, comments, docstrings and shared modules.
    import_s, import_mb : float
        The time from the start of the process until its imports are done, in seconds, and its
        unique set size at that time, in megabytes. A module that JupyterLab installs and the style
        does not need is left out (see `go_game.variants.runner.ALONE`).
    uss_mb, rss_mb : float
        Memory at rest after the first answer, in megabytes: the unique set size, which would be
        free if the process ended, and the resident set size, which includes shared pages.
    first_s : float
        The time from the start of the process to its first answer, in seconds; its topics exist.
    moves_per_s : float
        The rate at which one process, on one core, answers waiting moves.
    work_ms : float
        The process's own processor time for one of these moves, in milliseconds; waiting and other
        processes are not included.
    recovery_s : float
        The time from SIGKILL, followed at once by a restart, to the next answer, in seconds.
    """

    style: str
    lines: int
    import_s: float
    import_mb: float
    uss_mb: float
    rss_mb: float
    first_s: float
    moves_per_s: float
    work_ms: float
    recovery_s: float


def measure(style: str, moves: int = 1000) -> Measurement:
    """Measure one style, on a server that is started for it.

    Parameters
    ----------
    style : str
        One of `go_game.variants.runner.STYLES`.
    moves : int
        The number of moves for `Measurement.moves_per_s`.

    Raises
    ------
    InputError
        If `moves` is less than 1, or a module that the style needs is not installed.
    StreamVizError
        If the judge does not answer each move exactly once.
    """
    if moves < 1:
        raise InputError(f"moves={moves!r}: give 1 or more")
    if missing := runner.missing():
        raise InputError(f"{', '.join(missing)} must be installed: {runner.INSTALL}")
    runner.source(style)
    first, *most, last = legal_moves(moves + 2)
    with server_for(style) as (topics, address, prefix):
        games = {move.game_id: Game.new(9) for move in (first, *most, last)}
        topics.send(Topic.GAME_STATES, *(encode(GameState(*one)) for one in games.items()))
        topics.send(Topic.MAKE_MOVE, encode(first))
        imported = _Import()
        begin = time.perf_counter()
        with JudgeProcess(style, address, prefix, on_import=imported) as judge:
            first_s = wait_until(topics, 1) - begin - imported.paused_s
            import_s = imported.at - begin
            time.sleep(_SETTLE_S)  # let the work after the first answer end
            uss_mb, rss_mb = _memory(judge.process.pid)
            begin, worked_s = time.perf_counter(), _worked_s(judge)
            topics.send(Topic.MAKE_MOVE, *map(encode, most))
            moves_per_s = len(most) / (wait_until(topics, 1 + len(most)) - begin)
            work_ms = 1000 * (_worked_s(judge) - worked_s) / len(most)
            begin = time.perf_counter()
            judge.kill()
            topics.send(Topic.MAKE_MOVE, encode(last))
            judge.restart()
            recovery_s = wait_until(topics, 2 + len(most)) - begin
        check_answers(topics, [first, *most, last])
    return Measurement(
        style=style,
        lines=lines_of_code(runner.source(style)),
        import_s=import_s,
        import_mb=imported.uss_mb,
        uss_mb=uss_mb,
        rss_mb=rss_mb,
        first_s=first_s,
        moves_per_s=moves_per_s,
        work_ms=work_ms,
        recovery_s=recovery_s,
    )


def lines_of_code(source: str) -> int:
    """Count the lines of a program, without blank lines, comments and docstrings."""
    no_code = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER}
    no_code |= {tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in no_code:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            head = node.body[0] if node.body else None
            if isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant):
                lines -= set(range(head.lineno, (head.end_lineno or head.lineno) + 1))
    return len(lines)


def with_transactions(program: str) -> str:
    """Return the source of the style `quix` as it would be on a broker with full transactions.

    There, one option of Quix gives exactly-once, and the code that reads outputs back, compares
    them and sends them one by one is not needed. The settings that only make the measurement quick
    are left out, too: the broker refuses a session timeout of one second. `commit_interval` stays,
    because readers see an answer only after the commit.
    """
    program = program.replace(
        "producer_extra_config=SINGLY", 'processing_guarantee="exactly-once"'
    ).replace(".filter(judge.new)", "")
    removed: set[int] = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.stmt | ast.keyword) and _is_for_tansu(node):
            removed.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    kept = (line for n, line in enumerate(program.splitlines(), start=1) if n not in removed)
    return "\n".join(kept) + "\n"


def _is_for_tansu(node: ast.stmt | ast.keyword) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in ("commit_every", "consumer_extra_config", "consumer_poll_timeout")
    if isinstance(node, ast.FunctionDef):
        return node.name in ("sent_before", "new")
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return ast.unparse(targets[0]) in ("EVERY", "QUICK", "SINGLY", "judge.sent", "self.sent")
    return isinstance(node, ast.ImportFrom) and node.module == "confluent_kafka"


@contextmanager
def server_for(style: str) -> Iterator[tuple[Topics, str, str]]:
    """Start the server that a style needs; yield its topics, address and prefix."""
    if style == "quix":
        from go_game.variants.broker import Tansu

        with Tansu() as broker:
            broker.create_topics("go.")
            with closing(KafkaTopics(broker.address, "go.")) as topics:
                yield topics, broker.address, "go."
    else:
        with EmbeddedServer() as server, closing(RedisTopics(server.url, "go:")) as topics:
            yield topics, server.url, "go:"


def legal_moves(number: int) -> list[MakeMove]:
    """Return legal moves of parallel games on small boards, forty per game; always the same."""
    dice = random.Random(1)
    moves: list[MakeMove] = []
    for start in range(0, number, _MOVES_PER_GAME):
        game = Game.new(9)
        while game.turn <= min(_MOVES_PER_GAME, number - start):
            point = Coord(dice.randrange(9), dice.randrange(9))
            with suppress(IllegalMove):
                after, _ = game.play(game.up, point)
                moves.append(MakeMove(f"game-{start}", f"move-{game.turn}", game.up, point))
                game = after
    return sorted(moves, key=lambda move: int(move.req_id[5:]))  # all first moves, then the second


def wait_until(topics: Topics, answers: int) -> float:
    """Wait until there are this many answers in all, and return the time."""
    deadline = time.perf_counter() + _TIMEOUT_S
    while (count := sum(map(topics.count, _ANSWERS))) < answers:
        if time.perf_counter() > deadline:
            raise StreamVizError(f"{count} of {answers} moves were answered in {_TIMEOUT_S} s")
        time.sleep(0.002)
    return time.perf_counter()


class _Import:
    """Measure a process once, while it waits after its imports."""

    at = paused_s = uss_mb = 0.0

    def __call__(self, process_id: int) -> None:
        if not self.at:
            self.at = time.perf_counter()
            self.uss_mb, _ = _memory(process_id)
            self.paused_s = time.perf_counter() - self.at


def _memory(process_id: int) -> tuple[float, float]:
    import psutil  # part of an extra

    memory = psutil.Process(process_id).memory_full_info()
    return memory.uss / _MB, memory.rss / _MB


def _worked_s(judge: JudgeProcess) -> float:
    import psutil

    times = psutil.Process(judge.process.pid).cpu_times()
    return float(times.user + times.system)


def check_answers(topics: Topics, moves: list[MakeMove]) -> None:
    """Raise if the judges did not answer each of these moves exactly once."""
    answers = [json.loads(text) for topic in _ANSWERS for text in topics.read(topic)]
    answered = sorted((answer["game_id"], answer["reply_to"]) for answer in answers)
    if answered != sorted((move.game_id, move.req_id) for move in moves):
        raise StreamVizError(f"{len(moves)} moves have {len(answered)} answers: expected one each")


def main() -> None:
    """Measure the styles named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m go_game.variants.benchmark")
    parser.add_argument("style", nargs="*", default=STYLES, help=f"of {', '.join(STYLES)}")
    parser.add_argument("--moves", type=int, default=1000)
    args = parser.parse_args()
    print(table_of([measure(style, args.moves) for style in args.style]))


def table_of(measurements: Sequence[Measurement]) -> str:
    """Return a table in text, one line per style."""
    names = ["lines", "import s", "import MB", "first s", "USS MB", "RSS MB"]
    names += ["moves/s", "work ms", "recovery s"]
    lines = [f"{'':11}" + "".join(f"  {name}" for name in names)]
    for one in measurements:
        figures = f"{one.lines:d} {one.import_s:.2f} {one.import_mb:.1f} {one.first_s:.2f} "
        figures += f"{one.uss_mb:.1f} {one.rss_mb:.1f} {one.moves_per_s:.0f} {one.work_ms:.2f} "
        figures += f"{one.recovery_s:.2f}"
        columns = zip(names, figures.split(), strict=True)
        lines.append(f"{one.style:11}" + "".join(f"  {n:>{len(name)}}" for name, n in columns))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
