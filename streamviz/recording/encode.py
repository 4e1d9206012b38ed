"""A sample as one line of JSON, and back: each line says what changed since the one before.

A line is an object. Its keys are the names of `Sample`'s attributes, and a key that is missing has
not changed. Every tenth line of a stream is ``"whole"``: it says everything, so that reading can
begin there; so does the first line that a group is in, of that group.

- ``n``, ``time_ms`` are in every line; ``stream`` is missing if it is the line before's.
- ``entries``, ``missed`` and ``events`` are new in each sample; missing, there are none.
- An event is an object with its ``kind``, and those of ``who``, ``group``, ``count``, ``owners``
  and ``detail`` that are not empty.
- ``entries`` are IDs, without their fields: a recording holds no values. An ID is a number, the
  milliseconds after the ID before it (after ``time_ms`` if there is none), or 0 for the next
  sequence number of the same millisecond; or else text, ``"<ms>-<seq>"``.
- ``readers`` has the positions of all plain readers, by name; ``got`` is new in each sample: what
  they got, as IDs by name.
- ``groups`` has the groups that changed, by name; null is a group that went.
- A group's ``lag``, ``verdict``, ``reason`` and ``behind_ms`` are its `Lag`'s.
- A group's ``consumers`` are ``[pending, idle_ms, inactive_ms]`` by name; null is one that went.
  A consumer that did nothing is missing, and idle for ``aged`` milliseconds longer.
- ``aged`` is how far the server's clock went on; missing, as far as ``time_ms`` did.
- A group's ``left`` are the places, from 0, in the last line's ``oldest`` of what is pending no
  more; ``oldest`` is what comes after the rest: ``[consumer, idle_ms, deliveries, ID, ID, ...]``.
- A group's ``claimed`` is new in each sample: how many entries each consumer took over since the
  last one, ``{consumer: {owner: entries}}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.observation.events import Event
from streamviz.observation.sample import GroupState, Sample

WHOLE_EVERY = 10
BLANK: dict[str, Any] = {
    "exists": True,
    "trouble": "",
    "length": 0,
    "entries_added": 0,
    "first_id": "0-0",
    "last_id": "0-0",
    "max_deleted_id": "0-0",
    "nodes": 0,
    "memory_bytes": None,
    "readers": {},
}
BLANK_GROUP: dict[str, Any] = {
    "last_delivered_id": "0-0",
    "entries_read": None,
    "lag": 0,
    "verdict": "exact",
    "reason": "",
    "behind_ms": 0,
    "pending": 0,
    "gone": 0,
}
Row = tuple[int, int, str, int, int]  # of an entry that is pending: ms, seq, consumer, since, times

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_EXACT = 2**53  # what every reader of JSON takes for the number that it is


class _Group:
    """What the last line left one group at."""

    __slots__ = ("names", "rows", "told")

    def __init__(self) -> None:
        self.told = BLANK_GROUP
        self.names: dict[str, tuple[int, int, int | None]] = {}  # pending, since, inactive since
        self.rows: list[Row] = []


class _Stream:
    """What the last line left one stream at."""

    __slots__ = ("clock_ms", "groups", "lines", "time_ms", "told")

    def __init__(self) -> None:
        self.told = BLANK
        self.groups: dict[str, _Group] = {}
        self.time_ms = 0
        self.clock_ms = 0  # the server's, from an arbitrary zero: what is idle since then ages
        self.lines = 0


class Encoder:
    """Turns samples, of one stream or several, into lines."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._stream: str | None = None

    def line(self, sample: Sample) -> str:
        """Return the next sample's line, without the line's end."""
        old = self._streams.get(sample.stream)
        before = old.groups if old else {}
        row: dict[str, Any] = {"n": sample.n, "time_ms": sample.time_ms}
        if old is None or old.lines % WHOLE_EVERY == 0:
            lines = old.lines if old else 0
            old = self._streams[sample.stream] = _Stream()
            old.lines = lines
            row |= {"stream": sample.stream, "whole": True}
        elif sample.stream != self._stream:
            row["stream"] = sample.stream
        self._stream = sample.stream
        told = _told(sample)
        whole = "whole" in row
        row |= {key: value for key, value in told.items() if whole or value != old.told[key]}
        if sample.entries:
            row["entries"] = ids((entry.id for entry in sample.entries), sample.time_ms)
        if sample.missed:
            row["missed"] = sample.missed
        got = {one.name: ids(one.got, sample.time_ms) for one in sample.readers if one.got}
        if got:
            row["got"] = got
        if sample.events:
            row["events"] = [_event(event) for event in sample.events]
        passed = sample.time_ms - old.time_ms
        aged = _aged(sample, old, passed)
        if aged != passed and not whole:
            row["aged"] = aged
        old.clock_ms += aged
        groups = _groups(sample, old)
        for group in sample.groups:
            if taken := _claimed(old.groups[group.name].rows, before.get(group.name)):
                groups[group.name]["claimed"] = taken
        if groups:
            row["groups"] = groups
        old.told, old.time_ms, old.lines = told, sample.time_ms, old.lines + 1
        return _encode(row)


def _event(event: Event) -> dict[str, Any]:
    row = {key: value for key, value in asdict(event).items() if value}
    if not event.detail:
        return row
    from streamviz.server.url import redact_text  # loads redis, which reading does not need

    return row | {"detail": redact_text(event.detail)}


def ids(given: Iterable[EntryId], since_ms: int) -> list[int | str]:
    """Return IDs as a line has them."""
    found: list[int | str] = []
    ms, seq = since_ms, -1
    for one in given:
        after = one.ms - ms
        if one.seq == (0 if after else seq + 1) and -_EXACT < after < _EXACT:
            found.append(after)
        else:
            found.append(f"{one.ms}-{one.seq}")
        ms, seq = one.ms, one.seq
    return found


def _told(sample: Sample) -> dict[str, Any]:
    first, last, deleted = sample.first_id, sample.last_id, sample.max_deleted_id
    return {
        "exists": sample.exists,
        "trouble": sample.trouble,
        "length": sample.length,
        "entries_added": sample.entries_added,
        "first_id": f"{first.ms}-{first.seq}",
        "last_id": f"{last.ms}-{last.seq}",
        "max_deleted_id": f"{deleted.ms}-{deleted.seq}",
        "nodes": sample.nodes,
        "memory_bytes": sample.memory_bytes,
        "readers": {one.name: f"{one.position.ms}-{one.position.seq}" for one in sample.readers},
    }


def _aged(sample: Sample, old: _Stream, passed: int) -> int:
    """Return how far the server's clock went on, by those who did nothing; any guess is right."""
    found = []
    for group in sample.groups:
        before = old.groups.get(group.name)
        if before is None:
            continue
        for one in group.consumers:
            was = before.names.get(one.name)
            if was is not None:
                found.append(one.idle_ms + was[1] - old.clock_ms)
        for entry, (ms, seq, _, since, _) in zip(group.oldest, before.rows, strict=False):
            if (entry.id.ms, entry.id.seq) == (ms, seq):
                found.append(entry.idle_ms + since - old.clock_ms)
            break
    return max(found, default=passed)


def _groups(sample: Sample, old: _Stream) -> dict[str, Any]:
    """Return what changed in the groups, and remember it."""
    changed: dict[str, Any] = {}
    kept: dict[str, _Group] = {}
    for group in sample.groups:
        before = old.groups.get(group.name)
        news = _group(group, before, sample.time_ms, old.clock_ms, kept)
        if news:
            changed[group.name] = news
    for name in old.groups:
        if name not in kept:
            changed[name] = None
    old.groups = kept
    return changed


def _group(
    group: GroupState, before: _Group | None, time_ms: int, clock_ms: int, kept: dict[str, _Group]
) -> dict[str, Any]:
    old = before or _Group()
    cursor, lag = group.last_delivered_id, group.lag
    told: dict[str, Any] = {
        "last_delivered_id": f"{cursor.ms}-{cursor.seq}",
        "entries_read": group.entries_read,
        "lag": lag.entries,
        "verdict": lag.verdict,
        "reason": lag.reason,
        "behind_ms": lag.behind_ms,
        "pending": group.pending,
        "gone": group.gone,
    }
    news = told if before is None else {k: v for k, v in told.items() if v != old.told[k]}
    news = dict(news)
    names, consumers = _consumers(group.consumers, old.names, clock_ms)
    if consumers:
        news["consumers"] = consumers
    rows = [
        (one.ms, one.seq, consumer, clock_ms - idle_ms, deliveries)
        for one, consumer, idle_ms, deliveries in group.oldest
    ]
    if rows != old.rows:
        news |= _pending(rows, group.oldest, old.rows, time_ms)
    now = kept[group.name] = _Group()
    now.told, now.names, now.rows = told, names, rows
    return news


def _claimed(rows: list[Row], before: _Group | None) -> dict[str, dict[str, int]]:
    """Return how many entries each consumer took over, by their owners."""
    if before is None or not before.rows or rows == before.rows:
        return {}
    owners = {(ms, seq): owner for ms, seq, owner, _, _ in before.rows}
    taken: dict[str, dict[str, int]] = {}
    for ms, seq, who, _, _ in rows:
        owner = owners.get((ms, seq), who)
        if who and owner != who:  # nobody's name is empty: a consumer gave it back
            whose = taken.setdefault(who, {})
            whose[owner] = whose.get(owner, 0) + 1
    return taken


def _consumers(
    consumers: tuple[ConsumerInfo, ...],
    old: dict[str, tuple[int, int, int | None]],
    clock_ms: int,
) -> tuple[dict[str, tuple[int, int, int | None]], dict[str, Any]]:
    names = {}
    changed: dict[str, Any] = {}
    for one in consumers:
        inactive = one.inactive_ms
        since = None if inactive is None else clock_ms - inactive
        names[one.name] = state = (one.pending, clock_ms - one.idle_ms, since)
        if old.get(one.name) != state:
            changed[one.name] = (one.pending, one.idle_ms, inactive)
    changed |= {name: None for name in old if name not in names}
    return names, changed


def _pending(
    rows: list[Row], oldest: tuple[PendingEntry, ...], old: list[Row], time_ms: int
) -> dict[str, Any]:
    """Return which of the old rows left, and what came after those that stayed."""
    known = set(rows)
    left = [place for place, row in enumerate(old) if row not in known]
    stay = [row for row in old if row in known]
    if rows[: len(stay)] != stay:
        left, stay = list(range(len(old))), []  # another order: all of it anew
    news: dict[str, Any] = {"left": left} if left else {}
    came = [
        [*who, *ids((one.id for one in run), time_ms)]
        for who, run in groupby(oldest[len(stay) :], lambda one: (one[1], one[2], one[3]))
    ]
    return news | ({"oldest": came} if came else {})
