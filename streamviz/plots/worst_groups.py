"""Choose the groups that a plot shows if there are very many: those that are furthest behind."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from operator import attrgetter
from weakref import WeakKeyDictionary

from streamviz.observation.events import Deaths
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.flow_finding import dead_consumers, is_dead

MAX_GROUPS = 12  # more can't be told apart
_SETTLED_MS = 1000  # other groups mean a whole new figure, in place of a few new points

_WORST: WeakKeyDictionary[History, tuple[Sample, set[str]]] = WeakKeyDictionary()


def shown_groups(history: History, only: str | None = None) -> tuple[str, ...]:
    """Return the groups that a plot shows, in the order in which they appeared.

    Of more than twelve, these are the worst now, as `worst_first` ranks them with the numbers of
    entries at the beginning of this second. `only` chooses one group.
    """
    names, newest = history.group_names, history.newest
    if only is not None:
        return tuple(name for name in names if name == only)
    if len(names) <= MAX_GROUPS or newest is None:
        return names
    cached = _WORST.get(history)
    if cached is None or cached[0] is not newest:
        samples, second_ms = history.samples, newest.time_ms // _SETTLED_MS * _SETTLED_MS
        first = samples[bisect_left(samples, second_ms, key=attrgetter("time_ms"))]
        counted = {group.name: group for group in first.groups}
        worst = worst_first(newest.groups, dead_consumers(history), counted)
        ranked = dict.fromkeys([*(one.name for one in worst), *names])
        cached = _WORST[history] = newest, {*list(ranked)[:MAX_GROUPS]}
    return tuple(name for name in names if name in cached[1])


def worst_first(
    groups: Iterable[GroupState], dead: Deaths, counted: Mapping[str, GroupState] | None = None
) -> list[GroupState]:
    """Return groups, the worst first.

    These are the ones with a dead consumer that holds entries, then those whose lag is unknown,
    then those with the most waiting and pending entries, as `counted` has them of each group.
    """

    def rank(group: GroupState) -> tuple[bool, bool, int]:
        holders = (one.name for one in group.consumers if dead and one.pending)
        held = any(is_dead(dead, group.name, name) for name in holders)
        then = (counted or {}).get(group.name, group)
        return held, group.lag.entries is None, (then.lag.entries or 0) + then.pending

    return sorted(groups, key=rank, reverse=True)


def all_groups_text(history: History) -> str:
    """Return how many groups there are, and how many entries wait; empty if all are shown."""
    newest, count = history.newest, len(history.group_names)
    if newest is None or count <= MAX_GROUPS:
        return ""
    lags = [group.lag.entries for group in newest.groups]
    numbers = [lag for lag in lags if lag is not None]
    return f"all {count}: {sum(numbers):,}" + (" or more" if len(numbers) < len(lags) else "")


def worst_of_text(history: History) -> str:
    """Return the start of a sentence about the groups that are shown; empty if all are."""
    text = all_groups_text(history)
    return f"Waiting for {text}. The worst {MAX_GROUPS}: " if text else ""
