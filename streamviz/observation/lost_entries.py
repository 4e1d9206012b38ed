"""Find out whether an entry was lost in a failover, as the samples around it show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamviz.client.entry_id import EntryId
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import Sample


@dataclass(frozen=True, slots=True)
class Loss:
    """A failover in which an entry was lost, or may have been."""

    event: Event
    sample: Sample  # that reports it
    certain: bool  # whether the entry is certainly lost

    def words(self, at: str) -> str:
        """Return it in words, with the time."""
        if self.certain:
            return f"lost in the failover to {self.event.who}, by {at}"
        count = self.event.count
        lost = "entry was" if count == 1 else "entries were"
        return f"may be lost: up to {count} {lost}, in the failover to {self.event.who}, by {at}"


def find_loss(history: History, entry_id: EntryId) -> Loss | None:
    """Return the failover in which an entry was lost; None if it was in none, as far as known.

    What a replica has is the beginning of what its node had.
    """
    samples = [sample for sample in history.samples if sample.exists]
    for old, new, events in _steps(history):
        event = next((one for one in events if one.kind == "failed_over" and one.count), None)
        if event is None or not old.first_id <= entry_id <= old.last_id:
            continue
        survived = _newest_survivor(old, new)
        if survived is not None:
            return Loss(event, new, certain=True) if entry_id > survived else None
        before = {entry.id for one in samples if one.n <= old.n for entry in one.entries}
        if sum(entry_id < one <= old.last_id for one in before) < event.count:
            return Loss(event, new, certain=new.last_id < entry_id)
    return None


def _steps(history: History) -> Iterator[tuple[Sample, Sample, Sequence[Event]]]:
    """Yield each sample of a stream, the known one before it, and what happened between the two."""
    old: Sample | None = None
    events: tuple[Event, ...] = ()
    for new in history.samples:
        events += new.events
        if new.exists:
            if old is not None:
                yield old, new, events
            old, events = new, ()


def _newest_survivor(old: Sample, new: Sample) -> EntryId | None:
    """Return the newest entry that was not lost; None if that is not known."""
    if isinstance(new, PartitionedSample):  # each part has its own
        return None
    if new.last_id <= old.last_id:
        return new.last_id
    return max((one.id for one in new.entries if one.id <= old.last_id), default=None)
