"""What the looks so far know for certain of a stream's groups, carried from look to look."""

from __future__ import annotations

from dataclasses import dataclass

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo
from streamviz.observation.lag import (
    KnownOffset,
    Lookahead,
    StreamDelta,
    at_least,
    count,
    descend,
    follow_server,
    front_of,
    judge_lag,
    meet,
)
from streamviz.observation.sample import Lag


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one look saw that bears on the groups' lag.

    Attributes
    ----------
    stream : StreamInfo
        The stream.
    groups : list of GroupInfo
        Its groups.
    new : int or None
        Entries beyond the last ID of the look before; None if there were too many to count.
    below : list of bytes
        The last IDs up to and including the ledger's anchor, rising.
    ahead : dict of str to Ahead
        For each group that was asked for by name, the entries after its cursor.
    read : set of str
        The groups of which a consumer read since the look before.
    """

    stream: StreamInfo
    groups: list[GroupInfo]
    new: int | None
    below: list[bytes]
    ahead: dict[str, Lookahead]
    read: set[str]


@dataclass(frozen=True, slots=True)
class _Known:
    """One group: its cursor, its place if that is certain, and the front.

    The front is a known place as far ahead as was counted; `gone` is None for good once nobody
    can tell, and was not yet asked for while `judged` is False.
    """

    cursor: EntryId
    place: KnownOffset | None = None
    front: KnownOffset | None = None
    gone: int | None = None
    judged: bool = False


class LagTracker:
    """Judges each group's lag with what the looks before have proved.

    Attributes
    ----------
    stream : StreamInfo or None
        The stream at the last look.
    anchor : Place or None
        A known place that goes back through the stream, a few entries a look, towards those
        groups whose lag is not certain; None while there are none.
    """

    def __init__(self) -> None:
        self.stream: StreamInfo | None = None
        self.anchor: KnownOffset | None = None
        self._known: dict[str, _Known] = {}

    @property
    def cursors(self) -> dict[str, EntryId]:
        """Each group's cursor at the last look."""
        return {name: known.cursor for name, known in self._known.items()}

    def judge(self, look: Evidence) -> list[tuple[GroupInfo, Lag, int | None]]:
        """Return each group, its lag, and how many entries it never got; remember the rest."""
        change = StreamDelta(look.stream, look.new)
        judged, now = [], {}
        for group in look.groups:
            old = self._known.get(group.name, _Known(group.last_delivered_id))
            number = self._number(old, change, look, group)
            lag, known = _weigh(number, look, group)
            known = _count_gone(old, known, number, change, look, group)
            now[group.name] = known
            judged.append((group, lag, known.gone))
        lost = [known.cursor for known in now.values() if known.place is None]
        self.anchor = self._next_anchor(change, look, lost)
        self.stream, self._known = look.stream, now
        return judged

    def _number(
        self, old: _Known, change: StreamDelta, look: Evidence, group: GroupInfo
    ) -> int | None:
        """Return how many entries were ever added up to the group's cursor, if that is certain."""
        ahead, cursor = look.ahead.get(group.name), group.last_delivered_id
        waiting = count(cursor, look.stream, ahead)
        if waiting is not None:
            return _added(look.stream) - waiting
        number = None
        if old.front and ahead and change.keeps(old.front):
            number = meet(old.front, cursor, ahead)
        if number is None and old.place and ahead and group.name in look.read:
            number = follow_server(old.place, change, group, ahead.up_to(cursor))
        if number is None and self.anchor and change.keeps(self.anchor):
            number = descend(self.anchor, look.below, cursor)
        if number is None:
            return None
        possible = range(at_least(cursor, look.stream, ahead), look.stream.length + 1)
        return number if _added(look.stream) - number in possible else None

    def _next_anchor(
        self, change: StreamDelta, look: Evidence, lost: list[EntryId]
    ) -> KnownOffset | None:
        if not lost or look.stream.last_entry is None:
            return None
        if self.anchor and change.keeps(self.anchor) and len(look.below) > 1:
            lowest = EntryId.parse(look.below[0])
            if any(cursor < lowest for cursor in lost):
                number = self.anchor.number - (len(look.below) - 1)
                return KnownOffset(lowest, number, look.stream)
        return KnownOffset(look.stream.last_entry.id, _added(look.stream), look.stream)


def _weigh(number: int | None, look: Evidence, group: GroupInfo) -> tuple[Lag, _Known]:
    """Return the lag, and what is known of the group now."""
    cursor, stream, ahead = group.last_delivered_id, look.stream, look.ahead.get(group.name)
    if number is None:
        least = at_least(cursor, stream, ahead)
        return judge_lag(group, stream, None, least - 1), _Known(cursor)
    lag = judge_lag(group, stream, _added(stream) - number)
    if cursor > stream.last_generated_id:  # new entries may still come before it
        return lag, _Known(cursor)
    place = KnownOffset(cursor, number, stream, group.entries_read)
    return lag, _Known(cursor, place, front_of(place, ahead) if ahead else place)


def _count_gone(
    old: _Known,
    known: _Known,
    number: int | None,
    change: StreamDelta,
    look: Evidence,
    group: GroupInfo,
) -> _Known:
    """Return what is known of the group, with the entries that it never got."""
    if not old.judged:
        if number is None:
            return known
        return _Known(known.cursor, known.place, known.front, _gone_at_first(number, group), True)
    gone = None
    if old.gone is not None and old.place is not None and number is not None:
        since = _gone_since(old.place, number, change, group, asked=group.name in look.read)
        gone = None if since is None else old.gone + since
    return _Known(known.cursor, known.place, known.front, gone, True)


def _gone_at_first(number: int, group: GroupInfo) -> int | None:
    """Return how many entries up to the cursor the group never got, at the first look at it.

    Of what went before, only the server's `entries_read` tells; None where it does not.
    """
    if group.consumers == 0 and group.pending == 0:
        return number  # nobody ever read: all of it went, or was there before the group
    read = group.entries_read
    return None if read is None or read > number else number - read


def _gone_since(
    place: KnownOffset, number: int, change: StreamDelta, group: GroupInfo, *, asked: bool
) -> int | None:
    """Return how many entries passed the group by since its place at the look before.

    None where nobody can tell: the cursor was set back, or entries were removed ahead of the
    group while it read.
    """
    if group.last_delivered_id < place.id:
        return None
    if group.last_delivered_id == place.id or not asked:
        return number - place.number  # no reader took them: trimmed, deleted, or skipped
    return 0 if change.keeps(place) else None


def _added(stream: StreamInfo) -> int:
    return stream.entries_added or 0
