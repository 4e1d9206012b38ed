"""Of very many groups, choose those that a plot shows: the ones that are furthest behind."""

from __future__ import annotations

from math import inf
from weakref import WeakKeyDictionary

from streamviz.observation.history import History
from streamviz.observation.sample import Sample

MAX_GROUPS = 12  # more can't be told apart

_RANKED: WeakKeyDictionary[History, tuple[Sample, list[str]]] = WeakKeyDictionary()


def shown_groups(history: History, most: int = MAX_GROUPS) -> tuple[str, ...]:
    """Return the groups that a plot shows, in the order in which they appeared.

    Of more than twelve, or another number, these are the ones whose lag is unknown, or that have
    the most waiting and pending entries now.
    """
    names, newest = history.group_names, history.newest
    if len(names) <= most or newest is None:
        return names
    ranked = _RANKED.get(history)
    if ranked is None or ranked[0] is not newest:
        ranks = {
            one.name: inf if one.lag.entries is None else one.lag.entries + one.pending
            for one in newest.groups
        }
        ranked = newest, sorted(names, key=lambda name: -ranks.get(name, -1))
        _RANKED[history] = ranked
    worst = {*ranked[1][:most]}
    return tuple(name for name in names if name in worst)


def all_groups_text(history: History, most: int = MAX_GROUPS) -> str:
    """Return how many groups there are, and how many entries wait; empty if all are shown."""
    newest, count = history.newest, len(history.group_names)
    if newest is None or count <= most:
        return ""
    lags = [group.lag.entries for group in newest.groups]
    known = [lag for lag in lags if lag is not None]
    return f"all {count}: {sum(known):,}" + (" or more" if len(known) < len(lags) else "")


def worst_of_text(history: History, most: int = MAX_GROUPS) -> str:
    """Return the start of a sentence about the groups that are shown; empty if all are."""
    text = all_groups_text(history, most)
    return f"Waiting for {text}. The worst {most}: " if text else ""
