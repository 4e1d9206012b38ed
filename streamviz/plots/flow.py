"""The flow: entries on their way over the stream to each group's consumers, and away.

Other plots are axes with traces. This one is a scene. Its figure has two traces:

- the tape: for each of the newest entries its time (``x``, seconds), its number since the stream
  began (``y``, from 1) and its ID (``customdata``);
- the scene: ``meta``, which plotly leaves alone, has what `Flow.scene` returns.

`layout["meta"]["flow"]` tells the drawing code to draw a scene. `streamviz.plots.flow_shapes`
says where everything stands, and the browser's `flow_shapes.js` does the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo
from streamviz.observation.accounting import account_for
from streamviz.observation.deliveries import delivery_log
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.contrast import SUBSTITUTES
from streamviz.plots.figure import Figure, Plot, seconds
from streamviz.plots.flow_finding import (
    Dead,
    dead_consumers,
    finding,
    is_dead,
    per_second,
    span,
)
from streamviz.plots.texts import clean, entries_text, no_data_text, number_text
from streamviz.plots.traces import Trace, colour

MAX_TAPE = 200  # entries, newest last
MAX_CONSUMERS = 4  # of a group; the rest are a number
MAX_HELD = 5  # squares in a consumer's box; the rest are a number
MAX_LEFT = 10  # entries that a group has just acknowledged
MAX_NAME = 24
SQUARES_PER_S = 12  # above this rate a square stands for several entries
OLD_S = 5.0  # a pending entry of this age is red
EVENT_S = 5.0  # how long the picture says what happened


class Flow(Plot):
    """Entries on their way: from a producer onto the stream, to each group's consumers, and away.

    The stream is a tape with its newest entry at the right, one square for each entry. Each group
    has a lane below it: a line as far as the group's cursor, the last-delivered ID, then open
    squares for the entries that wait. Below the lane stands a box for each consumer, with the
    entries that it holds. A bar tells what became of all entries that were ever added.

    Everything is derived from samples, so the flow shows any stream. An entry that was delivered
    and acknowledged between two samples passes without stopping at a consumer. At more than 12
    entries per second a square stands for several entries, and the picture says for how many.
    """

    name = "flow"
    title = "Flow"

    def structure_key(self, history: History) -> Any:
        """Return nothing: the scene is replaced as a whole at each sample."""
        return None

    def traces(self, history: History) -> list[Trace]:
        """Return the tape and the scene."""
        tape = {"type": "scatter", "mode": "markers", "name": "entries", "text": []}
        return [tape, {"type": "scatter", "name": "scene", "x": [], "y": []}]

    def layout(self, history: History) -> dict[str, Any]:
        """Return no axes, and the mark of a scene."""
        return {"meta": {"substitutes": SUBSTITUTES, "flow": True}, "showlegend": False}

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: the entries have times of their own."""
        return []

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the new entries, at most `MAX_TAPE`."""
        entries = list(_numbered(samples))[-MAX_TAPE:]
        ids = [str(entry_id) for _, entry_id in entries]
        x = [seconds(entry_id.ms, history) for _, entry_id in entries]
        y = [number for number, _ in entries]
        return [{"x": x, "y": y, "text": ids, "customdata": list(ids)}]

    def window_sizes(self, history: History) -> list[int]:
        """Return how many entries the tape has."""
        return [min(history.entry_count, MAX_TAPE)]

    def current_state(self, history: History) -> list[Trace]:
        """Return the scene."""
        return [{"meta": self.scene(history)}]

    def summary(self, history: History) -> str:
        """Return the finding, the first and the last ID, and each group's waiting and pending."""
        last = history.newest
        if last is None or last.trouble:
            return no_data_text(history)
        groups = [
            f"{group.name}: {number_text(group.lag.entries)} waiting, "
            f"{number_text(group.pending)} in hand"
            for group in last.groups
        ]
        ids = f", from {last.first_id} to {last.last_id}" if last.length else ""
        length = f"{entries_text(last.length)} in the stream{ids}"
        return f"{finding(history)}. {'; '.join([length, *groups])}."

    def failure(self, text: str, history: History) -> Figure:
        """Return a flow that says why it can't be drawn, in place of its headline."""
        figure = super().failure(text, history)
        tape, scene = self.traces(history)
        scene["meta"] = {"headline": clean(text), "trouble": "", "groups": []}
        return figure | {
            "data": [tape | {"x": [], "y": []}, scene],
            "layout": figure["layout"] | Flow.layout(self, history),
        }

    def scene(self, history: History) -> dict[str, Any]:
        """Return what the picture shows of the newest sample.

        Returns
        -------
        dict
            ``headline`` and ``rates``, two texts; ``stream``, its name; ``trouble``; ``added``,
            the number of entries ever added, and ``first``, the number of the oldest one that is
            left; ``ids``, the first and the last ID; ``every``, the number of entries for which a
            square stands; ``event``, what happened in the last 5 seconds; ``groups`` and
            ``readers``.
        """
        last = history.newest
        if last is None:
            return {"headline": "Waiting for the first sample", "trouble": "", "groups": []}
        tape = list(_numbered(_newest(history)))
        dead = dead_consumers(history)
        between = span(history)
        old = between[0].entries_added if between else None
        rate = per_second(between, old, last.entries_added)
        return {
            "headline": clean(finding(history)),
            "rates": f"in {rate:,.1f}/s" if rate is not None and rate >= 0 else "",
            "stream": _short(last.stream),
            "trouble": clean(last.trouble),
            "added": last.entries_added,
            "first": last.entries_added - last.length + 1,
            "ids": [str(last.first_id), str(last.last_id)] if last.length else ["", ""],
            "every": _every(rate),
            "event": _event(history),
            "groups": [
                _group(history, group, i, tape, dead)
                for i, name in enumerate(history.group_names)
                if (group := last.find_group(name))
            ],
            "readers": [
                {"name": _short(one.name), "at": _place(one.position, tape, last, None)}
                for one in last.readers
            ],
        }


def _group(
    history: History,
    group: GroupState,
    index: int,
    tape: list[tuple[int, EntryId]],
    dead: Dead,
) -> dict[str, Any]:
    last = history.newest
    assert last is not None
    account = account_for(last, group)
    ended = delivery_log(history).ended_since(group.name, last.n - 1)
    shown = _shown(group, dead)
    held = _held(history, group, tape)
    listed = sum(one.pending for one in group.consumers)
    pending = (group.pending if group.more_consumers else listed) - sum(
        one.pending for one in shown
    )
    return {
        "name": _short(group.name),
        "colour": colour(index),
        "at": _place(group.last_delivered_id, tape, last, group.lag.entries),
        "waiting": group.lag.entries,
        "pending": group.pending,
        "acked": account.acked,
        "gone": account.gone,
        "consumers": [
            {
                "name": _short(one.name),
                "dead": is_dead(dead, group.name, one.name),
                "pending": one.pending,
                "held": held.get(one.name, []),
            }
            for one in shown
        ],
        "left": [str(one.id) for one in ended if one.end == "acked"][:MAX_LEFT],
        "more": [len(group.consumers) + group.more_consumers - len(shown), pending],
    }


def _shown(group: GroupState, dead: Dead) -> list[ConsumerInfo]:
    """Return the consumers that have a box: the dead that hold entries, then the busy ones."""
    if len(group.consumers) <= MAX_CONSUMERS:
        return list(group.consumers)

    def rank(one: ConsumerInfo) -> tuple[bool, bool, str]:
        return not (one.pending and is_dead(dead, group.name, one.name)), not one.pending, one.name

    return sorted(sorted(group.consumers, key=rank)[:MAX_CONSUMERS], key=lambda one: one.name)


def _held(
    history: History, group: GroupState, tape: list[tuple[int, EntryId]]
) -> dict[str, list[list[Any]]]:
    """Return what each consumer holds: the ID, its number, its age in seconds, its deliveries."""
    last = history.samples[-1]
    held: dict[str, list[list[Any]]] = {}
    for one in delivery_log(history).pending(group.name):
        age_s = round(max(0, last.time_ms - one.since_ms) / 1000, 1)
        others = held.setdefault(one.consumer, [])
        if len(others) < MAX_HELD:
            number = _number(tape, one.id)
            others.append([str(one.id), number, age_s, one.deliveries])
    return held


def _newest(history: History) -> list[Sample]:
    """Return the newest samples, with at least `MAX_TAPE` entries if there are that many."""
    count, samples = 0, []
    for sample in reversed(history.samples):
        samples.append(sample)
        count += len(sample.entries)
        if count >= MAX_TAPE:
            break
    return samples[::-1]


def _numbered(samples: Sequence[Sample]) -> Iterator[tuple[int, EntryId]]:
    """Return each new entry's number since the stream began, and its ID."""
    for sample in samples:
        first = max(1, sample.entries_added - len(sample.entries) + 1)
        for number, entry in enumerate(sample.entries, start=first):
            yield number, entry.id


def _number(tape: list[tuple[int, EntryId]], entry_id: EntryId) -> int | None:
    """Return the number of an entry; None if it is not on the tape."""
    index = bisect_right(tape, entry_id, key=lambda item: item[1])
    return tape[index - 1][0] if index and tape[index - 1][1] == entry_id else None


def _place(
    cursor: EntryId, tape: list[tuple[int, EntryId]], last: Sample, waiting: int | None
) -> int | None:
    """Return the number of the entry at a cursor; 0 before the first, None if it is unknown."""
    if cursor == EntryId.ZERO:
        return 0
    if cursor >= last.last_id:
        return last.entries_added
    index = bisect_right(tape, cursor, key=lambda item: item[1])
    if index:
        return tape[index - 1][0]
    return None if waiting is None else max(0, last.entries_added - waiting)


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


def _short(name: str) -> str:
    name = clean(name)
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
