"""What is between the observer and its server cuts, corrupts, or knows no MULTI."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from typing import Any

import pytest
import redis as redis_py
from proxy import Change, Proxy, unchanged
from slow import slow_but

from streamviz import watch
from streamviz.client.stream import Stream
from streamviz.errors import ServerError, ServerTooOld
from streamviz.observation.observer import Observer
from streamviz.observation.sample import Sample
from streamviz.server.embedded import EmbeddedServer, connect

Until = Callable[..., None]
Through = Callable[..., tuple[Proxy, redis_py.Redis]]
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def through(upstream: EmbeddedServer) -> Iterator[Through]:
    """Return a proxy, and a default client that connects through it."""
    with ExitStack() as stack:
        direct = stack.enter_context(closing(upstream.client()))
        options = direct.connection_pool.connection_kwargs

        def make(**changes: Change) -> tuple[Proxy, redis_py.Redis]:
            proxy = stack.enter_context(Proxy(options["port"], **changes))
            client = redis_py.Redis(port=proxy.port, password=options["password"])
            return proxy, stack.enter_context(closing(client))

        yield make


@pytest.fixture
def stream(upstream: EmbeddedServer) -> Iterator[Stream]:
    with closing(upstream.client()) as client:
        client.delete("s")
        found = Stream(client, "s")
        found.add_many({"n": n} for n in range(30))
        for name in ("a", "b"):
            found.group(name).create("0")
            found.group(name).consumer("c").read(10)
        yield found


def facts(sample: Sample) -> tuple[Any, ...]:
    return (
        sample.trouble,
        sample.length,
        [(one.name, one.pending, one.lag.entries) for one in sample.groups],
    )


RIGHT = ("", 30, [("a", 10, 20), ("b", 10, 20)])


@pytest.mark.parametrize("garbage", [BAD_GATEWAY, b"\0" * 99, b"$-5\r\n", b"*1\r\n" * 99, b":\r\n"])
def test_garbage_is_one_bad_sample(through: Through, stream: Stream, garbage: bytes) -> None:
    proxy, client = through()
    observer = Observer(client, "s")
    assert facts(observer.sample()) == RIGHT
    proxy.reply = lambda _data: garbage
    bad = observer.sample()
    assert not bad.exists
    assert bad.trouble
    proxy.reply = lambda data: data
    assert facts(observer.sample()) == RIGHT


def test_a_dashboard_goes_on_after_garbage(through: Through, stream: Stream, until: Until) -> None:
    proxy, client = through()
    dashboard = watch(client, "s", rate_hz=50)
    scenario = dashboard.scenario
    assert scenario is not None
    scenario.start()

    def last() -> str | None:
        sample = dashboard.history.newest
        return sample.trouble if sample is not None else None

    until(lambda: last() == "")
    proxy.reply = lambda _data: BAD_GATEWAY
    until(lambda: "is not Redis's protocol" in (last() or ""))
    proxy.reply = lambda data: data
    until(lambda: last() == "")
    assert (scenario.state, scenario.error) == ("running", None)
    dashboard.stop()


def flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("seed", slow_but(0, of=range(5)))
def test_flipped_bits_never_stop_the_observer(through: Through, stream: Stream, seed: int) -> None:
    rng = random.Random(seed)
    proxy, client = through()
    bad = 0
    for _ in range(25):
        observer = Observer(client, "s")
        observer.sample()
        proxy.reply = lambda data: flipped(data, rng)
        bad += bool(observer.sample().trouble)
        proxy.reply = lambda data: data
        sample = observer.sample()
        assert facts(sample)[:2] == RIGHT[:2]
        assert [(one.name, one.pending) for one in sample.groups] == [("a", 10), ("b", 10)]
    assert bad > 3, "many a flipped bit is noticed"


def test_a_line_that_is_cut_anywhere_in_a_reply_is_one_bad_sample(
    through: Through, stream: Stream
) -> None:
    proxy, client = through()
    observer = Observer(client, "s")
    observer.sample()
    cuts = 0
    for size in count(1, 37):
        left = [size]

        def cut(data: bytes, left: list[int] = left) -> bytes | None:
            part = data[: left[0]]
            left[0] -= len(part)
            return part or None

        proxy.reply = cut
        sample = observer.sample()
        proxy.reply = lambda data: data
        assert facts(observer.sample()) == RIGHT
        if sample.exists:
            break  # the whole reply has passed
        assert sample.trouble
        cuts += 1
    assert cuts > 10


@pytest.mark.parametrize("command", ["MULTI", "EXEC"])
def test_without_multi_a_plain_pipeline_is_sent(command: str) -> None:
    with (
        EmbeddedServer(port=0, config=("--rename-command", command, "")) as server,
        closing(server.client()) as client,
    ):
        stream = Stream(client, "s")
        observer = Observer(client, "s")
        for _ in range(3):
            assert "no stream" in observer.sample().trouble
        stream.add_many({"n": n} for n in range(30))
        stream.group("a").create("0")
        for _ in range(3):
            sample = observer.sample()
            assert (sample.trouble, sample.length, sample.groups[0].lag.entries) == ("", 30, 30)
        other = Observer(client, "s")
        assert facts(other.sample())[:2] == ("", 30)


@pytest.mark.parametrize("command", ["XINFO", "XPENDING", "XRANGE", "XREVRANGE"])
def test_a_sample_never_lacks_in_silence_what_the_server_does_not_know(command: str) -> None:
    with (
        EmbeddedServer(port=0, config=("--rename-command", command, "")) as server,
        closing(server.client()) as client,
    ):
        stream = Stream(client, "s")
        stream.add_many({"n": n} for n in range(3))
        stream.group("a").create("0")
        stream.group("a").consumer("ann").read(2)
        sample = Observer(client, "s").sample()
        assert (sample.exists, sample.groups) == (None, ())
        assert sample.trouble == f"{command} 's' was refused: unknown command '{command}'"


def test_connect_names_the_command_that_the_server_does_not_know() -> None:
    with (
        EmbeddedServer(port=0, config=("--rename-command", "INFO", "")) as server,
        pytest.raises(ServerError, match=r"what connect\(\) needs: unknown command 'INFO'\. Allow"),
    ):
        connect(server.url)


def test_over_a_proxy_that_closes_on_multi_a_plain_pipeline_is_sent(
    through: Through, stream: Stream
) -> None:
    refused: list[bytes] = []

    def close_on_multi(data: bytes) -> bytes | None:
        if b"MULTI" not in data:
            return data
        refused.append(data)
        return None

    _, client = through(request=close_on_multi)
    observer = Observer(client, "s")
    for _ in range(10):
        assert facts(observer.sample()) == RIGHT
    assert 0 < len(refused) < 10, "it learns that MULTI does not work here"


def test_a_line_that_is_cut_once_does_not_cost_the_one_moment_of_a_sample(
    through: Through, stream: Stream
) -> None:
    requests: list[bytes] = []
    proxy, client = through(request=lambda data: requests.append(data) or data)  # type: ignore[func-returns-value]
    observer = Observer(client, "s")
    observer.sample()
    proxy.reply = lambda _data: None
    assert "does not answer" in observer.sample().trouble
    proxy.reply = lambda data: data
    requests.clear()
    assert facts(observer.sample()) == RIGHT
    assert b"MULTI" in b"".join(requests)


def test_what_a_server_before_7_cannot_tell_is_said(through: Through, stream: Stream) -> None:
    def as_before_7(data: bytes) -> bytes:
        for field in (b"entries-added", b"max-deleted-entry-id", b"entries-read", b"lag"):
            data = data.replace(b"\r\n" + field + b"\r\n", b"\r\n" + field[::-1] + b"\r\n")
        return data.replace(b"redis_version:", b"redis_version:6.2.14\r\nx:")

    proxy, client = through(reply=as_before_7)
    sample = Observer(client, "s").sample()
    assert not sample.exists
    assert "how many entries were ever added" in sample.trouble
    assert "Redis 7.0" in sample.trouble
    password = client.connection_pool.connection_kwargs["password"]
    with pytest.raises(ServerTooOld, match=r"7\.0 or newer"):
        connect(f"redis://:{password}@127.0.0.1:{proxy.port}")


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("way", ["request", "reply"])
def test_a_worker_loses_nothing_and_repeats_nothing_over_a_line_that_is_cut(
    through: Through, stream: Stream, way: str, count: int
) -> None:
    proxy, client = through()
    rng, cuts, stop = random.Random(7), 0, threading.Event()

    def cut(data: bytes) -> bytes | None:
        nonlocal cuts
        cuts += (cutting := rng.random() < 0.15)
        return None if cutting else data

    found = []
    for entry in Stream(client, "s").group("a").consumer("c").listen(count, block_ms=50, stop=stop):
        setattr(proxy, way, cut)
        found.append(int(entry.fields["n"]))
        if len(found) == 30:
            setattr(proxy, way, unchanged)
            stop.set()
    assert found == list(range(30))
    assert stream.group("a").pending().count == 0
    assert cuts > 3
