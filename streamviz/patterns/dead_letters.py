"""Move entries that no consumer can handle to a dead-letter stream, and back.

An entry that was delivered too often is added to the dead-letter stream, and acknowledged in the
same step. So it is never lost and never moved twice. A dead letter has all fields of the entry,
followed by six fields for its history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import NoneType

from streamviz.client.arguments import Id, new_id, whole_number
from streamviz.client.consumers import Consumer
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry, PendingEntry
from streamviz.client.resp import Command
from streamviz.client.stream import Stream
from streamviz.errors import CommandRefused, InputError, WrongType, check_type

_PREFIX = "dead-letter:"
_HISTORY = [
    f"{_PREFIX}{name}" for name in ("stream", "id", "group", "consumer", "deliveries", "error")
]
_HISTORY_WORDS = 2 * len(_HISTORY)
_PAGE = 1000  # pending entries per XPENDING
_MAX_WORDS = 7000  # in a script's XADD; Lua has room for some 8000
# The script moves an entry only if it is still pending. A claim alone does not protect the entry:
# another consumer can claim it again before the move. If the entry can't be added (the key holds
# another type), it stays pending.
_MOVE = """-- Move a pending entry to the dead letters
if #redis.call("XPENDING", KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return false end
local added = redis.call("XADD", KEYS[2], ARGV[3], unpack(ARGV, 4))
redis.call("XACK", KEYS[1], ARGV[1], ARGV[2])
return added
"""
_SEND_BACK = """-- Send a dead letter back
if #redis.call("XRANGE", KEYS[1], ARGV[1], ARGV[1]) == 0 then return false end
local added = redis.call("XADD", KEYS[2], "*", unpack(ARGV, 2))
redis.call("XDEL", KEYS[1], ARGV[1])
return added
"""
# After an XADD of more words than Lua has room for, in the same transaction: XADD may have failed,
# and MULTI goes on after an error.
_TAKE_AWAY = """-- Acknowledge or delete an entry, if a copy was just added
local newest = redis.call("XREVRANGE", KEYS[2], "+", "-", "COUNT", 1)[1]
local words, first = newest and newest[2] or {}, tonumber(ARGV[1])
for i = 0, #ARGV - first do
  if words[#words - i] ~= ARGV[#ARGV - i] then return 0 end
end
return redis.call(ARGV[2], KEYS[1], unpack(ARGV, 3, first - 1))
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry in the dead-letter stream, with its own fields, its delivery count and its origin.

    Attributes
    ----------
    id, entry_id : EntryId
        Its IDs in the dead-letter stream and in the stream that it comes from.
    consumer : str
        The last consumer of the group that held it.
    error : str
        Why it could not be handled; empty if unknown.
    repeated : tuple of (str, str)
        All its own fields and values, if a field occurs more than once: these are sent back.
    """

    id: EntryId
    fields: dict[str, str]
    stream: str
    group: str
    consumer: str
    entry_id: EntryId
    deliveries: int
    error: str
    repeated: tuple[tuple[str, str], ...] = ()


class DeadLetters:
    """The dead-letter stream of a group, managed by a consumer that claims entries and moves them.

    Parameters
    ----------
    key : str, optional
        The dead-letter stream's key; the default is the stream's key with ``:dead`` at its end.
        InputError if it is the stream's own.
    after_deliveries : int
        The delivery count from which an entry is moved, 1 or more.

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
        check_type("consumer", consumer, Consumer, "a Consumer, for example group.consumer(name)")
        self.after_deliveries = whole_number("after_deliveries", after_deliveries, 1)
        self.consumer = consumer
        self.group = ConsumerGroup(consumer.connection, consumer.key, consumer.group_name)
        if key == consumer.key:
            raise InputError(f"{key!r} is the stream itself: give the dead letters another key")
        self._source = Stream(consumer.connection.client, consumer.key)
        dead = f"{consumer.key}:dead" if key is None else key
        self.stream = Stream(consumer.connection.client, dead)

    def sweep(
        self,
        errors: Mapping[str, str] | Mapping[EntryId, str] | None = None,
        *,
        min_idle_ms: int = 0,
    ) -> list[DeadLetter]:
        """Move entries that were delivered too often, and return them (XPENDING, XCLAIM, EVAL).

        Several consumers may sweep at once: only one of them moves an entry. A pending entry that
        was deleted from the stream is only acknowledged. The `errors` map an entry's ID, as an
        EntryId or as text, to the reason why it could not be handled. Entries that were delivered
        less than `min_idle_ms` milliseconds ago are skipped: a consumer may still be handling them.
        An entry that can't be moved stays pending; the others are moved before its error is raised.
        """
        check_type("errors", errors, (Mapping, NoneType), "a dict of an entry's ID and a text")
        why = {str(one): text for one, text in (errors or {}).items()}
        letters: list[DeadLetter] = []
        failures: list[tuple[EntryId, CommandRefused | InputError]] = []
        for held in self._pending(min_idle_ms):
            if held.deliveries < self.after_deliveries:
                continue
            try:
                letter = self.move(held, why.get(str(held.id), ""), min_idle_ms=min_idle_ms)
            except (CommandRefused, InputError) as error:
                failures.append((held.id, error))
            else:
                letters += [letter] if letter else []
        for entry_id, failure in failures:
            raise type(failure)(
                f"{entry_id} can't be moved: {failure}. Of all entries that are due, "
                f"{len(failures)} stay pending, and {len(letters)} were moved: read these with "
                "letters()"
            ) from failure
        return letters

    def move(
        self,
        held: PendingEntry,
        error: str = "",
        *,
        min_idle_ms: int = 0,
        id: Id = "*",  # noqa: A002 - Redis's own word
    ) -> DeadLetter | None:
        """Move one pending entry, however often it was delivered (XCLAIM, EVAL).

        The `error` says why it could not be handled, and `id` is the dead letter's; `min_idle_ms`
        is as in `sweep`. Return None if another consumer was quicker, or the entry was deleted
        from the stream.
        """
        advice = "a PendingEntry, as group.pending_entries() returns it"
        check_type("held", held, PendingEntry, advice)
        claimed = self.consumer.claim([held.id], min_idle_ms, deliveries=held.deliveries)
        if claimed:
            return self._move(claimed[0], held, error, new_id(id))
        if not self._source.range(held.id, held.id):
            self.group.ack(held)
        return None

    def _pending(self, min_idle_ms: int) -> Iterator[PendingEntry]:
        start = "-"
        while True:
            page = self.group.pending_entries(start, count=_PAGE, idle_ms=min_idle_ms or None)
            yield from page
            if len(page) < _PAGE or page[-1].id == EntryId.MAX:
                return
            start = f"({page[-1].id}"

    def letters(self) -> list[DeadLetter]:
        """Return all dead letters, oldest first (XRANGE, 5.0); skip other entries of the stream."""
        return [_read(entry) for entry in self.stream.range() if _is_letter(entry)]

    def send_back(self, letter: DeadLetter) -> EntryId:
        """Add a dead letter to its stream again, as a new entry, and delete the dead letter.

        Both happen in one step (EVAL: XADD, XDEL). All groups of the stream get the entry, even
        those that have already handled it. InputError if the letter is no longer there.
        """
        check_type("letter", letter, DeadLetter, "a DeadLetter, as letters() returns it")
        keys = self.stream.key, letter.stream
        values = list(chain(*(letter.repeated or letter.fields.items())))
        which = [str(letter.id)]
        if len(values) > _MAX_WORDS:
            added = self._copy(keys, "*", values, "XDEL", which)
        else:
            added = self.group.connection.call("EVAL", _SEND_BACK, 2, *keys, *which, *values)
        if added is None:
            raise InputError(
                f"{letter.id} is not a dead letter any more, because it was sent back or deleted: "
                "read the current ones with letters()"
            )
        return EntryId.parse(added)

    def _move(
        self, entry: Entry, held: PendingEntry, error: str, letter_id: str
    ) -> DeadLetter | None:
        origin, name = self.group.key, self.group.name
        history = dead_letter_fields(origin, name, held.consumer, entry.id, held.deliveries, error)
        both = (*entry.pairs, *history.items())
        keys, which, words = (origin, self.stream.key), [name, str(entry.id)], list(chain(*both))
        try:
            if len(words) > _MAX_WORDS:
                added = self._copy(keys, letter_id, words, "XACK", which)
            else:
                call = self.group.connection.call
                added = call("EVAL", _MOVE, 2, *keys, *which, letter_id, *words)
        except WrongType as error:  # the stream's own type was right for the claim
            raise WrongType(
                f"{self.stream.key!r} holds another type than a stream: give DeadLetters another "
                "key="
            ) from error
        if added is None:
            return None
        return _read(Entry(EntryId.parse(added), dict(both), repeated=both))

    def _copy(
        self, keys: tuple[str, str], new: str, words: list[str], take_away: str, which: list[str]
    ) -> bytes | None:
        """Copy an entry and take it away, in one transaction (MULTI: XADD, EVAL).

        Return the copy's ID, or None if the entry was no longer there: the copy is then deleted.
        """
        tail = words[-_HISTORY_WORDS:]
        first = len(which) + 3  # of the tail
        finish: Command = ("EVAL", _TAKE_AWAY, 2, *keys, first, take_away, *which, *tail)
        connection = self.group.connection
        added, done = connection.transaction([("XADD", keys[1], new, *words), finish])
        if done:
            return bytes(added)
        connection.call("XDEL", keys[1], added)
        return None


def dead_letter_fields(
    stream: str, group: str, consumer: str, entry_id: EntryId, deliveries: int, error: str
) -> dict[str, str]:
    """Return the six fields for the history of a dead letter, in the form that `DeadLetters` reads.

    Parameters
    ----------
    stream, group, consumer : str
        The stream of the entry, the group, and the consumer that held it.
    entry_id : EntryId
        The entry's ID in its stream.
    deliveries : int
        How often the entry was delivered.
    error : str
        Why it could not be handled.

    Returns
    -------
    dict of str to str
        To be added behind the entry's own fields.
    """
    values = (stream, str(entry_id), group, consumer, str(deliveries), error)
    return dict(zip(_HISTORY, values, strict=True))


def _is_letter(entry: Entry) -> bool:
    names = [name for name, _ in entry.pairs]
    return len(names) > len(_HISTORY) and names[-len(_HISTORY) :] == _HISTORY


def _read(entry: Entry) -> DeadLetter:
    own = entry.pairs[: -len(_HISTORY)]
    stream, entry_id, group, consumer, count, error = (
        value for _, value in entry.pairs[-len(_HISTORY) :]
    )
    origin = (stream, group, consumer, EntryId.parse(entry_id))
    single = dict(own)
    repeated = own if len(single) < len(own) else ()
    return DeadLetter(entry.id, single, *origin, int(count), error, repeated)
