"""Make a sample of what a poll found, or one that says why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from heapq import nsmallest
from operator import attrgetter
from typing import Literal

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, StreamInfo
from streamviz.observation.counting import entries_added, may_have_swept
from streamviz.observation.events import Event
from streamviz.observation.idle_groups import GroupReplies
from streamviz.observation.lag_tracker import Judgement
from streamviz.observation.poll import PollReplies
from streamviz.observation.poller import Polled
from streamviz.observation.sample import GroupState, Lag, ReaderState, Sample

MAX_CONSUMERS = 50  # of a group in a sample
_name_of = attrgetter("name")


def make_sample(
    polled: Polled,
    readers: Iterable[ReaderState],
    *,
    stream: str,
    n: int,
    time_ms: int,
    events: tuple[Event, ...],
) -> Sample:
    """Make a sample of what a poll found.

    A plain reader that reports itself replaces the reader of that name in the replies.
    """
    results = polled.replies
    info = results.stream
    ends = filter(None, (info.first_entry, info.last_entry))
    times = all(one.id.is_time(time_ms) for one in ends)
    groups = [
        _group_state(one, results.by_group.get(one.group.name), times=times)
        for one in polled.judgements
    ]
    states = {name: ReaderState(name, position) for name, position in results.positions.items()}
    states |= {reader.name: reader for reader in readers}
    return Sample(  # by place: by name would take half as long again
        stream,
        n,
        time_ms,
        True,
        "",
        info.length,
        entries_added(info),
        info.first_entry.id if info.first_entry else EntryId.ZERO,
        info.last_generated_id,
        info.max_deleted_entry_id or EntryId.ZERO,
        results.new,
        _missed(results, polled.previous),
        tuple(sorted(groups, key=_name_of)),
        events,
        info.radix_tree_keys,
        results.memory_bytes,
        tuple(states[name] for name in sorted(states)),
    )


def _missed(results: PollReplies, previous: StreamInfo | None) -> int:
    """Return how many new entries the replies do not have; XSETID may have set the counter."""
    info, page = results.stream, results.new_ids
    count = entries_added(info) - entries_added(previous) if previous else info.length
    if previous and not may_have_swept(previous, info):
        grown = info.length - previous.length
        if page.after <= previous.last_generated_id:
            count = len(page.ids)
        elif not grown <= count <= info.length:
            count = grown
    return max(0, count - len(results.new))


def _group_state(judgement: Judgement, by_name: GroupReplies | None, *, times: bool) -> GroupState:
    group, lag, outcomes = judgement
    if not times and lag.entries != 0:
        lag = replace(lag, behind_ms=None)
    consumers = by_name.consumers if by_name else ()
    listed = _that_matter(consumers, by_name) if by_name else ()
    return GroupState(
        group.name,
        group.last_delivered_id,
        group.entries_read,
        lag,
        group.pending,
        listed,
        by_name.oldest if by_name else (),
        outcomes.gone,
        outcomes.acked,
        outcomes.dropped,
        len(consumers) - len(listed),
    )


def _that_matter(
    consumers: tuple[ConsumerInfo, ...], replies: GroupReplies
) -> tuple[ConsumerInfo, ...]:
    """Return the consumers that a sample keeps; of very many, those that matter most."""
    if len(consumers) <= MAX_CONSUMERS:
        return consumers
    holders = {one.consumer for one in replies.oldest}

    def rank(one: ConsumerInfo) -> tuple[bool, int, int, str]:
        return one.name not in holders, -one.pending, one.idle_ms, one.name

    return tuple(sorted(nsmallest(MAX_CONSUMERS, consumers, key=rank)))


def repeated(
    sample: Sample, n: int, time_ms: int, trouble: str, events: tuple[Event, ...]
) -> Sample:
    """Return the previous sample as a new one without new entries, although the stream has changed.

    So no lag is exact any more.
    """
    groups = tuple(replace(group, lag=_outdated(group.lag, trouble)) for group in sample.groups)
    return replace(
        sample,
        n=n,
        time_ms=time_ms,
        trouble=trouble,
        entries=(),
        missed=0,
        events=events,
        groups=groups,
    )


def _outdated(lag: Lag, trouble: str) -> Lag:
    if lag.entries is None:
        return lag
    return replace(lag, verdict="suspect", reason=f"as of an earlier sample: {trouble}")


def without_stream(
    stream: str,
    n: int,
    time_ms: int,
    trouble: str,
    events: tuple[Event, ...],
    exists: Literal[False] | None = None,
) -> Sample:
    """Return a sample of a stream that is gone (False), or of which nothing is known (None)."""
    ids = (EntryId.ZERO, EntryId.ZERO, EntryId.ZERO)
    return Sample(stream, n, time_ms, exists, trouble, 0, 0, *ids, (), 0, (), events)
