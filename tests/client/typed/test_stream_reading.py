"""Reading a stream from a real server, the same through every kind of client."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py
from client.typed.conftest import one_client

from streamviz import EntryId, Stream
from streamviz.client.models import Entry
from streamviz.client.stream import read_streams
from streamviz.errors import CommandRefused, InputError, ServerUnreachable, UnsupportedCommand
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]
Do = Callable[[Stream], Any]
COUNTS = [0, -1, 1.5, True, "1"]


def ids(entries: list[Entry]) -> list[str]:
    return [str(entry.id) for entry in entries]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("-", "+", ["1-1", "1-2", "2-0", "10-0", "10-7"]),
        ("1", "1", ["1-1", "1-2"]),
        (EntryId(1), EntryId(1), []),
        ("1-2", b"10-0", ["1-2", "2-0", "10-0"]),
        ("(1-2", "(10-7", ["2-0", "10-0"]),
        (b"(1-1", EntryId.MAX, ["1-2", "2-0", "10-0", "10-7"]),
        (EntryId.ZERO, EntryId(2), ["1-1", "1-2", "2-0"]),
        ("10", "2", []),
        ("+", "-", []),
        ("+", "+", []),
        (EntryId.MAX, "+", []),
    ],
    ids=repr,
)
def test_a_range_includes_both_ends_in_both_directions(
    five: Stream, start: Any, end: Any, found: list[str]
) -> None:
    assert ids(five.range(start, end)) == found
    assert ids(five.range(start, end, count=2)) == found[:2]
    assert ids(five.reverse_range(end, start)) == found[::-1]
    assert ids(five.reverse_range(end, start, 1)) == found[::-1][:1]


@one_client
@pytest.mark.parametrize("bad", ["", "(", "(-", "(+", "x", "$", "*", "5-*", "1-1 ", b"\xff"])
def test_a_bad_end_of_a_range_is_refused(five: Stream, bad: Any) -> None:
    for look in (five.range, five.reverse_range):
        for ends in ((bad, "+"), ("-", bad)):
            with pytest.raises(InputError):
                look(*ends)


@one_client
@pytest.mark.parametrize("count", COUNTS)
def test_a_bad_count_is_refused_by_its_value(five: Stream, count: Any) -> None:
    for look in (five.range, five.reverse_range, lambda count: five.read("0", count=count)):
        with pytest.raises(InputError, match=f"count={count!r}"):
            look(count=count)


def test_beyond_the_ends_there_is_no_range(five: Stream) -> None:
    with pytest.raises(CommandRefused, match="invalid start ID"):
        five.range(f"({EntryId.MAX}")
    with pytest.raises(CommandRefused, match="invalid end ID"):
        five.range(end="(0-0")


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ("0", ["1-1", "1-2", "2-0", "10-0", "10-7"]),
        ("1", ["1-1", "1-2", "2-0", "10-0", "10-7"]),
        (EntryId(1, 2), ["2-0", "10-0", "10-7"]),
        (b"10-0", ["10-7"]),
        ("10-7", []),
        ("$", []),
        (EntryId.MAX, []),
    ],
    ids=repr,
)
def test_a_read_returns_the_entries_after_an_id(five: Stream, after: Any, found: list[str]) -> None:
    assert ids(five.read(after)) == found
    assert ids(five.read(after, count=2)) == found[:2]
    assert ids(five.read(after, block_ms=1)) == found


def refused(act: Callable[[], Any]) -> str:
    """Return what is said of a server that is too old, or nothing if it is not."""
    try:
        act()
    except UnsupportedCommand as error:
        return str(error)
    return ""


def test_the_newest_entry_is_read_or_the_error_names_the_version(five: Stream) -> None:
    said = refused(lambda: five.read("+"))
    if said:
        assert not five.connection.version.has((7, 4))
        assert said.startswith("XREAD with these options needs Redis 7.4;")
        assert f"this server is {five.connection.version}." in said
    else:
        assert ids(five.read("+")) == ids(five.read("+", block_ms=1)) == ["10-7"]


def test_a_read_is_limited_in_all_or_the_error_names_the_version(five: Stream) -> None:
    for limit in ({"max_count": 1}, {"max_bytes": 1}):
        said = refused(lambda limit=limit: read_streams(five.client, {five.key: "0"}, **limit))
        if said:
            assert not five.connection.version.has((8, 10))
            assert said.startswith("XREAD with these options needs Redis 8.10;")
        else:
            assert len(read_streams(five.client, {five.key: "0"}, **limit)) == 1


@one_client
@pytest.mark.parametrize("after", ["", "-", ">", "*", "(1-0", "x", 5, None])
def test_a_bad_start_of_a_read_is_refused(five: Stream, after: Any) -> None:
    with pytest.raises(InputError):
        five.read(after)


@one_client
@pytest.mark.parametrize("name", ["block_ms", "max_count", "max_bytes"])
@pytest.mark.parametrize("value", [-1, 1.5, True, "1"])
def test_a_bad_limit_of_a_read_is_refused_by_its_value(five: Stream, name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name}={value!r}"):
        read_streams(five.client, {five.key: "0"}, **{name: value})


def test_several_streams_are_read_in_the_order_of_their_ids(
    redis: redis_py.Redis, prefix: str
) -> None:
    a, b, missing = (Stream(redis, f"{prefix}{name}") for name in ("a", "<b>😀", "none"))
    for stream, which in ((b, "1-0"), (a, "2-0"), (b, "2-0"), (a, "10-0"), (b, "9-0")):
        stream.add({"f": 1}, which)
    found = read_streams(redis, {b.key: "0", missing.key: "0", a.key: EntryId.ZERO})
    order = [("1-0", b), ("2-0", b), ("2-0", a), ("9-0", b), ("10-0", a)]
    order[1:3] = sorted(order[1:3], key=lambda pair: pair[1].key)
    assert [(str(entry.id), key) for key, entry in found] == [(i, s.key) for i, s in order]
    found = read_streams(redis, {a.key: "2-0", b.key: "2-0"}, count=1)
    assert [(str(entry.id), key) for key, entry in found] == [("9-0", b.key), ("10-0", a.key)]


def while_blocked(client: redis_py.Redis, until: Until, wait: Callable[[], Any], act: Do) -> Any:
    """Return what `wait` gives or raises when `act` happens while it waits."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(wait())
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: client.info("clients")["blocked_clients"] or result)
    act(client)
    thread.join(10)
    assert len(result) == 1, "it still waits"
    return result[0]


@pytest.mark.parametrize("block_ms", [0, 30_000])
def test_a_blocked_read_returns_an_entry_added_meanwhile(
    redis: redis_py.Redis, five: Stream, until: Until, block_ms: int
) -> None:
    def act(client: Any) -> None:
        Stream(client, five.key).add({"f": 6}, "11-0")

    found = while_blocked(redis, until, lambda: five.read("$", block_ms=block_ms), act)
    assert ids(found) == ["11-0"]


def test_a_blocked_read_may_outlast_the_socket_time_out(
    server: EmbeddedServer, protocol: int, key: str
) -> None:
    client = server.client(protocol=protocol, socket_timeout=0.05)
    assert Stream(client, key).read("$", block_ms=300) == []
    assert client.connection_pool.get_connection().socket_timeout == 0.05
    client.close()


def test_a_connection_that_breaks_during_a_read_raises_and_the_next_call_works(
    redis: redis_py.Redis, five: Stream, until: Until
) -> None:
    found = while_blocked(
        redis,
        until,
        lambda: five.read("$", block_ms=30_000),
        lambda other: other.client_kill_filter(_type="normal", skipme=True),
    )
    assert isinstance(found, ServerUnreachable)
    assert five.length() == 5


def test_a_stopped_server_is_unreachable(server: EmbeddedServer, protocol: int) -> None:
    with EmbeddedServer(program=server.program) as mortal:
        stream = Stream(mortal.client(protocol=protocol), "s")
        stream.add({"f": 1})
    for act in (stream.length, stream.range, lambda: stream.add({"f": 2})):
        with pytest.raises(ServerUnreachable, match="connect again"):
            act()


def test_a_field_that_occurs_twice_in_an_entry_is_kept_twice(
    redis: redis_py.Redis, stream: Stream
) -> None:
    words = ["item", "apple", "n", "1", "item", "pear"]
    redis.execute_command("XADD", stream.key, "1-0", *words)
    redis.execute_command("XADD", stream.key, "2-0", "item", "fig")
    stream.group("g").create("0")
    (read, _) = stream.group("g").consumer("c").read()
    for twice in (stream.range()[0], stream.reverse_range()[1], read):
        assert twice.pairs == (("item", "apple"), ("n", "1"), ("item", "pear"))
        assert twice.fields == {"item": "pear", "n": "1"}
        assert "repeated=(('item', 'apple')" in repr(twice)
    once = stream.range()[1]
    assert (once.pairs, once.repeated) == ((("item", "fig"),), ())
    assert "repeated" not in repr(once)
