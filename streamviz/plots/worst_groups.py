"""Of very many groups, choose those that a plot shows: the ones that are furthest behind."""

from __future__ import annotations

from math import inf
from weakref import WeakKeyDictionary

from streamviz.observation.history import History
from streamviz.observation.sample import Sample

MAX_GROUPS = 12  # more can't be told apart

_WORST: WeakKeyDictionary[History, tuple[Sample, set[str]]] = WeakKeyDictionary()


def shown_groups(history: History, only: str | None = None) -> tuple[str, ...]:
    """Return the groups that a plot shows, in the order in which they appeared.

    Of more than twelve, these are the ones whose lag is unknown, or that have the most waiting and
    pending entries now. `only` chooses one group.
    """
    names, newest = history.group_names, history.newest
    if only is not None:
        return tuple(name for name in names if name == only)
    if len(names) <= MAX_GROUPS or newest is None:
        return names
    known = _WORST.get(history)
    if known is None or known[0] is not newest:
        ranks = {
            one.name: inf if one.lag.entries is None else one.lag.entries + one.pending
            for one in newest.groups
        }
        ranked = sorted(names, key=lambda name: -ranks.get(name, -1))
        known = _WORST[history] = newest, {*ranked[:MAX_GROUPS]}
    return tuple(name for name in names if name in known[1])


def all_groups_text(history: History) -> str:
    """Return how many groups there are, and how many entries wait; empty if all are shown."""
    newest, count = history.newest, len(history.group_names)
    if newest is None or count <= MAX_GROUPS:
        return ""
    lags = [group.lag.entries for group in newest.groups]
    known = [lag for lag in lags if lag is not None]
    return f"all {count}: {sum(known):,}" + (" or more" if len(known) < len(lags) else "")


def worst_of_text(history: History) -> str:
    """Return the start of a sentence about the groups that are shown; empty if all are."""
    text = all_groups_text(history)
    return f"Waiting for {text}. The worst {MAX_GROUPS}: " if text else ""
