"""Each group's accounting balances, against a model that knows every entry."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

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
from plots import histories

from streamviz.client.capabilities import capabilities
from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream
from streamviz.observation.accounting import GroupAccounting, account_for
from streamviz.observation.observer import Observer

Until = Callable[..., None]


class Accounts:
    """A stream of ten entries, a group, and an observer that saw its beginning."""

    def __init__(self, redis: redis_py.Redis, key: str) -> None:
        self.redis, self.key = redis, key
        self.stream = Stream(redis, key)
        self.stream.add_many((f"{ms}-0", {"n": 1}) for ms in range(1, 11))
        self.group = self.stream.group("g")
        self.group.create("0")
        self.observer = Observer(redis, key)

    def now(self) -> GroupAccounting:
        sample = self.observer.sample()
        account = account_for(sample, sample.groups[0])
        parts = (account.undelivered, account.pending, account.acked, account.dropped, account.gone)
        assert account.reason or account.added == sum(filter(None, (*parts, account.unclear)))
        return account

    def read(self, consumer: str, count: int) -> None:
        self.group.consumer(consumer).read(count)

    def until_idle(self, until: Until) -> None:
        """Wait until the next sample shows that no consumer has read since this one."""
        until(lambda: all(one["idle"] > 50 for one in self.redis.xinfo_consumers(self.key, "g")))
        self.now()

    def send(self, line: str) -> None:
        self.redis.execute_command(*(self.key if word == "s" else word for word in line.split()))


@pytest.fixture
def accounts(redis: redis_py.Redis, key: str) -> Accounts:
    accounts = Accounts(redis, key)
    accounts.now()
    return accounts


def test_what_a_deleted_consumer_held_is_dropped_and_not_acknowledged(accounts: Accounts) -> None:
    accounts.read("alice", 6)
    assert accounts.now().pending == 6
    accounts.group.delete_consumer("alice")
    now = accounts.now()
    assert (now.acked, now.dropped, now.pending, now.unclear) == (0, 6, 0, 0)


def test_what_others_claimed_before_a_consumer_was_deleted_is_not_dropped(
    accounts: Accounts,
) -> None:
    accounts.read("alice", 6)
    accounts.now()
    accounts.group.consumer("bob").claim(["1-0", "2-0"])
    accounts.group.delete_consumer("alice")
    now = accounts.now()
    assert (now.acked, now.dropped, now.pending) == (0, 4, 2)
    accounts.group.ack("1-0", "2-0")
    now = accounts.now()
    assert (now.acked, now.dropped, now.unclear) == (2, 4, 0)


def test_a_consumer_that_was_deleted_and_made_again_has_dropped_what_it_held(
    redis: redis_py.Redis, accounts: Accounts
) -> None:
    accounts.read("alice", 6)
    accounts.now()
    accounts.group.delete_consumer("alice")
    accounts.send("XGROUP CREATECONSUMER s g alice")
    now = accounts.now()
    assert now.pending == 0
    if "inactive" in redis.xinfo_consumers(accounts.key, "g")[0]:  # from 7.2 on
        assert (now.acked, now.dropped) == (0, 6)


def test_the_way_of_what_left_before_the_first_sample_is_not_known(
    redis: redis_py.Redis, key: str
) -> None:
    accounts = Accounts(redis, key)
    accounts.read("alice", 10)
    accounts.group.ack(*[f"{ms}-0" for ms in range(1, 11)])
    accounts.group.delete_consumer("alice")
    now = accounts.now()
    assert (now.undelivered, now.pending) == (0, 0)
    assert (now.acked, now.dropped, now.gone, now.unclear) == (0, 0, 0, 10)


@pytest.mark.parametrize("removal", ["XDEL s 1-0 2-0", "XTRIM s MINID 3-0"])
@pytest.mark.parametrize("seen", [False, True])
def test_pending_entries_that_were_deleted_and_swept_are_not_called_acknowledged(
    accounts: Accounts, removal: str, seen: bool
) -> None:
    accounts.read("alice", 6)
    accounts.now()
    accounts.send(removal)
    if seen:
        assert accounts.now().pending == 6
    accounts.group.consumer("bob").autoclaim(0, "0")
    now = accounts.now()
    assert (now.pending, now.acked, now.unclear) == (4, 0, 2)
    accounts.group.ack("3-0", "4-0", "5-0", "6-0")
    now = accounts.now()
    assert (now.pending, now.acked, now.unclear) == (0, 4, 2)


DELREF = {
    "XTRIM s MAXLEN 5 DELREF": 1,
    "XDELEX s DELREF IDS 2 2-0 3-0": 4,
    "XADD s MAXLEN = 5 DELREF 11-0 n 1": 0,
}


@pytest.mark.parametrize("removal", DELREF)
def test_pending_entries_that_were_removed_with_their_references_are_not_called_acknowledged(
    accounts: Accounts, removal: str
) -> None:
    if not capabilities(accounts.redis).has("XDELEX"):
        with pytest.raises(redis_py.ResponseError):
            accounts.send(removal)
        return
    accounts.read("alice", 6)
    accounts.now()
    accounts.send(removal)
    now = accounts.now()
    assert (now.pending, now.acked, now.unclear) == (DELREF[removal], 0, 6 - DELREF[removal])


def test_a_plain_acknowledgement_is_one_although_older_entries_are_trimmed(
    accounts: Accounts,
) -> None:
    accounts.read("alice", 6)
    accounts.now()
    accounts.group.ack("1-0", "2-0", "3-0")
    assert accounts.now().acked == 3
    accounts.group.ack("5-0", "6-0")
    accounts.stream.trim(maxlen=7)
    now = accounts.now()
    assert (now.pending, now.acked, now.unclear) == (1, 5, 0)


def test_a_group_that_keeps_up_with_a_stream_that_is_trimmed_at_each_xadd_has_acknowledged(
    redis: redis_py.Redis, key: str
) -> None:
    redis.xgroup_create(key, "g", "0", mkstream=True)
    observer, acked = Observer(redis, key), 0
    observer.sample()
    for n in range(1, 401):
        redis.xadd(key, {"n": n}, f"{n}-0", maxlen=50, approximate=False)
        for _, entries in redis.xreadgroup("g", "ann", {key: ">"}):
            ids = [one for one, _ in entries if n % 10]  # no consumer acknowledges the others
            acked += redis.xack(key, "g", *ids) if ids else 0
        if n % 20 == 0:
            sample = observer.sample()
            assert sample.length == min(n, 50)
            assert (sample.groups[0].acked, sample.groups[0].pending) == (acked, n // 10)


def test_what_a_group_skips_is_not_called_acknowledged(accounts: Accounts) -> None:
    accounts.read("alice", 2)
    accounts.now()
    accounts.group.set_id("8-0")
    now = accounts.now()
    assert now.acked == 0
    assert (now.gone or 0) + (now.unclear or 0) == 6
    accounts.group.set_id("1-0")
    now = accounts.now()
    assert (now.undelivered, now.pending, now.acked) == (9, 2, 0)


@pytest.mark.parametrize("count", [10, 90])  # of 90, the observer asks for the oldest 50 only
def test_what_is_delivered_again_after_a_step_back_is_not_called_acknowledged(
    accounts: Accounts, count: int
) -> None:
    accounts.stream.add_many((f"{ms}-0", {"n": 1}) for ms in range(11, 101))
    accounts.read("alice", count)
    accounts.now()
    for at in ("0", f"{count - 5}-0"):
        accounts.group.set_id(at)
        accounts.now()
        accounts.read("alice", 3)
        now = accounts.now()
        assert (now.pending, now.acked) == (count, 0)
    accounts.send("XCLAIM s g bob 0 95-0 FORCE")  # it will be delivered for the first time
    accounts.now()
    accounts.group.set_id("94-0")
    accounts.now()
    accounts.read("alice", 1)
    assert accounts.now().acked == 0
    accounts.group.ack(*(f"{ms}-0" for ms in range(1, count + 1)), "95-0")
    accounts.now()
    accounts.read("alice", 5)
    accounts.group.ack("96-0", "97-0")
    assert accounts.now().pending == 3


READ = "XREADGROUP GROUP g {} COUNT 3 STREAMS s >"
# what a consumer of the group holds before, and what happens between two samples
LOOKS_ACKNOWLEDGED = {
    "a group skips entries and reads": (1, "XGROUP SETID s g 9-0", READ.format("alice")),
    "a consumer is deleted and reads again": (
        3,
        "XGROUP DELCONSUMER s g alice",
        READ.format("alice"),
    ),
    "a group is made anew and read": (
        3,
        "XGROUP DESTROY s g",
        "XGROUP CREATE s g 3-0",
        READ.format("alice"),
    ),
    "a claim sets the cursor, and the group reads": (
        0,
        "XCLAIM s g alice 0 1-0 FORCE LASTID 8-0",
        READ.format("alice"),
    ),
    "a consumer comes, reads and is deleted": (
        1,
        READ.format("bob"),
        "XGROUP DELCONSUMER s g bob",
        READ.format("alice"),
    ),
}


@pytest.mark.parametrize("name", LOOKS_ACKNOWLEDGED)
def test_a_sample_between_two_commands_shows_what_else_looks_like_an_acknowledgement(
    accounts: Accounts, redis: redis_py.Redis, key: str, name: str
) -> None:
    held, *commands = LOOKS_ACKNOWLEDGED[name]  # and none acknowledges anything
    for watched, redo in ((True, accounts), (False, Accounts(redis, f"{key}:again"))):
        redo.now()
        if held:
            redo.read("alice", held)
        redo.now()
        for command in commands:
            redo.send(command)
            if watched:
                redo.observer.sample()
        acked = redo.now().acked
        assert acked == 0 if watched else acked, "docs/numbers.md lists what leaves no trace"


def test_what_was_held_before_the_first_sample_of_a_group_that_is_set_back_looks_acknowledged(
    accounts: Accounts,
) -> None:
    accounts.stream.add_many((f"{ms}-0", {"n": 1}) for ms in range(11, 101))
    accounts.read("alice", 90)
    accounts.send("XGROUP SETID s g 80-0 ENTRIESREAD 80")
    accounts.observer = Observer(accounts.redis, accounts.key)
    accounts.now()
    accounts.read("alice", 5)
    assert accounts.now().acked == 5, "docs/numbers.md lists it"


@pytest.mark.parametrize("removal", ["XGROUP SETID s g $", "XTRIM s MAXLEN 0", "XDEL s 3-0 4-0"])
@pytest.mark.parametrize("more", [0, 5])
@pytest.mark.parametrize("noticed", [False, True])
def test_what_a_group_got_before_it_was_set_back_is_not_called_never_delivered(
    accounts: Accounts, until: Until, removal: str, more: int, noticed: bool
) -> None:
    accounts.read("alice", 10)
    accounts.group.ack(*[f"{ms}-0" for ms in range(1, 11)])
    accounts.until_idle(until)
    assert accounts.now().acked == 10
    accounts.group.set_id("0")
    assert accounts.now().undelivered == 10
    accounts.stream.add_many((f"{ms}-0", {"n": 1}) for ms in range(11, 11 + more))
    if noticed:
        accounts.now()
    accounts.send(removal)
    now = accounts.now()
    left = 2 if "XDEL" in removal else 10
    assert (now.acked, now.gone, now.unclear) == (0, 0 if left == 2 else more, left)


@pytest.mark.parametrize("idle", [False, True])
def test_what_a_group_never_got_is_counted_beside_what_it_got_before(
    accounts: Accounts, until: Until, idle: bool
) -> None:
    accounts.read("alice", 4)
    accounts.now()
    if idle:  # else a consumer may have read anything before the group is set back
        accounts.until_idle(until)
    accounts.group.set_id("1-0")  # it had got three of the nine that are waiting
    assert accounts.now().undelivered == 9
    accounts.read("alice", 2)
    accounts.now()
    accounts.stream.trim(minid="7-0")
    gone = 2 if idle else 0  # 5-0 and 6-0; it had got 4-0
    assert accounts.now().gone == gone
    accounts.read("alice", 4)
    accounts.stream.add_many((f"{ms}-0", {"n": 1}) for ms in range(11, 21))
    accounts.until_idle(until)
    accounts.group.set_id("$")
    assert accounts.now().gone == gone + 10, "the group had caught up"


def test_a_group_that_was_set_back_before_the_first_sample_shows_it_by_what_is_pending(
    accounts: Accounts, until: Until
) -> None:
    accounts.read("alice", 5)
    accounts.group.ack("1-0", "2-0")
    accounts.group.set_id("0")
    accounts.observer = Observer(accounts.redis, accounts.key)
    assert accounts.now().undelivered == 10
    accounts.until_idle(until)
    accounts.group.set_id("$")
    assert accounts.now().gone == 0


def test_what_was_claimed_by_force_is_not_called_never_delivered(accounts: Accounts) -> None:
    accounts.read("alice", 1)
    accounts.now()
    accounts.send("XCLAIM s g bob 0 8-0 FORCE")
    assert accounts.now().pending == 2
    accounts.group.ack("8-0")
    accounts.now()
    accounts.stream.trim(maxlen=1)
    now = accounts.now()
    assert (now.undelivered, now.gone) == (1, 7), "2-0 to 9-0 are trimmed, and 8-0 was delivered"


def test_what_was_skipped_and_is_then_claimed_by_force_was_delivered(accounts: Accounts) -> None:
    accounts.group.set_id("6-0")
    assert accounts.now().gone == 6
    accounts.send("XCLAIM s g bob 0 3-0 FORCE")
    now = accounts.now()
    assert (now.pending, now.gone, now.unclear) == (1, 5, 0)


def test_a_rewritten_counter_does_not_change_what_was_acknowledged(accounts: Accounts) -> None:
    accounts.read("alice", 6)
    accounts.group.ack("1-0", "2-0")
    assert accounts.now().acked == 2
    accounts.send("XSETID s 10-0 ENTRIESADDED 5000")
    now = accounts.now()
    assert (now.added, now.acked, now.pending, now.undelivered) == (5000, 2, 4, 4)
    accounts.stream.trim(maxlen=2)
    accounts.send("XSETID s 10-0 ENTRIESADDED 2")
    now = accounts.now()
    assert (now.acked, now.unclear) == (2, None)
    assert "XSETID" in now.reason


def test_what_was_removed_while_a_group_read_is_not_known(accounts: Accounts) -> None:
    accounts.read("c", 3)
    accounts.stream.trim(maxlen=4)
    accounts.read("c", 1)
    now = accounts.now()
    assert (now.added, now.undelivered, now.pending) == (10, 3, 4)
    assert (now.acked, now.gone, now.unclear) == (0, 0, 3)


class AccountedGroup(RuleBasedStateMachine):
    """A group whose every entry is known: delivered, acknowledged, dropped, or removed before."""

    redis: redis_py.Redis
    prefix: str
    run_number = itertools.count()
    balanced: Counter[bool]

    @initialize(count_up_to=st.integers(1, 4), before=st.integers(0, 5))
    def open(self, count_up_to: int, before: int) -> None:
        self.stream = Stream(self.redis, f"{self.prefix}{next(self.run_number)}")
        self.group = self.stream.group("g")
        self.has_acked = capabilities(self.redis).has("XDELEX")  # as old as XTRIM's ACKED
        self.ms, self.delivered, self.acked, self.dropped = 0, 0, 0, 0
        self.names = 0  # a consumer's name is never used again
        self.pending: dict[EntryId, str] = {}
        self.read_now: set[str] = set()
        self.observer = Observer(self.redis, self.stream.key, count_up_to=count_up_to)
        self.add(max(1, before))
        self.take()
        self.group.create("0")
        self.take()

    @rule(count=st.integers(1, 9))
    def add(self, count: int) -> None:
        for _ in range(count):
            self.ms += 1
            self.stream.add({"n": self.ms}, id=f"{self.ms}-0")

    @rule(which=st.integers(0, 1), count=st.integers(1, 7), noack=st.booleans())
    def read(self, which: int, count: int, noack: bool) -> None:
        name = f"{'cd'[which]}{self.names}"
        ids = [entry.id for entry in self.group.consumer(name).read(count, noack=noack)]
        self.read_now.add(name)
        self.delivered += len(ids)
        if noack:
            self.acked += len(ids)
        else:
            self.pending |= dict.fromkeys(ids, name)

    @rule(count=st.integers(1, 5))
    def ack(self, count: int) -> None:
        ids = list(self.pending)[:count]
        if ids:
            self.group.ack(*ids)
            self.forget(ids)
            self.acked += len(ids)

    def forget(self, ids: list[EntryId]) -> None:
        for entry_id in ids:
            del self.pending[entry_id]

    @rule(which=st.integers(0, 1), sample=st.booleans())
    def delete_a_consumer_that_was_seen(self, which: int, sample: bool) -> None:
        self.take()
        name = f"{'cd'[which]}{self.names}"
        if sample:
            self.add(2)
            self.read(1 - which, 2, False)
        self.dropped += self.group.delete_consumer(name)
        self.forget([entry_id for entry_id, holder in self.pending.items() if holder == name])
        self.names += 1
        self.take()

    @rule(count=st.integers(1, 4))
    def sweep_what_was_deleted(self, count: int) -> None:
        ids = list(self.pending)[:count]
        if ids:
            self.stream.delete(*ids)
            name = f"c{self.names}"
            page = self.group.consumer(name).autoclaim(0, "0")
            self.forget([one for one in page.deleted if one in self.pending])
            self.pending |= dict.fromkeys(page.ids, name)

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

    @rule(length=st.integers(0, 15))
    def trim_what_is_acknowledged(self, length: int) -> None:
        if self.has_acked:
            self.redis.execute_command("XTRIM", self.stream.key, "MAXLEN", length, "ACKED")

    @rule()
    def take(self) -> None:
        sample = self.observer.sample()
        if not sample.groups:
            return
        account = account_for(sample, sample.groups[0])
        self.balanced[account.unclear == 0] += 1
        assert account.added == self.ms
        assert account.pending == len(self.pending)
        assert account.undelivered is not None
        certain = (account.acked, account.dropped, account.gone)
        gone = self.ms - account.undelivered - self.delivered
        most = (self.acked, self.dropped + self.acked, gone)
        assert all(one <= limit for one, limit in zip(certain, most, strict=True)), (certain, most)
        if account.unclear == 0:
            assert (account.acked, account.gone) == (self.acked, gone)

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


@pytest.mark.parametrize("verdict", ["exact", "suspect", "unknown"])
def test_where_the_lag_is_not_certain_no_sum_is_given(verdict: Any) -> None:
    waiting = None if verdict == "unknown" else 4
    state = histories.group(
        "g", waiting, verdict=verdict, reason="why", pending=3, acked=5, gone=2, dropped=1
    )
    account = account_for(histories.sample(1, state, length=9, added=20), state)
    known = (account.added, account.pending, account.acked, account.dropped, account.gone)
    assert known == (20, 3, 5, 1, 2)
    if verdict == "exact":
        assert (account.undelivered, account.unclear, account.reason) == (4, 5, "")
    else:
        assert (account.undelivered, account.unclear) == (None, None)
        assert account.reason == "it is not certain how many entries are waiting: why"


def test_more_entries_than_the_server_counts_leave_nothing_unclear() -> None:
    state = histories.group("g", 4, pending=3, acked=5, gone=2, dropped=1)
    for added, unclear in ((15, 0), (14, None)):
        account = account_for(histories.sample(1, state, length=9, added=added), state)
        assert (account.undelivered, account.unclear) == (4, unclear)
        assert ("fewer than were seen" in account.reason) is (unclear is None)
