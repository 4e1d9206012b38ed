"""Exercise 2 of notebook 09: a judge takes over from one that died, and may fail or die itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import product

import redis

from exercises import journal, naive_judge, picture
from exercises.answers import moves_of
from exercises.hints import misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.relay_grades import (
    LIVE,
    MOVES,
    RELAY,
    RELAYED,
    as_another,
    grade_again,
    grade_anew,
    grade_live,
    grade_lost,
    grade_refused,
    grade_restart,
    grade_rival,
    grade_taken,
    grade_whole,
)
from exercises.sale_keys import expire
from exercises.verdict import Verdict, count_of
from go_game.match import Match
from go_game.messages import FIELD, MakeMove, encode
from go_game.rules import Coord, Player
from streamviz.client import ConsumerGroup, Entry, EntryId, Stream
from streamviz.simulation import EPOCH_MS

_POINTS = (Coord(4, 4), Coord(2, 2), Coord(6, 6))
_IDS = tuple(f"{EPOCH_MS + ms}-{seq}" for ms, seq in ((500, 9), (500, 10), (501, 0)))
_LIVE_ID = f"{EPOCH_MS + 500}-11"
_MOST_COMMANDS = 300
_DEAD_MS, _MINUTE_MS, _ALIVE_MS = 60_500, 60_000, 50_000
_FAILURES = 1, 5, 10

Judge = Callable[[Entry], str]
Relay = Callable[[ConsumerGroup, Judge], object]


class JudgeFailed(Exception):
    """The judge could not judge a move this time, and has written nothing."""


class _Died(BaseException):
    """The death of a process; the process's own code must not catch it."""


def check_relay(client: redis.Redis, relay: Relay) -> Verdict:
    """Grade exercise 2: run your function, disturb it, and see in Redis what became of each move.

    Each run begins with all keys new. After a failure, your function is called again.

    1. Nothing happens.
    2. While a move is judged, another judge takes it too, if it may: if the move was not delivered
       to anyone yet, or has been idle for a minute.
    3. Another judge is alive: it has held a move of another game for fifty seconds.
    4. Another judge claims the dead judge's move before the first command of your function, before
       its second, and so on, until your function has claimed it.
    5. The judge that held the first move was only slow, and has held such a move, too.
    6. The second move asks for a point that is taken, so it is rejected.
    7. Judging fails once, or five or ten times in a row, from each move on.
    8. The process dies before its first command, before its second, and so on. What expires in
       Redis expires, and your function is called again.

    Parameters
    ----------
    client : redis.Redis
        The server.
    relay : callable
        Called with the group ``judge`` and a function that judges an entry.
    """
    if hint := misfit(relay, "group", "judge"):
        return Verdict(False, hint)
    try:
        verdict = _undisturbed(client, relay)
        slow = partial(_with_a_live_judge, alive="ann")
        others = _with_a_rival, _with_a_live_judge, _with_a_faster_judge, slow
        for check in (*others, _with_a_refusal, _with_failures, _with_deaths):
            if verdict.right:
                verdict = check(client, relay)
    except EndlessLoop as error:
        verdict = Verdict(False, f"{str(error).removesuffix('.')}.")
    finally:
        journal.close(RELAY)
    return verdict


def _undisturbed(client: redis.Redis, relay: Relay) -> Verdict:
    group = _new(client)
    journal.start(client, RELAY)
    _run(client, relay)
    steps = journal.stop(client, RELAY)
    return grade_whole(group, journal.shortcut(steps, RELAYED) or as_another(steps))


def _with_a_rival(client: redis.Redis, relay: Relay) -> Verdict:
    group = _new(client)

    def before(entry: Entry) -> None:
        rival = group.consumer("cy")
        taken = [*rival.claim([entry.id], _MINUTE_MS)]
        while group.info().last_delivered_id < entry.id:
            taken += rival.read(1)
        for one in taken:
            naive_judge.judge(client, RELAY, one)
            rival.ack(one.id)

    verdict = _graded(client, relay, group, grade_rival, before)
    return grade_anew(group) if verdict.right else verdict


def _with_a_live_judge(client: redis.Redis, relay: Relay, alive: str = "cy") -> Verdict:
    return _graded(client, relay, _new(client, alive=alive), partial(grade_live, alive=alive))


def _with_a_faster_judge(client: redis.Redis, relay: Relay) -> Verdict:
    for last in range(1, _MOST_COMMANDS):
        group = _new(client)
        if not _cy_claims(client, relay, group, last):
            break
        if not (verdict := grade_taken(group)).right:
            return verdict
    return Verdict(True, "")


def _with_a_refusal(client: redis.Redis, relay: Relay) -> Verdict:
    group = _new(client, refused=True)
    try:
        return _graded(client, relay, group, grade_refused)
    except EndlessLoop:
        if (verdict := grade_refused(group)).right:
            raise
        return verdict


def _cy_claims(client: redis.Redis, relay: Relay, group: ConsumerGroup, last: int) -> bool:
    """Let cy claim r1 just before a command of the function; return whether it got it."""
    first, cy = group.pending_entries()[0].id, group.consumer("cy")
    claimed: list[EntryId] = []

    def command(number: int) -> None:
        if number == last:
            claimed.extend(cy.claim([first], _MINUTE_MS, idle_ms=_ALIVE_MS, justid=True))

    with suppress(Exception, EndlessLoop):  # a judge may wait for cy, which does nothing more here
        _run(client, relay, command=command)
    return bool(claimed)


def _graded(
    client: redis.Redis,
    relay: Relay,
    group: ConsumerGroup,
    verdict: Callable[[ConsumerGroup], Verdict],
    before: Callable[[Entry], object] = lambda entry: None,
) -> Verdict:
    """Return the verdict on a run; an error of the function counts only if that is right."""
    try:
        _run(client, relay, before)
    except Exception:
        if verdict(group).right:
            raise
    return verdict(group)


def _with_failures(client: redis.Redis, relay: Relay) -> Verdict:
    for times, failing in product(_FAILURES, range(1, MOVES + 1)):
        group = _new(client)
        calls: list[str] = []
        fails = range(failing, failing + times)

        def before(entry: Entry, fails: range = fails, calls: list[str] = calls) -> None:
            calls.extend(move.req_id for move in moves_of([entry]).values())
            if len(calls) in fails:
                raise JudgeFailed(f"the judge could not judge {calls[-1]} this time")

        for _ in range(times):  # the function is called again while the judge still fails
            with suppress(Exception):  # the judge's, which the function may have put into its own
                _run(client, relay, before)
            failed = calls[failing - 1]
            failures = calls[failing - 1 : fails[-1]].count(failed)
            how_often = {1: "once", 2: "twice"}.get(failures, f"{failures} times")
            verdict = grade_lost(group, failed, f"Judging {failed} failed {how_often}")
            if not verdict.right:
                return verdict
            if len(calls) >= fails[-1]:
                break
        _run(client, relay)
        verdict = grade_again(group, failed, how_often)
        if not verdict.right:
            break
    return verdict


def _with_deaths(client: redis.Redis, relay: Relay) -> Verdict:
    for last in range(_MOST_COMMANDS):
        group = _new(client)

        def before(number: int, last: int = last) -> None:
            if number > last:
                raise _Died

        try:
            _run(client, relay, command=before)
        except _Died:
            death = f"The process died after {count_of(last, 'command')}"
            verdict = grade_lost(group, "", death)
            if verdict.right:
                expire(client, RELAY)
                restarted = partial(grade_restart, why=death)
                verdict = _graded(client, relay, group, restarted)
            if not verdict.right:
                return verdict
        else:
            break
    return grade_whole(group, "")


def _new(client: redis.Redis, *, alive: str = "", refused: bool = False) -> ConsumerGroup:
    """Return the group ``judge``: ann has held move 1 for over a minute, ben holds 2, and 3 is new.

    In the order of their IDs as text, 2 would be the first, and by their sequence numbers alone, 3.
    The judge `alive` has held a move of another game for fifty seconds; it came between 2 and 3.
    With `refused`, white asks for the point of move 1, and then, with 3, for another one.
    """
    clean_up(client)
    Match(client, RELAY, game_id="relay", judge=False, every_ms=1000)  # opens the game
    requests = Stream(client, RELAYED)
    group = requests.group("judge")
    group.create("0", mkstream=True)
    black, white = Player.BLACK, Player.WHITE
    first, second, third = _POINTS
    moves = [
        (_IDS[0], MakeMove("relay", "r1", black, first)),
        (_IDS[1], MakeMove("relay", "r2", white, first if refused else second)),
        (_IDS[2], MakeMove("relay", "r3", white if refused else black, third)),
    ]
    if alive:
        moves.insert(2, (_LIVE_ID, MakeMove("other-game", LIVE, black, Coord(0, 0))))
    for entry_id, move in moves:
        requests.add({FIELD: encode(move)}, id=entry_id)
    ann = group.consumer("ann")
    ann.claim(ann.read(1), idle_ms=_DEAD_MS, justid=True)
    group.consumer("ben").read(1)
    if alive:
        one = group.consumer(alive)
        one.claim(one.read(1), idle_ms=_ALIVE_MS, justid=True)
    picture.start(client, RELAYED)
    return group


def _run(
    client: redis.Redis,
    relay: Relay,
    before: Callable[[Entry], object] = lambda entry: None,
    command: Callable[[int], object] = lambda number: None,
) -> None:
    """Call a function: `before` is called before each judgement, `command` before each command."""

    def counted(number: int) -> None:
        if number > _MOST_COMMANDS:
            raise EndlessLoop(
                f"{_MOST_COMMANDS} commands and no end. Read without BLOCK, and end when nothing "
                "is left."
            )
        command(number)

    with interrupted(client, counted) as mortal:

        def judge(entry: Entry) -> str:
            before(entry)
            return naive_judge.judge(mortal, RELAY, entry)

        relay(Stream(mortal, RELAYED).group("judge"), judge)


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercise."""
    journal.close(RELAY)
    for key in client.scan_iter(f"{RELAY}*", count=1000):
        client.delete(key)
