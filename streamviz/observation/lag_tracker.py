"""Track what is certain about each group's lag, from sample to sample."""

from __future__ import annotations

from dataclasses import dataclass

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo
from streamviz.observation.counting import (
    KnownOffset,
    Lookahead,
    StreamDelta,
    count_back_from,
    count_to_front,
    count_waiting,
    entries_added,
    follow_server_counter,
    furthest_known,
    least_waiting,
)
from streamviz.observation.lag import judge_lag
from streamviz.observation.sample import Lag


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one poll shows about the groups' lag.

    Attributes
    ----------
    stream : StreamInfo
        The stream.
    groups : list of GroupInfo
        Its groups.
    new_count : int or None
        Entries after the last ID of the previous sample; None if there were too many to count.
    ids_to_anchor : list of bytes
        The last IDs up to and including the tracker's anchor, rising.
    lookaheads : dict of str to Lookahead
        For each group that was asked about by name, the entries after its cursor.
    active_groups : set of str
        The groups of which a consumer may have read since the previous sample.
    """

    stream: StreamInfo
    groups: list[GroupInfo]
    new_count: int | None
    ids_to_anchor: list[bytes]
    lookaheads: dict[str, Lookahead]
    active_groups: set[str]


@dataclass(frozen=True, slots=True)
class _GroupRecord:
    """What is known of one group.

    `offset` is the cursor's, if that is certain; `front` is the last entry whose index is known.
    `gone` is None for good once it is unknown; while `judged` is False, it was not determined yet.
    """

    cursor: EntryId
    offset: KnownOffset | None = None
    front: KnownOffset | None = None
    gone: int | None = None
    judged: bool = False


class LagTracker:
    """Judges each group's lag with what earlier samples have proved.

    Attributes
    ----------
    stream : StreamInfo or None
        The stream in the previous sample.
    anchor : KnownOffset or None
        A known offset that moves back from the stream's end, a few entries per sample, towards
        the groups whose lag is not certain; None while there are none.
    """

    def __init__(self) -> None:
        self.stream: StreamInfo | None = None
        self.anchor: KnownOffset | None = None
        self._groups: dict[str, _GroupRecord] = {}

    @property
    def cursors(self) -> dict[str, EntryId]:
        """Each group's cursor in the previous sample."""
        return {name: group.cursor for name, group in self._groups.items()}

    def judge(self, evidence: Evidence) -> list[tuple[GroupInfo, Lag, int | None]]:
        """Return each group, its lag, and how many entries it never got (None if unknown)."""
        delta = StreamDelta(evidence.stream, evidence.new_count)
        judgements, records = [], {}
        for group in evidence.groups:
            old = self._groups.get(group.name, _GroupRecord(group.last_delivered_id))
            index = self._index(old, delta, evidence, group)
            gone = _gone(old, index, delta, evidence, group)
            judgements.append((group, _lag(index, evidence, group), gone))
            records[group.name] = _GroupRecord(
                group.last_delivered_id,
                *_offsets(index, evidence, group),
                gone,
                judged=old.judged or index is not None,
            )
        uncertain = [record.cursor for record in records.values() if record.offset is None]
        self.anchor = self._next_anchor(delta, evidence, uncertain)
        self.stream, self._groups = evidence.stream, records
        return judgements

    def _index(
        self, old: _GroupRecord, delta: StreamDelta, evidence: Evidence, group: GroupInfo
    ) -> int | None:
        """Return the index of the group's cursor, if that is certain."""
        lookahead, cursor = evidence.lookaheads.get(group.name), group.last_delivered_id
        waiting = count_waiting(cursor, evidence.stream, lookahead)
        if waiting is not None:
            return entries_added(evidence.stream) - waiting
        index = None
        if old.front and lookahead and delta.keeps(old.front):
            index = count_to_front(old.front, cursor, lookahead)
        if index is None and old.offset and lookahead and group.name in evidence.active_groups:
            index = follow_server_counter(old.offset, delta, group, lookahead.up_to(cursor))
        if index is None and self.anchor and delta.keeps(self.anchor):
            index = count_back_from(self.anchor, evidence.ids_to_anchor, cursor)
        if index is None:
            return None
        least = least_waiting(cursor, evidence.stream, lookahead)
        possible = range(least, evidence.stream.length + 1)
        return index if entries_added(evidence.stream) - index in possible else None

    def _next_anchor(
        self, delta: StreamDelta, evidence: Evidence, uncertain: list[EntryId]
    ) -> KnownOffset | None:
        stream, ids = evidence.stream, evidence.ids_to_anchor
        if not uncertain or stream.last_entry is None:
            return None
        if self.anchor and delta.keeps(self.anchor) and len(ids) > 1:
            lowest = EntryId.parse(ids[0])
            if any(cursor < lowest for cursor in uncertain):
                return KnownOffset(lowest, self.anchor.index - (len(ids) - 1), stream)
        return KnownOffset(stream.last_entry.id, entries_added(stream), stream)


def _lag(index: int | None, evidence: Evidence, group: GroupInfo) -> Lag:
    stream = evidence.stream
    if index is not None:
        return judge_lag(group, stream, entries_added(stream) - index)
    lookahead = evidence.lookaheads.get(group.name)
    least = least_waiting(group.last_delivered_id, stream, lookahead)
    return judge_lag(group, stream, more_than=least - 1)


def _offsets(
    index: int | None, evidence: Evidence, group: GroupInfo
) -> tuple[KnownOffset | None, KnownOffset | None]:
    """Return the cursor's offset, and the last one known from it; None if they are not certain."""
    cursor, stream = group.last_delivered_id, evidence.stream
    if index is None or cursor > stream.last_generated_id:  # entries may still be added before it
        return None, None
    offset = KnownOffset(cursor, index, stream, group.entries_read)
    lookahead = evidence.lookaheads.get(group.name)
    return offset, furthest_known(offset, lookahead) if lookahead else offset


def _gone(
    old: _GroupRecord, index: int | None, delta: StreamDelta, evidence: Evidence, group: GroupInfo
) -> int | None:
    """Return how many entries up to the cursor the group never got; None if unknown."""
    if index is None:
        return None
    if not old.judged:
        return _gone_at_first(index, group)
    if old.gone is None or old.offset is None:
        return None
    active = group.name in evidence.active_groups
    since = _gone_since(old.offset, index, delta, group, active=active)
    return None if since is None else old.gone + since


def _gone_at_first(index: int, group: GroupInfo) -> int | None:
    """Return how many entries up to the cursor the group had not got by its first sample.

    Only the server's `entries_read` tells what happened before.
    """
    if group.consumers == 0 and group.pending == 0:
        return index  # no consumer ever read: the group got none of them
    read = group.entries_read
    return None if read is None or read > index else index - read


def _gone_since(
    offset: KnownOffset, index: int, delta: StreamDelta, group: GroupInfo, *, active: bool
) -> int | None:
    """Return how many entries the cursor passed since its last offset without a delivery.

    None if unknown: the cursor was set back, or entries after it were removed while the group
    read.
    """
    if group.last_delivered_id < offset.id:
        return None
    if group.last_delivered_id == offset.id or not active:
        return index - offset.index  # no consumer read them: trimmed, deleted, or skipped
    return 0 if delta.keeps(offset) else None
