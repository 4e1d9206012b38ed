"""Tell what happened to one entry, with times: added, delivered, claimed, acknowledged, deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.errors import check_type, no_such
from streamviz.observation.deliveries import delivery_log
from streamviz.observation.events import DEATHS, Event, shown_name
from streamviz.observation.history import History
from streamviz.observation.lost_entries import find_loss
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import GroupState, Sample, was_recreated


def entry_timeline(history: History, entry_id: EntryId) -> list[str]:
    """Return what happened to an entry, as the samples in a history's window show it.

    Parameters
    ----------
    history : History
        The samples.
    entry_id : EntryId
        The entry.

    Returns
    -------
    list of str
        One phrase each: when it was added, according to its ID; what happened to it in each
        group, with times in seconds since the history began; and whether it is still in the
        stream, as far as Redis reports it. If nothing is known of the stream in the newest sample,
        the last phrase says why.
    """

    def at(ms: int) -> str:
        return f"{(ms - history.start_ms) / 1000:.1f} s"

    check_type("history", history, History, "the History of a run")
    entry_id = EntryId.parse(entry_id)
    phrases = [f"{entry_id} was added at {at(entry_id.ms)}"]
    if history.newest is None:
        return phrases
    samples = _of_this_stream(history.samples)
    if not entry_id.is_time(history.newest.time_ms):
        since = _first(samples, lambda one: one.last_id >= entry_id)
        by = f", by {at(since.time_ms)}" if since else ""
        phrases = [f"{entry_id} was added{by}: its ID is no time in milliseconds"]
    loss = find_loss(history, entry_id)
    removal, removed = _removal(samples, entry_id, at)
    if loss and (loss.certain or not removed):
        removal, removed = loss.words(at(loss.sample.time_ms)), loss.certain
        samples = [one for one in samples if one.n < loss.sample.n]
    for name in history.group_names:
        in_group = _in_group(history, name, entry_id, at, samples, removed=removed)
        phrases += [f"{shown_name(name)}: {phrase}" for phrase in in_group]
    phrases += [removal] if removal else []
    if history.newest.exists is None:
        phrases.append(f"not known at {at(history.newest.time_ms)}: {history.newest.trouble}")
    return phrases


def seconds_to_recover(history: History, group: str, consumer: str) -> float | None:
    """Return how long after a crash the dead consumer's pending entries were all settled.

    Parameters
    ----------
    history : History
        The samples, whose events say when the consumer first crashed or was killed.
    group, consumer : str
        The names.

    Returns
    -------
    float or None
        Seconds from the sample that reports the crash to the first one in which none of these
        entries is pending for any consumer; 0 if the consumer held none; None while one is still
        pending, or not known to be settled, or if there was no crash.

    Raises
    ------
    InputError
        If no sample has a group of that name, or a consumer of that name in this group.
    """
    check_type("history", history, History, "the History of a run")
    if group not in history.group_names:
        raise no_such("group", group, history.group_names)
    samples = history.samples
    crash = next(
        (
            i
            for i, sample in enumerate(samples)
            if any(_died(event, group, consumer) for event in sample.events)
        ),
        None,
    )
    if crash is None:
        if consumer not in (names := history.consumer_names(group)):
            raise no_such("consumer", consumer, names)
        return None
    before = [one for one in samples[: crash + 1] if one.exists is not None][-1:]
    after = [one for one in samples[crash:] if one.exists is not None]
    entries = chain.from_iterable(_oldest(one, group) for one in (*before, *after[:1]))
    ids = {one.id for one in entries if one.consumer == consumer}
    for sample in after:
        if not ids & {one.id for one in _oldest(sample, group)}:
            return (sample.time_ms - samples[crash].time_ms) / 1000
    return None


def _died(event: Event, group: str, consumer: str) -> bool:
    return event.kind in DEATHS and event.who == consumer and event.group in ("", group)


def _oldest(sample: Sample, group: str) -> Sequence[PendingEntry]:
    state = sample.find_group(group)
    return state.oldest if state else ()


def _in_group(
    history: History,
    name: str,
    entry_id: EntryId,
    at: Callable[[int], str],
    samples: Sequence[Sample],
    *,
    removed: bool,
) -> Iterator[str]:
    log = delivery_log(history)
    since = samples[0].n if samples else 0  # before, another stream may have had this ID
    ended = (one for one in log.ended(name) if one.n >= since)
    deliveries = [one for one in (*ended, *log.pending(name)) if one.id == entry_id]
    for one in deliveries:
        times = "" if one.deliveries == 1 else f", delivery {one.deliveries}"
        end = "" if one.end == "pending" else f", {one.end} by {at(one.until_ms)}"
        yield f"held by {shown_name(one.consumer)} from {at(one.since_ms)}{times}{end}"
    if deliveries:
        return
    passed = _first(samples, lambda one: _cursor(one.find_group(name)) >= entry_id)
    if passed is None:
        yield "never delivered" if removed else "not delivered yet"
    elif passed.n == samples[0].n:
        yield "delivered or skipped before the oldest sample kept"
    else:
        time = at(passed.time_ms)
        yield f"delivered and acknowledged, or skipped, between two samples, by {time}"


def _removal(
    samples: Sequence[Sample], entry_id: EntryId, at: Callable[[int], str]
) -> tuple[str, bool]:
    """Return how an entry was removed from the stream, in words, and whether it certainly was.

    XDEL leaves one trace: the largest ID that it ever removed. Counting adds a little: an entry
    that was added, and is neither in the stream nor before its first entry, was deleted.
    """
    if samples and not samples[-1].exists:
        return "the stream is gone", True
    samples = _of_this_count(samples)
    if not samples:
        return "", False
    since = [one for one in samples if one.last_id >= entry_id]
    sample = _first(since, lambda one: one.max_deleted_id == entry_id)
    if sample is not None:
        return f"deleted by {at(sample.time_ms)}", True
    sample = _first(since, lambda one: not one.length or one.first_id > entry_id)
    if sample is not None:
        return f"no longer in the stream at {at(sample.time_ms)}", True
    last = samples[-1]
    if not last.first_id < entry_id < last.max_deleted_id:
        return "", False
    holes = _holes(samples, last)
    if holes.unnamed <= 0:
        return "", False
    if holes.unnamed == len(holes.suspects):
        count = last.entries_added - last.length
        sample = _first(since, lambda one: one.entries_added - one.length == count)
        return f"deleted by {at(sample.time_ms if sample else last.time_ms)}", True
    one_hole = holes.count == 1
    return (
        f"may have been deleted: {'' if holes.exact else 'up to '}{holes.count} "
        f"{'entry' if one_hole else 'entries'} of this stream {'was' if one_hole else 'were'} "
        "deleted, and Redis reports only the largest ID"
    ), False


@dataclass(frozen=True, slots=True)
class _Holes:
    """Entries that were deleted after the stream's first one.

    `count` is how many, or the maximum unless `exact`. Of them, `unnamed` were never the largest
    deleted ID of a sample; if every entry was seen, each of these is one of `suspects`.
    """

    count: int
    unnamed: int
    suspects: frozenset[EntryId]
    exact: bool


def _holes(samples: Sequence[Sample], last: Sample) -> _Holes:
    ids = {entry.id for one in samples for entry in one.entries}
    named = {one.max_deleted_id for one in samples if one.max_deleted_id > last.first_id}
    before = sum(one < last.first_id for one in ids)
    count = last.entries_added - last.length - before
    between = {one for one in ids if last.first_id < one < last.max_deleted_id}
    exact = len(ids) == last.entries_added
    return _Holes(count, count - len(named), frozenset(between - named), exact)


def _of_this_stream(samples: Sequence[Sample]) -> list[Sample]:
    """Return the known samples of the newest stream, without those of an earlier one."""
    known = [one for one in samples if one.exists is not None]
    start = 0
    for i, (old, new) in enumerate(pairwise(known), start=1):
        anew = was_recreated(new) and not isinstance(new, PartitionedSample)  # not only a part
        if new.exists and (anew or not old.exists):
            start = i
    return known[start:]


def _of_this_count(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return the samples since the counter of entries or the last ID was set back."""
    start = 0
    for i, (old, new) in enumerate(pairwise(samples), start=1):
        if new.entries_added < old.entries_added or new.last_id < old.last_id:
            start = i
    return samples[start:]


def _first(samples: Iterable[Sample], matches: Callable[[Sample], bool]) -> Sample | None:
    return next((one for one in samples if one.exists and matches(one)), None)


def _cursor(group: GroupState | None) -> EntryId:
    return group.last_delivered_id if group else EntryId.ZERO
