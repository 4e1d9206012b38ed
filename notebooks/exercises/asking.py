"""Exercise 1 of notebook 09: ask for a move over a connection that breaks."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from itertools import count
from types import CellType, FunctionType
from typing import Any

import redis

from exercises.answers import answers, moves_of, quoted
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, deadline
from exercises.judge_pictures import dialogue
from exercises.picture import Picture
from exercises.verdict import Verdict, grade
from go_game.match import Match
from go_game.messages import FIELD, MakeMove, Topic, encode
from go_game.rules import Coord, Player
from streamviz.client import Stream
from streamviz.errors import ServerUnreachable

PREFIX = "shaky:"
REQUESTS = f"{PREFIX}{Topic.MAKE_MOVE}"
_MOST_CALLS, _GAME, _OTHERS = 20, "shaky", "other-"
_NOT_CAUGHT = (
    "the connection broke, and your function did not ask again. Catch Python's own "
    "ConnectionError. The class redis.ConnectionError is another one."
)
_GAVE_UP = (
    "your function asked more than once, but ended with a ConnectionError. Ask again however often "
    "the connection breaks."
)
_POINTS = {"E5": Coord(4, 4), "C3": Coord(2, 6), "G3": Coord(6, 6)}

Ask = Callable[[Match, Coord], Any]


class _Shaky(Match):
    """A match whose connection breaks while it asks: before the request is sent, or after it.

    After it, the request may have arrived, or it arrives late: with the next one. Meanwhile, a
    player of another game asks for the same point.
    """

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client, PREFIX, game_id=_GAME, every_ms=1000)
        self.breaks: list[str] = []
        self.calls = self.others = 0
        self._late: list[tuple[Coord | None, Player | None, str | None]] = []

    def ask(
        self, coord: Coord | None, player: Player | None = None, req_id: str | None = None
    ) -> str:
        """Request a move (XADD), or raise a ConnectionError."""
        self.calls += 1
        if self.calls > _MOST_CALLS:
            raise EndlessLoop(
                f"{_MOST_CALLS} requests for one move. Ask again only after an error."
            )
        self.arrive()
        when = self.breaks.pop(0) if self.breaks else ""
        if when == "before":
            self._let_another_ask(coord)
            raise ServerUnreachable("the connection broke before the request was sent")
        if when == "late":
            self._late.append((coord, player, req_id))
        found = "" if when == "late" else super().ask(coord, player, req_id)
        if when:
            self._let_another_ask(coord)
            raise ServerUnreachable("the connection broke after the request was sent")
        return found

    def arrive(self) -> None:
        """Let a late request arrive (XADD)."""
        while self._late:
            super().ask(*self._late.pop())

    def _let_another_ask(self, coord: Coord | None) -> None:
        """Add a request of another game (XADD)."""
        self.others += 1
        move = MakeMove("other-game", f"{_OTHERS}{self.others}", self.you, coord)
        stream = Stream(self.client, REQUESTS)
        last = max((one.id.ms for one in stream.reverse_range(count=1)), default=0)
        stream.add({FIELD: encode(move)}, id=f"{last}-*")


class _Beside(Match):
    """A match of which a player asks just when another one asks: neither has seen the other."""

    def __init__(
        self, client: redis.Redis, you: Player, before: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__(client, PREFIX, game_id=_GAME, you=you)
        self.before: list[Callable[[], object]] = [before]
        self.ids: set[str] = set()

    def ask(
        self, coord: Coord | None, player: Player | None = None, req_id: str | None = None
    ) -> str:
        """Request a move (XADD), after the other player."""
        if len(self.ids) > _MOST_CALLS:
            raise EndlessLoop(f"{_MOST_CALLS} requests for one move.")
        while self.before:
            self.before.pop()()
        self.ids.add(found := super().ask(coord, player, req_id))
        return found


def check_asking(client: redis.Redis, ask: Ask) -> Verdict:
    """Grade exercise 1: let your function ask for five moves, and read what became of each.

    1. For E5, the connection breaks before the request is sent, then after it, and then works.
    2. For C3, it works at once.
    3. G3 is asked for while the other player is up, so the judge rejects it.
    4. So it is once more, and the game has as many moves as before.
    5. G3 again, in turn. The connection breaks five times before the request is sent, and twice
       after it. The first of these two requests arrives only with the next one.

    Each time that the connection breaks, another game's player asks for the same point.

    6. Both players of the game ask at the same moment, the other one in a new process.

    Parameters
    ----------
    client : redis.Redis
        The server.
    ask : callable
        Called with a match and the point.
    """
    if hint := misfit(ask, "match", "coord"):
        return Verdict(False, hint)
    for key in client.scan_iter(f"{PREFIX}*", count=1000):
        client.delete(key)
    match, elsewhere = _Shaky(client), _in_a_new_process(ask)
    steps: tuple[tuple[str, list[str], bool], ...] = (
        ("E5", ["before", "after"], True),
        ("C3", [], True),
        ("G3", [], False),
        ("G3", [], False),
        ("G3", ["before"] * 5 + ["late", "after"], True),
    )
    try:
        for number, (point, breaks, in_turn) in enumerate(steps):
            before = len(_moves(match))
            match.breaks, match.calls = list(breaks), 0
            with deadline():
                ask(match, _POINTS[point])
            match.arrive()
            match.listen()
            verdict = _grade_step(match, number, point, before, in_turn)
            if not verdict.right:
                return verdict
            if number in (0, 3):
                _white(match)
        right = Verdict(
            True,
            "each move was asked for until the connection held, and the judge took all the tries "
            "for one request.",
            _picture(match),
        )
        with deadline():
            return _grade_both(client, ask, elsewhere) or right
    except EndlessLoop as error:
        return Verdict(False, f"{str(error).removesuffix('.')}.")
    except ConnectionError:
        return Verdict(False, _GAVE_UP if match.calls > 1 else _NOT_CAUGHT)


def _in_a_new_process(ask: Ask) -> Ask:
    """Return the function with variables of its own: they keep the values they have now."""
    if not isinstance(ask, FunctionType):
        return ask
    names = ask.__globals__ | {
        name: _counter(ask.__globals__[name])
        for name in ask.__code__.co_names
        if name in ask.__globals__
    }
    defaults = tuple(map(_counter, ask.__defaults__ or ()))
    cells = tuple(CellType(_counter(one.cell_contents)) for one in ask.__closure__ or ())
    there = FunctionType(ask.__code__, names, ask.__name__, defaults, cells)
    there.__kwdefaults__ = {
        name: _counter(value) for name, value in (ask.__kwdefaults__ or {}).items()
    }
    return there


def _counter(value: Any) -> Any:
    """Return a copy of what may count or remember, and anything else as it is."""
    return copy(value) if isinstance(value, count | list | dict | set) else value


def _grade_both(client: redis.Redis, ask: Ask, elsewhere: Ask) -> Verdict | None:
    """Let both players ask at the same moment; return a verdict if an ID is given twice."""
    white = _Beside(client, Player.WHITE)
    black = _Beside(client, Player.BLACK, lambda: elsewhere(white, Coord(7, 7)))
    used = {move.req_id for move in _moves(white)}
    ask(black, Coord(7, 1))
    for ids, hint in (
        (
            black.ids,
            "two players of one game who ask at the same moment give the same ID, so the judge "
            "takes them for one request, and answers only one. Make the ID from something that "
            "only this call has.",
        ),
        (
            used,
            "a new process gives an ID that your function has given before, so the judge takes its "
            "request for a repetition. A counter in Python begins again in each process. Make the "
            "ID from something that only this call has.",
        ),
    ):
        if ids & white.ids:
            return Verdict(False, hint, _picture(black))
    return None


def _white(match: Match) -> None:
    """Let the other player move, by name, in the corner."""
    number = len(match.game.moves)
    Match.ask(match, Coord(number, 0), Player.WHITE, f"{_OTHERS}white-{number}")
    match.listen()


def _picture(match: Match, *_: object) -> Picture:
    return dialogue(match.client, PREFIX, without=_OTHERS, long="ID")


@hinted("a stream of the match is missing. Leave its keys as they are.", _picture)
def _grade_step(match: Match, step: int, point: str, before: int, in_turn: bool) -> Verdict:
    """Grade one call of the function: one request, sent as often as needed, has one answer."""
    requests = Stream(match.client, REQUESTS).range()
    new = _moves(match)[before:]
    said = answers(match.client, PREFIX)
    ids = list(dict.fromkeys(move.req_id for move in new))
    old = {move.req_id for move in _moves(match)[:before]}
    words = [word for one in ids for word in said.get(one, [])]
    return grade(
        "",
        [
            (
                len(moves_of(requests)) < len(requests),
                "the judge can't read one of your requests. Give a Coord, and the ID as text.",
            ),
            (
                not new,
                f"no request for {point} has arrived. Call match.ask, and ask again until it "
                "raises no error.",
            ),
            (
                any((move.player, move.coord) != (match.you, _POINTS[point]) for move in new),
                f"your function was called for {point}, and asked for something else. "
                "Pass the point on.",
            ),
            (
                len(ids) > 1,
                f"the connection broke after the request for {point} had been sent, and that "
                "request arrived. Your next try was another request for the judge. The two "
                f"answers are {quoted(words)}. "
                "What tells the judge that both are the same request?",
            ),
            (
                step > 0 and bool(set(ids) & old),
                f"the request for {point} has the same ID as an older one, so the judge took it "
                "for a repetition and made no move. Each call of your function is a new request.",
            ),
            (
                in_turn and words != ["made"],
                f"the answers to the request for {point} are {words}, and not one 'made'.",
            ),
        ],
    )


def _moves(match: Match) -> list[MakeMove]:
    """Return the requests for moves of this game."""
    moves = moves_of(Stream(match.client, REQUESTS).range()).values()
    return [move for move in moves if move.game_id == _GAME]
