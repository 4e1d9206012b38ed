"""ConsumerGroup on a real server, the same through every kind of client."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py
from client.typed.conftest import one_client

from streamviz import EntryId, Stream
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import GroupInfo, PendingSummary
from streamviz.errors import (
    CommandRefused,
    InputError,
    NoSuchGroup,
    NoSuchStream,
    UnsupportedCommand,
    WrongType,
)
from streamviz.server.embedded import EmbeddedServer

Do = Callable[[ConsumerGroup], Any]
FIVE = ["1-1", "1-2", "2-0", "10-0", "10-7"]
SUMMARY = PendingSummary(4, EntryId(1, 1), EntryId(10), {"a": 2, "b": 2})


@pytest.fixture
def stream(redis: redis_py.Redis, key: str) -> Stream:
    stream = Stream(redis, key)
    for which in FIVE:
        stream.add({"f": which}, which)
    return stream


@pytest.fixture
def group(stream: Stream) -> ConsumerGroup:
    """Return a group in which a and b hold two entries each, and one is not delivered yet."""
    group = stream.group("g")
    group.create("0")
    for name in "ab":
        group.consumer(name).read(2)
    return group


def stream_of(group: ConsumerGroup) -> Stream:
    return Stream(group.connection.client, group.key)


def held(group: ConsumerGroup) -> list[tuple[str, str]]:
    return [(str(one.id), one.consumer) for one in group.pending_entries()]


@pytest.mark.parametrize(
    ("at", "waiting"),
    [
        ("0", FIVE),
        ("$", []),
        (EntryId(1, 2), FIVE[2:]),
        (b"2-0", FIVE[3:]),
        ("10", FIVE[4:]),
        (EntryId.MAX, []),
    ],
    ids=repr,
)
def test_a_group_starts_after_the_given_id(stream: Stream, at: Any, waiting: list[str]) -> None:
    new, moved = stream.group("new"), stream.group("moved")
    new.create(at)
    moved.create("5-0")
    moved.set_id(at)
    for group in (new, moved):
        cursor = group.info().last_delivered_id
        assert cursor == (EntryId(10, 7) if at == "$" else EntryId.parse(at))
        assert [str(entry.id) for entry in group.consumer("c").read()] == waiting


@one_client
@pytest.mark.parametrize("bad", ["", "-", "+", ">", "*", "x", "(1-0", b"$ ", 5, None], ids=repr)
def test_a_bad_cursor_is_refused_and_creates_or_moves_no_group(
    group: ConsumerGroup, bad: Any
) -> None:
    before = group.info()
    for act in (stream_of(group).group("new").create, group.set_id):
        with pytest.raises(InputError):
            act(bad)
    for value in (-1, 1.5, True):
        for act in (stream_of(group).group("new").create, group.set_id):
            with pytest.raises(InputError, match=f"entries_read={value}"):
                act("0", entries_read=value)
    assert stream_of(group).groups() == [before]


def test_a_group_in_the_middle_has_a_lag_only_with_entries_read(stream: Stream) -> None:
    stream.group("told").create("2-0", entries_read=3)
    stream.group("untold").create("2-0")
    told, untold = stream.groups()
    assert told == GroupInfo("told", 0, 0, EntryId(2), 3, 2)
    assert untold == GroupInfo("untold", 0, 0, EntryId(2), None, None)
    stream.group("untold").set_id("1-2", entries_read=2)
    assert stream.group("untold").info() == GroupInfo("untold", 0, 0, EntryId(1, 2), 2, 3)


def test_a_group_creates_a_stream_only_with_mkstream(redis: redis_py.Redis, key: str) -> None:
    group = Stream(redis, key).group("g")
    for exist_ok in (False, True):
        with pytest.raises(NoSuchStream):
            group.create(exist_ok=exist_ok)
    assert not stream_of(group).exists()
    group.create(mkstream=True)
    assert (stream_of(group).exists(), stream_of(group).length()) == (True, 0)
    assert group.info() == GroupInfo("g", 0, 0, EntryId.ZERO, group.info().entries_read, 0)


def test_an_existing_group_stays_unchanged(group: ConsumerGroup) -> None:
    before = group.info()
    with pytest.raises(CommandRefused, match="BUSYGROUP"):
        group.create("0")
    group.create("0", exist_ok=True)
    with pytest.raises(InputError, match=r"below 2\*\*63"):
        group.create("0", exist_ok=True, entries_read=2**64)
    assert group.info() == before


def test_destroying_a_group_deletes_its_pending_entries_and_no_other_group(
    group: ConsumerGroup,
) -> None:
    other = stream_of(group).group("other")
    other.create("0")
    assert (group.destroy(), group.destroy()) == (True, False)
    assert stream_of(group).groups() == [other.info()]
    group.create("0")
    assert group.pending() == PendingSummary(0, None, None, {})


def test_a_consumer_can_be_created_before_it_reads(group: ConsumerGroup) -> None:
    assert (group.create_consumer("new"), group.create_consumer("new")) == (True, False)
    assert group.create_consumer("a") is False
    a, b, new = group.consumers()
    assert [(one.name, one.pending) for one in (a, b, new)] == [("a", 2), ("b", 2), ("new", 0)]
    assert new.inactive_ms is None
    assert all(one.idle_ms >= 0 for one in (a, b, new))
    knows_inactive = group.connection.version.has((7, 2))
    assert (a.inactive_ms is not None) == knows_inactive


def test_the_pending_entries_of_a_deleted_consumer_are_lost(group: ConsumerGroup) -> None:
    assert group.delete_consumer("a") == 2
    assert group.delete_consumer("a") == 0
    assert held(group) == [("2-0", "b"), ("10-0", "b")]
    assert [one.name for one in group.consumers()] == ["b"]
    assert [str(entry.id) for entry in group.consumer("b").read()] == ["10-7"]


def test_info_has_every_number(group: ConsumerGroup) -> None:
    assert group.info() == GroupInfo("g", 2, 4, EntryId(10), 4, 1)
    assert group.pending() == SUMMARY


def test_pending_counts_entries_that_were_deleted(group: ConsumerGroup) -> None:
    stream_of(group).delete("1-1", "2-0")
    assert group.pending() == SUMMARY
    stream_of(group).trim(maxlen=0)
    assert len(held(group)) == 4


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["1-1", "1-2", "2-0", "10-0"]),
        ({"start": "1", "end": "1"}, ["1-1", "1-2"]),
        ({"start": EntryId(1, 2), "end": b"2-0"}, ["1-2", "2-0"]),
        ({"start": "(1-1", "end": "(10-0"}, ["1-2", "2-0"]),
        ({"count": 3}, ["1-1", "1-2", "2-0"]),
        ({"consumer": "b"}, ["2-0", "10-0"]),
        ({"consumer": "b", "count": 1}, ["2-0"]),
        ({"consumer": "nobody"}, []),
        ({"idle_ms": 0}, ["1-1", "1-2", "2-0", "10-0"]),
        ({"idle_ms": 3_600_000}, []),
        ({"idle_ms": 0, "consumer": "a", "start": "1-2"}, ["1-2"]),
        ({"start": "+", "end": "-"}, []),
    ],
    ids=repr,
)
def test_pending_entries_are_filtered_by_range_consumer_and_idle_time(
    group: ConsumerGroup, asked: dict[str, Any], found: list[str]
) -> None:
    entries = group.pending_entries(**asked)
    assert [str(one.id) for one in entries] == found
    assert all(one.deliveries == 1 and 0 <= one.idle_ms < 60_000 for one in entries)
    assert all(one.consumer == ("a" if one.id.ms == 1 else "b") for one in entries)


@one_client
@pytest.mark.parametrize(
    "bad",
    [
        *({"start": value} for value in ("", "x", "$")),
        *({"end": value} for value in ("(", "5-*")),
        *({"count": value} for value in (0, -1, 1.5, None)),
        *({"idle_ms": value} for value in (-1, 1.5, True)),
        {"consumer": ["a"]},
    ],
    ids=repr,
)
def test_a_bad_filter_of_pending_entries_is_refused(
    group: ConsumerGroup, bad: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        group.pending_entries(**bad)


def test_an_ack_counts_the_pending_entries_of_every_consumer(group: ConsumerGroup) -> None:
    assert group.ack("1-1", EntryId(2), b"10-7", "99-0") == 2
    assert group.ack("1-1") == 0
    assert held(group) == [("1-2", "a"), ("10-0", "b")]
    assert stream_of(group).length() == 5


def test_entries_and_lists_are_taken_for_their_ids(group: ConsumerGroup) -> None:
    entries, pending = stream_of(group).range(), group.pending_entries()
    assert group.ack(entries[0], pending[1:2], "99-0") == 2
    assert held(group) == [("2-0", "b"), ("10-0", "b")]
    assert group.consumer("a").ack(entries) == 2
    assert stream_of(group).delete(entries[:2], [entries[2].id]) == 3


@one_client
@pytest.mark.parametrize("which", [(), ([],), ("1-1", "x"), (None,), (["1-1", None],)], ids=repr)
def test_a_bad_id_acks_deletes_and_gives_back_nothing(group: ConsumerGroup, which: Any) -> None:
    for act in (group.ack, group.ack_delete, group.nack, group.consumer("a").ack):
        with pytest.raises(InputError):
            act(*which)
    assert (group.pending(), stream_of(group).length()) == (SUMMARY, 5)


def needs_8_2(group: ConsumerGroup) -> None:
    if not group.connection.version.has((8, 2)):
        pytest.skip(f"KEEPREF, DELREF and ACKED need Redis 8.2; this is {group.connection.version}")


@pytest.mark.parametrize(
    ("refs", "removed", "still_held"),
    [("KEEPREF", [1, 1, -1], 4), ("DELREF", [1, 1, -1], 3), ("ACKED", [2, 1, -1], 4)],
)
def test_deleting_keeps_drops_or_respects_pending_references(
    group: ConsumerGroup, refs: Any, removed: list[int], still_held: int
) -> None:
    needs_8_2(group)
    group.consumer("b").read()
    group.ack("10-7")
    assert stream_of(group).delete_ex("1-1", "10-7", "5-5", refs=refs) == removed
    assert group.pending().count == still_held
    assert stream_of(group).length() == 5 - removed.count(1)


@pytest.mark.parametrize(
    ("refs", "length", "still_held"), [("KEEPREF", 1, 4), ("DELREF", 1, 0), ("ACKED", 5, 4)]
)
def test_trimming_keeps_drops_or_respects_pending_references(
    group: ConsumerGroup, refs: Any, length: int, still_held: int
) -> None:
    needs_8_2(group)
    stream_of(group).trim(maxlen=1, refs=refs)
    assert (stream_of(group).length(), group.pending().count) == (length, still_held)
    stream_of(group).add({"f": 6}, "11-0", maxlen=1, refs=refs)
    assert group.pending().count == still_held


@pytest.mark.parametrize(
    ("refs", "done"),
    [("KEEPREF", [1, 1, -1]), ("DELREF", [1, 1, -1]), ("ACKED", [2, 1, -1])],
)
def test_ack_delete_deletes_an_entry_that_no_other_group_needs(
    group: ConsumerGroup, refs: Any, done: list[int]
) -> None:
    needs_8_2(group)
    other = stream_of(group).group("other")
    other.create("0")
    other.consumer("c").read()
    other.ack("1-2")
    assert group.ack_delete("1-1", "1-2", "99-0", refs=refs) == done
    assert held(group) == [("2-0", "b"), ("10-0", "b")]
    assert stream_of(group).length() == 5 - done.count(1)
    assert other.pending().count == (3 if refs == "DELREF" else 4)
    assert stream_of(group).group("none").ack_delete("1-2", refs=refs) == [-1]


def test_nack_frees_an_entry_or_the_error_names_the_version(group: ConsumerGroup) -> None:
    if group.connection.version.has((8, 8)):
        assert group.nack("1-1", "99-0", deliveries=7) == 1
        assert (held(group)[0], group.pending_entries()[0].deliveries) == (("1-1", ""), 7)
        return
    for act in (group.nack, lambda *ids: group.nack(*ids, mode="FATAL", deliveries=1, force=True)):
        with pytest.raises(
            UnsupportedCommand, match=r"XNACK with these options needs Redis 8\.8; this"
        ):
            act("1-1")
    with pytest.raises(InputError, match="deliveries=-1"):
        group.nack("1-1", deliveries=-1)
    if not group.connection.version.has((8, 2)):
        with pytest.raises(
            UnsupportedCommand, match=r"XACKDEL with these options needs Redis 8\.2; this"
        ):
            group.ack_delete("1-1")
    assert group.pending() == SUMMARY


METHODS: dict[str, Do] = {
    "create": lambda g: g.create("0"),
    "set_id": lambda g: g.set_id("0"),
    "destroy": lambda g: g.destroy(),
    "create_consumer": lambda g: g.create_consumer("c"),
    "delete_consumer": lambda g: g.delete_consumer("c"),
    "info": lambda g: g.info(),
    "consumers": lambda g: g.consumers(),
    "pending": lambda g: g.pending(),
    "pending_entries": lambda g: g.pending_entries(),
    "ack": lambda g: g.ack("1-1"),
    "ack_delete": lambda g: g.ack_delete("1-1"),
    "nack": lambda g: g.nack("1-1"),
}


def test_no_method_is_left_out_above() -> None:
    functions = inspect.getmembers(ConsumerGroup, inspect.isfunction)
    assert {name for name, _ in functions if name[0] != "_"} - set(METHODS) == {"consumer", "help"}


@pytest.mark.parametrize("name", METHODS)
def test_a_key_of_another_type_is_named_and_left_alone(stream: Stream, name: str) -> None:
    stream.client.set(stream.key, "text")
    with pytest.raises((WrongType, UnsupportedCommand)) as error:
        METHODS[name](stream.group("g"))
    if name not in ("ack_delete", "nack"):
        assert isinstance(error.value, WrongType)
        assert repr(stream.key) in str(error.value)
    assert stream.client.get(stream.key) in ("text", b"text")


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"create", "ack_delete", "nack"}))
@pytest.mark.parametrize("gone", ["group", "stream"])
def test_a_deleted_group_is_an_error_and_is_not_recreated(
    group: ConsumerGroup, gone: str, name: str
) -> None:
    if gone == "group":
        group.destroy()
    else:
        group.connection.client.delete(group.key)
    if name == "ack" or (name == "destroy" and gone == "group"):
        assert METHODS[name](group) == 0
    else:
        with pytest.raises((NoSuchGroup, NoSuchStream)) as error:
            METHODS[name](group)
        assert isinstance(error.value, NoSuchGroup) or gone == "stream"
        assert group.key in str(error.value)
    assert stream_of(group).exists() == (gone == "group")
    assert gone == "stream" or stream_of(group).groups() == []


@pytest.mark.parametrize("name", ["<b>", "😀", "a\r\nb", "\udcff", "STREAMS", ">", " ", "x" * 999])
def test_unusual_names_come_back_unchanged(stream: Stream, name: str) -> None:
    group = stream.group(name)
    group.create("0")
    assert len(group.consumer(name).read(1)) == 1
    assert (group.info().name, group.info().pending) == (name, 1)
    assert [one.name for one in group.consumers()] == [name]
    assert group.pending().consumers == {name: 1}
    assert [one.consumer for one in group.pending_entries(consumer=name)] == [name]
    (full,) = stream.full().groups
    assert (full.info.name, full.consumers) == (name, {name: 1})
    assert group.delete_consumer(name) == 1


@one_client
@pytest.mark.parametrize("name", ["", None, 5, b"bytes"])
def test_a_group_and_a_consumer_need_a_name(stream: Stream, name: Any) -> None:
    with pytest.raises(InputError, match="is not a group's name"):
        stream.group(name)
    with pytest.raises(InputError, match="is not a consumer's name"):
        stream.group("g").consumer(name)


def test_every_client_sees_the_same(server: EmbeddedServer, group: ConsumerGroup) -> None:
    group.create_consumer("idle")
    seen = []
    for options in [{"protocol": p, "decode_responses": d} for p in (2, 3) for d in (True, False)]:
        one = Stream(server.client(**options), group.key).group("g")
        consumers = [(c.name, c.pending) for c in one.consumers()]
        seen.append((one.info(), consumers, one.pending(), held(one), stream_of(one).full()))
        one.connection.client.close()
    assert len(seen) == 4
    assert all(looks == seen[0] for looks in seen)
    (full,) = seen[0][4].groups
    assert (full.info, full.consumers) == (group.info(), {"a": 2, "b": 2, "idle": 0})
    assert [(str(one.id), one.consumer) for one in full.pending] == held(group)
