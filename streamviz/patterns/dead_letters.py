"""What is done about entries that nobody manages to handle: a dead-letter stream, and the way back.

An entry that was delivered too often is moved, with all that is known of it, to a stream of its
own, and acknowledged in the same step: it is never in neither place, nor there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streamviz.client.consumers import Consumer
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry, PendingEntry
from streamviz.client.stream import Stream
from streamviz.errors import InputError

_OURS = "dead-letter:"
_ABOUT = {f"{_OURS}{name}" for name in ("stream", "id", "group", "consumer", "deliveries", "error")}
_PAGE = 1000  # pending entries asked for at a time
# Who finds the entry still pending moves it, in one step: a claim alone guards it only as long as
# its new holder is quick. What can't be added (another type under the key) stays pending.
_MOVE = """-- Move a pending entry to the dead letters
if #redis.call("XPENDING", KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return false end
local added = redis.call("XADD", KEYS[2], "*", unpack(ARGV, 3))
redis.call("XACK", KEYS[1], ARGV[1], ARGV[2])
return added
"""
_SEND_BACK = """-- Send a dead letter back
if #redis.call("XRANGE", KEYS[1], ARGV[1], ARGV[1]) == 0 then return false end
local added = redis.call("XADD", KEYS[2], "*", unpack(ARGV, 2))
redis.call("XDEL", KEYS[1], ARGV[1])
return added
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that was given up, and its history.

    Attributes
    ----------
    id : EntryId
        Its ID in the dead-letter stream.
    fields : dict of str to str
        What it was.
    stream, group, consumer : str
        Where it came from, and who held it last.
    entry_id : EntryId
        The ID that it had there.
    deliveries : int
        How often it was delivered.
    error : str
        Why it could not be handled, as far as that was said.
    """

    id: EntryId
    fields: dict[str, str]
    stream: str
    group: str
    consumer: str
    entry_id: EntryId
    deliveries: int
    error: str


class DeadLetters:
    """The dead-letter stream of a group, as one consumer sees it.

    Parameters
    ----------
    consumer : Consumer
        Who tidies up; the moved entries pass through its hands.
    key : str, optional
        The dead-letter stream's key; without it, the stream's own with ``:dead`` at its end.
    after_deliveries : int
        An entry that was delivered so often is given up.

    Raises
    ------
    InputError
        If the number is less than 1, or the key is that of the stream itself.

    Examples
    --------
    >>> from streamviz import Stream, connect
    >>> jobs = Stream(connect(), "doctest:jobs")
    >>> _ = jobs.client.delete("doctest:jobs", "doctest:jobs:dead")
    >>> _ = jobs.add({"job": "divide by 0"}, id="5-1")
    >>> crew = jobs.group("crew")
    >>> crew.create("0")
    >>> _ = crew.consumer("ann").read()
    >>> dead = DeadLetters(crew.consumer("ben"), after_deliveries=1)
    >>> [letter.fields for letter in dead.sweep({"5-1": "ZeroDivisionError"})]
    [{'job': 'divide by 0'}]
    >>> crew.pending().count
    0
    """

    def __init__(
        self, consumer: Consumer, key: str | None = None, *, after_deliveries: int = 3
    ) -> None:
        if type(after_deliveries) is not int or after_deliveries < 1:
            raise InputError(
                f"after_deliveries={after_deliveries!r}: give a whole number, 1 or more"
            )
        self.consumer = consumer
        self.group = ConsumerGroup(consumer.connection, consumer.key, consumer.group_name)
        self.after_deliveries = after_deliveries
        if key == consumer.key:
            raise InputError(f"{key!r} is the stream itself: give the dead letters another key")
        self._source = Stream(consumer.connection.client, consumer.key)
        self.stream = Stream(consumer.connection.client, key or f"{consumer.key}:dead")

    def sweep(
        self, errors: dict[str, str] | None = None, *, min_idle_ms: int = 0
    ) -> list[DeadLetter]:
        """Move what was delivered too often to the dead-letter stream (XPENDING, XCLAIM, EVAL).

        Of several who sweep at once only one moves an entry: who finds it still pending, in the
        same step in which it is added to the dead letters and acknowledged.

        Parameters
        ----------
        errors : dict of str to str, optional
            For an entry's ID, why it could not be handled.
        min_idle_ms : int
            Leave alone what was delivered less than so long ago: somebody may be at it.

        Returns
        -------
        list of DeadLetter
            What was moved. A pending entry that was deleted from the stream is acknowledged, for
            nothing of it is left to move.
        """
        moved = []
        for held in self._pending(min_idle_ms):
            if held.deliveries < self.after_deliveries:
                continue
            claimed = self.consumer.claim([held.id], min_idle_ms, deliveries=held.deliveries)
            if not claimed:  # another one was quicker, or the entry is no longer in the stream
                if not self._source.range(str(held.id), str(held.id)):
                    self.group.ack(held.id)
                continue
            error = (errors or {}).get(str(held.id), "")
            letter = self._move(claimed[0], held.consumer, held.deliveries, error)
            moved += [letter] if letter is not None else []
        return moved

    def _pending(self, min_idle_ms: int) -> Iterator[PendingEntry]:
        """Go through all that is pending, page by page."""
        start = "-"
        while True:
            page = self.group.pending_entries(start, count=_PAGE, idle_ms=min_idle_ms or None)
            yield from page
            if len(page) < _PAGE or page[-1].id == EntryId.MAX:
                return
            start = f"({page[-1].id}"

    def letters(self) -> list[DeadLetter]:
        """Return all dead letters, oldest first (XRANGE), without what else is in the stream."""
        found = self.stream.range()
        return [_read(entry) for entry in found if entry.fields.keys() >= _ABOUT]

    def send_back(self, letter: DeadLetter) -> EntryId:
        """Add it to its stream again, as a new entry, and take it out of the dead letters.

        Both happen in one step (EVAL: XADD, XDEL). All groups of the stream will get it: those
        that had handled it, too.

        Raises
        ------
        InputError
            If it is no longer among the dead letters.
        """
        which, back = str(letter.id), _flat(letter.fields)
        keys = (self.stream.key, letter.stream)
        added = self.group.connection.call("EVAL", _SEND_BACK, 2, *keys, which, *back)
        if added is None:
            raise InputError(f"{letter.id} is no dead letter any more: somebody sent it back")
        return EntryId.parse(added)

    def _move(self, entry: Entry, consumer: str, deliveries: int, error: str) -> DeadLetter | None:
        origin, name = self.group.key, self.group.name
        both = entry.fields | fields(origin, name, consumer, entry.id, deliveries, error)
        keys, which = (origin, self.stream.key), (name, str(entry.id))
        added = self.group.connection.call("EVAL", _MOVE, 2, *keys, *which, *_flat(both))
        return None if added is None else _read(Entry(EntryId.parse(added), both))


def fields(
    stream: str, group: str, consumer: str, entry_id: EntryId, deliveries: int, error: str
) -> dict[str, str]:
    """Return what is written beside the fields of an entry that is given up; see `DeadLetter`."""
    about = {
        "stream": stream,
        "id": str(entry_id),
        "group": group,
        "consumer": consumer,
        "deliveries": str(deliveries),
        "error": error,
    }
    return {f"{_OURS}{name}": value for name, value in about.items()}


def _flat(fields: dict[str, str]) -> list[str]:
    return [word for pair in fields.items() for word in pair]


def _read(entry: Entry) -> DeadLetter:
    history = {
        name.removeprefix(_OURS): value
        for name, value in entry.fields.items()
        if name.startswith(_OURS)
    }
    return DeadLetter(
        entry.id,
        {name: value for name, value in entry.fields.items() if not name.startswith(_OURS)},
        history["stream"],
        history["group"],
        history["consumer"],
        EntryId.parse(history["id"]),
        int(history["deliveries"]),
        history["error"],
    )
