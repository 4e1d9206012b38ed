"""The workers of notebook 04, as processes: each order is billed once, whatever dies or breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis as redis_py
from proxy import Proxy
from slow import slow_but

from streamviz.server.embedded import EmbeddedServer, free_port

EXAMPLES = Path(__file__).parents[2] / "notebooks" / "examples"
GROUP = "billing"
PATIENCE_S = 20  # processes start slowly where others work, too
Until = Callable[..., None]
Process = subprocess.Popen[bytes]

each_worker = pytest.mark.parametrize("program", ["worker.py", "worker_async.py"])
mostly_one = pytest.mark.parametrize(
    "program", slow_but("worker.py", of=["worker.py", "worker_async.py"])
)
each_point = pytest.mark.parametrize(
    ("way", "data"),
    [
        ("reply", b"price"),
        ("request", b"EXEC"),
        ("reply", b"QUEUED"),
        ("request", b"XACK"),
    ],
    ids=["a delivery arrives", "it writes a bill", "it has written one", "it acknowledges"],
)


class Shop:
    """Adds orders, starts workers, and tells what became of the orders."""

    def __init__(self, url: str, folder: Path, stack: ExitStack) -> None:
        self.url, self.complaints, self._stack = url, folder / "stderr", stack
        self.stream = f"test:{uuid.uuid4().hex}"
        self.client: Any = redis_py.Redis.from_url(url, decode_responses=True, protocol=2)
        self.added = 0
        stack.callback(self.client.close)

    def add(self, count: int) -> None:
        for _ in range(count):
            self.client.xadd(self.stream, {"customer": f"c{self.added}", "price": 1})
            self.added += 1

    def start(self, program: str, name: str = "billing-1", url: str = "") -> Process:
        """Start a worker, which ends with the test; its complaints go to a file."""
        with self.complaints.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, str(EXAMPLES / program), self.stream, GROUP, name],
                env=os.environ | {"REDIS_URL": url or self.url},
                stderr=file,
            )
        self._stack.callback(process.wait, PATIENCE_S)
        self._stack.callback(process.kill)
        return process

    def through(self, trap: Trap) -> str:
        """Return the URL of a proxy with a trap in it."""
        parts = urlsplit(self.url)
        assert parts.port
        proxy = Proxy(parts.port, request=trap.request, reply=trap.reply)
        self._stack.enter_context(proxy)
        self._stack.callback(trap.release.set)
        return f"redis://:{parts.password}@127.0.0.1:{proxy.port}"

    @property
    def bills(self) -> dict[str, str]:
        return dict(self.client.hgetall(f"{self.stream}:bills"))

    @property
    def pending(self) -> int:
        return int(self.client.xpending(self.stream, GROUP)["pending"])

    @property
    def delivered(self) -> int:
        (group,) = self.client.xinfo_groups(self.stream)
        return int(group["entries-read"] or 0)

    def at_rest(self) -> bool:
        return len(self.bills) == self.added == self.delivered and not self.pending

    def all_billed_once(self) -> bool:
        return self.bills == {f"c{n}": "1" for n in range(self.added)} and self.added > 0


class Trap:
    """Does something when certain data pass a proxy for the first time."""

    def __init__(self, way: str, data: bytes, action: Callable[[Trap], bool]) -> None:
        self.way, self.data, self.action = way, data, action
        self.process: Process | None = None
        self.sprung, self.release = threading.Event(), threading.Event()

    def request(self, data: bytes) -> bytes | None:
        return self._passes("request", data)

    def reply(self, data: bytes) -> bytes | None:
        return self._passes("reply", data)

    def _passes(self, way: str, data: bytes) -> bytes | None:
        if way != self.way or self.data not in data or self.sprung.is_set():
            return data
        self.sprung.set()
        return data if self.action(self) else None  # None ends the connection


def send(number: signal.Signals, *, pass_on: bool) -> Callable[[Trap], bool]:
    def act(trap: Trap) -> bool:
        assert trap.process is not None
        trap.process.send_signal(number)
        return pass_on

    return act


@pytest.fixture(scope="module")
def upstream(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(port=0, program=server.program) as running:
        yield running


@pytest.fixture
def shop(upstream: EmbeddedServer, tmp_path: Path) -> Iterator[Shop]:
    with ExitStack() as stack:
        opened = Shop(upstream.url, tmp_path, stack)
        yield opened
        assert "Traceback" not in opened.complaints.read_text("utf-8")


@mostly_one
@each_point
def test_killed_at_any_point_and_started_again(
    shop: Shop, until: Until, program: str, way: str, data: bytes
) -> None:
    shop.add(3)
    trap = Trap(way, data, send(signal.SIGKILL, pass_on=False))
    trap.process = shop.start(program, url=shop.through(trap))
    assert trap.process.wait(PATIENCE_S) == -signal.SIGKILL
    until(lambda: shop.pending == 1)
    shop.start(program)
    until(shop.at_rest, PATIENCE_S)
    assert shop.all_billed_once()


@each_worker
def test_killed_again_and_again(shop: Shop, until: Until, program: str) -> None:
    shop.add(200)
    for billed in (1, 30, 80):
        process = shop.start(program)
        until(lambda billed=billed: len(shop.bills) >= billed, PATIENCE_S)
        process.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    shop.add(20)  # or a fast worker has nothing left to do
    assert not shop.at_rest()
    shop.start(program)
    until(shop.at_rest, PATIENCE_S)
    assert shop.all_billed_once()


@mostly_one
@each_point
def test_the_connection_is_lost_at_any_point(
    shop: Shop, until: Until, program: str, way: str, data: bytes
) -> None:
    shop.add(3)
    trap = Trap(way, data, lambda _trap: False)
    process = shop.start(program, url=shop.through(trap))
    until(shop.at_rest, PATIENCE_S)
    assert trap.sprung.is_set()
    assert shop.all_billed_once()
    assert process.poll() is None


@mostly_one
@each_point
def test_sigterm_while_an_order_is_at_hand(shop: Shop, program: str, way: str, data: bytes) -> None:
    shop.add(50)
    trap = Trap(way, data, send(signal.SIGTERM, pass_on=True))
    trap.process = shop.start(program, url=shop.through(trap))
    assert trap.process.wait(PATIENCE_S) == 0
    assert shop.pending == 0
    assert 1 <= len(shop.bills) == shop.delivered < 50


@mostly_one
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_while_it_waits_for_orders(
    shop: Shop, until: Until, program: str, number: signal.Signals
) -> None:
    shop.add(1)
    process = shop.start(program)
    until(shop.at_rest, PATIENCE_S)
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 0
    assert shop.pending == 0


@mostly_one
def test_stopped_while_there_is_no_server(shop: Shop, until: Until, program: str) -> None:
    process = shop.start(program, url=f"redis://127.0.0.1:{free_port()}")
    until(lambda: b"Trying again" in shop.complaints.read_bytes(), PATIENCE_S)
    assert process.poll() is None
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


@each_worker
def test_another_worker_claims_the_order_at_hand(shop: Shop, until: Until, program: str) -> None:
    shop.add(1)
    trap = Trap("request", b"EXEC", lambda trap: trap.release.wait(PATIENCE_S))
    slow = shop.start(program, url=shop.through(trap))
    assert trap.sprung.wait(PATIENCE_S)
    (held,) = shop.client.xpending_range(shop.stream, GROUP, "-", "+", 10)
    shop.client.xclaim(shop.stream, GROUP, "billing-2", 0, [held["message_id"]])
    other = shop.start(program, "billing-2")
    until(shop.at_rest, PATIENCE_S)
    other.terminate()
    assert other.wait(PATIENCE_S) == 0
    trap.release.set()
    shop.add(1)
    until(shop.at_rest, PATIENCE_S)
    assert slow.poll() is None
    assert shop.all_billed_once()


@mostly_one
def test_an_order_deleted_while_it_was_pending(shop: Shop, until: Until, program: str) -> None:
    shop.client.xgroup_create(shop.stream, GROUP, id="0", mkstream=True)
    order = shop.client.xadd(shop.stream, {"customer": "gone", "price": 1})
    shop.client.xreadgroup(GROUP, "billing-1", {shop.stream: ">"})
    shop.client.xdel(shop.stream, order)
    assert shop.pending == 1
    shop.add(1)
    shop.start(program)
    until(lambda: shop.all_billed_once() and not shop.pending, PATIENCE_S)


@mostly_one
@pytest.mark.parametrize("keeps", [True, False], ids=["with its data", "without its data"])
def test_the_server_starts_again(
    server: EmbeddedServer, tmp_path: Path, until: Until, program: str, keeps: bool
) -> None:
    on_disk = ("--dir", str(tmp_path), "--appendonly", "yes", "--appendfsync", "always")
    config = on_disk if keeps else ()
    port, password = free_port(), uuid.uuid4().hex
    with ExitStack() as stack:
        with EmbeddedServer(port, program=server.program, config=config, password=password) as one:
            shop = Shop(one.url, tmp_path, stack)
            shop.add(3)
            process = shop.start(program)
            until(shop.at_rest, PATIENCE_S)
        until(lambda: b"Trying again" in shop.complaints.read_bytes(), PATIENCE_S)
        stack.enter_context(
            EmbeddedServer(port, program=server.program, config=config, password=password)
        )
        shop.added = 3 if keeps else 0
        shop.add(3)
        until(shop.at_rest, PATIENCE_S)
        assert shop.all_billed_once()
        assert process.poll() is None
