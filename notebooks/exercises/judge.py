"""The exercises of notebook 09: a lost answer, and (in `relay`) a judge that died with a move."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from exercises import picture, relay
from exercises.answers import answers, moves_of
from exercises.boxes import Head, boxes
from exercises.hints import hinted
from exercises.relay import check_relay
from exercises.verdict import Verdict, count_of, grade
from go_game.match import Match
from go_game.messages import Topic
from go_game.rules import Coord
from streamviz.client.stream import Stream

LOST = "lost:"
_TIMEOUT_S = 15
_NAME = 10  # letters; a name that the match has made up is longer


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds.

    Raises
    ------
    TimeoutError
        If it does not hold within 15 seconds.
    """
    until = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"still waiting after {_TIMEOUT_S} s: run the cells from the top")
        time.sleep(0.01)


def dialogue(client: redis.Redis, prefix: str) -> picture.Picture:
    """Draw the requests by their names, and below each the first word of its answer."""
    entries = Stream(client, f"{prefix}{Topic.MAKE_MOVE}").range()
    asked = [move.req_id for move in moves_of(entries).values()]
    said = answers(client, prefix)
    names = {one: one if len(one) < _NAME else f"request {n}" for n, one in enumerate(asked, 1)}
    words = [said[one].pop(0).partition(":")[0] if said.get(one) else None for one in asked]
    return boxes({"asked": [names[one] for one in asked], "answered": words})


class Race:
    """What became of each request of a match, at some moments: one column for each moment.

    A request is waiting, or a judge holds it, or it has its answer.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        The start of the match's keys.

    Examples
    --------
    >>> race = Race(client, "pair:")
    >>> race.note("both have read")
    >>> race
    when: both have read; black: held by ann; white: held by ben
    """

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client, self._prefix = client, prefix
        self._rows: dict[str, list[object]] = {"when": []}

    def note(self, moment: str) -> None:
        """Add a column (XRANGE, XPENDING): where each request is now."""
        requests = Stream(self._client, f"{self._prefix}{Topic.MAKE_MOVE}")
        held = requests.group("judge").pending_entries()
        holders = {one.id: f"held by {one.consumer}" for one in held}
        said = answers(self._client, self._prefix)
        for entry_id, move in moves_of(requests.range()).items():
            words = [word.partition(":")[0] for word in said.get(move.req_id, ())]
            missed = [None] * len(self._rows["when"])
            now = " and ".join(words) or holders.get(entry_id, "waiting")
            self._rows.setdefault(move.req_id, [*missed]).append(now)
        self._rows["when"].append(Head(moment))

    def __repr__(self) -> str:
        return repr(boxes(self._rows))

    def _repr_svg_(self) -> str:
        return boxes(self._rows).svg


def new_lost(client: redis.Redis) -> Match:
    """Return a match in which the request ``r7``, black to E5, was answered.

    The exercise assumes that its sender did not receive the answer.
    """
    clean_up(client, LOST)
    match = Match(client, LOST, game_id="lost")
    match.ask(Coord(4, 4), req_id="r7")
    match.listen()
    return match


def _lost_dialogue(client: redis.Redis) -> picture.Picture:
    return dialogue(client, LOST)


@hinted("a stream of the match is missing: start again with new_lost.", _lost_dialogue)
def check_lost(client: redis.Redis) -> Verdict:
    """Grade exercise 1: the request was sent again with the same ID, and has one answer."""
    asked = Stream(client, f"{LOST}{Topic.MAKE_MOVE}").range()
    moves = list(moves_of(asked).values())
    again = [move for move in moves if move.req_id == "r7"]
    by_request = answers(client, LOST)
    others = sorted(set(by_request) - {"r7"})
    unread = Stream(client, f"{LOST}{Topic.MAKE_MOVE}").group("judge").info().lag
    answer = by_request[others[0]][0] if others else ""
    return grade(
        "r7 was sent twice and answered once: whether the request or the answer was lost, "
        "sending it again does no harm.",
        [
            (
                bool(others),
                f"the judge took it for another request, and answered {answer!r}. Which ID tells "
                "the judge that it is the same request?",
            ),
            (
                len(moves) < len(asked),
                "the judge can't read one of your requests: give a Coord, and the ID as text.",
            ),
            (len(again) < 2, "r7 was not sent again, and perhaps the request itself was lost."),
            (
                len(set(again)) > 1,
                "r7 now names two different moves. Had the first request been lost, the judge "
                "would have made the wrong one: repeat the player and the point, too.",
            ),
            (
                bool(unread),
                f"the judge has not read {count_of(unread or 0, 'request')} yet: let it listen.",
            ),
            (
                len(by_request.get("r7", [])) != 1,
                "the answer to r7 is not in its stream: start again with new_lost.",
            ),
        ],
    )


def clean_up(client: redis.Redis, *prefixes: str) -> None:
    """Delete all keys with one of these prefixes; by default, those of the exercises."""
    if not prefixes:
        relay.clean_up(client)
    for prefix in prefixes or (LOST,):
        for key in client.scan_iter(f"{prefix}*", count=1000):
            client.delete(key)


__all__ = [
    "LOST",
    "Race",
    "answers",
    "check_lost",
    "check_relay",
    "clean_up",
    "dialogue",
    "new_lost",
    "wait_for",
]
