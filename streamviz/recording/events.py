"""What happened in a recording: the events of its samples, and those that its numbers show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamviz.observation.events import Event
from streamviz.recording.checks import event as read_event

_CALM_MS = 1000  # a trim that goes on is one event, not one a sample


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """An event and its place in a track.

    Attributes
    ----------
    place : int
        In which sample of its stream it happened, counted from 0.
    event : Event
        What happened.
    """

    place: int
    event: Event


class EventDetector:
    """Finds the events in one stream's lines, without decoding them."""

    def __init__(self) -> None:
        self.groups: dict[str, None] = {}  # in the order in which they appeared
        self.claims: list[TrackEvent] = []  # the samples may report them, too
        self._removed = 0
        self._first = "0-0"
        self._length = self._added = 0
        self._gone: dict[str, Any] = {}
        self._consumers: dict[str, set[str]] = {}  # by group; one that came lately may be missing
        self._calm_ms: dict[str, int] = {}  # until when nothing more is said of whom

    def events(self, place: int, row: dict[str, Any]) -> list[TrackEvent]:
        """Return what happened in the next line."""
        found = [read_event(one) for one in row.get("events", ())]
        found += self._trims(row)
        if "groups" in row or "whole" in row:
            found += self._deleted(row)
            self.claims += [TrackEvent(place, event) for event in _claimed(row)]
        return [TrackEvent(place, event) for event in found]

    def _deleted(self, row: dict[str, Any]) -> list[Event]:
        """Return which consumers went, of groups that stayed."""
        groups = row.get("groups", {})
        found: list[Event] = []
        if "whole" in row:
            self._consumers = {name: self._consumers.get(name, set()) for name in groups}
        for name, news in groups.items():
            if not isinstance(news, dict):
                self._consumers.pop(name, None)
                continue
            known, told = self._consumers.get(name, set()), news.get("consumers", {})
            gone = {who for who, state in told.items() if state is None}
            if "whole" in row:
                gone |= known - told.keys()
            found += [Event("consumer_deleted", who, name) for who in sorted(gone)]
            self._consumers[name] = (known | told.keys()) - gone
        return found

    def _trims(self, row: dict[str, Any]) -> list[Event]:
        whole, now = "whole" in row, row["time_ms"]
        self._length = row.get("length", 0 if whole else self._length)
        self._added = row.get("entries_added", 0 if whole else self._added)
        first = row.get("first_id", "0-0" if whole else self._first)
        removed = self._added - self._length
        found: list[Event] = []
        if removed > self._removed > -1 and first != self._first and self._calm("", now):
            found.append(Event("trimmed"))
        self._removed, self._first = removed, first
        groups = row.get("groups", {})
        for name, news in groups.items():
            if not isinstance(news, dict):
                self._gone.pop(name, None)
                continue
            self.groups.setdefault(name)
            gone = news.get("gone", 0 if whole else self._gone.get(name))
            before = self._gone.get(name)
            if before is not None and gone is not None and gone > before and self._calm(name, now):
                found.append(Event("missed", group=name))
            self._gone[name] = gone
        return found

    def _calm(self, whose: str, now_ms: int) -> bool:
        """Tell whether nothing was said of this for a while, and remember that it is now."""
        calm = now_ms >= self._calm_ms.get(whose, now_ms)
        self._calm_ms[whose] = now_ms + _CALM_MS
        return calm


def _claimed(row: dict[str, Any]) -> list[Event]:
    """Return who took over whose entries."""
    found = []
    for name, news in row.get("groups", {}).items():
        taken = news.get("claimed", {}) if isinstance(news, dict) else {}
        for who, owners in taken.items():
            names = tuple(sorted(filter(None, owners)))
            found.append(Event("claimed", who, name, sum(owners.values()), names))
    return found
