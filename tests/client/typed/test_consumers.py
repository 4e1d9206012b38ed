"""Consumer on a real server, the same through every kind of client."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py
from client.typed.conftest import one_client

from streamviz import EntryId, Stream
from streamviz.client.consumers import Consumer, read_groups
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Claimed, Entry, PendingSummary
from streamviz.errors import (
    InputError,
    NoSuchGroup,
    StreamError,
    UnsupportedCommand,
    WrongType,
)
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]
FIVE = ["1-1", "1-2", "2-0", "10-0", "10-7"]
NOTHING = PendingSummary(0, None, None, {})
HOUR = 3_600_000


@pytest.fixture
def group(redis: redis_py.Redis, key: str) -> ConsumerGroup:
    stream = Stream(redis, key)
    for which in FIVE:
        stream.add({"f": which}, which)
    group = stream.group("g")
    group.create("0")
    return group


@pytest.fixture
def a(group: ConsumerGroup) -> Consumer:
    return group.consumer("a")


@pytest.fixture
def b(group: ConsumerGroup) -> Consumer:
    return group.consumer("b")


def ids(entries: Any) -> list[str]:
    return [str(entry.id) for entry in entries]


def stream_of(one: Consumer | ConsumerGroup) -> Stream:
    return Stream(one.connection.client, one.key)


def group_of(consumer: Consumer) -> ConsumerGroup:
    return ConsumerGroup(consumer.connection, consumer.key, consumer.group_name)


def held(consumer: Consumer) -> dict[str, int]:
    """Return what a consumer holds, and how often it was delivered."""
    found = group_of(consumer).pending_entries(consumer=consumer.name)
    return {str(one.id): one.deliveries for one in found}


def test_each_entry_goes_to_one_consumer_once(a: Consumer, b: Consumer) -> None:
    assert (ids(a.read(2)), ids(b.read(1)), ids(a.read()), b.read()) == (
        ["1-1", "1-2"],
        ["2-0"],
        ["10-0", "10-7"],
        [],
    )
    assert a.read(after="0")[0] == Entry(EntryId(1, 1), {"f": "1-1"})
    assert (a.read(after="0")[0].idle_ms, a.read(after="0")[0].deliveries) == (None, None)


def test_an_id_reads_the_consumers_own_pending_entries_again(a: Consumer, b: Consumer) -> None:
    a.read(3)
    b.read()
    assert ids(a.read(after="0")) == ["1-1", "1-2", "2-0"]
    assert ids(a.read(1, after=EntryId(1, 1))) == ["1-2"]
    assert ids(a.read(after=b"2-0", block_ms=1)) == []
    a.ack("1-2")
    stream_of(a).delete("1-1")
    assert ids(a.read(after="0")) == ["2-0"]
    assert list(held(a)) == ["1-1", "2-0"]
    assert ids(group_of(a).consumer("new").read(after="0")) == []


def test_noack_leaves_nothing_pending_and_moves_the_cursor(a: Consumer) -> None:
    assert ids(a.read(2, noack=True)) == ["1-1", "1-2"]
    assert group_of(a).pending() == NOTHING
    assert group_of(a).info().last_delivered_id == EntryId(1, 2)


@one_client
@pytest.mark.parametrize(
    "bad",
    [
        *({"count": value} for value in (0, -1, 1.5, True, "1")),
        *({"block_ms": value} for value in (-1, 0.5, True)),
        *({"claim_idle_ms": value} for value in (-1, 0.5, True)),
        *({name: value} for name in ("max_count", "max_bytes") for value in (0, -1, 1.5)),
        *({"after": value} for value in ("", "$", "+", "-", "*", "(0-0", "x", 5, None)),
    ],
    ids=repr,
)
def test_a_bad_read_is_refused_and_delivers_nothing(a: Consumer, bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=re.escape(repr(*bad.values()))):
        a.read(**bad)
    assert (group_of(a).pending(), group_of(a).info().last_delivered_id) == (NOTHING, EntryId.ZERO)


def test_several_streams_are_read_by_the_same_group_in_the_order_of_ids(
    group: ConsumerGroup, a: Consumer, prefix: str
) -> None:
    other = Stream(group.connection.client, f"{prefix}<b>😀")
    other.group("g").create("0", mkstream=True)
    for which in ("1-2", "9-0", "11-0"):
        other.add({"f": which}, which)
    keys = {group.key: ">", other.key: ">"}
    found = read_groups(a, keys, count=2)
    assert sorted(found, key=lambda pair: (pair[1].id, pair[0])) == found
    assert sorted(ids(entry for _, entry in found)) == ["1-1", "1-2", "1-2", "9-0"]
    assert {key for key, _ in found} == set(keys)
    mixed = read_groups(a, {group.key: "0", other.key: ">"})
    assert ids(entry for _, entry in mixed) == ["1-1", "1-2", "11-0"]
    with pytest.raises(NoSuchGroup):
        read_groups(a, {group.key: ">", f"{prefix}none": ">"})
    with pytest.raises(InputError, match="names no stream"):
        read_groups(a, {})
    assert list(held(a)) == ["1-1", "1-2"]


def while_blocked(wait: Callable[[], Any], act: Callable[[], Any], until: Until, other: Any) -> Any:
    """Return what `wait` gives or raises when `act` happens while it waits."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(wait())
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: other.info("clients")["blocked_clients"] or result)
    act()
    thread.join(10)
    assert len(result) == 1, "it still waits"
    return result[0]


def test_a_blocked_read_returns_an_entry_added_meanwhile(a: Consumer, until: Until) -> None:
    assert len(a.read()) == 5
    assert a.read(block_ms=1) == []
    stream = stream_of(a)
    for block_ms, which in ((0, "11-0"), (30_000, "12-0")):
        found = while_blocked(
            lambda wait=block_ms: a.read(block_ms=wait),
            lambda new=which: stream.add({"f": 1}, new),
            until,
            stream.client,
        )
        assert ids(found) == [which]
    assert len(held(a)) == 7


@pytest.mark.parametrize("loss", ["destroy", "delete", "replace"])
def test_a_blocked_read_fails_if_its_group_is_deleted(a: Consumer, until: Until, loss: str) -> None:
    a.read()
    stream = stream_of(a)
    acts: dict[str, Callable[[], Any]] = {
        "destroy": group_of(a).destroy,
        "delete": lambda: stream.client.delete(stream.key),
        "replace": lambda: stream.client.set(stream.key, "text"),
    }
    found = while_blocked(lambda: a.read(block_ms=30_000), acts[loss], until, stream.client)
    assert isinstance(found, NoSuchGroup | WrongType if loss == "replace" else NoSuchGroup)


def test_a_blocked_read_may_outlast_the_socket_time_out(
    server: EmbeddedServer, protocol: int, a: Consumer
) -> None:
    client = server.client(protocol=protocol, socket_timeout=0.05)
    hasty = Stream(client, a.key).group("g").consumer("a")
    assert len(hasty.read(block_ms=300)) == 5
    assert hasty.read(block_ms=300) == []
    client.close()


@pytest.mark.parametrize(
    ("options", "deliveries", "at_least_idle_ms"),
    [
        ({}, 2, 0),
        ({"justid": True}, 1, 0),
        ({"deliveries": 7}, 7, 0),
        ({"deliveries": 0, "justid": True}, 0, 0),
        ({"idle_ms": HOUR}, 2, HOUR),
        ({"time_ms": 0}, 2, HOUR),
    ],
    ids=repr,
)
def test_a_claim_moves_entries_and_sets_their_numbers(
    a: Consumer, b: Consumer, options: dict[str, Any], deliveries: int, at_least_idle_ms: int
) -> None:
    a.read(3)
    claimed = b.claim(["1-1", EntryId(2), b"10-0", "99-0"], **options)
    if options.get("justid"):
        assert claimed == [EntryId(1, 1), EntryId(2)]
    else:
        assert claimed == [Entry(EntryId(1, 1), {"f": "1-1"}), Entry(EntryId(2), {"f": "2-0"})]
    assert held(a) == {"1-2": 1}
    assert held(b) == {"1-1": deliveries, "2-0": deliveries}
    idle = [one.idle_ms for one in group_of(b).pending_entries(consumer="b")]
    assert all(at_least_idle_ms <= ms for ms in idle)


def test_a_claim_takes_entries(a: Consumer, b: Consumer) -> None:
    entries = a.read(3)
    assert b.claim(entries[0]) == [entries[0]]
    assert b.claim(group_of(b).pending_entries(consumer="a")) == entries[1:]
    assert held(a) == {}


def test_a_claim_skips_entries_that_are_not_idle_long_enough(a: Consumer, b: Consumer) -> None:
    a.read(1)
    assert b.claim(["1-1"], HOUR) == []
    a.claim(["1-1"], idle_ms=2 * HOUR, deliveries=1)
    assert ids(b.claim(["1-1"], HOUR)) == ["1-1"]
    assert (held(a), held(b)) == ({}, {"1-1": 2})


def test_a_claim_by_force_takes_existing_entries_that_are_not_pending(b: Consumer) -> None:
    assert b.claim(["1-2", "99-0"]) == []
    assert ids(b.claim(["1-2", "99-0"], force=True)) == ["1-2"]
    assert list(held(b)) == ["1-2"]


def test_a_claim_moves_the_cursor_only_forward(a: Consumer) -> None:
    a.read(3)
    a.claim(["1-1"], last_id="1-2")
    assert group_of(a).info().last_delivered_id == EntryId(2)
    a.claim(["1-1"], last_id=EntryId(10))
    assert ids(a.read()) == ["10-7"]


def test_a_claim_drops_deleted_entries(a: Consumer, b: Consumer) -> None:
    a.read(2)
    stream_of(a).delete("1-1")
    assert ids(b.claim(["1-1", "1-2"])) == ["1-2"]
    assert (held(a), held(b)) == ({}, {"1-2": 2})


@one_client
@pytest.mark.parametrize(
    "bad",
    [
        *({"ids": value} for value in ([], ["1-1", "x"], [None], "1-1", b"1-1", EntryId(1, 1))),
        *({"min_idle_ms": value} for value in (-1, 1.5, True)),
        *({"idle_ms": value} for value in (-1, 1.5)),
        *({"time_ms": value} for value in (-1, "now")),
        *({"deliveries": value} for value in (-1, True)),
        {"last_id": "$"},
    ],
    ids=repr,
)
def test_a_bad_claim_is_refused_and_moves_nothing(
    a: Consumer, b: Consumer, bad: dict[str, Any]
) -> None:
    a.read(2)
    with pytest.raises(InputError) as error:
        b.claim(**{"ids": ["1-1"], **bad})
    if "ids" not in bad and "last_id" not in bad:
        ((name, value),) = bad.items()
        assert f"{name}={value!r}" in str(error.value)
    assert held(a) == {"1-1": 1, "1-2": 1}


def test_autoclaim_goes_page_by_page_from_cursor_to_cursor(a: Consumer, b: Consumer) -> None:
    a.read(3)
    first = b.autoclaim(0, count=2)
    assert (ids(first.entries), first.cursor, first.deleted) == (["1-1", "1-2"], EntryId(2), ())
    assert first.ids == (EntryId(1, 1), EntryId(1, 2))
    last = b.autoclaim(0, first.cursor, 2)
    assert (ids(last.entries), last.cursor) == (["2-0"], EntryId.ZERO)
    assert (held(a), held(b)) == ({}, {"1-1": 2, "1-2": 2, "2-0": 2})
    assert ids(b.autoclaim(0, "(1-1").entries) == ["1-2", "2-0"]


def test_autoclaim_of_ids_keeps_the_delivery_counts(a: Consumer, b: Consumer) -> None:
    a.read(2)
    page = b.autoclaim(0, justid=True)
    assert page == Claimed(EntryId.ZERO, (), (EntryId(1, 1), EntryId(1, 2)), ())
    assert held(b) == {"1-1": 1, "1-2": 1}


def test_autoclaim_takes_only_idle_entries(a: Consumer, b: Consumer) -> None:
    a.read(2)
    a.claim(["1-2"], idle_ms=2 * HOUR)
    assert ids(b.autoclaim(HOUR).entries) == ["1-2"]
    assert b.autoclaim(HOUR) == Claimed(EntryId.ZERO, (), (), ())


def test_autoclaim_lists_deleted_entries_even_on_an_empty_page(a: Consumer, b: Consumer) -> None:
    a.read(3)
    stream_of(a).delete("1-1")
    page = b.autoclaim(0, count=1)
    assert (page.entries, page.cursor, page.deleted) == ((), EntryId(1, 2), (EntryId(1, 1),))
    page = b.autoclaim(0, page.cursor)
    assert (ids(page.entries), page.cursor, page.deleted) == (["1-2", "2-0"], EntryId.ZERO, ())


@one_client
@pytest.mark.parametrize(
    "bad",
    [
        *({"min_idle_ms": value} for value in (-1, 1.5, True)),
        *({"count": value} for value in (0, -1, 1.5)),
        *({"start": value} for value in ("", "$", "x", "(")),
    ],
    ids=repr,
)
def test_a_bad_autoclaim_is_refused_and_moves_nothing(
    a: Consumer, b: Consumer, bad: dict[str, Any]
) -> None:
    a.read(2)
    with pytest.raises(InputError):
        b.autoclaim(**{"min_idle_ms": 0, **bad})
    assert held(a) == {"1-1": 1, "1-2": 1}


def test_a_read_claims_too_or_the_error_names_the_version(a: Consumer, b: Consumer) -> None:
    a.read(2)
    if a.connection.version.has((8, 4)):
        found = b.read(3, claim_idle_ms=0)
        assert [(str(one.id), one.deliveries) for one in found] == [
            ("1-1", 1),
            ("1-2", 1),
            ("2-0", 0),
        ]
        return
    for version, limit in (("8.4", "claim_idle_ms"), ("8.10", "max_count"), ("8.10", "max_bytes")):
        with pytest.raises(
            UnsupportedCommand, match=rf"XREADGROUP with these options needs Redis {version};"
        ):
            b.read(**{limit: 1})
    assert (held(a), held(b)) == ({"1-1": 1, "1-2": 1}, {})


def test_a_blocked_read_wakes_up_for_an_idle_entry(a: Consumer, b: Consumer) -> None:
    if not a.connection.version.has((8, 4)):
        pytest.skip(f"CLAIM needs Redis 8.4; this is {a.connection.version}")
    a.read()
    assert b.read(claim_idle_ms=60_000, block_ms=1) == []
    found = b.read(1, claim_idle_ms=100, block_ms=4000)
    assert [(str(one.id), one.deliveries) for one in found] == [("1-1", 1)]
    assert 100 <= (found[0].idle_ms or 0) < 4000


METHODS: dict[str, Callable[[Consumer], Any]] = {
    "read": lambda c: c.read(),
    "drain": lambda c: list(c.drain()),
    "listen": lambda c: list(c.listen()),
    "claim": lambda c: c.claim(["1-1"]),
    "autoclaim": lambda c: c.autoclaim(0),
}


@pytest.mark.parametrize("gone", ["group", "stream", "type"])
@pytest.mark.parametrize("name", METHODS)
def test_a_deleted_group_is_an_error_and_is_not_recreated(
    a: Consumer, gone: str, name: str
) -> None:
    stream = stream_of(a)
    group_of(a).destroy()
    if gone != "group":
        stream.client.delete(stream.key)
    if gone == "type":
        stream.client.set(stream.key, "text")
    with pytest.raises(StreamError) as error:
        METHODS[name](a)
    assert type(error.value) is (WrongType if gone == "type" else NoSuchGroup)
    assert stream.key in str(error.value)
    assert stream.exists() == (gone != "stream")


def test_no_method_is_left_out_above() -> None:
    functions = inspect.getmembers(Consumer, inspect.isfunction)
    assert {name for name, _ in functions if name[0] != "_"} - set(METHODS) == {"ack"}


def test_a_number_that_is_too_large_for_the_server_is_refused(a: Consumer) -> None:
    a.read(1)
    with pytest.raises(InputError, match=r"below 2\*\*63"):
        a.claim(["1-1"], 2**64)
    assert held(a) == {"1-1": 1}
