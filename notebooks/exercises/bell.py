"""A bell that rings while you are away, and a stream that keeps only its newest rings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import randint
from typing import Any

import redis

from exercises import meanwhile
from exercises.bounded import bounded
from exercises.boxes import Lost, boxes
from exercises.hints import hinted
from exercises.picture import Picture
from exercises.verdict import Verdict, count_of, grade
from streamviz.client import EntryId, Stream, replies

KEY, HEARD = "bell", "heard"
_OLD, _RINGS = (5, 10), (2, 3, 1)
_FAR = 10**18  # a sequence number; as text, it comes before 9
_START_AGAIN = "Start again with new_bell."


@dataclass(slots=True)
class _Rung:
    """What the bell has done: a learner's code can't change this."""

    old: list[EntryId] = field(default_factory=list)
    new: list[EntryId] = field(default_factory=list)
    between: list[EntryId] = field(default_factory=list)
    rounds: int = 0
    late: bool = False
    trimmed: int = 0


_rung = _Rung()


def new_bell(client: redis.Redis) -> Stream:
    """Return the stream ``bell`` with some old rings; the list ``heard`` does not exist.

    In each round but the last, it rings once more after a question.
    """
    global _rung
    clean_up(client)
    _rung, bell = _Rung(), Stream(client, KEY)
    for _ in range(randint(*_OLD)):
        _rung.old.append(_ring(bell))

    def ring_late() -> None:
        if 0 < _rung.rounds < len(_RINGS) and not _rung.late:
            _rung.late = True
            _rung.between.append(_ring(bell))
            _rung.new.append(_rung.between[-1])

    own = bounded(client)
    meanwhile.start(KEY, ring_late, client, own)
    return Stream(own, KEY)


def ring(bell: Stream) -> None:
    """Ring one to three times; before that, the stream forgets old rings.

    It keeps what came after the last question, and one ring more. So it is of no use to count the
    rings, or to read them all at the end.
    """
    with meanwhile.pause(KEY):
        if _rung.rounds:
            _rung.trimmed += bell.trim(maxlen=1 + _rung.late)
        last = _rung.rounds == len(_RINGS) - 1
        before_last = _rung.rounds == len(_RINGS) - 2
        number = _RINGS[_rung.rounds % len(_RINGS)]
        for n in range(1, number + 1):
            far = before_last and n == number
            _rung.new.append(_ring(bell, later_ms=randint(1, 999) * last, far=far))
        _rung.rounds, _rung.late = _rung.rounds + 1, False


def _ring(bell: Stream, *, later_ms: int = 0, far: bool = False) -> EntryId:
    """Ring in the same millisecond as the last ring, or so much later.

    The sequence numbers of the new rings pass from 9 to 10, then jump `far`, and begin again with
    the last ring, when the milliseconds get one more digit. So it is of no use to compare IDs as
    text, to compare only one of their parts, or to pack both into one number such as a float. All
    rings have the same field: only an ID tells a new one from an old one.
    """
    if bell.exists():
        last = bell.info().last_generated_id
        entry_id = EntryId(last.ms + later_ms) if later_ms else last.next()
        if far:
            entry_id = max(entry_id, EntryId(last.ms, _FAR))
    else:
        entry_id = EntryId(10 ** randint(5, 8) - 1)
    bell.add({"ring": "ding"}, id=str(entry_id))
    return entry_id


def _heard(bell: Stream) -> list[Any]:
    words: Any = bell.client.lrange(HEARD, 0, -1)
    return list(words)


def _rings(bell: Stream) -> Picture:
    """Draw the new rings by their number, and which of all the rings were heard."""
    heard = {EntryId.parse(word) for word in _heard(bell)}
    labels: dict[EntryId, str] = {one: str(n) for n, one in enumerate(_rung.new, 1)}
    known = [label if one in heard else Lost(label) for one, label in labels.items()]
    early = "old" if heard & set(_rung.old) else None
    return boxes({"rang": ["old", *labels.values()], "heard": [early, *known]})


@hinted("`heard` must be a list of entry IDs. Start again with new_bell.", _rings)
def check_bell(bell: Stream) -> Verdict:
    """Grade exercise 1: the list ``heard`` has each new ring once, in order."""
    with meanwhile.pause(KEY):
        there = bell.info() if bell.exists() else None
    gone = (there.entries_added or 0) - there.length - _rung.trimmed if there else 0
    words = _heard(bell)
    heard = [EntryId.parse(word) for word in words]
    missed = [one for one in _rung.new if one not in heard]
    early = [one for one in heard if one not in _rung.new]
    twice = [str(one) for one, times in Counter(heard).items() if times > 1]
    total = len(_rung.new)
    not_new = count_of(
        len(early),
        "ID in `heard` is not that of a new ring",
        "IDs in `heard` are not those of new rings",
    )
    return grade(
        f"you heard all {total} new rings once, and none of the old ones.",
        [
            (
                gone > 0,
                f"rings are gone from the stream. Only read it, and remove nothing. {_START_AGAIN}",
            ),
            (
                any("-" not in replies.text(word) for word in words),
                "`heard` should hold each entry's whole ID, with its sequence number.",
            ),
            (
                _rung.rounds != len(_RINGS),
                f"you were away {count_of(_rung.rounds, 'time')}. Keep the three rounds.",
            ),
            (
                bool(early),
                f"{not_new}. Find out where the stream ends before the first round, and start "
                "after that whole ID.",
            ),
            (
                bool(missed) and set(missed) <= set(_rung.between),
                f"you missed {len(missed)} of {total} rings, which came between two of your "
                "commands. Take your position from the last entry that you read, not from the end "
                "of the stream.",
            ),
            (
                bool(twice),
                f"{', '.join(twice)} {'was' if len(twice) == 1 else 'were'} heard more than once. "
                "After each read, move your position on to the last entry that you read, and ask "
                "only for what came after it.",
            ),
            (
                bool(missed),
                f"you missed {len(missed)} of {total} rings. Each time you are back, ask for all "
                "that came after the last ID you have. If you compare IDs yourself, compare both "
                "parts of each ID, as numbers.",
            ),
            (heard != _rung.new, "the rings are not in the order in which they came."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the bell, and what was heard of it."""
    meanwhile.stop(KEY)
    client.delete(KEY, HEARD)
