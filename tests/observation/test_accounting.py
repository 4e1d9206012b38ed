"""Each group's accounting balances, against a model that knows every entry."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
import redis as redis_py
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream
from streamviz.observation.accounting import account_for
from streamviz.observation.observer import Observer


def test_the_accounting_says_why_it_cannot_balance(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{ms}-0", {"n": 1}) for ms in range(1, 11))
    group = stream.group("g")
    group.create("0")
    observer = Observer(redis, key)
    observer.sample()
    group.consumer("c").read(3)
    stream.trim(maxlen=4)
    group.consumer("c").read(1)
    sample = observer.sample()
    books = account_for(sample, sample.groups[0])
    assert (books.added, books.undelivered, books.pending) == (10, 3, 4)
    assert (books.acked, books.gone) == (None, None)
    assert "entries after its cursor were removed" in books.reason


class AccountedGroup(RuleBasedStateMachine):
    """A group whose every entry is known: delivered, acknowledged, or removed before."""

    redis: redis_py.Redis
    prefix: str
    run_number = itertools.count()
    balanced: Counter[bool]

    @initialize(count_up_to=st.integers(1, 4), before=st.integers(0, 5))
    def open(self, count_up_to: int, before: int) -> None:
        self.stream = Stream(self.redis, f"{self.prefix}{next(self.run_number)}")
        self.group = self.stream.group("g")
        self.ms, self.delivered, self.acked = 0, 0, 0
        self.pending: list[EntryId] = []
        self.observer = Observer(self.redis, self.stream.key, count_up_to=count_up_to)
        self.add(max(1, before))
        self.group.create("0")
        self.take()

    @rule(count=st.integers(1, 9))
    def add(self, count: int) -> None:
        for _ in range(count):
            self.ms += 1
            self.stream.add({"n": self.ms}, id=f"{self.ms}-0")

    @rule(name=st.sampled_from(["c", "d"]), count=st.integers(1, 7), noack=st.booleans())
    def read(self, name: str, count: int, noack: bool) -> None:
        ids = [entry.id for entry in self.group.consumer(name).read(count, noack=noack)]
        self.delivered += len(ids)
        if noack:
            self.acked += len(ids)
        else:
            self.pending += ids

    @rule(count=st.integers(1, 5))
    def ack(self, count: int) -> None:
        ids, self.pending = self.pending[:count], self.pending[count:]
        if ids:
            self.group.ack(*ids)
            self.acked += len(ids)

    @rule(length=st.integers(0, 15))
    def trim_between_samples(self, length: int) -> None:
        self.take()
        self.stream.trim(maxlen=length)
        self.take()

    @rule(ms=st.integers(1, 40))
    def delete_between_samples(self, ms: int) -> None:
        self.take()
        self.stream.delete(f"{ms}-0")
        self.take()

    @rule(length=st.integers(0, 15))
    def trim(self, length: int) -> None:
        self.stream.trim(maxlen=length)

    @rule()
    def take(self) -> None:
        sample = self.observer.sample()
        books = account_for(sample, sample.groups[0])
        self.balanced[not books.reason] += 1
        if books.reason:
            assert books.acked is None
            return
        assert books.added == self.ms
        assert (books.pending, books.acked) == (len(self.pending), self.acked)
        assert books.undelivered is not None
        assert books.gone == self.ms - books.undelivered - self.delivered

    def teardown(self) -> None:
        if hasattr(self, "stream"):
            self.redis.delete(self.stream.key)


@pytest.mark.timeout(300)
def test_the_accounting_agrees_with_what_happened(redis: redis_py.Redis, prefix: str) -> None:
    balanced: Counter[bool] = Counter()
    machine = type(
        "Machine", (AccountedGroup,), {"redis": redis, "prefix": prefix, "balanced": balanced}
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=50,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert balanced[True] > balanced[False], "it balances more often than not"
