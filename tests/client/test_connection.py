"""Connection: one shape of replies for every client, nothing sent twice, clear errors."""

from __future__ import annotations

import re
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from streamviz.client.connection import Connection
from streamviz.client.entry import parsed
from streamviz.client.resp import pack
from streamviz.errors import (
    CommandRefused,
    IdTooSmall,
    InputError,
    NoSuchGroup,
    NoSuchStream,
    ServerAuthError,
    ServerUnreachable,
    StreamVizError,
    UnsupportedCommand,
    WrongType,
)
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]


@pytest.fixture(params=[(2, True), (2, False), (3, True), (3, False)], ids=str)
def client(request: pytest.FixtureRequest, server: EmbeddedServer) -> Iterator[redis_py.Redis]:
    protocol, decode = request.param
    made = server.client(protocol=protocol, decode_responses=decode)
    yield made
    made.close()


@pytest.fixture
def connection(redis: redis_py.Redis) -> Connection:
    return Connection(redis)


def idle_connections(client: redis_py.Redis) -> int:
    return len(client.connection_pool._available_connections)


def test_a_reply_has_one_shape_for_every_client(client: redis_py.Redis, key: str) -> None:
    connection = Connection(client)
    assert connection.call("XADD", key, "5-1", "name", b"\xff", "é", 2.5) == b"5-1"
    assert connection.call("XLEN", key) == 1
    assert connection.call("XRANGE", key, "-", "+") == [
        [b"5-1", [b"name", b"\xff", "é".encode(), b"2.5"]]
    ]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache.test", "cache.test:6379"),
        ("redis://cache.test:7/1", "cache.test:7"),
        ("redis://", "localhost:6379"),
        ("unix:///run/cache.sock", "/run/cache.sock"),
    ],
)
def test_a_server_that_is_late_is_named_as_its_url_names_it(
    monkeypatch: pytest.MonkeyPatch, url: str, address: str
) -> None:
    def late() -> None:
        raise redis_py.TimeoutError("late")

    client = redis_py.Redis.from_url(url)
    monkeypatch.setattr(client.connection_pool, "get_connection", late)
    with pytest.raises(ServerUnreachable, match=re.escape(f"in time: {address} (late)")):
        Connection(client).call("PING")


def test_names_that_are_long_or_many_are_not_kept(redis: redis_py.Redis, key: str) -> None:
    pipe = redis.pipeline(transaction=False)
    for n in range(40):
        pipe.xadd(key, {f"{n}{'x' * 500_000}": 1, **{f"{n}-{i}": 1 for i in range(500)}})
    pipe.execute()
    connection = Connection(redis)
    tracemalloc.start()
    try:
        for _ in range(40):
            (one,) = connection.call("XRANGE", key, "-", "+", "COUNT", 1)
            entry = parsed(one)
            assert entry is not None
            assert len(entry.fields) == 501
            redis.xdel(key, str(entry.id))
        del one, entry
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 8_000_000, "40 names have 20 MB"


def test_a_pipeline_keeps_order_and_puts_each_error_in_its_place(
    client: redis_py.Redis, key: str
) -> None:
    connection = Connection(client)
    found = connection.pipeline(
        [
            ("XADD", key, "1-1", "a", 1),
            ("XADD", key, "1-1", "a", 1),
            ("XGROUP", "SETID", key, "none", "0"),
            ("XLEN", key),
        ]
    )
    assert [type(one) for one in found] == [bytes, IdTooSmall, NoSuchGroup, int]
    assert connection.pipeline([]) == []
    assert connection.call("PING") == b"PONG"


def test_a_snapshot_answers_at_one_moment_and_keeps_errors_in_place(
    client: redis_py.Redis, key: str
) -> None:
    connection = Connection(client)
    found = connection.snapshot([("XLEN", key), ("XINFO", "STREAM", key), ("ECHO", "x")])
    assert found[0] == 0
    assert isinstance(found[1], NoSuchStream)
    assert found[2] == b"x"
    with pytest.raises(CommandRefused):
        connection.snapshot([("NOSUCHCOMMAND", key)])
    assert connection.call("PING") == b"PONG"


def test_no_other_command_runs_inside_a_snapshot(
    connection: Connection, server: EmbeddedServer, key: str
) -> None:
    stop = threading.Event()
    other = Connection(server.client())

    def add() -> None:
        while not stop.is_set():
            other.call("XADD", key, "*", "a", 1)

    adding = threading.Thread(target=add)
    adding.start()
    try:
        pairs = [connection.snapshot([("XLEN", key), ("PING",), ("XLEN", key)]) for _ in range(200)]
    finally:
        stop.set()
        adding.join(10)
    assert all(first == last for first, _, last in pairs)
    assert pairs[-1][0] > 0


def test_a_transaction_is_done_completely_or_not_at_all(connection: Connection, key: str) -> None:
    assert connection.transaction([("XADD", key, "1-1", "a", 1), ("XLEN", key)]) == [b"1-1", 1]
    with pytest.raises(CommandRefused):
        connection.transaction([("XADD", key, "2-1", "a", 1), ("XADD", key)])
    assert connection.call("XLEN", key) == 1
    with pytest.raises(IdTooSmall, match=r"equal or smaller .* already: stream.range\(id, id\)"):
        connection.transaction([("XADD", key, "1-1", "a", 1)])


@pytest.mark.parametrize(
    ("command", "kind", "says"),
    [
        (("XADD", "{text}", "*", "a", 1), WrongType, "holds another type than a stream"),
        (("XINFO", "STREAM", "{none}"), NoSuchStream, "add an entry first"),
        (("XGROUP", "CREATE", "{none}", "g", "0"), NoSuchStream, "no stream"),
        (("XREADGROUP", "GROUP", "g", "c", "STREAMS", "{none}", ">"), NoSuchGroup, "Create the"),
        (("XADD", "{none}", "0-0", "a", 1), CommandRefused, "must be greater than 0-0"),
        (("XADD", "{none}", "*", "odd"), CommandRefused, "wrong number"),
    ],
)
def test_each_server_error_becomes_one_of_ours(
    client: redis_py.Redis, prefix: str, command: Any, kind: type[StreamVizError], says: str
) -> None:
    client.set(f"{prefix}text", "x")
    names = {"text": f"{prefix}text", "none": f"{prefix}none"}
    ready = [word.format(**names) if isinstance(word, str) else word for word in command]
    with pytest.raises(kind, match=says) as error:
        Connection(client).call(*ready)
    assert type(error.value) is kind
    assert error.value.__cause__ is not None
    assert Connection(client).call("PING") == b"PONG"


def test_a_user_without_the_right_gets_an_auth_error(
    redis: redis_py.Redis, server: EmbeddedServer
) -> None:
    redis.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">word", "+info", "+ping")
    narrow = Connection(server.client(username="narrow", password="word"))
    for ask in (narrow.call, lambda *command: narrow.snapshot([command])):
        with pytest.raises(ServerAuthError, match="ACL GETUSER"):
            ask("XLEN", "key")
    (found,) = narrow.pipeline([("XLEN", "key")])
    assert isinstance(found, ServerAuthError)
    redis.execute_command("ACL", "DELUSER", "narrow")


def test_a_newer_command_names_the_version_that_it_needs(connection: Connection, key: str) -> None:
    connection.call("XADD", key, "1-1", "a", 1)
    with pytest.raises(UnsupportedCommand, match=r"needs Redis 99\.1; this server is"):
        connection.call("XNOTYET", key, needs=(99, 1))
    with pytest.raises(CommandRefused):
        connection.call("XADD", key, "1-1", "a", 1, needs=(5, 0))


def test_the_version_is_the_servers_own(connection: Connection, redis: redis_py.Redis) -> None:
    info: Any = redis.info("server")
    valkey = info.get("valkey_version")
    name = "Valkey" if valkey else "Redis"
    assert str(connection.version) == f"{name} {valkey or info['redis_version']}"


def test_a_broken_connection_raises_and_the_next_call_works(
    redis: redis_py.Redis, server: EmbeddedServer, connection: Connection, key: str, until: Until
) -> None:
    other = server.client()
    failures: list[StreamVizError] = []

    def wait() -> None:
        try:
            connection.call("XREAD", "BLOCK", 0, "STREAMS", key, "$", block_ms=0)
        except StreamVizError as error:
            failures.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: [one for one in other.client_list() if one["cmd"] == "xread"])
    (blocked,) = (one for one in other.client_list() if one["cmd"] == "xread")
    other.client_kill_filter(_id=blocked["id"])
    waiting.join(5)
    assert isinstance(failures[0], ServerUnreachable)
    assert connection.call("PING") == b"PONG"
    other.close()


def test_a_block_may_last_longer_than_a_socket_can_wait(
    connection: Connection, redis: redis_py.Redis, key: str
) -> None:
    redis.xadd(key, {"n": 1})
    longest = 2**62
    command = ("XREAD", "BLOCK", longest, "STREAMS", key, "0")
    assert connection.call(*command, block_ms=longest)
    assert connection.pipeline([("PING",)] * 3 + [command], block_ms=longest)[-1]


def test_a_user_without_the_right_to_a_key_is_told_which(
    server: EmbeddedServer, redis: redis_py.Redis, key: str
) -> None:
    redis.acl_setuser(key, enabled=True, nopass=True, keys=["other"], commands=["+@all"])
    client = redis_py.Redis(
        unix_socket_path=redis.connection_pool.connection_kwargs["path"], username=key, password=""
    )
    with pytest.raises(ServerAuthError, match=f"access the key '{key}'"):
        Connection(client).call("XLEN", key)
    client.close()
    redis.acl_deluser(key)


def test_a_block_longer_than_the_socket_time_out_is_not_an_error(
    server: EmbeddedServer, key: str
) -> None:
    client = server.client(socket_timeout=0.05)
    assert Connection(client).call("XREAD", "BLOCK", 200, "STREAMS", key, "$", block_ms=200) is None
    assert Connection(client).call("PING") == b"PONG"
    client.close()


def test_a_server_that_died_is_unreachable_for_every_kind_of_call(key: str) -> None:
    with EmbeddedServer() as mortal:
        client = mortal.client()
        connection = Connection(client)
        connection.call("PING")
        mortal.stop()
        for ask in (
            lambda: connection.call("PING"),
            lambda: connection.pipeline([("PING",)]),
            lambda: connection.snapshot([("PING",)]),
            lambda: list(connection.send_batches(iter([(pack(("PING",)), 1)]))),
        ):
            with pytest.raises(ServerUnreachable, match="connect again"):
                ask()
        client.close()


def test_every_raw_connection_returns_to_the_pool(
    server: EmbeddedServer, prefix: str, key: str
) -> None:
    client = server.client()
    connection = Connection(client)
    connection.call("PING")
    assert idle_connections(client) == 1
    for _ in range(20):
        with pytest.raises(NoSuchStream):
            connection.call("XINFO", "STREAM", key)
        connection.pipeline([("PING",), ("XINFO", "STREAM", key)])
        with pytest.raises(CommandRefused):
            connection.snapshot([("NOSUCHCOMMAND",)])
    assert idle_connections(client) == 1
    client.close()


def test_a_push_message_between_replies_is_skipped(server: EmbeddedServer, key: str) -> None:
    client = server.client(protocol=3)
    connection = Connection(client)
    connection.call("CLIENT", "TRACKING", "ON")
    found = connection.pipeline(
        [("GET", key), ("SET", key, 1), ("GET", key), ("SET", key, 2), ("GET", key)]
    )
    assert found == [None, b"OK", b"1", b"OK", b"2"]
    client.close()


@pytest.mark.parametrize("client", [None, "redis://localhost", 5, object()])
def test_only_a_redis_client_is_accepted(client: Any) -> None:
    with pytest.raises(InputError, match=r"streamviz\.connect"):
        Connection(client)
