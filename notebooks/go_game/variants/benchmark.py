"""Each style measured in the same way: a process of its own, at a server of its own.

``python -m go_game.variants.benchmark`` prints a line for each.
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
from streamviz.server.embedded import EmbeddedServer

_QUIET_S = 0.1
_PATIENCE_S = 60
_MB = 1_000_000
_A_GAME = 40
_ANSWERS = (Topic.MOVE_MADE, Topic.MOVE_REJECTED)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured of one style.

    Attributes
    ----------
    style : str
        Which one.
    lines : int
        Lines of code: neither blank, nor comment, nor docstring. What all share is left out.
    import_s, import_mb : float
        From its start as a process until Python has imported what it needs, in seconds, and its
        unique set size then, in megabytes. What JupyterLab has brought and the style does not need
        is left out (see `go_game.variants.runner.ALONE`).
    uss_mb, rss_mb : float
        Memory at rest, after the first judgement, in megabytes: what would be free if the process
        ended (unique set size), and all of its pages that are in memory (resident set size).
    first_s : float
        From its start as a process to its first judgement, in seconds; its topics are there.
    moves_per_s : float
        Judged from a backlog, one process, one core.
    work_ms : float
        The process's own work for one of these moves, in milliseconds of one core: waiting does
        not count, nor does what others do on the machine.
    recovery_s : float
        From SIGKILL, at once followed by its start, to the next judgement, in seconds.
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
    """Measure one style; the server is started for it, and gone afterwards.

    Parameters
    ----------
    style : str
        One of `go_game.variants.runner.STYLES`.
    moves : int
        How many to judge for `Measurement.moves_per_s`.

    Raises
    ------
    InputError
        If `moves` is less than 1, or what the style needs is not installed.
    StreamVizError
        If it does not answer each move just once.
    """
    if moves < 1:
        raise InputError(f"moves={moves!r}: give 1 or more")
    if missing := runner.missing():
        raise InputError(f"{', '.join(missing)} must be installed: {runner.INSTALL}")
    runner.source(style)
    first, *most, last = _moves(moves + 2)
    with _table(style) as (topics, address, prefix):
        games = {move.game_id: Game.new(9) for move in (first, *most, last)}
        topics.send(Topic.GAME_STATES, *(encode(GameState(*one)) for one in games.items()))
        topics.send(Topic.MAKE_MOVE, encode(first))
        imported = _Import()
        begin = time.perf_counter()
        with JudgeProcess(style, address, prefix, imported=imported) as running:
            first_s = _until(topics, 1) - begin - imported.held_s
            import_s = imported.at - begin
            time.sleep(_QUIET_S)  # what it does after its first judgement is over by then
            uss_mb, rss_mb = _memory(running.process.pid)
            begin, worked_s = time.perf_counter(), _worked_s(running)
            topics.send(Topic.MAKE_MOVE, *map(encode, most))
            moves_per_s = len(most) / (_until(topics, 1 + len(most)) - begin)
            work_ms = 1000 * (_worked_s(running) - worked_s) / len(most)
            begin = time.perf_counter()
            running.kill()
            topics.send(Topic.MAKE_MOVE, encode(last))
            running.restart()
            recovery_s = _until(topics, 2 + len(most)) - begin
        _check(topics, [first, *most, last])
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
    """Count the lines of a program that are neither blank, nor comment, nor docstring."""
    holds_nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER}
    holds_nothing |= {tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in holds_nothing:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            head = node.body[0] if node.body else None
            if isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant):
                lines -= set(range(head.lineno, (head.end_lineno or head.lineno) + 1))
    return len(lines)


def on_a_whole_broker(program: str) -> str:
    """Return the source of the style `kafka`, had its broker kept its transactions.

    Then one word of Quix's asks for exactly-once, and nothing is read back, compared or sent
    singly.
    """
    program = program.replace(
        "producer_extra_config=SINGLY", 'processing_guarantee="exactly-once"'
    ).replace(".filter(judge.new)", "")
    gone: set[int] = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.stmt) and _is_for_tansu(node):
            gone.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    kept = (line for n, line in enumerate(program.splitlines(), start=1) if n not in gone)
    return "\n".join(kept) + "\n"


def _is_for_tansu(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name in ("said_before", "new")
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return ast.unparse(targets[0]) in ("SINGLY", "judge.said", "self.said")
    return isinstance(node, ast.ImportFrom) and node.module == "confluent_kafka"


@contextmanager
def _table(style: str) -> Iterator[tuple[Topics, str, str]]:
    """Start the server that a style needs."""
    if style == "kafka":
        from go_game.variants.broker import Tansu

        with Tansu() as broker:
            broker.make_topics("go.")
            with closing(KafkaTopics(broker.address, "go.")) as topics:
                yield topics, broker.address, "go."
    else:
        with EmbeddedServer() as server, closing(RedisTopics(server.url, "go:")) as topics:
            yield topics, server.url, "go:"


def _moves(number: int) -> list[MakeMove]:
    """Make legal moves, on small boards side by side, forty a game; the same every time."""
    dice = random.Random(1)
    found: list[MakeMove] = []
    for start in range(0, number, _A_GAME):
        game = Game.new(9)
        while game.turn <= min(_A_GAME, number - start):
            point = Coord(dice.randrange(9), dice.randrange(9))
            with suppress(IllegalMove):
                after, _ = game.play(game.up, point)
                found.append(MakeMove(f"game-{start}", f"move-{game.turn}", game.up, point))
                game = after
    return sorted(found, key=lambda move: int(move.req_id[5:]))  # all first moves, all second ones


def _until(topics: Topics, answers: int) -> float:
    """Wait for so many answers in all, and return when that was."""
    deadline = time.perf_counter() + _PATIENCE_S
    while (found := sum(map(topics.count, _ANSWERS))) < answers:
        if time.perf_counter() > deadline:
            raise StreamVizError(f"{found} of {answers} moves were answered in {_PATIENCE_S} s")
        time.sleep(0.002)
    return time.perf_counter()


class _Import:
    """Looks once at a process that has imported what it needs, and waits meanwhile."""

    at = held_s = uss_mb = 0.0

    def __call__(self, process_id: int) -> None:
        if not self.at:
            self.at = time.perf_counter()
            self.uss_mb, _ = _memory(process_id)
            self.held_s = time.perf_counter() - self.at


def _memory(process_id: int) -> tuple[float, float]:
    import psutil  # it comes with the extra

    found = psutil.Process(process_id).memory_full_info()
    return found.uss / _MB, found.rss / _MB


def _worked_s(running: JudgeProcess) -> float:
    import psutil

    found = psutil.Process(running.process.pid).cpu_times()
    return float(found.user + found.system)


def _check(topics: Topics, asked: list[MakeMove]) -> None:
    said = [json.loads(text) for stream in _ANSWERS for text in topics.read(stream)]
    answered = sorted((one["game_id"], one["reply_to"]) for one in said)
    if answered != sorted((move.game_id, move.req_id) for move in asked):
        raise StreamVizError(f"{len(asked)} moves have {len(answered)} answers: one each is right")


def main() -> None:
    """Measure the styles that the command line names, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m go_game.variants.benchmark")
    parser.add_argument("style", nargs="*", default=STYLES, help=f"of {', '.join(STYLES)}")
    parser.add_argument("--moves", type=int, default=1000)
    given = parser.parse_args()
    print(table_of([measure(style, given.moves) for style in given.style]))


def table_of(found: Sequence[Measurement]) -> str:
    """Return a table in text, one line for each."""
    names = ["lines", "import s", "import MB", "first s", "USS MB", "RSS MB"]
    names += ["moves/s", "work ms", "recovery s"]
    lines = [f"{'':11}" + "".join(f"  {name}" for name in names)]
    for one in found:
        figures = f"{one.lines:d} {one.import_s:.2f} {one.import_mb:.1f} {one.first_s:.2f} "
        figures += f"{one.uss_mb:.1f} {one.rss_mb:.1f} {one.moves_per_s:.0f} {one.work_ms:.2f} "
        figures += f"{one.recovery_s:.2f}"
        columns = zip(names, figures.split(), strict=True)
        lines.append(f"{one.style:11}" + "".join(f"  {n:>{len(name)}}" for name, n in columns))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
