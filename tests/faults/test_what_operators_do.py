"""What people do to a server and to a stream while it is watched: told in words, and survived.

Each fault is done for real, to a server of its own. Afterwards the numbers are those of a count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import redis as redis_py

from streamviz import Observer, Scenario, Stream, connect, series
from streamviz.errors import StreamVizError
from streamviz.observation.sample import Sample
from streamviz.server.embedded import EmbeddedServer

KEY, ELSEWHERE = "orders", "orders:elsewhere"
Fault = Callable[[redis_py.Redis], object]


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[redis_py.Redis]:
    """Give the default client of redis-py, of a server that only this test has."""
    with EmbeddedServer(port=0, program=server.program) as own:
        kwargs = own.client().connection_pool.connection_kwargs
        found = redis_py.Redis(port=kwargs["port"], password=kwargs["password"])
        yield found
        found.close()


def fill(client: redis_py.Redis, count: int = 20) -> None:
    for n in range(count):
        client.xadd(KEY, {"n": n})
    if not client.xinfo_groups(KEY):
        client.xgroup_create(KEY, "billing", id="0")
    client.xreadgroup("billing", "ann", {KEY: ">"}, count=5)


def check(client: redis_py.Redis, sample: Sample) -> None:
    """Compare a sample with a full count."""
    assert sample.trouble == ""
    assert sample.length == len(client.xrange(KEY))
    (group,) = sample.groups
    cursor = client.xinfo_groups(KEY)[0]["last-delivered-id"].decode()
    assert group.lag.verdict == "exact"
    assert group.lag.entries == len(client.xrange(KEY, f"({cursor}"))
    assert group.pending == len(client.xpending_range(KEY, "billing", "-", "+", 1000))


GONE = {
    "del": lambda client: client.delete(KEY),
    "unlink": lambda client: client.unlink(KEY),
    "rename": lambda client: client.rename(KEY, ELSEWHERE),
    "move": lambda client: client.move(KEY, 1),
    "flushdb": lambda client: client.flushdb(),
    "flushdb async": lambda client: client.flushdb(asynchronous=True),
    "swapdb": lambda client: client.swapdb(0, 1),
    "expire": lambda client: client.pexpire(KEY, 1),
}


@pytest.mark.server
@pytest.mark.parametrize("how", GONE)
def test_a_stream_that_goes_is_told_of_and_one_that_comes_is_seen(
    client: redis_py.Redis, how: str, until: Callable[..., None]
) -> None:
    fill(client)
    observer = Observer(client, KEY)
    check(client, observer.sample())
    GONE[how](client)
    until(lambda: not client.exists(KEY))
    gone = observer.sample()
    assert (gone.exists, gone.trouble, gone.groups) == (False, "stream is gone", ())
    fill(client, 7)
    check(client, observer.sample())


@pytest.mark.server
def test_a_stream_that_is_restored_from_a_dump_is_seen_as_it_is(client: redis_py.Redis) -> None:
    fill(client)
    observer = Observer(client, KEY)
    observer.sample()
    dump = client.dump(KEY)
    fill(client, 30)
    observer.sample()
    client.restore(KEY, 0, dump, replace=True)  # 20 entries again, and an older cursor
    check(client, observer.sample())


@pytest.mark.server
def test_a_server_that_restarts_with_an_older_snapshot(server: EmbeddedServer) -> None:
    config = ("--enable-debug-command", "yes")
    with EmbeddedServer(program=server.program, config=config) as own, closing(own.client()) as one:
        fill(one)
        one.save()
        observer = Observer(one, KEY)
        observer.sample()
        fill(one)
        observer.sample()
        one.execute_command("DEBUG", "RELOAD", "NOSAVE")  # loads the file, as after a crash
        sample = observer.sample()
        check(one, sample)
        assert (sample.length, sample.groups[0].pending) == (20, 5)
        assert [str(event) for event in sample.events] == ["the stream was deleted and recreated"]


def test_a_group_and_a_consumer_that_are_taken_away(client: redis_py.Redis) -> None:
    fill(client)
    observer = Observer(client, KEY)
    observer.sample()
    client.xgroup_delconsumer(KEY, "billing", "ann")
    without = observer.sample()
    check(client, without)
    assert (without.groups[0].pending, without.groups[0].dropped) == (0, 5)
    client.xgroup_destroy(KEY, "billing")
    assert observer.sample().groups == ()
    client.xgroup_create(KEY, "billing", id="$")
    check(client, observer.sample())


@pytest.mark.server
def test_connections_that_are_killed_are_made_anew(client: redis_py.Redis) -> None:
    fill(client)
    observer = Observer(client, KEY)
    observer.sample()
    for _ in range(3):
        client.execute_command("CLIENT KILL", "TYPE", "normal", "SKIPME", "no")
        check(client, next(one for one in iter(observer.sample, None) if not one.trouble))


@pytest.mark.server
def test_a_server_that_is_full_of_clients_is_told_of(client: redis_py.Redis) -> None:
    fill(client)
    client.config_set("maxclients", 1)
    observer = Observer(client, KEY)  # the one client is this test's own
    sample = observer.sample()
    assert "max number of clients" in sample.trouble.lower()
    client.config_set("maxclients", 100)
    check(client, observer.sample())


@pytest.mark.server
def test_a_pause_of_all_commands_is_waited_for_or_told_of(
    client: redis_py.Redis, until: Callable[..., None]
) -> None:
    fill(client)
    observer = Observer(client, KEY)
    observer.sample()
    client.execute_command("CLIENT PAUSE", "2500", "ALL")
    began = time.monotonic()
    samples = [observer.sample()]
    while samples[-1].trouble and time.monotonic() - began < 20:
        samples.append(observer.sample())
    check(client, samples[-1])
    assert all("does not answer" in one.trouble for one in samples[:-1])


@pytest.mark.server
def test_a_primary_that_becomes_a_replica_is_still_watched(client: redis_py.Redis) -> None:
    fill(client)
    observer = Observer(client, KEY)
    observer.sample()
    client.replicaof("127.0.0.1", "1")  # a primary that is not there: its data stays
    assert observer.sample().length == 20
    with pytest.raises(StreamVizError, match=r"(?i)readonly|read only|replica"):
        Stream(client, KEY).add({"n": 1})
    client.replicaof("NO", "ONE")
    Stream(client, KEY).add({"n": 1})
    check(client, observer.sample())


@pytest.mark.server
def test_a_full_memory_refuses_entries_and_shows_the_stream(client: redis_py.Redis) -> None:
    fill(client)
    observer = Observer(client, KEY)
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    with pytest.raises(StreamVizError, match="maxmemory"):
        Stream(client, KEY).add({"n": 1})
    check(client, observer.sample())
    client.config_set("maxmemory", 0)
    Stream(client, KEY).add({"n": 1})
    check(client, observer.sample())


@pytest.mark.server
def test_a_stream_that_is_evicted_is_gone(
    client: redis_py.Redis, until: Callable[..., None]
) -> None:
    fill(client)
    observer = Observer(client, KEY)
    observer.sample()
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", 1)

    def evicted() -> bool:
        with suppress(redis_py.ResponseError):  # when there is nothing left to evict
            client.set("more", "x")
        return not client.exists(KEY)

    until(evicted)
    assert observer.sample().trouble == "stream is gone"


@pytest.mark.server
def test_a_server_that_cannot_save_refuses_entries_and_shows_the_stream(
    client: redis_py.Redis, until: Callable[..., None]
) -> None:
    fill(client)
    observer = Observer(client, KEY)
    client.config_set("save", "3600 1")
    where = client.config_get("dir")["dir"], client.config_get("dbfilename")["dbfilename"]
    Path(*where).mkdir()  # no file can take its place
    client.bgsave()
    until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
    with pytest.raises(StreamVizError, match=r"(?i)misconf"):
        Stream(client, KEY).add({"n": 1})
    check(client, observer.sample())
    client.config_set("stop-writes-on-bgsave-error", "no")
    Stream(client, KEY).add({"n": 1})
    check(client, observer.sample())


@pytest.mark.server
def test_rights_that_are_taken_away_and_given_back(client: redis_py.Redis) -> None:
    fill(client)
    client.execute_command("ACL", "SETUSER", "eve", "on", ">secret-of-eve", "~*", "+@all")
    port = client.connection_pool.connection_kwargs["port"]
    eve = redis_py.Redis(port=port, username="eve", password="secret-of-eve")
    observer = Observer(eve, KEY)
    check(client, observer.sample())
    client.execute_command("ACL", "SETUSER", "eve", "-xinfo")
    refused = observer.sample()
    assert "xinfo" in refused.trouble.lower()
    assert "secret-of-eve" not in repr(refused)
    client.execute_command("ACL", "SETUSER", "eve", "+xinfo")
    check(client, observer.sample())
    client.acl_deluser("eve")
    assert "secret-of-eve" not in repr(observer.sample())
    assert observer.sample().trouble
    eve.close()


@pytest.mark.server
def test_a_scenario_tells_of_a_refusal_and_goes_on(server: EmbeddedServer) -> None:
    with EmbeddedServer(program=server.program) as own:
        client = own.client()
        shop = Scenario(client, seed=7)
        shop.produce(KEY, series.constant(rate_hz=10))
        shop.group(KEY, "billing", service_ms=20)
        shop.run(seconds=1)
        client.config_set("maxmemory", 1)
        full = shop.run(seconds=1)
        assert any("maxmemory" in str(one) for sample in full.samples for one in sample.events)
        client.config_set("maxmemory", 0)
        shop.run(seconds=2)
        assert shop.history.last.length == client.xlen(KEY) > 10
        client.close()


def test_connect_names_a_server_that_is_not_there() -> None:
    with pytest.raises(StreamVizError, match=r"127\.0\.0\.1:1"):
        connect("redis://127.0.0.1:1")
