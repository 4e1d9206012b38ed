"""Who held each entry when it was acknowledged: replayed from the commands of an exercise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

from exercises.journal import Command, Step, acked_ids, entry_ids
from streamviz.client import Consumer, ConsumerGroup, EntryId

_PAGE = 100  # XAUTOCLAIM without COUNT
_CHECKED = 10  # XAUTOCLAIM checks up to ten times COUNT entries
TEN_MINUTES_MS = 600_000
_DELAY_MS = 2  # MONITOR tells a command's time only after it ran


@dataclass(slots=True)
class Handled:
    """The IDs of entries whose work could be lost, or done twice.

    Attributes
    ----------
    unclaimed : set of str
        Done or given up while another consumer held them. An entry is given up when it is
        acknowledged, or dropped because its consumer was deleted.
    early : set of str
        Given up before their work was done.
    dropped : set of str
        Claimed, but not acknowledged: the consumer was deleted while it held them.
    """

    unclaimed: set[str] = field(default_factory=set)
    early: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)


def left_ten_minutes_ago(consumer: Consumer, ids: Iterable[EntryId]) -> None:
    """Make entries that a consumer holds as idle as if it had died ten minutes ago (XCLAIM)."""
    consumer.claim(list(ids), idle_ms=TEN_MINUTES_MS, justid=True)


def replayed(
    steps: Iterable[Step] | None,
    group: ConsumerGroup,
    consumer: str,
    held: Mapping[str, str],
    work_of: Callable[[Command], Iterable[str]],
    results: Collection[str],
    deleted: Iterable[str] = (),
    *,
    young: Iterable[str] = (),
) -> Handled:
    """Replay the commands of an exercise, and return the entries that were handled badly.

    Parameters
    ----------
    steps : iterable of steps or None
        What `journal.stop` returned.
    group, consumer : ConsumerGroup and str
        The group, and who should hold an entry before it is given up.
    held : mapping of str to str
        Who held each pending entry before the first step.
    work_of : callable
        Takes a command, and returns the IDs of the entries whose work it does.
    results : collection of str
        The keys where the work ends: it is undone if one of them is deleted.
    deleted : iterable of str
        The entries that are no longer in the stream: a claim drops them.
    young : iterable of str
        The entries that were delivered just before the first step. All others in `held` have been
        pending for long enough for any claim.
    """
    pending, handled, worked = _Pending(group, held, deleted), Handled(), set[str]()
    steps = list(steps or ())
    if steps:
        pending.deliver(young, steps[0][0].time_ms)
    for step in steps:
        done = set[str]()  # while another consumer held it, unless it is claimed in the same step
        worked |= {one for command in step for one in work_of(command)}
        for command in step:
            if _deletes(command, results):
                worked.clear()
            done |= {one for one in work_of(command) if pending.holder(one, consumer) != consumer}
            for entry_id, holder, dropped in pending.give_up(command):
                handled.early |= {entry_id} - worked
                handled.unclaimed |= {entry_id} if holder != consumer else set()
                handled.dropped |= {entry_id} if holder == consumer and dropped else set()
            claimed = pending.claim(command)
            done -= claimed if command[3:4] == [consumer] else set()
        handled.unclaimed |= done
    return handled


def claimed_more_than(most: int, steps: Iterable[Step] | None, key: str, dead: str) -> bool:
    """Tell whether a claim of another consumer than the dead one asked for more entries at once."""
    for command in (command for step in steps or () for command in step if key in command):
        name, words = command[0].upper(), [word.upper() for word in command]
        if command[3:4] == [dead]:
            continue
        if name == "XCLAIM" and len(entry_ids(command[5:])) > most:
            return True
        claims = name == "XAUTOCLAIM" or (name == "XREADGROUP" and "CLAIM" in words)
        if claims and int(_option(command, "COUNT", most + 1)) > most:
            return True
    return False


class _Pending:
    """A group's pending entries list: who holds an entry, and since when."""

    def __init__(
        self, group: ConsumerGroup, held: Mapping[str, str], deleted: Iterable[str]
    ) -> None:
        self._names = (group.key, group.name)
        self._gone = set(deleted)
        self._holders = dict(held)
        self._since_ms = dict.fromkeys(held, -inf)

    def holder(self, entry_id: str, default: str) -> str:
        return self._holders.get(entry_id, default)

    def deliver(self, ids: Iterable[str], time_ms: float) -> None:
        """Set when entries were delivered last."""
        self._since_ms |= dict.fromkeys(ids, time_ms)

    def give_up(self, command: Command) -> Iterator[tuple[str, str, bool]]:
        """Take out what a command acknowledges or drops: an ID, its holder, whether it drops it."""
        drops = [word.upper() for word in command[:2]] == ["XGROUP", "DELCONSUMER"]
        if drops and tuple(command[2:4]) == self._names:
            ids = [one for one, holder in self._holders.items() if holder == command[4]]
        else:
            ids = acked_ids(command) if tuple(command[1:3]) == self._names else []
        for entry_id in ids:
            holder = self._holders.pop(entry_id, None)
            if holder is not None and entry_id not in self._gone:
                yield entry_id, holder, drops

    def claim(self, command: Command) -> set[str]:
        """Let a command claim entries, or read them again, and return them."""
        key, group = self._names
        if key not in command or command[2:3] != [group]:
            return set()
        name = command[0].upper()
        if name == "XREADGROUP":
            ids = self._read(command)
        elif name in ("XCLAIM", "XAUTOCLAIM"):
            ids = self._claimed(command, entry_ids(command[5:]) if name == "XCLAIM" else None)
        else:
            return set()
        idle_ms = float(_option(command, "IDLE", 0)) if name == "XCLAIM" else 0
        since_ms = float(_option(command, "TIME", command.time_ms)) if name == "XCLAIM" else inf
        for one in ids:
            self._holders[one] = command[3]  # XCLAIM key group consumer, XREADGROUP GROUP group ...
            self._since_ms[one] = min(since_ms, command.time_ms) - idle_ms
        return set(ids)

    def _claimed(self, command: Command, named: list[str] | None) -> list[str]:
        """Return what XCLAIM (with the IDs that it names) or XAUTOCLAIM takes over."""
        count = int(_option(command, "COUNT", _PAGE))
        if named is None:
            word = command[5] if command[5] != "-" else "0"
            start = EntryId.parse(word.removeprefix("("))
            start = start.next() if word.startswith("(") else start
            listed = sorted(one for one in map(EntryId.parse, self._holders) if one >= start)
            named = [str(one) for one in listed[: count * _CHECKED]]
        else:
            count = len(named)
        ids: list[str] = []
        for one in named:
            if one in self._gone:
                count -= 1
                self._holders.pop(one, None)
            elif one in self._holders and self._idle(one, command) >= float(command[4]):
                ids.append(one)
            if len(ids) >= count:
                break
        return ids

    def _read(self, command: Command) -> list[str]:
        """Return what a read takes over with CLAIM, or what a consumer reads again."""
        start = command[command.index(self._names[0]) + 1 :][0]  # of one stream
        there = [one for one in self._holders if one not in self._gone]
        count = int(_option(command, "COUNT", len(there)))
        if start != ">":
            after = EntryId.parse(start)
            own = [EntryId.parse(one) for one in there if self._holders[one] == command[3]]
            return [str(one) for one in sorted(own) if one > after][:count]
        minimum = float(_option(command, "CLAIM", inf))
        idle = [one for one in there if self._idle(one, command) >= minimum]
        oldest_first = sorted(idle, key=lambda one: (self._since_ms[one], EntryId.parse(one)))
        return oldest_first[:count]

    def _idle(self, entry_id: str, command: Command) -> float:
        return command.time_ms - self._since_ms[entry_id] + _DELAY_MS


def _option(command: Command, name: str, default: float) -> str:
    """Return the word after an option's name."""
    words = [word.upper() for word in command]
    return words[words.index(name) + 1] if name in words else str(default)


def _deletes(command: Command, keys: Collection[str]) -> bool:
    name = command[0].upper()
    return name in ("DEL", "UNLINK", "RENAME", "LTRIM") and bool(set(keys) & set(command[1:]))
