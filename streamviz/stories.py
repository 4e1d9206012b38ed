"""The story of one entry: added, given to whom, claimed, acknowledged, gone; with times."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streamviz.entry_id import EntryId
from streamviz.history import History
from streamviz.holds import holds_of
from streamviz.sample import GroupState, Sample


def story(history: History, entry_id: EntryId) -> list[str]:
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
        seconds since the history began; and whether it is still in the stream.
    """

    def at(ms: int) -> str:
        return f"{(ms - history.start_ms) / 1000:.1f} s"

    told = [f"{entry_id} was added at {at(entry_id.ms)}"]
    last = history.last
    if last is None:
        return told
    for name in history.group_names:
        told += [f"{name}: {words}" for words in _in_group(history, name, entry_id, at)]
    return [*told, *_end(history, last, entry_id, at)]


def _in_group(
    history: History, name: str, entry_id: EntryId, at: Callable[[int], str]
) -> Iterator[str]:
    holds = holds_of(history)
    seen = False
    for hold in [*holds.ended(name), *holds.held(name)]:
        if hold.id == entry_id:
            seen = True
            times = "" if hold.deliveries == 1 else f", delivery {hold.deliveries}"
            end = "" if hold.end == "held" else f", {hold.end} by {at(hold.until_ms)}"
            yield f"held by {hold.consumer or 'nobody'} from {at(hold.since_ms)}{times}{end}"
    if seen:
        return
    passed = _first(history, lambda one: _cursor(one.group(name)) >= entry_id)
    if passed is None:
        yield "not given to it yet"
    elif passed.n == history.samples[0].n:
        yield "given to it, or skipped, before the first look that is kept"
    else:
        yield f"between two looks, by {at(passed.time_ms)}: given out and done with, or skipped"


def _end(
    history: History, last: Sample, entry_id: EntryId, at: Callable[[int], str]
) -> Iterator[str]:
    if not last.exists:
        yield "the stream is gone"
        return
    if last.max_deleted_id == entry_id:
        yield "deleted"
    elif not last.length or last.first_id > entry_id:
        gone = _first(history, lambda one: not one.length or one.first_id > entry_id)
        yield f"no longer in the stream at {at(gone.time_ms if gone else last.time_ms)}"


def _first(history: History, holds: Callable[[Sample], bool]) -> Sample | None:
    return next((one for one in history.samples if one.exists and holds(one)), None)


def _cursor(group: GroupState | None) -> EntryId:
    return group.last_delivered_id if group else EntryId.ZERO
