"""A recording's line back into a sample, and what is wrong with it if it is none."""

from __future__ import annotations

from typing import Any

from streamviz.client.entry_id import EntryId, unchecked
from streamviz.client.models import ConsumerInfo, Entry, PendingEntry
from streamviz.errors import InputError, RecordingError
from streamviz.observation.sample import GroupState, Lag, ReaderState, Sample
from streamviz.recording.checks import (
    GROUP_CHECKS,
    TOP,
    check,
    check_keys,
    count,
    is_consumer,
    shown,
    text,
    whole,
)
from streamviz.recording.checks import event as event
from streamviz.recording.encode import BLANK, BLANK_GROUP

_new = tuple.__new__  # twice as fast as a named tuple's own way
_Held = tuple[EntryId, str, int, int]  # of a pending entry: ID, consumer, since, deliveries


class _Group:
    """What the last line left one group at."""

    __slots__ = ("cursor", "held", "lag", "names", "told")

    def __init__(self) -> None:
        self.told = dict(BLANK_GROUP)
        self.names: dict[str, tuple[int, int, int | None]] = {}  # pending, since, inactive since
        self.held: list[_Held] = []
        self.cursor = EntryId.ZERO
        self.lag = Lag(0, "exact", "", 0)


class Decoder:
    """Turns the lines of one stream into samples, one after the other from a whole one.

    Parameters
    ----------
    stream : str
        The stream's key.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._started = False
        self._forget()

    def _forget(self) -> None:
        self._told: dict[str, Any] = dict(BLANK)
        self._ids = dict.fromkeys(("first_id", "last_id", "max_deleted_id"), EntryId.ZERO)
        self._groups: dict[str, _Group] = {}
        self._order: list[str] = []
        self._time_ms = 0
        self._clock_ms = 0

    def sample(self, row: dict[str, Any], *, bare: bool = False) -> Sample:
        """Return the next line's sample; a bare one only counts its entries, as missed.

        Raises
        ------
        RecordingError
            If a value is none for its key, or reading began at a line that is not whole.
        """
        try:
            return self._sample(row, bare=bare)
        except InputError as error:
            raise RecordingError(str(error)) from error

    def _sample(self, row: dict[str, Any], *, bare: bool) -> Sample:
        check(row)
        if "whole" in row:
            self._forget()
        elif not self._started:
            raise RecordingError('it is not "whole", and there is no line before it to change')
        self._started = True
        when = row["time_ms"]
        self._clock_ms += row.get("aged", when - self._time_ms)
        self._time_ms = when
        told, found = self._told, self._ids
        for key in BLANK:
            if key in row:
                told[key] = row[key]
                if key in found:
                    found[key] = EntryId.parse(row[key])
        if "groups" in row:
            self._change(row["groups"])
        given = row.get("entries", ())
        entries = ids(given, when) if given and not bare else ()
        got = {who: tuple(ids(some, when)) for who, some in row.get("got", {}).items()}
        return Sample(
            self._stream,
            row["n"],
            when,
            told["exists"],
            told["trouble"],
            told["length"],
            told["entries_added"],
            found["first_id"],
            found["last_id"],
            found["max_deleted_id"],
            tuple([Entry(one, {}) for one in entries]),
            row.get("missed", 0) + (len(given) if bare else 0),
            tuple([self._state(name, self._groups[name]) for name in self._order]),
            tuple(event(one) for one in row.get("events", ())),
            told["nodes"],
            told["memory_bytes"],
            tuple(
                ReaderState(who, EntryId.parse(at), got.get(who, ()))
                for who, at in told["readers"].items()
            ),
        )

    def _change(self, groups: dict[str, Any]) -> None:
        for name, news in groups.items():
            if news is None:
                if self._groups.pop(name, None) is None:
                    raise RecordingError(f"the group {name!r} goes, and there was none")
            elif not isinstance(news, dict):
                raise RecordingError(f"the group {name!r} is {shown(news)}: give an object")
            else:
                self._change_group(name, self._groups.setdefault(name, _Group()), news)
        self._order = sorted(self._groups)

    def _change_group(self, name: str, group: _Group, news: dict[str, Any]) -> None:
        check_keys(news, GROUP_CHECKS, f"the group {name!r}")
        told = group.told
        for key in BLANK_GROUP:
            if key in news:
                told[key] = news[key]
        group.cursor = EntryId.parse(told["last_delivered_id"])
        group.lag = Lag(told["lag"], told["verdict"], told["reason"], told["behind_ms"])
        for who, state in news.get("consumers", {}).items():
            if state is None:
                group.names.pop(who, None)
                continue
            if not is_consumer(state):
                raise RecordingError(
                    f"the consumer {who!r} is {shown(state)}: "
                    "give [pending, idle_ms, inactive_ms], the last of which may be null"
                )
            pending, idle_ms, inactive_ms = state
            since = None if inactive_ms is None else self._clock_ms - inactive_ms
            group.names[who] = (pending, self._clock_ms - idle_ms, since)
        if "left" in news:
            left = set(news["left"])
            if max(left, default=-1) >= len(group.held):
                raise RecordingError(
                    f"the place {max(left)} left the oldest of {name!r}: "
                    f"there are {len(group.held)}, counted from 0"
                )
            group.held = [one for place, one in enumerate(group.held) if place not in left]
        for run in news.get("oldest", ()):
            group.held += self._run(name, run)

    def _run(self, name: str, run: Any) -> list[_Held]:
        if not (
            isinstance(run, list)
            and len(run) > 3
            and text(run[0])
            and whole(run[1])
            and count(run[2])
        ):
            raise RecordingError(
                f"the oldest of {name!r} has {shown(run)}: "
                "give [consumer, idle_ms, deliveries, ID, ID, ...]"
            )
        who, idle_ms, times = run[:3]
        since = self._clock_ms - idle_ms
        return [(one, who, since, times) for one in ids(run[3:], self._time_ms)]

    def _state(self, name: str, group: _Group) -> GroupState:
        told, clock = group.told, self._clock_ms
        names = group.names
        consumers = [
            _new(
                ConsumerInfo,
                (who, pending, clock - since, None if still is None else clock - still),
            )
            for who in sorted(names)
            for pending, since, still in (names[who],)
        ]
        return GroupState(
            name,
            group.cursor,
            told["entries_read"],
            group.lag,
            told["pending"],
            tuple(consumers),
            tuple(
                [_new(PendingEntry, (one, who, clock - at, n)) for one, who, at, n in group.held]
            ),
            told["gone"],
        )


def ids(given: list[Any], since_ms: int) -> list[EntryId]:
    """Return the IDs of a line."""
    found = []
    ms, seq = since_ms, -1
    for one in given:
        if type(one) is int:
            ms, seq = ms + one, 0 if one else seq + 1
            right = 0 <= ms <= TOP and seq <= TOP
            found.append(unchecked(ms, seq) if right else EntryId(ms, seq))
        elif type(one) is str:
            entry_id = EntryId.parse(one)
            found.append(entry_id)
            ms, seq = entry_id.ms, entry_id.seq
        else:
            raise RecordingError(f'{shown(one)} is no ID: give a number, or text "<ms>-<seq>"')
    return found
