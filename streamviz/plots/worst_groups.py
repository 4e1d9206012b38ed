"""Choose the groups that a plot shows if there are very many: those that are furthest behind."""

from __future__ import annotations

from math import inf
from weakref import WeakKeyDictionary

from streamviz.observation.history import History
from streamviz.observation.sample import Sample

MAX_GROUPS = 12  # more can't be told apart

_WORST: WeakKeyDictionary[History, tuple[Sample, set[str]]] = WeakKeyDictionary()


def shown_groups(history: History, only: str | None = None) -> tuple[str, ...]:
    """Return the groups that a plot shows, in the order in which they appeared.

    If there are more than twelve, these are the ones whose lag is unknown, or that have the most
    waiting and pending entries now. `only` chooses one group.
    """
    names, newest = history.group_names, history.newest
    if only is not None:
        return tuple(name for name in names if name == only)
    if len(names) <= MAX_GROUPS or newest is None:
        return names
    cached = _WORST.get(history)
    if cached is None or cached[0] is not newest:
        ranks = {
            one.name: inf if one.lag.entries is None else one.lag.entries + one.pending
            for one in newest.groups
        }
        ranked = sorted(names, key=lambda name: -ranks.get(name, -1))
        cached = _WORST[history] = newest, {*ranked[:MAX_GROUPS]}
    return tuple(name for name in names if name in cached[1])


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
