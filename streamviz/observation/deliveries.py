"""Who held which entry, from when to when: told by one look's pending entries after the other's."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal
from weakref import WeakKeyDictionary

from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample

End = Literal["held", "acked", "claimed", "delivered again", "lost"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of an entry, as looks saw it.

    Attributes
    ----------
    id : EntryId
        The entry.
    consumer : str
        Who held it.
    deliveries : int
        Which delivery it was, from 1.
    since_ms, until_ms : int
        The first look that saw it, and the first one that did not any more (or the newest look),
        in milliseconds since 1970 UTC.
    end : {"held", "acked", "claimed", "delivered again", "lost"}
        What became of it: acknowledged (or deleted), taken over by another consumer, given to the
        same one again, or thrown away with its consumer (XGROUP DELCONSUMER).
    n : int
        The number of the look that saw the end.
    """

    id: EntryId
    consumer: str
    deliveries: int
    since_ms: int
    until_ms: int
    end: End
    n: int


class DeliveryLog:
    """The holds in a history's window, folded look by look.

    What was delivered and acknowledged between two looks was seen by none. Of a group that has
    more pending than a look takes, the oldest are followed.

    Parameters
    ----------
    history : History
        Whose samples.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._n = 0
        self._held: dict[str, dict[EntryId, Delivery]] = {}
        self._ended: dict[str, deque[Delivery]] = {}
        self._again: Counter[str] = Counter()  # of those, how many were a delivery after the first

    def held(self, group: str) -> list[Delivery]:
        """Return what is held now, oldest entry first."""
        self._catch_up()
        found = self._held.get(group, {})
        return [found[one] for one in sorted(found)]

    def ended(self, group: str) -> list[Delivery]:
        """Return what ended in the window, in the order of its ends."""
        self._catch_up()
        return list(self._ended.get(group, ()))

    def ended_since(self, group: str, n: int) -> list[Delivery]:
        """Return what ended after a look's number, in the order of its ends."""
        self._catch_up()
        newer = takewhile(lambda hold: hold.n > n, reversed(self._ended.get(group, ())))
        return list(newer)[::-1]

    def count(self, group: str) -> int:
        """Return how many ended in the window."""
        self._catch_up()
        return len(self._ended.get(group, ()))

    def again(self, group: str) -> int:
        """Return how many of those that ended in the window were a delivery after the first."""
        self._catch_up()
        return self._again[group]

    def _catch_up(self) -> None:
        history = self._history
        if history.last is None or history.last.n == self._n:
            return
        for sample in history.since(self._n):
            self._take(sample)
        self._n = history.last.n
        first = history.samples[0].n
        for name, ended in self._ended.items():
            while ended and ended[0].n < first:
                self._again[name] -= ended.popleft().deliveries > 1

    def _take(self, sample: Sample) -> None:
        groups = {group.name: group for group in sample.groups}
        for name in self._held.keys() - groups.keys():
            del self._held[name]  # the group is gone, and with it what it held
        for name, group in groups.items():
            before = self._held.get(name, {})
            self._held[name], ended = _fold(before, group, sample)
            self._ended.setdefault(name, deque()).extend(ended)
            self._again[name] += sum(hold.deliveries > 1 for hold in ended)


_KNOWN: WeakKeyDictionary[History, DeliveryLog] = WeakKeyDictionary()


def delivery_log(history: History) -> DeliveryLog:
    """Return the holds of a history; all who ask for the same one share them."""
    return _KNOWN.setdefault(history, DeliveryLog(history))


def _fold(
    before: dict[EntryId, Delivery], group: GroupState, sample: Sample
) -> tuple[dict[EntryId, Delivery], list[Delivery]]:
    """Return what is held after a look, and what has ended with it."""
    when, n = sample.time_ms, sample.n
    seen = {one.id: one for one in group.oldest}
    whole = len(seen) == group.pending
    up_to = group.oldest[-1].id if seen else EntryId.ZERO
    there = {consumer.name for consumer in group.consumers}
    held: dict[EntryId, Delivery] = {}
    ended: list[Delivery] = []
    for one, hold in before.items():
        now = seen.get(one)
        if now is None:
            if whole or one < up_to:
                lost = bool(there) and hold.consumer not in there
                ended.append(replace(hold, until_ms=when, end="lost" if lost else "acked", n=n))
        elif (now.consumer, now.deliveries) == (hold.consumer, hold.deliveries):
            held[one] = replace(hold, until_ms=when, n=n)
        else:
            end: End = "claimed" if now.consumer != hold.consumer else "delivered again"
            ended.append(replace(hold, until_ms=when, end=end, n=n))
    for one, now in seen.items():
        if one not in held:
            held[one] = Delivery(one, now.consumer, now.deliveries, when, when, "held", n)
    return held, ended
