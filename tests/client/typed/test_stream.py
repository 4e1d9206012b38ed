"""Stream on a real server, the same through every kind of client."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py
from client.typed.conftest import one_client

from streamviz import EntryId, Stream
from streamviz.client.models import Entry, IdmpInfo, StreamInfo
from streamviz.client.stream import read_streams
from streamviz.errors import (
    CommandRefused,
    InputError,
    NoSuchStream,
    UnsupportedCommand,
    WrongType,
)
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]
Do = Callable[[Stream], Any]
TOP = 2**64 - 1
COUNTS = [0, -1, 1.5, True, "1"]


def ids(entries: list[Entry]) -> list[str]:
    return [str(entry.id) for entry in entries]


def test_an_entry_comes_back_unchanged_and_in_order(stream: Stream) -> None:
    given: dict[Any, Any] = {"z": "text", b"\xff\x00": b"\xfe", "<b>😀": "\r\n", "": "", "%s": 7}
    given |= {"float": 0.1, "large": 2**70, "escaped\udc80": "\udcff", "tiny": -1e-300}
    assert stream.add(given, "5-3") == EntryId(5, 3)
    (entry,) = stream.range()
    back = {"z": "text", "\udcff\x00": "\udcfe", "<b>😀": "\r\n", "": "", "%s": "7"}
    back |= {"float": "0.1", "large": str(2**70), "escaped\udc80": "\udcff", "tiny": "-1e-300"}
    assert entry == Entry(EntryId(5, 3), back)
    assert list(entry.fields) == list(back)


def test_the_server_gives_increasing_ids(stream: Stream) -> None:
    got = [stream.add({"n": n}) for n in range(50)]
    assert got == sorted(set(got))
    assert [entry.id for entry in stream.range()] == got


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (EntryId(9, 4), "9-4"),
        (b"9-4", "9-4"),
        ("9", "9-0"),
        ("5-*", "5-2"),
        ("6-*", "6-0"),
        (EntryId.MAX, str(EntryId.MAX)),
        (f"{TOP}-*", f"{TOP}-0"),
    ],
)
def test_an_id_may_be_complete_or_partial(
    stream: Stream, asked: EntryId | str | bytes, given: str
) -> None:
    stream.add({"f": 1}, "5-1")
    assert str(stream.add({"f": 2}, asked)) == given


@pytest.mark.parametrize("again", ["5-1", "5-0", "4-*", "0-0", "0-1"])
def test_an_id_that_is_not_larger_is_refused_and_nothing_is_added(
    stream: Stream, again: str
) -> None:
    stream.add({"f": 1}, "5-1")
    with pytest.raises(CommandRefused, match="XADD"):
        stream.add({"f": 2}, again)
    assert ids(stream.range()) == ["5-1"]


def test_nothing_can_be_added_after_the_largest_id(stream: Stream) -> None:
    stream.add({"f": 1}, EntryId.MAX)
    with pytest.raises(CommandRefused, match="last possible ID"):
        stream.add({"f": 2})
    assert stream.length() == 1


FIELDS = [{}, [], None, "f", [("f", 1)], {"f": None}, {"f": True}, {"f": [1]}, {1: "v"}]
IDS = ["", "x", "-", "$", "+", ">", "5-x", "*-*", "-*", "5-**", "(5-0", 5, None, f"{TOP + 1}-*"]


@one_client
@pytest.mark.parametrize("fields", [*FIELDS, {"f": 1, "g": {}}, {None: 1}, {"f": object}], ids=repr)
def test_bad_fields_are_refused_and_create_no_stream(stream: Stream, fields: Any) -> None:
    with pytest.raises(InputError):
        stream.add(fields)
    assert not stream.exists()


@one_client
@pytest.mark.parametrize("bad", IDS, ids=repr)
def test_a_bad_new_id_is_refused_and_creates_no_stream(stream: Stream, bad: Any) -> None:
    with pytest.raises(InputError):
        stream.add({"f": 1}, bad)
    assert not stream.exists()


def test_nomkstream_creates_no_stream(stream: Stream) -> None:
    assert stream.add({"f": 1}, create=False) is None
    assert not stream.exists()
    stream.add({"f": 1}, "1-0")
    assert stream.add({"f": 2}, "2-0", create=False) == EntryId(2)


@pytest.mark.parametrize(
    ("bound", "left"),
    [
        ({"maxlen": 2}, ["10-0", "10-7"]),
        ({"maxlen": 0}, []),
        ({"maxlen": 5}, ["1-1", "1-2", "2-0", "10-0", "10-7"]),
        ({"maxlen": 2**62}, ["1-1", "1-2", "2-0", "10-0", "10-7"]),
        ({"minid": "2"}, ["2-0", "10-0", "10-7"]),
        ({"minid": EntryId(10, 1)}, ["10-7"]),
        ({"minid": b"1-2"}, ["1-2", "2-0", "10-0", "10-7"]),
        ({"minid": EntryId.MAX}, []),
        ({"maxlen": 1, "approximate": True}, ["1-1", "1-2", "2-0", "10-0", "10-7"]),
    ],
    ids=repr,
)
def test_trimming_keeps_the_requested_entries(
    five: Stream, bound: dict[str, Any], left: list[str]
) -> None:
    assert five.trim(**bound) == 5 - len(left)
    assert ids(five.range()) == left
    assert (five.exists(), five.info().last_generated_id) == (True, EntryId(10, 7))


@pytest.mark.parametrize(
    ("bound", "left"),
    [({"maxlen": 2}, ["10-7", "11-0"]), ({"maxlen": 0}, []), ({"minid": "11"}, ["11-0"])],
    ids=repr,
)
def test_adding_may_trim_in_the_same_step(
    five: Stream, bound: dict[str, Any], left: list[str]
) -> None:
    assert five.add({"f": 6}, "11-0", **bound) == EntryId(11)
    assert ids(five.range()) == left


@pytest.mark.parametrize(
    ("bound", "removed"),
    [
        ({"maxlen": 50}, 200),
        ({"maxlen": 60}, 100),
        ({"minid": "150"}, 100),
        ({"maxlen": 50, "limit": 100}, 100),
        ({"maxlen": 50, "limit": 0}, 200),
    ],
    ids=repr,
)
def test_approximate_trimming_removes_whole_nodes(
    stream: Stream, bound: dict[str, Any], removed: int
) -> None:
    stream.add_many((f"{n}-0", {"f": n}) for n in range(1, 251))
    assert stream.trim(**bound, approximate=True) == removed
    assert stream.length() == 250 - removed


@one_client
@pytest.mark.parametrize(
    "bad",
    [
        *({"maxlen": value} for value in (-1, 1.5, True, "2")),
        *({"minid": value} for value in ("", "x", 5, "-", "*", f"{TOP + 1}")),
        {"maxlen": 1, "minid": "1"},
        {"maxlen": 1, "limit": 5},
        {"maxlen": 1, "limit": -5, "approximate": True},
        {"maxlen": 1, "refs": "BOTH"},
        {"limit": 5},
        {"approximate": True},
        {"refs": "DELREF"},
    ],
    ids=repr,
)
def test_a_bad_bound_is_refused_before_anything_is_added_or_removed(
    five: Stream, bad: dict[str, Any]
) -> None:
    for act in (five.trim, lambda **bound: five.add({"f": 6}, "11-0", **bound)):
        with pytest.raises(InputError):
            act(**bad)
    assert five.length() == 5


def test_trimming_needs_a_bound_but_not_a_stream(stream: Stream) -> None:
    assert stream.trim(maxlen=0) == 0
    assert not stream.exists()
    with pytest.raises(InputError, match="maxlen= or minid="):
        stream.trim()


def test_a_missing_stream_reads_as_empty_and_has_no_info(stream: Stream) -> None:
    assert (stream.range(), stream.reverse_range(), stream.read("0")) == ([], [], [])
    assert (stream.length(), len(stream), stream.exists(), bool(stream)) == (0, 0, False, True)
    assert stream.delete("1-0") == 0
    asks: list[Callable[[], Any]] = [stream.info, stream.full, stream.groups]
    for ask in [*asks, lambda: stream.set_id("5-0")]:
        with pytest.raises(NoSuchStream, match="there is no stream"):
            ask()
    assert not stream.exists()


def test_deleting_counts_the_existing_entries(five: Stream) -> None:
    assert five.delete("1-1", EntryId(2), b"7-7", "10-0", "10-0") == 3
    assert ids(five.range()) == ["1-2", "10-7"]
    assert five.info().max_deleted_entry_id == EntryId(10)


@one_client
@pytest.mark.parametrize(
    "which", [(), ("1-1", "x"), ("1-1", "-"), (None,), (["1-1", None],)], ids=repr
)
def test_a_bad_id_deletes_nothing(five: Stream, which: Any) -> None:
    for act in (five.delete, five.delete_ex):
        with pytest.raises(InputError):
            act(*which)
    assert five.length() == 5


def test_info_has_every_number(five: Stream) -> None:
    five.group("g").create("0")
    five.delete("2-0", "10-7")
    info = five.info()
    assert info == StreamInfo(
        length=3,
        radix_tree_keys=1,
        radix_tree_nodes=info.radix_tree_nodes,
        groups=1,
        last_generated_id=EntryId(10, 7),
        max_deleted_entry_id=EntryId(10, 7),
        entries_added=5,
        recorded_first_entry_id=EntryId(1, 1),
        first_entry=Entry(EntryId(1, 1), {"f": "1-1"}),
        last_entry=Entry(EntryId(10), {"f": "10-0"}),
        idmp=IdmpInfo(100, 100, 0, 0, 0, 0) if five.connection.version.has((8, 6)) else None,
    )
    five.trim(maxlen=0)
    assert (five.info().first_entry, five.info().last_entry, five.exists()) == (None, None, True)


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (4, 4), (10, 5), (0, 5)])
def test_full_lists_count_entries_and_all_for_zero(five: Stream, count: int, shown: int) -> None:
    full = five.full(count)
    assert full.entries == tuple(five.range(count=shown))
    assert (full.info.length, full.info.groups, full.groups) == (5, 0, ())


def test_the_last_id_and_the_counters_can_be_set(five: Stream) -> None:
    five.set_id("20-5", entries_added=100, max_deleted_id=EntryId(15))
    info = five.info()
    assert (info.last_generated_id, info.entries_added) == (EntryId(20, 5), 100)
    assert info.max_deleted_entry_id == EntryId(15)
    with pytest.raises(CommandRefused, match="smaller"):
        five.set_id("10-0")
    with pytest.raises(InputError, match="entries_added=-1"):
        five.set_id("30-0", entries_added=-1)
    assert five.info() == info


@one_client
@pytest.mark.parametrize("bad", [{}, {"idmp_duration_s": 0}, {"idmp_maxsize": -1}], ids=repr)
def test_configure_needs_a_valid_option(five: Stream, bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="idmp_"):
        five.configure(**bad)


NEW: list[tuple[tuple[int, ...], Do]] = [
    ((8, 2), lambda s: s.add({"f": 1}, maxlen=9, refs="ACKED")),
    ((8, 2), lambda s: s.trim(maxlen=9, approximate=True, limit=9, refs="DELREF")),
    ((8, 2), lambda s: s.delete_ex("7-7")),
    ((8, 6), lambda s: s.add({"f": 1}, idmp=("me", "1"))),
    ((8, 6), lambda s: s.add({"f": 1}, idmp_auto="me")),
    ((8, 6), lambda s: s.configure(idmp_duration_s=9, idmp_maxsize=9)),
]


@pytest.mark.parametrize(("needs", "act"), NEW)
def test_an_unsupported_option_is_refused_with_the_version_it_needs(
    five: Stream, needs: tuple[int, ...], act: Do
) -> None:
    if five.connection.version.has(needs):
        act(five)
        return
    with pytest.raises(UnsupportedCommand) as error:
        act(five)
    assert f"needs Redis {'.'.join(map(str, needs))};" in str(error.value)
    assert f"this server is {five.connection.version}." in str(error.value)
    assert five.length() == 5


WRONG_TYPE: dict[str, Do] = {
    "add": lambda s: s.add({"f": 1}),
    "add_many": lambda s: s.add_many([{"f": 1}]),
    "range": lambda s: s.range(),
    "reverse_range": lambda s: s.reverse_range(),
    "length": lambda s: s.length(),
    "read": lambda s: s.read("0"),
    "trim": lambda s: s.trim(maxlen=1),
    "delete": lambda s: s.delete("1-0"),
    "delete_ex": lambda s: s.delete_ex("1-0"),
    "set_id": lambda s: s.set_id("1-0"),
    "configure": lambda s: s.configure(idmp_maxsize=1),
    "info": lambda s: s.info(),
    "full": lambda s: s.full(),
    "groups": lambda s: s.groups(),
}


@pytest.mark.parametrize("name", WRONG_TYPE)
def test_a_key_of_another_type_is_named_and_left_alone(stream: Stream, name: str) -> None:
    stream.client.set(stream.key, "text")
    with pytest.raises((WrongType, UnsupportedCommand)) as error:
        WRONG_TYPE[name](stream)
    if name not in ("delete_ex", "configure"):
        assert isinstance(error.value, WrongType)
        assert repr(stream.key) in str(error.value)
    assert stream.client.get(stream.key) in ("text", b"text")


def test_no_method_is_left_out_above() -> None:
    public = {name for name, _ in inspect.getmembers(Stream, inspect.isfunction) if name[0] != "_"}
    assert public - set(WRONG_TYPE) == {"exists", "group", "help"}


def test_every_client_sees_the_same(server: EmbeddedServer, five: Stream) -> None:
    five.group("g\udcff").create("1-2")
    five.add({b"\xff": b"\xfe", "<b>": "😀\n"}, "11-0")
    seen = []
    for options in [{"protocol": p, "decode_responses": d} for p in (2, 3) for d in (True, False)]:
        stream = Stream(server.client(**options), five.key)
        looks = (stream.range(), stream.read("0"), stream.info(), stream.full(), stream.groups())
        seen.append((*looks, read_streams(stream.client, {stream.key: "2-0"})))
        stream.client.close()
    assert len(seen) == 4
    assert all(one == seen[0] for one in seen)
    assert seen[0][4][0].name == "g\udcff"


@one_client
@pytest.mark.parametrize("key", ["", None, b"bytes", 5])
def test_a_stream_needs_a_key_and_a_client(redis: redis_py.Redis, key: Any) -> None:
    with pytest.raises(InputError, match="is not a stream's key"):
        Stream(redis, key)
    with pytest.raises(InputError, match="is not a Redis client"):
        Stream(key, "s")
