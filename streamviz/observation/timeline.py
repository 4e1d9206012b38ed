"""The story of one entry: added, given to whom, claimed, acknowledged, gone; with times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.observation.deliveries import delivery_log
from streamviz.observation.events import DEATHS
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample


def entry_timeline(history: History, entry_id: EntryId) -> list[str]:
    """Return what the looks in a history's window saw of an entry, a sentence each.

    Parameters
    ----------
    history : History
        What was seen.
    entry_id : EntryId
        Which entry.

    Returns
    -------
    list of str
        When it was added, as its ID has it; what became of it in each group, with times in
        seconds since the history began; and whether it is still in the stream, as far as Redis
        tells.
    """

    def at(ms: int) -> str:
        return f"{(ms - history.start_ms) / 1000:.1f} s"

    told = [f"{entry_id} was added at {at(entry_id.ms)}"]
    if history.last is None:
        return told
    end, gone = _end(history, entry_id, at)
    for name in history.group_names:
        told += [f"{name}: {words}" for words in _in_group(history, name, entry_id, at, gone=gone)]
    return [*told, end] if end else told


def seconds_to_recover(history: History, group: str, consumer: str) -> float | None:
    """Return how long it took after a crash until what the dead one held was done.

    Parameters
    ----------
    history : History
        What was seen; it says when the consumer crashed or was killed, the first time.
    group, consumer : str
        The names.

    Returns
    -------
    float or None
        Seconds from the look that saw the crash to the first one in which none of it is pending
        any more, whoever did it; 0 if it held nothing; None while some of it is pending, or if no
        crash was seen.
    """
    samples = history.samples
    crash = next(
        (
            i
            for i, sample in enumerate(samples)
            if any(event.kind in DEATHS and event.who == consumer for event in sample.events)
        ),
        None,
    )
    if crash is None:
        return None
    held = {one.id for one in _oldest(samples[crash], group) if one.consumer == consumer}
    for sample in samples[crash:]:
        if not held & {one.id for one in _oldest(sample, group)}:
            return (sample.time_ms - samples[crash].time_ms) / 1000
    return None


def _oldest(sample: Sample, group: str) -> tuple[PendingEntry, ...]:
    state = sample.group(group)
    return state.oldest if state else ()


def _in_group(
    history: History, name: str, entry_id: EntryId, at: Callable[[int], str], *, gone: bool
) -> Iterator[str]:
    holds = delivery_log(history)
    seen = False
    for hold in [*holds.ended(name), *holds.held(name)]:
        if hold.id == entry_id:
            seen = True
            times = "" if hold.deliveries == 1 else f", delivery {hold.deliveries}"
            end = "" if hold.end == "held" else f", {hold.end} by {at(hold.until_ms)}"
            yield f"held by {hold.consumer or 'nobody'} from {at(hold.since_ms)}{times}{end}"
    if seen:
        return
    passed = _first(history.samples, lambda one: _cursor(one.group(name)) >= entry_id)
    if passed is None:
        yield "was never given to it" if gone else "not given to it yet"
    elif passed.n == history.samples[0].n:
        yield "given to it, or skipped, before the first look that is kept"
    else:
        yield f"between two looks, by {at(passed.time_ms)}: given out and done with, or skipped"


def _end(history: History, entry_id: EntryId, at: Callable[[int], str]) -> tuple[str, bool]:
    """Return what became of an entry in the stream, empty if it is there; and whether it is gone.

    XDEL leaves one trace: the largest ID that it ever removed. Counting tells a little more: what
    was added and is neither in the stream nor before its first entry was deleted, too.
    """
    samples = _of_this_stream(history)
    if not samples:
        return "the stream is gone", True
    there = [one for one in samples if one.last_id >= entry_id]
    seen = _first(there, lambda one: one.max_deleted_id == entry_id)
    if seen is not None:
        return f"deleted by {at(seen.time_ms)}", True
    seen = _first(there, lambda one: not one.length or one.first_id > entry_id)
    if seen is not None:
        return f"no longer in the stream at {at(seen.time_ms)}", True
    last = samples[-1]
    if not last.first_id < entry_id < last.max_deleted_id:
        return "", False
    holes = _holes(samples, last)
    if holes.unnamed <= 0:
        return "", False
    if holes.unnamed == len(holes.suspects):
        removed = last.entries_added - last.length
        seen = _first(there, lambda one: one.entries_added - one.length == removed)
        return f"deleted by {at(seen.time_ms if seen else last.time_ms)}", True
    many = f"{holes.many} {'entry' if holes.many == 1 else 'entries'}"
    return (
        f"it may have been deleted: {'' if holes.whole else 'up to '}{many} of this stream "
        f"{'was' if holes.many == 1 else 'were'}, and Redis tells only the largest ID"
    ), False


@dataclass(frozen=True, slots=True)
class _Holes:
    """Entries that were deleted behind the first one: how many, at most if not `whole`.

    Of them, `unnamed` were in no look the largest ID that was deleted; each is one of `suspects`
    if every entry was seen.
    """

    many: int
    unnamed: int
    suspects: frozenset[EntryId]
    whole: bool


def _holes(samples: Sequence[Sample], last: Sample) -> _Holes:
    seen = {entry.id for one in samples for entry in one.entries}
    named = {one.max_deleted_id for one in samples if one.max_deleted_id > last.first_id}
    before = sum(one < last.first_id for one in seen)
    many = last.entries_added - last.length - before
    between = {one for one in seen if last.first_id < one < last.max_deleted_id}
    whole = len(seen) == last.entries_added
    return _Holes(many, many - len(named), frozenset(between - named), whole)


def _of_this_stream(history: History) -> Sequence[Sample]:
    """Return the looks at the stream that is there now: none if it is gone."""
    samples = history.samples
    begins = 0
    for i, (old, new) in enumerate(pairwise(samples), start=1):
        if not old.exists or new.entries_added < old.entries_added or new.last_id < old.last_id:
            begins = i
    return samples[begins:] if samples[-1].exists else ()


def _first(samples: Iterable[Sample], holds: Callable[[Sample], bool]) -> Sample | None:
    return next((one for one in samples if one.exists and holds(one)), None)


def _cursor(group: GroupState | None) -> EntryId:
    return group.last_delivered_id if group else EntryId.ZERO
