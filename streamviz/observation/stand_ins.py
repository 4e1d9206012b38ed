"""Samples that stand in for one that could not be taken, and say why."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from streamviz.client.entry_id import EntryId
from streamviz.observation.events import Event
from streamviz.observation.sample import Lag, Sample


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
