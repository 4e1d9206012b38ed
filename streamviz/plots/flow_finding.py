"""What a stream's newest samples show: who is dead, how fast entries come, and a headline."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import islice
from operator import attrgetter

from streamviz.observation.deliveries import delivery_log
from streamviz.observation.events import Deaths, follow_deaths, shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample, was_recreated
from streamviz.plots.texts import entries_text, no_data_text

TREND_S = 10.0  # the span over which rates are taken
CLEAR_TREND = 1.0  # entries per second; a smaller change is noise
FAR_BEHIND = 20  # entries; a group with fewer keeps up
STILL_S = 2.0  # without any change: a pause
FAST = 10.0  # entries per second, whose rate shows within `STILL_S`

Span = tuple[Sample, Sample]
_time_of = attrgetter("time_ms")


def finding(history: History) -> str:
    """Return the most important thing that the newest sample shows, as a sentence."""
    last = history.newest
    if last is None or last.trouble or not last.exists:
        text = no_data_text(history) or "the stream does not exist yet"
        return text[0].upper() + text[1:]
    if not last.groups:
        return f"{entries_text(last.length)} in the stream, and no consumer group yet"
    return _death(history, last) or _standstill(history, last) or _lag(last, span(history))


def dead_consumers(history: History) -> Deaths:
    """Return the consumers that died and did not come back."""
    dead = dict(history.dead_before)
    for sample in history.samples if history.event_count else ():
        follow_deaths(dead, sample.time_ms, sample.events)
    return dead


def is_dead(dead: Deaths, group: str, consumer: str) -> bool:
    """Return whether a consumer is dead; an event need not name its group."""
    return (group, consumer) in dead or ("", consumer) in dead


def span(history: History, seconds: float = TREND_S) -> Span | None:
    """Return a sample from some seconds ago and the newest one; None if there is too little.

    Both are of the same stream. If the older one is not, or is not known, the next one is taken
    that is.
    """
    samples = history.samples
    newest = samples[-1]
    if not newest.exists:
        return None
    start_ms = newest.time_ms - seconds * 1000
    start = max(0, bisect_right(samples, start_ms, key=_time_of) - 1)
    for i in range(len(samples) - 1, start, -1):
        one = samples[i]
        if one.exists is False or (one.events and was_recreated(one)):
            start = i
            break
    older = next(one for one in islice(samples, start, None) if one.exists)
    if older.time_ms > start_ms and newest.time_ms - older.time_ms < 1000:
        return None
    return older, newest


def per_second(between: Span | None, old: int | None, new: int | None) -> float | None:
    """Return how fast a number grows from the first sample to the second; None if unknown."""
    if between is None or old is None or new is None:
        return None
    return (new - old) * 1000 / (between[1].time_ms - between[0].time_ms)


def rate_in(history: History) -> float | None:
    """Return how many entries come a second: of a fast stream, over the last two seconds."""
    rate = growth(span(history))
    return rate if rate is None or rate < FAST else growth(span(history, STILL_S))


def growth(between: Span | None) -> float | None:
    """Return how many entries a second were added in a span; None if unknown."""
    return per_second(between, *[one.entries_added for one in between]) if between else None


def _standstill(history: History, last: Sample) -> str:
    """Return for how long nothing has moved, if entries wait all that time."""
    most = max(last.groups, key=lambda group: group.lag.entries or 0)
    samples, state = history.samples, _state(last)
    if _state(samples[-2:][0]) != state:
        return ""
    samples = tuple(one for one in samples if one.exists is not None)
    still = bisect_left(samples, True, key=lambda sample: _state(sample) == state)
    still_s = (last.time_ms - samples[still].time_ms) / 1000
    if still_s < STILL_S or not most.lag.entries:
        return ""
    waiting = entries_text(most.lag.entries)
    return f"Nothing has moved for {int(still_s)} s: {shown_name(most.name)} is {waiting} behind"


def _state(sample: Sample) -> object:
    groups = [(one.name, one.last_delivered_id, one.pending) for one in sample.groups]
    return sample.entries_added, sample.length, groups


def _death(history: History, last: Sample) -> str:
    dead = dead_consumers(history)
    for group in last.groups if dead else ():
        for one in group.consumers:
            if one.pending and is_dead(dead, group.name, one.name):
                pending = delivery_log(history).pending(group.name)
                since_ms = [d.since_ms for d in pending if d.consumer == one.name]
                age = f" for {int((last.time_ms - min(since_ms)) / 1000)} s" if since_ms else ""
                return f"{shown_name(one.name)} is dead and holds {entries_text(one.pending)}{age}"
    return ""


def _lag(last: Sample, between: Span | None) -> str:
    trends = {group.name: _trend(between, group) for group in last.groups}
    name = max(trends, key=lambda one: trends[one])
    if trends[name] >= CLEAR_TREND:
        return f"{shown_name(name)} falls {trends[name]:,.1f} entries further behind every second"
    most = max(last.groups, key=lambda group: group.lag.entries or 0)
    waiting = most.lag.entries or 0
    if waiting and trends[most.name] <= -CLEAR_TREND:
        return f"{shown_name(most.name)} catches up: {entries_text(waiting)} waiting"
    if waiting > FAR_BEHIND:
        return f"{shown_name(most.name)} is {entries_text(waiting)} behind"
    unknown = [group.name for group in last.groups if group.lag.entries is None]
    if unknown:
        return f"How many entries wait for {shown_name(unknown[0])} is unknown"
    return "The group keeps up" if len(last.groups) == 1 else "All groups keep up"


def _trend(between: Span | None, group: GroupState) -> float:
    """Return by how many entries per second a group's lag grows; 0 if that is unknown."""
    before = between[0].find_group(group.name) if between else None
    old = before.lag.entries if before else None
    return per_second(between, old, group.lag.entries) or 0.0
