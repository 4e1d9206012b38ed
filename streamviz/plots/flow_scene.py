"""What the flow shows of the newest sample: tape, producers, groups and readers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Self

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo
from streamviz.observation.accounting import account_for
from streamviz.observation.deliveries import Delivery, delivery_log
from streamviz.observation.events import Deaths, shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Lag, Sample
from streamviz.plots.flow_finding import dead_consumers, finding, growth, is_dead, rate_in, span
from streamviz.plots.texts import clean
from streamviz.plots.traces import colour
from streamviz.plots.worst_groups import all_groups_text, shown_groups, worst_first

_missed = attrgetter("missed")
_parts = attrgetter("ms", "seq")  # of an ID, to compare in C

MAX_TAPE = 200  # entries, newest last
MAX_CONSUMERS = 4  # of a group; the rest are a number
MAX_HELD = 5  # squares in a consumer's box; the rest are a number
MAX_LEFT = 10  # entries that a group has just acknowledged
MAX_NAME = 24
SQUARES_PER_S = 12  # above this rate a square stands for several entries
EVENT_S = 5.0  # how long the picture says what happened


def scene_of(history: History, since: int | None = None) -> dict[str, Any]:
    """Return what the flow shows of the newest sample, and which entries have just moved.

    That is since the sample with a number, the last one that was drawn; by default, the one before
    the newest.

    Of the keys, ``added`` is the number of entries ever added, ``first`` the number of the oldest
    one that is left, ``ids`` the first and the last ID, ``every`` the number of entries for which a
    square stands, and ``event`` what happened in the last 5 seconds. ``worst`` has the places of
    the groups in ``groups``, the worst first; ``total`` is the number of all groups, and ``all``
    says how many entries wait for them, if ``groups`` does not have all of them.
    """
    last = history.newest
    if last is None:
        return {"headline": "Waiting for the first sample", "trouble": "", "groups": []}
    found = enumerate(map(last.find_group, shown_groups(history)))
    groups = {i: group for i, group in found if group}  # each keeps its colour
    tape = _Tape.of(_newest(history, groups.values()))
    dead, rate = dead_consumers(history), rate_in(history)
    since = last.n - 1 if since is None else since
    added = [(one.name, one.new) for sample in history.since(since) for one in sample.producers]
    of_all = all_groups_text(history)
    places = {group.name: place for place, group in enumerate(groups.values())}
    return {
        "headline": clean(finding(history)),
        "rate": f"{rate:,.{int(rate < 100)}f}/s" if rate is not None and rate >= 0 else "",
        "all": f"{of_all} waiting" if of_all else "",
        "total": len(history.group_names) if of_all else len(groups),
        "stream": _short(last.stream),
        "trouble": clean(last.trouble),
        "added": last.entries_added,
        "first": last.entries_added - last.length + 1,
        "ids": [str(last.first_id), str(last.last_id)] if last.length else ["", ""],
        "every": _every(growth(span(history))),
        "event": _event(history),
        "producers": [
            {
                "name": _short(one.name),
                "new": [
                    tape.number(entry) for name, new in added if name == one.name for entry in new
                ],
            }
            for one in last.producers
        ],
        "groups": [_group(history, since, group, i, tape, dead) for i, group in groups.items()],
        "worst": [places[one.name] for one in worst_first(groups.values(), dead)],
        "readers": [
            {"name": _short(one.name), "at": tape.place(one.position, last, None)}
            for one in last.readers
        ],
    }


def _group(
    history: History, since: int, group: GroupState, index: int, tape: _Tape, dead: Deaths
) -> dict[str, Any]:
    last = history.samples[-1]
    account = account_for(last, group)
    ended = delivery_log(history).ended_since(group.name, since)
    shown, held, lost = _shown(group, dead), _held(history, group, tape), _lost(history, group)
    listed, boxed = (sum(one.pending for one in some) for some in (group.consumers, shown))
    pending = (group.pending if group.more_consumers else listed) - boxed
    return {
        "name": _short(group.name),
        "colour": colour(index),
        "at": tape.place(group.last_delivered_id, last, group.lag),
        "waiting": group.lag.entries,
        "pending": group.pending,
        "acked": account.acked or (None if account.unclear else account.acked),  # or before
        "gone": account.gone,
        "dropped": account.dropped,
        "consumers": [
            {
                "name": _short(one.name),
                "dead": is_dead(dead, group.name, one.name),
                "pending": one.pending,
                "held": held.get(one.name, []),
                "lost": lost.get(one.name, []),
            }
            for one in shown
        ],
        "left": [str(one.id) for one in ended if one.end == "acked"][:MAX_LEFT],
        "bin": _bin(history, since, group.name, ended),
        "more": [len(group.consumers) + group.more_consumers - len(shown), pending],
    }


def _shown(group: GroupState, dead: Deaths) -> list[ConsumerInfo]:
    """Return the consumers that have a box: the dead that hold entries, then the busy ones."""
    if len(group.consumers) <= MAX_CONSUMERS:
        return list(group.consumers)

    def rank(one: ConsumerInfo) -> tuple[bool, bool, str]:
        return not (one.pending and is_dead(dead, group.name, one.name)), not one.pending, one.name

    return sorted(sorted(group.consumers, key=rank)[:MAX_CONSUMERS], key=lambda one: one.name)


def _held(history: History, group: GroupState, tape: _Tape) -> dict[str | None, list[list[Any]]]:
    """Return what each consumer holds: the ID, its number, its age in seconds, its deliveries."""
    last = history.samples[-1]
    held: dict[str | None, list[list[Any]]] = {}
    for one in delivery_log(history).pending(group.name):
        age_s = round(max(0, last.time_ms - one.since_ms) / 1000, 1)
        others = held.setdefault(one.consumer, [])
        if len(others) < MAX_HELD:
            others.append([str(one.id), tape.number(one.id), age_s, one.deliveries])
    return held


def _lost(history: History, group: GroupState) -> dict[str | None, list[str]]:
    """Return what each consumer holds that is surely gone from the stream: trimmed or deleted."""
    last = history.samples[-1]
    first, deleted = _parts(last.first_id), _parts(last.max_deleted_id)
    lost: dict[str | None, list[str]] = {}
    for one in delivery_log(history).pending(group.name)[:MAX_TAPE]:
        if not last.length or _parts(one.id) < first or _parts(one.id) == deleted:
            lost.setdefault(one.consumer, []).append(str(one.id))
    return lost


def _bin(
    history: History, since: int, group: str, ended: Sequence[Delivery]
) -> dict[str, Any] | None:
    """Return a group's dead letters: where they went, how many, and which left just now.

    An event counts them and does not name them: those that were delivered most often.
    """
    samples = history.samples
    moves = [
        (sample.n, event)
        for sample in (samples if history.event_count else ())
        for event in sample.events
        if event.kind == "dead_lettered" and event.group == group
    ]
    if not moves:
        return None
    now = sum(event.count for n, event in moves if n > since)
    tired = sorted(ended, key=lambda one: -one.deliveries)[: min(now, MAX_LEFT)]
    window_s = (samples[-1].time_ms - samples[0].time_ms) // 1000
    return {
        "name": _short(moves[-1][1].detail),
        "count": sum(event.count for _, event in moves),
        "since": "" if samples[0].n == 1 else f" in {window_s} s",
        "new": [str(one.id) for one in tired],
    }


def _newest(history: History, groups: Collection[GroupState]) -> list[Sample]:
    """Return the newest samples: back to the oldest entry asked for, or `MAX_TAPE` entries."""
    last = history.samples[-1]
    asked = [one.last_delivered_id for one in groups] + [one.position for one in last.readers]
    asked = [one for one in asked if one != EntryId.ZERO]
    asked += [one.oldest[0].id for one in groups if one.oldest]
    asked += [one.new[0] for one in last.producers if one.new]
    oldest = min(map(_parts, asked), default=_parts(last.last_id))
    count, samples = 0, []
    for sample in reversed(history.samples):
        samples.append(sample)
        count += len(sample.entries)
        if count >= MAX_TAPE or (sample.entries and _parts(sample.entries[0].id) <= oldest):
            break
    return samples[::-1]


class _Tape(NamedTuple):
    """The newest entries, oldest first: their IDs, and their numbers since the stream began."""

    ids: list[EntryId]
    numbers: Sequence[int]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Self:
        """Count back from the newest: XSETID may have set the counter.

        Entries of an earlier stream of the same name have no number.
        """
        number = samples[-1].entries_added
        ids = [entry.id for sample in samples for entry in sample.entries]
        if len(ids) <= number and not any(map(_missed, samples)):
            return cls(ids, range(number - len(ids) + 1, number + 1))
        ids = []
        numbers: list[int] = []
        for sample in reversed(samples):
            known = sample.entries[-number:] if number > 0 else ()
            ids += [entry.id for entry in reversed(known)]
            numbers += range(number, number - len(known), -1)
            number -= len(sample.entries) + sample.missed
        return cls(ids[::-1], numbers[::-1])

    def number(self, entry_id: EntryId) -> int | None:
        """Return the number of an entry; None if it is not on the tape."""
        index = bisect_right(self.ids, _parts(entry_id), key=_parts)
        return self.numbers[index - 1] if index and self.ids[index - 1] == entry_id else None

    def place(self, cursor: EntryId, last: Sample, lag: Lag | None) -> int | None:
        """Return the number of the entry at a cursor; 0 before the first, None if it is unknown."""
        if cursor == EntryId.ZERO:
            return 0
        if cursor >= last.last_id:
            return last.entries_added
        unread = None if lag is None else lag.entries
        counted = None if unread is None else max(0, last.entries_added - unread)
        index = bisect_right(self.ids, _parts(cursor), key=_parts)
        if not index:
            return counted
        at = self.numbers[index - 1]
        if counted is None or lag is None:
            return at
        if lag.verdict == "exact":  # of the unread entries, some may be deleted
            return max(at, counted)
        if self.ids[index - 1] == cursor or index == len(self.ids):
            return at
        return max(at, min(counted, self.numbers[index] - 1))  # among entries that were missed


def _event(history: History) -> str:
    """Return the newest event in words, unless it happened too long ago."""
    samples = history.samples if history.event_count else ()
    for sample in reversed(samples):
        if samples[-1].time_ms - sample.time_ms > EVENT_S * 1000:
            break
        if sample.events:
            return clean(str(sample.events[-1]))
    return ""


def _every(rate: float | None) -> int:
    """Return for how many entries a square stands, so that squares can be followed."""
    every, steps = 1, (2, 5, 10)
    while rate is not None and rate / every > SQUARES_PER_S:
        scale = 10 ** (len(str(every)) - 1)
        every = next(step * scale for step in steps if step * scale > every)
    return every


@lru_cache(maxsize=1024)
def _short(name: str) -> str:
    name = clean(name) or shown_name(name)
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
