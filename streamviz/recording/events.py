"""Find what happened in a recording: reported events, and those that the numbers show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streamviz.observation.events import Event
from streamviz.observation.sample import GroupState, Sample

_QUIET_MS = 3000  # a trim that goes on, or what a group misses by it, is one event


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """An event, and the `place` of its sample in the stream, counted from 0."""

    place: int
    event: Event


class EventDetector:
    """Finds the events of one stream by comparing each sample with the sample before."""

    def __init__(self) -> None:
        self._last: Sample | None = None
        self._quiet_until_ms: dict[str, int] = {}  # by group, "" for the stream's trims

    def events(self, sample: Sample) -> tuple[list[Event], list[Event]]:
        """Return what happened up to the next sample, and the claims among its pending entries.

        A claim is separate because a later sample may report it, too.
        """
        events = list(sample.events)
        claims: list[Event] = []
        if sample.exists is None:  # the next sample that is known is compared with the last one
            return events, claims
        last, self._last = self._last, sample
        if last is None:
            return events, claims
        if _was_trimmed(last, sample) and self._is_new("", sample.time_ms):
            events.append(Event("trimmed"))
        pairs = [
            (before, group) for group in sample.groups if (before := last.find_group(group.name))
        ]
        for before, group in pairs:
            grows = None not in (before.gone, group.gone) and group.gone > before.gone  # type: ignore[operator]
            if grows and self._is_new(group.name, sample.time_ms):
                events.append(Event("missed", group=group.name))
        for before, group in pairs:
            events += _deleted(before, group)
            claims += _claimed(before, group)
        return events, claims

    def _is_new(self, group: str, now_ms: int) -> bool:
        """Tell whether it did not happen just before, and remember that it happens now."""
        is_new = now_ms >= self._quiet_until_ms.get(group, now_ms)
        self._quiet_until_ms[group] = now_ms + _QUIET_MS
        return is_new


def _was_trimmed(last: Sample, sample: Sample) -> bool:
    before, removed = last.entries_added - last.length, sample.entries_added - sample.length
    return removed > before >= 0 and sample.first_id != last.first_id


def _deleted(before: GroupState, group: GroupState) -> Iterator[Event]:
    if group.more_consumers:
        return  # one that is not listed may still be there
    names = {one.name for one in group.consumers}
    for name in sorted({one.name for one in before.consumers} - names):
        yield Event("consumer_deleted", name, group.name)


def _claimed(before: GroupState, group: GroupState) -> Iterator[Event]:
    """Return how many entries each consumer took over, and from which consumers."""
    owners = {(one.id.ms, one.id.seq): one.holder for one in before.oldest}
    by_taker: dict[str, list[str | None]] = {}
    for one in group.oldest:
        owner = owners.get((one.id.ms, one.id.seq), one.holder)
        if one.holder is not None and owner != one.holder:  # it was not given back
            by_taker.setdefault(one.holder, []).append(owner)
    for name, lost in by_taker.items():
        from_whom = tuple(sorted(one for one in {*lost} if one is not None))
        yield Event("claimed", name, group.name, len(lost), from_whom)
