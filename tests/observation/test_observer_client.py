"""The observer connects by itself, whatever client it is given, or refuses the client at once."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
import redis.asyncio as async_redis
import valkey
import valkey.asyncio as async_valkey
import valkey.cluster as valkey_cluster
from redis.asyncio.cluster import RedisCluster as AsyncCluster
from redis.cache import CacheConfig
from redis.cluster import RedisCluster
from redis.sentinel import Sentinel

from streamviz import Dashboard, Scenario, watch
from streamviz.client.cluster import slot_of
from streamviz.client.stream import Stream
from streamviz.errors import InputError, ServerUnreachable
from streamviz.observation.observer import Observer
from streamviz.observation.observer_client import CLIENT_NAME, observer_client
from streamviz.server.embedded import EmbeddedServer, free_port
from streamviz.server.embedded_cluster import EmbeddedCluster

Until = Callable[..., None]
MakeClient = Callable[[str], Any]


class Unusable(redis_py.Redis):
    """A client whose commands do not work."""

    def execute_command(self, *_args: Any, **_options: Any) -> Any:
        raise NotImplementedError


class ByOtherName(redis_py.Connection):
    """A connection that reaches the server in a way of its own."""

    def __init__(self, nickname: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.nickname = nickname

    def _connect(self) -> Any:
        assert self.nickname == "the server"
        self.port = self.db_port  # type: ignore[attr-defined]
        return super()._connect()


def full_pool(url: str) -> redis_py.Redis:
    client = redis_py.Redis.from_pool(
        redis_py.BlockingConnectionPool.from_url(url, max_connections=1)
    )
    client.connection_pool.get_connection()
    return client


CLIENTS: dict[str, MakeClient] = {
    "asyncio": async_redis.Redis.from_url,
    "asyncio, RESP3": lambda url: async_redis.Redis.from_url(url, protocol=3),
    "valkey": valkey.Valkey.from_url,
    "valkey asyncio": async_valkey.Valkey.from_url,
    "cache": lambda url: redis_py.Redis.from_url(url, protocol=3, cache_config=CacheConfig()),
    "text": lambda url: redis_py.Redis.from_url(url, decode_responses=True),
    "pipeline": lambda url: redis_py.Redis.from_url(url).pipeline(),
    "subclass": Unusable.from_url,
    "no free connection": full_pool,
}


@pytest.fixture(scope="module")
def locked() -> Iterator[EmbeddedServer]:
    """A server with a port and a password."""
    with EmbeddedServer(port=0) as running:
        yield running


@pytest.fixture(params=["socket", "port"])
def url(request: pytest.FixtureRequest, server: EmbeddedServer, locked: EmbeddedServer) -> str:
    return str((server if request.param == "socket" else locked).url)


def names(redis: redis_py.Redis) -> list[str]:
    return [str(one["name"]) for one in redis.client_list()]


@pytest.mark.parametrize("kind", CLIENTS)
def test_any_client_that_tells_where_to_connect_will_do(url: str, kind: str) -> None:
    with closing(redis_py.Redis.from_url(url)) as redis:
        redis.xadd("any-client", {"n": 1})
        observer = Observer(CLIENTS[kind](url), "any-client")
        sample = observer.sample()
        assert (sample.trouble, sample.length) == ("", 1)
        assert CLIENT_NAME in names(redis), "an operator sees who is looking"
        redis.delete("any-client")


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_dashboard_watches_over_any_client(
    server: EmbeddedServer, redis: redis_py.Redis, key: str, kind: str, until: Until
) -> None:
    redis.xadd(key, {"n": 1})
    dashboard = watch(CLIENTS[kind](server.url), key)
    assert dashboard.scenario is not None
    dashboard.scenario.start()
    until(lambda: dashboard.history.newest)
    dashboard.stop()
    assert dashboard.history.newest is not None
    assert dashboard.history.newest.length == 1


def test_user_and_database_are_the_clients(locked: EmbeddedServer) -> None:
    with closing(locked.client(db=3)) as redis:
        redis.acl_setuser("ann", enabled=True, passwords=["+word"], keys=["*"], commands=["+@all"])
        redis.xadd("elsewhere", {"n": 1})
        for module in (redis_py, async_redis, valkey):
            options = redis.connection_pool.connection_kwargs
            kind: Any = module.Redis if module is not valkey else valkey.Valkey
            client = kind(port=options["port"], username="ann", password="word", db=3)
            observer = Observer(client, "elsewhere")
            assert observer.sample().length == 1
            users = {one["user"] for one in redis.client_list() if one["name"] == CLIENT_NAME}
            assert "ann" in users


def test_credentials_may_come_from_a_provider(locked: EmbeddedServer) -> None:
    with closing(locked.client()) as redis:
        options = redis.connection_pool.connection_kwargs
        provider = redis_py.UsernamePasswordCredentialProvider(password=options["password"])
        client = async_redis.Redis(port=options["port"], credential_provider=provider)
        assert "no stream" in Observer(client, "absent").sample().trouble


class Broken(redis_py.CredentialProvider):
    """Fails, and has a secret to tell."""

    def get_credentials(self) -> tuple[str]:
        raise KeyError("s3cr3t")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"credential_provider": Broken()}, "KeyError. Correct what it was given"),
        ({"port": "x"}, "ValueError. Correct what it was given, such as host=, port="),
        ({"host": "ü" * 100}, "UnicodeError. Correct what it was given"),
        ({"db": 99}, "DB index is out of range. Correct what the client was given, such as db="),
    ],
)
def test_a_client_that_was_given_something_wrong_is_no_broken_line(
    locked: EmbeddedServer, options: Any, words: str
) -> None:
    with closing(locked.client()) as redis:
        usual = redis.connection_pool.connection_kwargs
        given = {"port": usual["port"], "password": usual["password"]} | options
    if "credential_provider" in given:
        del given["password"]
    client = redis_py.Redis(**given)
    assert words in (trouble := Observer(client, "s").sample().trouble)
    assert "s3cr3t" not in trouble
    with pytest.raises(ServerUnreachable, match=re.escape(words)):
        Stream(client, "s").range()


def test_sentinels_that_do_not_answer_are_named_by_their_addresses() -> None:
    sentinel = Sentinel([("localhost", 1), ("localhost", 2)])  # type: ignore[no-untyped-call]
    trouble = Observer(sentinel.master_for("shop"), "s").sample().trouble
    assert "'shop' : localhost:1 - network:ConnectionError, localhost:2 - " in trouble
    assert "<" not in trouble


def test_a_connection_that_finds_the_server_in_its_own_way_is_kept(locked: EmbeddedServer) -> None:
    with closing(locked.client()) as redis:
        options = redis.connection_pool.connection_kwargs
        port = options["port"]
        kind = type("Connection", (ByOtherName,), {"db_port": port})
        pool = redis_py.ConnectionPool(kind, password=options["password"], nickname="the server")
        assert "no stream" in Observer(redis_py.Redis.from_pool(pool), "absent").sample().trouble


@pytest.mark.parametrize(
    "make",
    [
        lambda cluster: cluster.client(),
        lambda cluster: AsyncCluster.from_url(cluster.nodes[0].server.url),
        lambda cluster: valkey_cluster.ValkeyCluster.from_url(cluster.nodes[0].server.url),
    ],
)
def test_a_cluster_is_observed_over_any_client(
    cluster: EmbeddedCluster, nodes: RedisCluster, make: Callable[[EmbeddedCluster], Any]
) -> None:
    client = make(cluster)
    keys = [f"test:any-cluster-{n}" for n in range(12)]  # on all nodes
    for key in keys:
        nodes.xadd(key, {"n": 1})
    assert {cluster.slot_owner(slot_of(key)).name for key in keys} == {
        node.name for node in cluster.nodes
    }
    for key in keys:
        observer = Observer(client, key)
        assert (observer.sample().trouble, observer.sample().length) == ("", 1)
        dashboard = watch(client, key)
        assert dashboard.scenario is not None
        dashboard.scenario.context.clock.advance(1)
        assert dashboard.history.newest is not None
        assert dashboard.history.newest.length == 1
        nodes.delete(key)


def test_a_plain_client_of_a_node_observes_the_cluster_and_is_told_what_to_write_with(
    cluster: EmbeddedCluster,
) -> None:
    key = next(
        key
        for key in map(str, range(100))
        if cluster.slot_owner(slot_of(key)) is not cluster.nodes[0]
    )
    with closing(cluster.nodes[0].server.client()) as client:
        assert Observer(client, key).sample().trouble == f"no stream {key!r} yet"
        with pytest.raises(Exception, match=r"RedisCluster\("):
            Stream(client, key).info()


def test_sentinels_master_is_observed(
    server: EmbeddedServer, locked: EmbeddedServer, tmp_path: Path, until: Until
) -> None:
    with closing(locked.client()) as redis:
        options = redis.connection_pool.connection_kwargs
        redis.xadd("of-the-master", {"n": 1})
        port, secret = free_port(), options["password"]
        config = tmp_path / "sentinel.conf"
        config.write_text(
            f"port {port}\nsentinel monitor main 127.0.0.1 {options['port']} 1\n"
            f"sentinel auth-pass main {secret}\n"
        )
        with subprocess.Popen(
            [server.program, str(config), "--sentinel"], stdout=subprocess.DEVNULL
        ) as process:
            try:
                manager: Any = Sentinel([("127.0.0.1", port)])  # type: ignore[no-untyped-call]
                observer = Observer(manager.master_for("main", password=secret), "of-the-master")
                until(lambda: observer.sample().length == 1)
                waiting: Any = async_redis.Sentinel([("127.0.0.1", port)])
                client = waiting.master_for("main", password=secret)
                assert Observer(client, "of-the-master").sample().length == 1
            finally:
                process.terminate()


def fake(module: str, *bases: type) -> Any:
    """Return an object of a class of a library that is not installed here."""
    return type("FakeRedis", bases or (object,), {"__module__": module})()


@pytest.mark.parametrize(
    ("client", "next_step"),
    [
        (fake("fakeredis._clients._sync", redis_py.Redis), "its data is inside this program"),
        (fake("fakeredis.aioredis", async_redis.Redis), "its data is inside this program"),
        (fake("coredis.client.basic"), "does not tell where and as whom to connect"),
        (None, "does not tell where"),
        (redis_py.Redis, "the class redis.client.Redis is not a Redis client"),
        ("redis://:secret@host", "does not tell where"),
    ],
)
def test_a_client_that_does_not_tell_where_to_connect_is_refused_at_once(
    client: Any, next_step: str
) -> None:
    for use in (lambda: watch(client, "s"), lambda: Observer(client, "s")):
        with pytest.raises(InputError, match=next_step) as refused:
            use()
        assert "redis.Redis(host=...)" in str(refused.value)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize("kind", ["asyncio", "valkey", "cache"])
def test_a_client_that_cannot_send_commands_from_here_is_refused_when_it_should(
    server: EmbeddedServer, kind: str, key: str
) -> None:
    client = CLIENTS[kind](server.url)
    with pytest.raises(InputError, match=r"give a redis\.Redis"):
        Stream(client, key)
    with pytest.raises(InputError, match=r"give a redis\.Redis"):
        Scenario(client).group(key, "g")


def test_a_stopped_dashboard_keeps_no_connection(
    redis: redis_py.Redis, key: str, until: Until
) -> None:
    before = names(redis).count(CLIENT_NAME)
    scenario = Scenario(redis).watch(key).watch(f"{key}2")
    dashboard = Dashboard(scenario)
    scenario.start()
    until(lambda: dashboard.history.newest)
    assert names(redis).count(CLIENT_NAME) == before + 1, "one connection for all streams"
    dashboard.stop()
    until(lambda: names(redis).count(CLIENT_NAME) == before)


def test_a_client_made_for_an_observer_is_not_made_again(redis: redis_py.Redis) -> None:
    own = observer_client(redis)
    assert observer_client(own) is own


def test_a_forked_child_observes_over_connections_of_its_own(
    redis: redis_py.Redis, key: str
) -> None:
    Stream(redis, key).add_many({"n": n} for n in range(50))
    for name in "abc":
        redis.xgroup_create(key, name, "0")
    observer = Observer(redis, key)

    def is_right(times: int) -> bool:
        seen = [observer.sample() for _ in range(times)]
        return {(one.length, len(one.groups), one.trouble) for one in seen} == {(50, 3, "")}

    assert is_right(2)
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            os._exit(0 if is_right(100) else 1)
        children.append(child)
    assert is_right(100)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
