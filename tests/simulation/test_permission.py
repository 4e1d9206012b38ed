"""A scenario asks before it writes to a server that other programs use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis as redis_py

from streamviz import Dashboard, Scenario, connect, series, watch
from streamviz.cli import main
from streamviz.errors import InputError
from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster
from streamviz.simulation.ownership import RUNS_KEY
from streamviz.simulation.permission import PLAYGROUND_KEY

Until = Callable[..., None]


@pytest.fixture(scope="module")
def foreign_url(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that somebody else has started."""
    path: Path = tmp_path_factory.mktemp("foreign") / "s"
    options = ("--port", "0", "--unixsocket", str(path), "--save", "")
    with subprocess.Popen([server.program, *options], stdout=subprocess.DEVNULL) as process:
        yield f"unix://{path}"
        process.kill()


@pytest.fixture
def foreign(foreign_url: str, until: Until) -> Iterator[redis_py.Redis]:
    """A client of it; its database is empty."""
    client = redis_py.Redis.from_url(foreign_url)

    def answers() -> bool:
        try:
            return bool(client.flushdb())
        except redis_py.ConnectionError:
            return False

    until(answers)
    yield client
    client.close()


DRIVES: dict[str, Callable[[Scenario], object]] = {
    "a producer": lambda shop: shop.produce("orders", series.constant()),
    "a group": lambda shop: shop.group("orders", "audit"),
    "a group of two": lambda shop: shop.group(["orders", "refunds"], "audit", start="$"),
    "a reader": lambda shop: shop.reader("orders", "ann"),
}


@pytest.mark.parametrize("what", DRIVES)
def test_a_server_of_others_is_written_to_only_after_a_yes(
    foreign: redis_py.Redis, what: str
) -> None:
    foreign.xadd("orders", {"n": 1}, id="1-0")
    foreign.set("session", "ann")
    before = {key: foreign.dump(key) for key in foreign.scan_iter()}
    with pytest.raises(InputError, match=r"2 keys of other programs.*allow_writes=True.*watch\(\)"):
        DRIVES[what](Scenario(foreign))
    assert {key: foreign.dump(key) for key in foreign.scan_iter()} == before
    allowed = Scenario(foreign, allow_writes=True)
    DRIVES[what](allowed)
    allowed.watch("orders").run(1)
    assert not foreign.exists(PLAYGROUND_KEY), "one yes is for one scenario"
    with pytest.raises(InputError, match="allow_writes"):
        DRIVES[what](Scenario(foreign))


def test_an_empty_database_may_be_played_with_from_then_on(foreign: redis_py.Redis) -> None:
    for _ in range(2):
        shop = Scenario(foreign)
        shop.produce("orders", series.constant(rate_hz=4))
        shop.group("orders", "billing")
        assert shop.run(seconds=2).last.length == 8
    foreign.set("mine", "too")
    Scenario(foreign).group("orders", "audit")
    assert foreign.ttl(PLAYGROUND_KEY) == -1


def test_a_stream_of_others_is_watched_without_a_yes(foreign: redis_py.Redis, until: Until) -> None:
    foreign.xadd("orders", {"n": 1})
    dashboard = watch(foreign, "orders")
    scenario = dashboard.scenario
    assert scenario is not None
    scenario.start()
    until(lambda: dashboard.history.newest)
    dashboard.stop()
    Scenario(foreign).watch("orders").reader("orders", "ann", remembers="memory")
    Dashboard(Scenario(foreign).watch("orders"))
    assert foreign.keys() == [b"orders"]


def test_who_may_not_ask_is_told_to_say_yes(foreign: redis_py.Redis, foreign_url: str) -> None:
    foreign.acl_setuser("ann", enabled=True, nopass=True, keys="*", commands=["+@stream", "+info"])
    limited = redis_py.Redis.from_url(foreign_url, username="ann", password="x")
    with pytest.raises(InputError, match=r"not known whether.*dbsize.*allow_writes=True"):
        Scenario(limited).group("orders", "audit")
    limited.close()
    assert foreign.dbsize() == 0


def test_a_user_who_may_not_count_a_clusters_keys_is_told_to_say_yes(
    cluster: EmbeddedCluster,
) -> None:
    rules = ["ACL", "SETUSER", "guest", "on", ">guest", "~*", "+@all", "-info", "-dbsize"]
    for node in cluster.nodes:
        with closing(node.server.client()) as admin:
            admin.execute_command(*rules)
    try:
        with closing(cluster.client(username="guest", password="guest")) as client:
            no_permission = "run the 'dbsize' command.*allow_writes=True"
            with pytest.raises(InputError, match=no_permission):
                Scenario(client).produce("orders", series.constant())
    finally:
        for node in cluster.nodes:
            with closing(node.server.client()) as admin:
                admin.execute_command("ACL", "DELUSER", "guest")


def test_a_server_of_streamviz_is_never_asked_about(
    redis: redis_py.Redis, key: str, cluster: EmbeddedCluster
) -> None:
    redis.xadd(key, {"n": 1})
    Scenario(redis).group(key, "audit")
    assert not redis.exists(PLAYGROUND_KEY)
    with EmbeddedServer(port=0, program=cluster.nodes[0].server.program) as other:
        client = other.client()
        client.set("mine", 1)
        Scenario(client).group("orders", "audit")
        client.close()
    nodes = cluster.client()
    nodes.xadd(f"{key}:parts", {"n": 1})
    Scenario(nodes).group(f"{key}:parts", "audit")
    nodes.delete(f"{key}:parts")
    nodes.close()


def test_the_course_asks_too(
    foreign: redis_py.Redis,
    foreign_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    foreign.set("session", "ann")
    monkeypatch.setenv("REDIS_URL", foreign_url)
    assert main(["tutorial", str(tmp_path / "course")]) == 1
    assert "streamviz tutorial --allow-writes" in capsys.readouterr().err
    assert not (tmp_path / "course").exists()
    notebook = [sys.executable, "-c", "from exercises import start_here"]  # its first line
    course = Path(__file__).parents[2] / "notebooks"
    opened = subprocess.run(notebook, capture_output=True, text=True, cwd=course)
    assert opened.returncode == 1
    assert "1 key of other programs. If it may, set STREAMVIZ_ALLOW_WRITES=1" in opened.stderr
    assert connect().keys() == [b"session"]
    monkeypatch.setenv("STREAMVIZ_ALLOW_WRITES", "1")
    assert subprocess.run(notebook, capture_output=True, cwd=course).returncode == 0


def test_all_that_a_scenario_leaves_begins_with_its_names_or_the_kits_own(
    foreign: redis_py.Redis,
) -> None:
    foreign.set("session", "ann")
    shop = Scenario(foreign, allow_writes=True)
    shop.produce("demo:orders", series.constant(rate_hz=20).limit(5))
    for name in ("demo:orders", "demo:refunds"):
        poison = {"delivery_limit": 1, "dead_letters": "demo:dead", "claim_idle_ms": 100}
        shop.group(name, f"g of {name}", fail=lambda _: True, **poison)
    shop.reader("demo:orders", "ann")
    shop.subscriber("demo:orders", "bob")
    shop.run(seconds=10)
    made = {key.decode() for key in foreign.scan_iter()} - {"session"}
    assert made >= {"demo:orders", "demo:refunds", "demo:dead", "demo:orders:readers"}
    assert made - {key for key in made if key.startswith("demo:")} == {RUNS_KEY}
