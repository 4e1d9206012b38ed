"""Watching only reads: the server itself says so of every command that it was sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from streamviz import Dashboard, Observer, Scenario, Stream, record, watch
from streamviz.observation import PartitionObserver
from streamviz.patterns import HashOffset, Partitions
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]


class Monitor:
    """The commands that a server is sent, with the port that each comes from."""

    def __init__(self, client: redis_py.Redis) -> None:
        self.lines: list[tuple[int, str]] = []
        self._monitor = client.monitor()
        self._thread = threading.Thread(target=self._listen)

    def _listen(self) -> None:
        for line in self._monitor.listen():
            if "the end" in line["command"]:
                return
            self.lines.append((int(line["client_port"]), line["command"]))

    def __enter__(self) -> Monitor:
        self._monitor.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(20)
        self._monitor.__exit__()


@pytest.fixture
def admin(server: EmbeddedServer) -> Iterator[redis_py.Redis]:
    """A client of a server that MONITOR can tell ports of."""
    with EmbeddedServer(port=0, program=server.program) as own:
        client = own.client()
        yield client
        client.close()


def test_with_every_option_no_command_writes(
    admin: redis_py.Redis, until: Until, tmp_path: Path
) -> None:
    orders = Stream(admin, "orders")
    orders.add_many({"n": n, "large": "x" * 100} for n in range(3000))
    for number in range(3):
        orders.group(f"g{number}").create("0")
        orders.group(f"g{number}").consumer("ann").read(5)
    HashOffset(admin, "orders:readers", "bob").save("5-0")
    parts = Partitions(admin, "parts", 3)
    parts.add_many((str(n), {"n": n}) for n in range(100))
    redis_py.Redis.acl_setuser(
        admin, "eyes", enabled=True, passwords=["+only"], reset=True,
        commands=["-@all", "+@read", "+multi", "+exec", "+info"],
    )  # fmt: skip
    admin.execute_command("ACL", "SETUSER", "eyes", "%R~*")
    options: dict[str, Any] = admin.connection_pool.connection_kwargs
    eyes = redis_py.Redis("127.0.0.1", options["port"], username="eyes", password="only")
    own_port = int(str(admin.client_info()["addr"]).rpartition(":")[2])
    before = {key: admin.dump(key) for key in admin.scan_iter()}
    with Monitor(admin) as monitor:
        watched = Scenario(eyes, memory=True, fields="show", sample_every_ms=20)
        watched.watch("orders", readers="orders:readers").watch(Partitions(eyes, "parts", 3))
        observer = Observer(eyes, "orders", memory=True, readers="orders:readers")
        dashboards = [
            Dashboard(watched, commands=True),
            watch(eyes, "orders", readers="orders:readers", rate_hz=50),
            watch(Partitions(eyes, "parts", 3), rate_hz=50),
        ]
        with record(watched, tmp_path / "run.jsonl.gz"):
            for dashboard in dashboards:
                assert dashboard.scenario is not None
                dashboard.scenario.start()
            for dashboard in dashboards:
                until(lambda dashboard=dashboard: len(dashboard.history) > 5, 20)
            for _ in range(5):
                assert observer.sample().trouble == ""
            assert PartitionObserver(Partitions(eyes, "parts", 3)).sample().trouble == ""
            for dashboard in dashboards:
                dashboard.stop()
                assert {one.trouble for one in dashboard.history.samples} == {""}
        admin.echo("the end")
    eyes.close()
    sent = [command.split()[0].upper() for port, command in monitor.lines if port != own_port]
    assert len(sent) > 100
    assert {"XINFO", "XPENDING", "XRANGE", "MEMORY", "HGETALL"} <= set(sent)
    flags = {name: details["flags"] for name, details in admin.command().items()}
    assert "write" in flags["xadd"]
    assert [name for name in set(sent) if "write" in flags[name.lower()]] == []
    assert {key: admin.dump(key) for key in admin.scan_iter()} == before
