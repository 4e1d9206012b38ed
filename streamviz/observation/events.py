"""What happened, as records: a kind, who it happened to, and how many entries it concerned.

The simulation and the observer report events; a sample carries them. Plots, recordings, recovery
times and graders read the kind. The words that people read are made here, and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

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
        error's text, the groups that a failover set back, a statement, or the text of a note.

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

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind={self.kind!r}: give one of {', '.join(KINDS)}")

    def __str__(self) -> str:
        owners = ", ".join(map(shown_name, self.owners))
        entries = "entry is" if self.count == 1 else "entries are"
        lost = f"up to {self.count} added {entries} lost (replication is asynchronous)"
        back = f"; these groups went back, and get entries again: {self.detail}"
        return _WORDS[self.kind].format(
            who=shown_name(self.who),
            group=self.group,
            detail=self.detail,
            count=self.count,
            holding=f" holding {self.count}" if self.count else "",
            entries="1 entry" if self.count == 1 else f"{self.count} entries",
            from_owners=f" from {owners}" if owners else "",
            lost=lost if self.count else "no entry is missing",
            back=back if self.detail else "",
            speaker=f"{self.who}: " if self.who else "",
        )


def shown_name(name: str | None) -> str:
    """Return a name as words have it, ``''`` if it is empty; None means no consumer."""
    return "no consumer" if name is None else name or "''"


Deaths = dict[tuple[str, str], tuple[int, Kind]]
"""Who is dead, each with its group: when it died, in milliseconds, and how."""


def follow_deaths(dead: Deaths, time_ms: int, events: Iterable[Event]) -> None:
    """Note who died at a moment, and forget who came back."""
    for event in events:
        if event.kind in DEATHS:
            dead.setdefault((event.group, event.who), (time_ms, event.kind))
        elif event.kind == "revived":
            dead.pop((event.group, event.who), None)


def counted(events: Sequence[Event]) -> str:
    """Return in few words what happened at one time: of several events of a kind, their number."""
    last = {event.kind: event for event in events}
    counts = Counter(event.kind for event in events)
    whom = "consumers " if all(event.group for event in events) else ""  # or readers
    words = (
        f"{n} {_COUNTED.get(kind, 'events').format(whom=whom)}" if n > 1 else str(last[kind])
        for kind, n in counts.items()
    )
    return ", ".join(words)


def note(text: str) -> Event:
    """Return an event of one's own, in one's own words."""
    return Event("note", detail=text)


def events_of(reported: Iterable[Event | str]) -> tuple[Event, ...]:
    """Return events; a text is a note."""
    check_type("events", reported, Iterable, "events or texts")
    events = tuple(note(one) if isinstance(one, str) else one for one in reported)
    for event in events:
        check_type("events", event, Event, "events or texts")
    return events


_WORDS: dict[Kind, str] = {
    "killed": "{who} was killed{holding}",
    "crashed": "{who} crashed{holding}",
    "revived": "{who} was revived",
    "paced": "{who} works {detail}",
    "leaving": "{who} leaves the group {group}",
    "claimed": "{who} claimed {entries}{from_owners}",
    "dead_lettered": "{who} moved {entries} to {detail}",
    "failed": "{who} could not handle {detail}",
    "consumer_deleted": "{who} of {group} was deleted",
    "group_gone": "the group {group} is gone",
    "stream_recreated": "the stream was deleted and recreated",
    "failed_over": "failover: {lost}; {who} took over{back}",
    "trimmed": "a trim removes the oldest entries",
    "missed": "{group} loses entries that it never got",
    "handler_raised": "the handler of {who} raised {detail}",
    "fail_raised": "the fail of {who} raised {detail}",
    "series_raised": "the series of {who} raised {detail} and ends here",
    "callback_raised": "a callback of on_sample raised {detail}",
    "clock_set_back": "this machine's clock was set back by {detail}; the times here go on",
    "clock_stopped": "everything stopped: {detail} was raised",
    "problem": "{speaker}{detail}",
    "statement": "{detail}",
    "note": "{detail}",
}

_COUNTED: dict[str, str] = {
    "killed": "{whom}killed",
    "crashed": "{whom}crashed",
    "revived": "{whom}revived",
    "claimed": "claims",
    "failed": "failures",
    "dead_lettered": "moves to dead letters",
    "consumer_deleted": "consumers deleted",
}
"""What stands after the number of several events of a kind."""
