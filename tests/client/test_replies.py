"""Replies of every shape: RESP2 and RESP3, bytes and text, older and newer servers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest

from streamviz.client import replies
from streamviz.client.entry import parsed
from streamviz.client.entry_id import EntryId
from streamviz.client.models import (
    Claimed,
    ConsumerInfo,
    Entry,
    FullGroup,
    FullPending,
    GroupInfo,
    IdmpInfo,
    PendingEntry,
    PendingSummary,
    StreamInfo,
)
from streamviz.errors import InputError

Shape = Callable[[Any], Any]

ONE = Entry(EntryId(1), {"a": "b", "c": "d"})
TWO = Entry(EntryId(2, 9), {"a": "b"})
RAW_ONE, RAW_TWO = ["1-0", ["a", "b", "c", "d"]], ["2-9", ["a", "b"]]

STREAM = {
    "length": 2,
    "radix-tree-keys": 1,
    "radix-tree-nodes": 3,
    "last-generated-id": "2-9",
    "max-deleted-entry-id": "0-4",
    "entries-added": 5,
    "recorded-first-entry-id": "1-0",
    "groups": 4,
    "first-entry": RAW_ONE,
    "last-entry": RAW_TWO,
}
GROUP = {
    "name": "g",
    "consumers": 2,
    "pending": 3,
    "last-delivered-id": "2-9",
    "entries-read": 5,
    "lag": 0,
}
CONSUMER = {"name": "c", "pending": 3, "idle": 40, "inactive": 50}
FULL_GROUP = {
    "name": "g",
    "last-delivered-id": "2-9",
    "entries-read": 5,
    "lag": None,
    "pel-count": 12,
    "pending": [["1-0", "c", 1767225600000, 1], ["2-9", "d", 1767225600001, 7]],
    "consumers": [
        {
            "name": "c",
            "seen-time": 1767225600000,
            "active-time": -1,
            "pel-count": 11,
            "pending": [["1-0", 1767225600000, 1]],
        },
        {"name": "idle", "seen-time": 1, "active-time": -1, "pel-count": 0, "pending": []},
    ],
}
FULL = {name: STREAM[name] for name in list(STREAM)[:7]} | {
    "entries": [RAW_ONE, RAW_TWO],
    "groups": [FULL_GROUP],
}
NEWER: dict[str, Any] = {
    "idmp-duration": 100,
    "idmp-maxsize": 100,
    "pids-tracked": 1,
    "iids-tracked": 2,
    "iids-added": 3,
    "iids-duplicates": 4,
    "nacked-count": 3,
    "of-a-version-to-come": [["x", {"y": None}]],
}


def in_bytes(reply: Any) -> Any:
    if isinstance(reply, str):
        return reply.encode()
    if isinstance(reply, dict):
        return {in_bytes(name): in_bytes(value) for name, value in reply.items()}
    return [in_bytes(item) for item in reply] if isinstance(reply, list) else reply


def flat(reply: Any) -> Any:
    """Return what RESP2 has for the maps of RESP3."""
    if isinstance(reply, dict):
        return [part for name, value in reply.items() for part in (name, flat(value))]
    return [flat(item) for item in reply] if isinstance(reply, list) else reply


@pytest.fixture(
    params=[
        pytest.param(lambda reply: reply, id="resp3-text"),
        pytest.param(in_bytes, id="resp3-bytes"),
        pytest.param(flat, id="resp2-text"),
        pytest.param(lambda reply: in_bytes(flat(reply)), id="resp2-bytes"),
    ]
)
def shape(request: pytest.FixtureRequest) -> Shape:
    return request.param  # type: ignore[no-any-return]


def without(reply: Mapping[str, Any], *names: str) -> dict[str, Any]:
    assert set(names) <= set(reply)
    return {name: value for name, value in reply.items() if name not in names}


def test_xinfo_stream(shape: Shape) -> None:
    known = StreamInfo(2, 1, 3, 4, EntryId(2, 9), EntryId(0, 4), 5, EntryId(1), ONE, TWO)
    assert replies.stream_info(shape(STREAM)) == known
    remembered = IdmpInfo(100, 100, producers=1, ids=2, added=3, duplicates=4)
    assert replies.stream_info(shape(NEWER | STREAM | NEWER)) == replace(known, idmp=remembered)


def test_xinfo_stream_of_an_empty_stream(shape: Shape) -> None:
    empty = STREAM | {"length": 0, "first-entry": None, "last-entry": None}
    info = replies.stream_info(shape(empty | {"recorded-first-entry-id": ""}))
    assert (info.length, info.first_entry, info.last_entry) == (0, None, None)
    assert info.recorded_first_entry_id == EntryId.ZERO


def test_xinfo_stream_before_7_0(shape: Shape) -> None:
    new_in_7 = ("max-deleted-entry-id", "entries-added", "recorded-first-entry-id")
    info = replies.stream_info(shape(without(STREAM, *new_in_7)))
    known = asdict(replies.stream_info(shape(STREAM)))
    not_told = {name.replace("-", "_"): None for name in new_in_7}
    assert asdict(info) == known | not_told


@pytest.mark.parametrize("lag", [0, 7, -3, None])
@pytest.mark.parametrize("read", [0, 9, None])
def test_xinfo_groups(shape: Shape, lag: int | None, read: int | None) -> None:
    reply = GROUP | {"lag": lag, "entries-read": read}
    known = GroupInfo("g", 2, 3, EntryId(2, 9), read, lag)
    assert replies.group_infos(shape([reply, reply | NEWER])) == [known, known]


def test_xinfo_groups_before_7_0_tells_no_lag(shape: Shape) -> None:
    (group,) = replies.group_infos(shape([without(GROUP, "entries-read", "lag")]))
    assert group == GroupInfo("g", 2, 3, EntryId(2, 9), None, None)


@pytest.mark.parametrize(("inactive", "known"), [(50, 50), (0, 0), (-1, None)])
def test_xinfo_consumers(shape: Shape, inactive: int, known: int | None) -> None:
    reply = CONSUMER | {"inactive": inactive}
    assert replies.consumer_infos(shape([reply, reply | NEWER])) == 2 * [
        ConsumerInfo("c", 3, 40, known)
    ]


def test_xinfo_consumers_before_7_2_tells_no_inactive(shape: Shape) -> None:
    (consumer,) = replies.consumer_infos(shape([without(CONSUMER, "inactive")]))
    assert consumer == ConsumerInfo("c", 3, 40, None)


def test_xinfo_stream_full(shape: Shape) -> None:
    full = replies.stream_full(shape(FULL | NEWER | {"groups": [FULL_GROUP | NEWER]}))
    assert replace(full.info, idmp=None) == StreamInfo(
        2, 1, 3, 1, EntryId(2, 9), EntryId(0, 4), 5, EntryId(1), None, None
    )
    assert full.entries == (ONE, TWO)
    assert full.groups == (
        FullGroup(
            GroupInfo("g", 2, 12, EntryId(2, 9), 5, None),
            (
                FullPending(EntryId(1), "c", 1767225600000, 1),
                FullPending(EntryId(2, 9), "d", 1767225600001, 7),
            ),
            {"c": 11, "idle": 0},
        ),
    )


def test_xinfo_stream_full_without_entries_and_groups(shape: Shape) -> None:
    full = replies.stream_full(shape(FULL | {"entries": [], "groups": []}))
    assert (full.info.groups, full.entries, full.groups) == (0, (), ())


def test_xpending_summary(shape: Shape) -> None:
    reply = [5, "1-0", "2-9", [["c", "3"], ["d", 2]]]
    known = PendingSummary(5, EntryId(1), EntryId(2, 9), {"c": 3, "d": 2})
    assert replies.pending_summary(shape(reply)) == known


@pytest.mark.parametrize("nobody", [None, []])
def test_xpending_of_nothing(shape: Shape, nobody: Any) -> None:
    assert replies.pending_summary(shape([0, None, None, nobody])) == PendingSummary(
        0, None, None, {}
    )
    assert replies.pending_entries(shape([])) == []


def test_xpending_one_by_one(shape: Shape) -> None:
    reply = [["1-0", "c", 40, 1], ["2-9", "", -1, 2**63 - 1]]  # the second one was given back
    assert replies.pending_entries(shape(reply)) == [
        PendingEntry(EntryId(1), "c", 40, 1),
        PendingEntry(EntryId(2, 9), "", -1, 2**63 - 1),
    ]


@pytest.mark.parametrize(
    ("third", "deleted"), [([], ()), ([["1-5", "2-0"]], (EntryId(1, 5), EntryId(2))), ([[]], ())]
)
def test_xautoclaim_of_two_and_three_elements(
    shape: Shape, third: list[Any], deleted: tuple[EntryId, ...]
) -> None:
    reply = shape(["3-0", [RAW_ONE, RAW_TWO], *third])
    known = Claimed(EntryId(3), (ONE, TWO), (ONE.id, TWO.id), deleted)
    assert replies.claimed(reply, justid=False) == known
    reply = shape(["0-0", ["1-0", "2-9"], *third])
    known = Claimed(EntryId.ZERO, (), (ONE.id, TWO.id), deleted)
    assert replies.claimed(reply, justid=True) == known


def test_xautoclaim_of_an_empty_page_keeps_its_cursor(shape: Shape) -> None:
    page = replies.claimed(shape(["9-0", [], ["1-0"]]), justid=False)
    assert page == Claimed(EntryId(9), (), (), (EntryId(1),))


def test_xautoclaim_before_7_0_leaves_deleted_entries_out(shape: Shape) -> None:
    page = replies.claimed(shape(["0-0", [None, RAW_TWO]]), justid=False)
    assert (page.entries, page.ids) == ((TWO,), (TWO.id,))


@pytest.mark.parametrize("deleted", [None, ["1-5", None]])
def test_a_list_of_entries_leaves_deleted_ones_out(shape: Shape, deleted: Any) -> None:
    assert replies.entries(shape([RAW_ONE, deleted, RAW_TWO])) == [ONE, TWO]


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_nothing_is_no_entries(nothing: Any) -> None:
    assert replies.entries(nothing) == []
    assert replies.ids(nothing) == []
    assert replies.in_id_order(nothing) == []
    assert parsed(nothing) is None


@pytest.mark.parametrize("raw", [lambda reply: reply, in_bytes])
def test_xread_of_a_map_and_of_pairs(raw: Shape) -> None:
    as_map = {"s": [RAW_ONE, RAW_TWO], "t": [RAW_ONE], "u": []}
    known = [("s", ONE), ("t", ONE), ("s", TWO)]
    assert replies.in_id_order(raw(as_map)) == known
    assert replies.in_id_order(raw([[key, items] for key, items in as_map.items()])) == known


@pytest.mark.parametrize(("idle", "times"), [(287341, 22), ("287341", "22"), (0, 0)])
def test_a_claimed_entry_has_its_idle_time_and_deliveries(
    shape: Shape, idle: Any, times: Any
) -> None:
    (found,) = replies.entries(shape([[*RAW_ONE, idle, times]]))
    assert found == Entry(ONE.id, ONE.fields, int(idle), int(times))
    assert repr(found).endswith(f"'d'}}, idle_ms={idle}, deliveries={times})")


def test_claimed_entries_are_sorted_with_the_rest(shape: Shape) -> None:
    by_idle_time_then_new = [["5-0", ["f", "v"], 90, 1], [*RAW_ONE, 40, 3], [*RAW_TWO, 0, 0]]
    found = replies.in_id_order({"s": shape(by_idle_time_then_new)})
    assert [str(entry.id) for _, entry in found] == ["1-0", "2-9", "5-0"]
    assert [entry.deliveries for _, entry in found] == [3, 0, 1]


def test_entries_of_several_streams_are_sorted_by_id_then_key() -> None:
    found = replies.in_id_order({"t": [RAW_ONE, RAW_TWO], "s": [RAW_TWO], "u": []})
    assert found == [("t", ONE), ("s", TWO), ("t", TWO)]
    assert replies.in_id_order({"s": [RAW_ONE, RAW_TWO]}) == [("s", ONE), ("s", TWO)]
    assert replies.in_id_order({}) == replies.in_id_order({"s": []}) == []


def test_other_entries_have_no_delivery_count(shape: Shape) -> None:
    found = parsed(shape(RAW_TWO))
    assert found is not None
    assert (found.idle_ms, found.deliveries) == (None, None)
    assert repr(found) == "Entry(id=EntryId('2-9'), fields={'a': 'b'})"


@pytest.mark.parametrize("value", [b"\xff\x00\xfe", "<b>😀\n".encode(), b"", bytes(range(256))])
def test_every_byte_can_be_restored(value: bytes) -> None:
    found = parsed([b"1-0", [value, value]])
    assert found is not None
    ((name, text),) = found.fields.items()
    assert name.encode("utf-8", "surrogateescape") == value
    assert text.encode("utf-8", "surrogateescape") == value
    assert found.raw_fields == {name: value}


@pytest.mark.parametrize("part", ["id", "fields", "repeated", "pairs", "idle_ms", "deliveries"])
@pytest.mark.parametrize(
    "raw",
    [
        [b"1-0", [b"a", b"b"]],
        [b"1-0", [b"a", b"b", b"a", b"c"]],
        [b"1-0", [b"a\0b", b"\0", b"", b"\xff\0\xc3"]],
        [b"1-0", {b"a": b"b", b"\xff": b"\xfe"}],
        [b"18446744073709551615-18446744073709551615", []],
        [b"1-0", [b"a", b"b"], 40, 3],
    ],
)
def test_an_entry_is_the_same_whichever_part_is_read_first(raw: Any, part: str) -> None:
    at_once, (later,) = parsed(raw), replies.entries([raw])
    assert at_once is not None
    assert getattr(later, part) == getattr(at_once, part)
    assert repr(later) == repr(at_once)
    assert later == at_once
    assert (later.repeated, later.idle_ms) == (at_once.repeated, at_once.idle_ms)


def unread() -> Entry:
    (entry,) = replies.entries([[b"1-0", [b"a", b"b", b"c", b"d"]]])
    return entry


def test_an_unread_entry_is_a_record_like_any_other() -> None:
    assert unread() == ONE
    assert repr(unread()) == repr(ONE)
    assert repr(type(unread())) == repr(Entry)
    assert pickle.loads(pickle.dumps(unread())) == copy.deepcopy(unread()) == copy.copy(unread())
    assert asdict(unread()) == asdict(ONE)
    assert replace(unread(), id=EntryId(2)) == replace(ONE, id=EntryId(2))
    with pytest.raises(InputError, match="can't be changed"):
        unread().id = EntryId(9)  # type: ignore[misc]
    with pytest.raises(TypeError, match="unhashable"):
        hash(unread())
    read = unread()
    assert (read.fields, read.id) == (ONE.fields, ONE.id)
    assert read.repeated == ()
    assert read.idle_ms is None
    assert unread() == unread() != replace(ONE, id=EntryId(2))
    assert replace(unread(), id=EntryId(1)) == ONE
    match unread():
        case Entry(EntryId(1, 0), {"a": "b", "c": last}):
            assert last == "d"
        case other:
            pytest.fail(f"{other} does not match")


def test_fields_are_parsed_once_and_may_be_changed_in_place() -> None:
    entry = unread()
    assert entry.fields is entry.fields
    assert entry.id is entry.id


def test_a_field_without_a_value_is_refused() -> None:
    raw = [b"1-0", [b"a", b"b", b"c"]]
    with pytest.raises(ValueError, match="a field has no value"):
        parsed(raw)
    (entry,) = replies.entries([raw])
    with pytest.raises(ValueError, match="a field has no value"):
        _ = entry.fields


def test_fields_keep_their_order(shape: Shape) -> None:
    names = ["z", "a", "10", "9", "é"]
    found = parsed(shape(["1-0", [part for name in names for part in (name, "")]]))
    assert found is not None
    assert list(found.fields) == names


@pytest.mark.parametrize("largest", ["18446744073709551615-18446744073709551615"])
def test_the_largest_id_is_read(shape: Shape, largest: str) -> None:
    assert replies.ids(shape([largest])) == [EntryId.MAX]
    info = replies.stream_info(shape(STREAM | {"last-generated-id": largest}))
    assert info.last_generated_id == EntryId.MAX


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(InputError, match="can't be changed"):
        ONE.id = EntryId(9)  # type: ignore[misc]
