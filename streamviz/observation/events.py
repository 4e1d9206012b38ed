"""Events as records: a kind, the consumer or reader, and the number of entries concerned.

The simulation and the observer report events, and a sample carries them. Plots, recordings,
recovery times and graders read the kind. Only this module makes the words that people read, and the
mark and the tone with which a player shows a kind (`STYLES`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from streamviz.client.tables import Record
from streamviz.errors import InputError, check_type

Kind = Literal[
    "killed",
    "crashed",
    "revived",
    "paced",
    "leaving",
    "claimed",
    "dead_lettered",
    "failed",
    "consumer_deleted",
    "group_gone",
    "stream_recreated",
    "failed_over",
    "trimmed",
    "missed",
    "handler_raised",
    "fail_raised",
    "series_raised",
    "callback_raised",
    "clock_set_back",
    "clock_stopped",
    "problem",
    "statement",
    "note",
]
KINDS: tuple[str, ...] = get_args(Kind)
DEATHS = frozenset({"killed", "crashed"})
"""The kinds after which a consumer or a reader is dead."""

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


@dataclass(frozen=True, slots=True)
class Event(Record):
    """Something that happened to a stream, a group, a consumer or a reader.

    Attributes
    ----------
    kind : str
        What happened: one of `KINDS`.
    who : str
        The consumer or reader that it happened to, or that did it, or the node that took over;
        empty if it was none of these.
    group : str
        The consumer group; empty if none is concerned.
    count : int
        How many entries: held at a crash, claimed, moved to the dead letters, or lost in a
        failover.
    owners : tuple of str
        The consumers whose entries were claimed, ordered by name.
    detail : str
        What the kind does not say: a pace, an entry ID, a stream's key, the type of an error, an
        error's text, a statement, or the text of a note.
    groups : tuple of str
        The groups that a failover set back, ordered by name.

    Raises
    ------
    InputError
        If there is no such kind.
    """

    kind: Kind
    who: str = ""
    group: str = ""
    count: int = 0
    owners: tuple[str, ...] = ()
    detail: str = ""
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind={self.kind!r}: give one of {', '.join(KINDS)}")

    def __str__(self) -> str:
        return self._filled(STYLES[self.kind].words)

    def short(self, length: int) -> str:
        """Return short words, without what the hover text adds, in about `length` letters."""
        style = STYLES[self.kind]
        words = self._filled(style.short or style.words)
        return self._filled(style.shortest) if style.shortest and len(words) > length else words

    def _filled(self, words: str) -> str:
        entries = "1 entry" if self.count == 1 else f"{self.count} entries"
        are_lost = f"added {'entry is' if self.count == 1 else 'entries are'} lost"
        groups = ", ".join(map(shown_name, self.groups))
        return words.format(
            who=shown_name(self.who),
            group=shown_name(self.group),
            detail=self.detail,
            count=self.count,
            holding=f" holding {self.count}" if self.count else "",
            entries=entries,
            from_owners=f" from {', '.join(map(shown_name, self.owners))}" if self.owners else "",
            lost=f"up to {self.count} {are_lost} (replication is asynchronous)"
            if self.count
            else "no entry is missing",
            lost_count=f"up to {self.count} lost" if self.count else "no entry is missing",
            back=f"; these groups went back, and get entries again: {groups}" if groups else "",
            speaker=f"{self.who}: " if self.who else "",
        )


def shown_name(name: str | None) -> str:
    """Return a name as words have it, ``''`` if it is empty; None means no consumer.

    A name that is written from right to left is isolated, so that the words and numbers around it
    keep their order.
    """
    text = "no consumer" if name is None else name or "''"
    return f"\u2068{text}\u2069" if _RIGHT_TO_LEFT.search(text) else text


Deaths = dict[tuple[str, str], tuple[int, Kind]]
"""For each dead consumer or reader, with its group: when it died, in milliseconds, and how."""


def follow_deaths(dead: Deaths, time_ms: int, events: Iterable[Event]) -> None:
    """Note the consumers and readers that died at a moment, and forget those that came back."""
    for event in events:
        if event.kind in DEATHS:
            dead.setdefault((event.group, event.who), (time_ms, event.kind))
        elif event.kind == "revived":
            dead.pop((event.group, event.who), None)


def counted(events: Sequence[Event], words_of: Callable[[Event], str] = str) -> str:
    """Return in few words what happened at one time; several events of a kind are counted."""
    last = {event.kind: event for event in events}
    counts = Counter(event.kind for event in events)
    whom = "consumers " if all(event.group for event in events) else ""  # or readers
    words = (
        f"{n} {STYLES[kind].several.format(whom=whom)}" if n > 1 else words_of(last[kind])
        for kind, n in counts.items()
    )
    return ", ".join(words)


def note(text: str) -> Event:
    """Return an event with words of your own."""
    return Event("note", detail=text)


def events_of(reported: Iterable[Event | str]) -> tuple[Event, ...]:
    """Return events; a text is a note."""
    check_type("events", reported, Iterable, "events or texts")
    events = tuple(note(one) if isinstance(one, str) else one for one in reported)
    for event in events:
        check_type("events", event, Event, "events or texts")
    return events


class Style(NamedTuple):
    """How people see a kind of event.

    The words are filled with the facts of an event. If they can be shorter, `short` stands beside a
    line in a plot, and `shortest` where even those are too long. `several` follows the number of
    several events at one time. In the player, a choice offers the kind by its `name`, and the
    `mark` stands above the slider, in the colour that the stylesheet gives to the `tone`.
    """

    words: str
    name: str
    short: str = ""
    shortest: str = ""
    several: str = "events"
    mark: str = "·"
    tone: Literal["", "bad", "good", "lost"] = ""


STYLES: dict[Kind, Style] = {
    "killed": Style(
        "{who} was killed{holding}",
        "killed",
        short="{who} killed",
        several="{whom}killed",
        mark="✕",
        tone="bad",
    ),
    "crashed": Style(
        "{who} crashed{holding}",
        "crashed",
        short="{who} crashed",
        several="{whom}crashed",
        mark="✕",
        tone="bad",
    ),
    "revived": Style(
        "{who} was revived",
        "revived",
        short="{who} revived",
        several="{whom}revived",
        mark="↺",
        tone="good",
    ),
    "paced": Style("{who} works {detail}", "paced"),
    "leaving": Style("{who} leaves the group {group}", "leaving"),
    "claimed": Style(
        "{who} claimed {entries}{from_owners}",
        "claimed",
        shortest="{who} claimed {count}{from_owners}",
        several="claims",
        mark="●",
        tone="good",
    ),
    "dead_lettered": Style(
        "{who} moved {entries} to {detail}",
        "moved to dead letters",
        shortest="{who} moved {count} to {detail}",
        several="moves to dead letters",
    ),
    "failed": Style("{who} could not handle {detail}", "not handled", several="failures"),
    "consumer_deleted": Style(
        "{who} of {group} was deleted", "consumer deleted", several="consumers deleted"
    ),
    "group_gone": Style("the group {group} is gone", "group gone"),
    "stream_recreated": Style("the stream was deleted and recreated", "stream recreated"),
    "failed_over": Style(
        "failover: {lost}; {who} took over{back}", "failover", shortest="failover: {lost_count}"
    ),
    "trimmed": Style("a trim removes the oldest entries", "trimmed", mark="▲", tone="lost"),
    "missed": Style("{group} loses entries that it never got", "missed", mark="▲", tone="lost"),
    "handler_raised": Style("the handler of {who} raised {detail}", "handler raised"),
    "fail_raised": Style("the fail of {who} raised {detail}", "fail raised"),
    "series_raised": Style("the series of {who} raised {detail} and ends here", "series raised"),
    "callback_raised": Style("a callback of on_sample raised {detail}", "callback raised"),
    "clock_set_back": Style(
        "this machine's clock was set back by {detail}; the times here go on",
        "clock set back",
        shortest="this machine's clock was set back by {detail}",
    ),
    "clock_stopped": Style("everything stopped: {detail} was raised", "clock stopped"),
    "problem": Style("{speaker}{detail}", "problem"),
    "statement": Style("{detail}", "statement"),
    "note": Style("{detail}", "note"),
}
"""How people see each kind of event."""
