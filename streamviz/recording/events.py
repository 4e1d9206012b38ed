"""What happened in a recording: what its notes say, where a trim bit, who went, who claimed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal["crash", "back", "claim", "trim", "note"]
KINDS: tuple[str, ...] = get_args(Kind)

_CALM_MS = 1000  # a trim that goes on is one event, not one a sample
_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r" (was killed|crashed)( holding \d+)?\Z"), "crash"),
    (re.compile(r" is back\Z"), "back"),
    (re.compile(r" claimed \d+ of "), "claim"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    place : int
        In which sample of its stream, counted from 0.
    kind : {"crash", "back", "claim", "trim", "note"}
        What it is.
    text : str
        In words.
    """

    place: int
    kind: Kind
    text: str


def kind(note: str) -> Kind:
    """Return what a sample's note tells of.

    Examples
    --------
    >>> kind("billing-1 was killed holding 3"), kind("billing-2 claimed 3 of billing-1")
    ('crash', 'claim')
    """
    return next((name for pattern, name in _KINDS if pattern.search(note)), "note")


class EventDetector:
    """Finds the events in one stream's lines, without decoding them."""

    def __init__(self) -> None:
        self.groups: dict[str, None] = {}  # in the order in which they appeared
        self.claims: list[Event] = []  # a note may have told of them, too
        self._removed = 0
        self._first = "0-0"
        self._length = self._added = 0
        self._gone: dict[str, Any] = {}
        self._consumers: dict[str, set[str]] = {}  # by group; one that came lately may be missing
        self._calm_ms: dict[str, int] = {}  # until when nothing more is said of whom

    def events(self, place: int, row: dict[str, Any]) -> list[Event]:
        """Return what happened in the next line."""
        found = []
        if "notes" in row:
            found += [Event(place, kind(note), note) for note in row["notes"]]
        if trims := self._trims(row):
            found += [Event(place, "trim", text) for text in trims]
        if "groups" in row or "whole" in row:
            found += [Event(place, "note", text) for text in self._deleted(row)]
            self.claims += [Event(place, "claim", text) for text in _claimed(row)]
        return found

    def _deleted(self, row: dict[str, Any]) -> list[str]:
        """Return which consumers went, of groups that stayed."""
        groups, texts = row.get("groups", {}), []
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
            texts += [f"{who} of {name} was deleted" for who in sorted(gone)]
            self._consumers[name] = (known | told.keys()) - gone
        return texts

    def _trims(self, row: dict[str, Any]) -> list[str]:
        whole, now = "whole" in row, row["time_ms"]
        self._length = row.get("length", 0 if whole else self._length)
        self._added = row.get("entries_added", 0 if whole else self._added)
        first = row.get("first_id", "0-0" if whole else self._first)
        removed = self._added - self._length
        texts = []
        if removed > self._removed > -1 and first != self._first and self._calm("", now):
            texts.append("a trim removes the oldest entries")
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
                texts.append(f"{name} loses entries that it never got")
            self._gone[name] = gone
        return texts

    def _calm(self, whose: str, now_ms: int) -> bool:
        """Tell whether nothing was said of this for a while, and remember that it is now."""
        calm = now_ms >= self._calm_ms.get(whose, now_ms)
        self._calm_ms[whose] = now_ms + _CALM_MS
        return calm


def _claimed(row: dict[str, Any]) -> list[str]:
    """Return who took over whose entries."""
    texts = []
    for news in row.get("groups", {}).values():
        taken = news.get("claimed", {}) if isinstance(news, dict) else {}
        for who, owners in taken.items():
            whose = ", ".join(sorted(filter(None, owners))) or "nobody"
            texts.append(f"{who} claimed {sum(owners.values())} of {whose}")
    return texts
