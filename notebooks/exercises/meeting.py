"""Exercise 2 of notebook 10: a small lobby that reads two streams, one of those who leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from exercises.bounded import bounded
from exercises.boxes import Tinted, boxes
from exercises.hints import misfit
from exercises.interrupted import EndlessLoop, deadline
from exercises.picture import Picture
from exercises.verdict import Verdict
from streamviz.plots.parts import GREY, colour

MEET = "meet:"
FIND, LEAVE, PAIRS = f"{MEET}find", f"{MEET}leave", f"{MEET}pairs"
_MOST_COMMANDS = 200
_LATER = ("ann", "ben", "cy", "dee", "eve", "fay", "gus", "hal", "ida", "jon")

Meet = Callable[[redis.Redis], object]


@dataclass(frozen=True, slots=True)
class _Evening:
    """What happens: IDs, who, and whether they leave; and the hint if the pairs are wrong."""

    acts: Sequence[tuple[str, str, bool]]
    hint: str


_EVENINGS = (
    _Evening(
        [("1000-0", "zoe", False), ("2000-0", "yan", False), ("3000-0", "wim", False)],
        "three players asked, and none of them left. The first two play, and the third waits.",
    ),
    _Evening(
        [
            ("1000-0", "zoe", False),
            ("2000-0", "zoe", True),
            ("3000-0", "yan", False),
            ("4000-0", "wim", False),
        ],
        "zoe left before yan asked, so yan must play wim.",
    ),
    _Evening(
        [
            ("1000-0", "zoe", False),
            ("2000-0", "yan", False),
            ("3000-0", "wim", False),
            ("4000-0", "zoe", True),
            ("5000-0", "kim", False),
            ("6000-0", "zoe", False),
            ("7000-0", "amy", False),
            ("8000-0", "zoe", False),
            ("9000-0", "yan", False),
        ],
        "zoe left after she was seated with yan. That game has begun. wim still waits when kim "
        "asks, so the two play. Then zoe asks again, and plays amy. At last zoe and yan ask once "
        "more, and play a second game.",
    ),
    _Evening(
        [
            ("1000-0", "zoe", False),
            ("2000-0", "zoe", True),
            ("3000-0", "zoe", False),
            ("4000-0", "yan", False),
            *((f"5{n}00-0", who, False) for n, who in enumerate(_LATER)),
        ],
        "zoe left, came back and asked again, so she plays yan. Then ten others ask. The first two "
        "of them play, then the next two, and so on. Read all requests, however many there are.",
    ),
    _Evening(
        [
            ("999-9", "zoe", False),
            ("999-10", "yan", False),
            ("999-11", "wim", False),
            ("1000-0", "zoe", True),
            ("1001-0", "kim", False),
        ],
        "zoe asked at 999-9, yan at 999-10 and wim at 999-11, so zoe plays yan, and wim plays kim. "
        "IDs are numbers, not text.",
    ),
    _Evening(
        [
            ("1000-0", "joanna", False),
            ("1000-1", "ann", True),
            ("1000-2", "zoë", False),
            ("1000-3", "ann", False),
            ("1000-4", "joanna", True),
            ("1000-5", "anna", False),
            ("1000-6", "yan", False),
            ("1000-7", "yan", True),
            ("1000-8", "kimi", False),
            ("1000-9", "kim", True),
            ("1000-10", "Kimi", True),
            ("1000-2000000", "wim", False),
            ("1001-0", "leah", False),
            ("1001-1", "lea", False),
            ("1001-2", "max", False),
        ],
        "all this came within two milliseconds. joanna plays zoë, ann plays anna, kimi plays wim, "
        "and leah plays lea. Order the requests by their whole IDs. Compare whole names, which may "
        "have letters such as ë.",
    ),
    _Evening(
        [
            ("1000-0", "zoe", False),
            ("2000-0", "zoe", False),
            ("3000-0", "yan", False),
            ("3000-0", "kim", True),
        ],
        "both streams have a 3000-0, because an ID is unique within one stream only. kim, who left "
        "then, never waited. zoe asked twice, and still waited when yan asked. She plays yan, not "
        "herself.",
    ),
    _Evening(
        [
            ("1000-0", "ann", False),
            ("2000-0", "ben", False),
            ("3000-0", "cy", False),
            ("4000-0", "ann", True),
            ("5000-0", "cy", True),
            ("6000-0", "dee", False),
            ("7000-0", "eve", False),
        ],
        "ann and ben play. cy waited and left, so dee plays eve.",
    ),
)


def check_meeting(client: redis.Redis, meet: Meet) -> Verdict:
    """Grade exercise 2: call your function after each of eight evenings, and read the pairs.

    Parameters
    ----------
    client : redis.Redis
        The server.
    meet : callable
        Called with a client that ends after 200 commands.
    """
    if hint := misfit(meet, "client"):
        return Verdict(False, hint)
    verdict = Verdict(False, "")
    for evening in _EVENINGS:
        _new(client, evening)
        mortal = bounded(
            client, _MOST_COMMANDS, "read each stream once, without BLOCK, and decide."
        )
        try:
            with deadline():
                meet(mortal)
        except EndlessLoop as error:
            return Verdict(False, f"{str(error).removesuffix('.')}.")
        verdict = _graded(client, evening)
        if not verdict.right:
            break
    return verdict


def _new(client: redis.Redis, evening: _Evening) -> None:
    for key in (FIND, LEAVE, PAIRS):
        client.delete(key)
    for entry_id, who, leaves in evening.acts:
        client.xadd(LEAVE if leaves else FIND, {"who": who}, id=entry_id)


def _graded(client: redis.Redis, evening: _Evening) -> Verdict:
    try:
        words: Any = client.lrange(PAIRS, 0, -1)
    except redis.ResponseError:
        return Verdict(False, f"`{PAIRS}` must be a list. Write a pair with RPUSH.")
    lengths = client.xlen(FIND), client.xlen(LEAVE)
    left = sum(leaves for *_, leaves in evening.acts)
    if lengths != (len(evening.acts) - left, left):
        return Verdict(False, "the requests must stay in their streams. Only read them.")
    pairs = [word.decode("utf-8", "replace") for word in words]
    shown = _picture(evening, pairs)
    got, wanted = (sorted(map(_players, some)) for some in (pairs, _pairs(evening)))
    if got == wanted:
        text = "in each of eight evenings, those play each other who waited at the same time."
        return Verdict(True, text, shown)
    result = ", ".join(pairs) or "nothing"
    return Verdict(False, f"{evening.hint} Your list has {result}.", shown)


def _players(pair: str) -> list[str]:
    return sorted(pair.split())


def _pairs(evening: _Evening) -> list[str]:
    """Return who plays whom."""
    pairs, waiting = [], ""
    for _, who, leaves in evening.acts:
        if leaves:
            waiting = "" if waiting == who else waiting
        elif waiting in ("", who):
            waiting = who
        else:
            pairs.append(f"{waiting} {who}")
            waiting = ""
    return pairs


def _picture(evening: _Evening, pairs: Sequence[str]) -> Picture:
    """Draw the requests in order, and the pairs; the box of a player who leaves is dashed."""
    acts = [
        Tinted(f"{who} {'leaves' if leaves else 'asks'}", GREY, empty=leaves)
        for _, who, leaves in evening.acts
    ]
    games = [Tinted(pair, colour(number)) for number, pair in enumerate(pairs)]
    return boxes({"requests": acts, "pairs": games})
