"""A stream with groups behaves like a model of it in a page of Python, whatever happens to both."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis as redis_py
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from streamviz import EntryId, Stream
from streamviz.client.models import Entry
from streamviz.errors import CommandRefused, NoSuchGroup, NoSuchStream
from streamviz.server.embedded import EmbeddedServer

GROUPS = st.sampled_from(["g", "<h>"])
CONSUMERS = st.sampled_from(["a", "b", "ü\n"])
INDEXES = st.integers(0, 30)
COUNTS = st.one_of(st.none(), st.integers(1, 4))


@dataclass
class Group:
    """A group: its cursor, and who holds each pending entry, delivered how often."""

    cursor: EntryId
    pending: dict[EntryId, tuple[str, int]] = field(default_factory=dict)

    def ids_of(self, consumer: str) -> list[EntryId]:
        return sorted(
            entry_id for entry_id, (holder, _) in self.pending.items() if holder == consumer
        )

    def drop(self, deleted: list[EntryId]) -> None:
        for entry_id in deleted:
            del self.pending[entry_id]

    def give(self, consumer: str, entry_id: EntryId, *, count_it: bool = True) -> None:
        times = self.pending[entry_id][1] if entry_id in self.pending else 1
        self.pending[entry_id] = (consumer, times + count_it)


class Twins(RuleBasedStateMachine):
    """The model and the real stream; every rule changes both."""

    clients: dict[int, redis_py.Redis]
    prefix: str
    run_number = itertools.count()
    coverage: Counter[str]

    @initialize(protocol=st.sampled_from([2, 3]))
    def begin(self, protocol: int) -> None:
        self.redis = self.clients[protocol]
        self.coverage[f"RESP{protocol}"] += 1
        self.stream = Stream(self.redis, f"{self.prefix}{next(self.run_number)}")
        self.forget()
        self.ever = [EntryId.ZERO]  # every ID so far, so that an index stands for one
        for name in ("g", "<h>"):
            self.create(name, 0)
        for name, consumer in (("g", "a"), ("g", "b"), ("<h>", "a")):
            self.add_some(3)
            self.read(name, consumer, 2, False)

    def forget(self) -> None:
        self.exists = False
        self.entries: dict[EntryId, str] = {}
        self.groups: dict[str, Group] = {}
        self.last = self.largest_deleted = EntryId.ZERO
        self.added = 0

    def at(self, index: int) -> EntryId:
        return self.ever[index % len(self.ever)]

    def both(self, name: str, act: Callable[[Any], Any], change: Callable[[Group], Any]) -> None:
        """Change the group and its model, and compare what both return."""
        real = self.stream.group(name)
        if name in self.groups:
            assert act(real) == change(self.groups[name])
        else:
            self.coverage["no group"] += 1
            with pytest.raises((NoSuchGroup, NoSuchStream)):
                act(real)

    @rule(how=st.sampled_from(["next", "millisecond", "*", "again", "0-0"]))
    def add(self, how: str) -> None:
        requested = {
            "next": self.last.next(),
            "millisecond": f"{self.last.ms + 1}-*",
            "*": f"{self.last.ms}-*",
            "again": self.last,
            "0-0": EntryId.ZERO,
        }[how]
        if requested in (self.last, EntryId.ZERO):
            self.coverage["refused"] += 1
            with pytest.raises(CommandRefused):
                self.stream.add({"f": how}, requested)
            return
        self.last = EntryId(self.last.ms + 1) if how == "millisecond" else self.last.next()
        assert self.stream.add({"f": how}, requested) == self.last
        self.entries[self.last] = how
        self.ever.append(self.last)
        self.exists = True
        self.added += 1

    @rule(count=st.integers(1, 5))
    def add_some(self, count: int) -> None:
        for _ in range(count):
            self.add("next")

    @rule(indexes=st.lists(INDEXES, min_size=1, max_size=3))
    def delete(self, indexes: list[int]) -> None:
        ids = [self.at(index) for index in indexes]
        deleted = {entry_id for entry_id in ids if self.entries.pop(entry_id, None)}
        self.largest_deleted = max(self.largest_deleted, *deleted, EntryId.ZERO)
        assert self.stream.delete(*ids) == len(deleted)

    @rule(length=st.integers(2, 12))
    def trim_to_a_length(self, length: int) -> None:
        self.keep(sorted(self.entries)[-length:], self.stream.trim(maxlen=length))

    @rule(index=INDEXES)
    def trim_to_an_id(self, index: int) -> None:
        minid = self.at(index)
        kept = [entry_id for entry_id in self.entries if entry_id >= minid]
        self.keep(kept, self.stream.trim(minid=minid))

    def keep(self, kept: list[EntryId], removed: int) -> None:
        assert removed == len(self.entries) - len(kept)
        self.entries = {entry_id: self.entries[entry_id] for entry_id in kept}

    @rule(forth=st.integers(-2, 2))
    def set_the_streams_id(self, forth: int) -> None:
        last = EntryId(max(0, self.last.ms + forth), self.last.seq)
        error: Any = None
        if not self.exists:
            error = NoSuchStream
        elif last < max([self.largest_deleted, *self.entries]):
            error = CommandRefused
        if error:
            with pytest.raises(error):
                self.stream.set_id(last)
        else:
            self.stream.set_id(last)
            self.last = last

    @rule(rarely=st.integers(0, 7))
    def delete_the_key(self, rarely: int) -> None:
        if rarely >= 5:
            self.redis.delete(self.stream.key)
            self.forget()
            self.coverage["vanished"] += 1

    @rule(name=GROUPS, index=INDEXES)
    def create(self, name: str, index: int) -> None:
        group, cursor = self.stream.group(name), self.at(index)
        if name in self.groups:
            with pytest.raises(CommandRefused, match="BUSYGROUP"):
                group.create(cursor)
            group.create(cursor, exist_ok=True)
        else:
            group.create(cursor, mkstream=True)
            self.groups[name] = Group(cursor)
            self.exists = True

    @rule(name=GROUPS, rarely=st.integers(0, 5))
    def destroy(self, name: str, rarely: int) -> None:
        if rarely == 5 and self.exists:
            assert self.stream.group(name).destroy() == (self.groups.pop(name, None) is not None)

    @rule(name=GROUPS, index=INDEXES, reader=st.one_of(st.none(), CONSUMERS))
    def set_the_groups_id(self, name: str, index: int, reader: str | None) -> None:
        def change(group: Group) -> None:
            group.cursor = self.at(index)

        self.both(name, lambda real: real.set_id(self.at(index)), change)
        if reader:
            self.read(name, reader, 4, False)

    @rule(name=GROUPS, consumer=CONSUMERS, count=COUNTS, noack=st.booleans())
    def read(self, name: str, consumer: str, count: int | None, noack: bool) -> None:
        def change(group: Group) -> list[Entry]:
            new = [entry_id for entry_id in self.entries if entry_id > group.cursor][:count]
            group.cursor = new[-1] if new else group.cursor
            self.coverage["delivered again"] += len(group.pending.keys() & new)
            if not noack:
                group.pending |= dict.fromkeys(new, (consumer, 1))
            return self.written(new)

        self.both(name, lambda real: real.consumer(consumer).read(count, noack=noack), change)

    @rule(name=GROUPS, consumer=CONSUMERS, count=COUNTS, index=INDEXES)
    def read_again(self, name: str, consumer: str, count: int | None, index: int) -> None:
        def change(group: Group) -> list[Entry]:
            own = [entry_id for entry_id in group.ids_of(consumer) if entry_id > self.at(index)][
                :count
            ]
            still_there = [entry_id for entry_id in own if entry_id in self.entries]
            for entry_id in still_there:
                group.give(consumer, entry_id)
            self.coverage["read again"] += len(still_there)
            return self.written(still_there)

        self.both(
            name, lambda real: real.consumer(consumer).read(count, after=self.at(index)), change
        )

    @rule(name=GROUPS, indexes=st.lists(INDEXES, min_size=1, max_size=4))
    def ack(self, name: str, indexes: list[int]) -> None:
        ids = [self.at(index) for index in indexes]
        group = self.groups.get(name, Group(EntryId.ZERO))
        known = group.pending.keys() & ids
        assert self.stream.group(name).ack(*ids) == len(known)
        group.drop(list(known))

    @rule(
        name=GROUPS,
        consumer=CONSUMERS,
        indexes=st.lists(INDEXES, min_size=1, max_size=4),
        force=st.booleans(),
        justid=st.booleans(),
        last=st.one_of(st.none(), INDEXES),
    )
    def claim(
        self,
        name: str,
        consumer: str,
        indexes: list[int],
        force: bool,
        justid: bool,
        last: int | None,
    ) -> None:
        ids = [self.at(index) for index in indexes]
        last_id = None if last is None else self.at(last)

        def change(group: Group) -> list[Entry] | list[EntryId]:
            group.cursor = max(group.cursor, last_id or group.cursor)
            moved = []
            for entry_id in ids:
                if entry_id not in self.entries:
                    self.coverage["claimed what was deleted"] += entry_id in group.pending
                    group.pending.pop(entry_id, None)
                elif entry_id in group.pending or force:
                    self.coverage["forced"] += entry_id not in group.pending
                    group.give(consumer, entry_id, count_it=not justid)
                    moved.append(entry_id)
            return moved if justid else self.written(moved)

        def act(real: Any) -> Any:
            return real.consumer(consumer).claim(ids, force=force, justid=justid, last_id=last_id)

        self.both(name, act, change)

    @rule(
        name=GROUPS,
        consumer=CONSUMERS,
        index=INDEXES,
        count=COUNTS,
        justid=st.booleans(),
        doomed=st.booleans(),
    )
    def autoclaim(
        self, name: str, consumer: str, index: int, count: int | None, justid: bool, doomed: bool
    ) -> None:
        if doomed:
            self.delete([index, index + 1])

        def change(group: Group) -> Any:
            pending = [entry_id for entry_id in sorted(group.pending) if entry_id >= self.at(index)]
            page, rest = pending[: count or 100], pending[count or 100 :]
            deleted = [entry_id for entry_id in page if entry_id not in self.entries]
            moved = [entry_id for entry_id in page if entry_id in self.entries]
            group.drop(deleted)
            for entry_id in moved:
                group.give(consumer, entry_id, count_it=not justid)
            self.coverage["autoclaimed"] += len(moved)
            self.coverage["deleted page by page"] += bool(deleted and rest)
            cursor = rest[0] if rest else EntryId.ZERO
            return cursor, [] if justid else self.written(moved), moved, deleted

        def act(real: Any) -> Any:
            page = real.consumer(consumer).autoclaim(0, self.at(index), count, justid=justid)
            return page.cursor, list(page.entries), list(page.ids), list(page.deleted)

        self.both(name, act, change)

    @rule(name=GROUPS, consumer=CONSUMERS)
    def delete_a_consumer(self, name: str, consumer: str) -> None:
        def change(group: Group) -> int:
            own = group.ids_of(consumer)
            group.drop(own)
            self.coverage["lost with its consumer"] += len(own)
            return len(own)

        self.both(name, lambda real: real.delete_consumer(consumer), change)

    def written(self, ids: list[EntryId]) -> list[Entry]:
        return [Entry(entry_id, {"f": self.entries[entry_id]}) for entry_id in ids]

    @invariant()
    def the_stream_is_the_same(self) -> None:
        whole = self.written(list(self.entries))
        assert self.stream.exists() == self.exists
        assert (self.stream.range(), self.stream.length()) == (whole, len(whole))
        assert self.stream.reverse_range() == whole[::-1]
        if self.exists:
            info = self.stream.info()
            assert (info.last_generated_id, info.entries_added) == (self.last, self.added)
            assert info.max_deleted_entry_id == self.largest_deleted
            assert [info.first_entry, info.last_entry] == (whole[:1] or [None]) + (
                whole[-1:] or [None]
            )

    @invariant()
    def the_groups_are_the_same(self) -> None:
        infos = {one.name: one for one in self.stream.groups()} if self.exists else {}
        assert set(infos) == set(self.groups)
        for name, group in self.groups.items():
            real = self.stream.group(name)
            pending = [(one.id, one.consumer, one.deliveries) for one in real.pending_entries()]
            assert pending == [
                (entry_id, *group.pending[entry_id]) for entry_id in sorted(group.pending)
            ]
            counts = Counter(holder for holder, _ in group.pending.values())
            assert real.pending().consumers == counts
            assert {one.name: one.pending for one in real.consumers() if one.pending} == counts
            assert infos[name].pending == len(group.pending)
            assert infos[name].last_delivered_id == group.cursor

    def teardown(self) -> None:
        self.redis.delete(self.stream.key)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_stream_with_groups_is_what_the_model_says(server: EmbeddedServer, prefix: str) -> None:
    coverage: Counter[str] = Counter()
    clients = {protocol: server.client(protocol=protocol) for protocol in (2, 3)}
    run_state_machine_as_test(
        type("TheTwins", (Twins,), {"clients": clients, "prefix": prefix, "coverage": coverage}),
        settings=settings(
            max_examples=100,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    for client in clients.values():
        client.close()
    wanted = {"no group", "refused", "vanished", "delivered again", "read again", "forced"}
    wanted |= {"autoclaimed", "deleted page by page", "claimed what was deleted"}
    wanted |= {"lost with its consumer", "RESP2", "RESP3"}
    assert set(+coverage) == wanted, coverage
