"""A group at rest: what need not be asked again of it, and how one knows.

While no consumer of a group does anything, its pending entries grow older and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streamviz.client.models import ConsumerInfo, GroupInfo, PendingEntry, StreamInfo, age_pending
from streamviz.observation.lag import KnownOffset, Lookahead, StreamDelta


@dataclass(frozen=True, slots=True)
class GroupReplies:
    """What the server replied about one group by name.

    Attributes
    ----------
    consumers : tuple of ConsumerInfo
        Ordered by name (XINFO CONSUMERS).
    oldest : tuple of PendingEntry
        Its oldest pending entries (XPENDING).
    ahead : Ahead
        The next few entries that wait for it (XRANGE).
    """

    consumers: tuple[ConsumerInfo, ...]
    oldest: tuple[PendingEntry, ...]
    ahead: Lookahead

    def later(self, consumers: tuple[ConsumerInfo, ...]) -> GroupReplies:
        """Return what it would reply now, if nothing befell the group; it names its consumers."""
        aged = consumers[0].idle_ms - self.consumers[0].idle_ms if self.oldest and consumers else 0
        return GroupReplies(consumers, age_pending(self.oldest, aged), self.ahead)

    def did_something(self, since_ms: float) -> bool:
        """Tell whether a consumer may have asked the server for anything in so many ms."""
        return any(consumer.idle_ms <= since_ms for consumer in self.consumers)


@dataclass(frozen=True, slots=True)
class LastPoll:
    """One group at the last look.

    Attributes
    ----------
    group : GroupInfo
        Its numbers.
    asked : Asked
        What was replied about it.
    rests : bool
        Whether nothing had befallen it since the look before.
    """

    group: GroupInfo
    asked: GroupReplies
    rests: bool

    def differs(self, now: GroupInfo, consumers: Sequence[ConsumerInfo]) -> bool:
        """Tell from the numbers whether anything befell the group since."""
        old, before = self.group, self.asked.consumers
        return (
            old.pending != now.pending
            or old.last_delivered_id != now.last_delivered_id
            or len(before) != len(consumers)
            or bool(self.asked.oldest and not before)  # no idle time tells how much older it is
            or any(
                was.name != one.name or was.pending != one.pending or one.idle_ms < was.idle_ms
                for was, one in zip(before, consumers, strict=True)
            )
        )


def at_rest(
    last: Mapping[str, LastPoll],
    before: StreamInfo,
    change: StreamDelta,
    groups: Iterable[GroupInfo],
    asked: Mapping[str, GroupReplies],
    since_ms: float,
) -> set[str]:
    """Return the groups that nothing has befallen since the last look, nor what waits for them.

    XPENDING and XRANGE would reply what they did, but for the time that has passed.

    Parameters
    ----------
    last : mapping of str to Last
        The groups at the last look.
    before : StreamInfo
        The stream at the last look.
    change : Change
        What changed in it since.
    groups, asked
        The groups now, and what was replied about them by name.
    since_ms : float
        At least as long as it is since the last look began, in milliseconds.
    """
    found = set()
    for group in groups:
        old, now = last.get(group.name), asked.get(group.name)
        if not old or not now or now.did_something(since_ms):
            continue
        if old.differs(group, now.consumers) or (old.asked.ahead.complete and change.new != 0):
            continue
        if change.keeps(KnownOffset(group.last_delivered_id, 0, before)):
            found.add(group.name)
    return found
