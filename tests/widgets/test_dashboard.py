"""Dashboards by name: what they show, what they refuse, and that watching leaves no trace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from inspect import getattr_static
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from plots.histories import group, history, sample
from redis.exceptions import NoPermissionError
from traitlets import BaseDescriptor

from streamviz import (
    Dashboard,
    EntryId,
    History,
    Observer,
    Scenario,
    Stream,
    ack_progress,
    connect,
    cursors,
    flow,
    group_lag,
    pending_age,
    series,
    side_by_side,
    stream_map,
    watch,
)
from streamviz.errors import InputError, StreamVizError
from streamviz.patterns.offsets import HashOffset
from streamviz.plots import GroupLag
from streamviz.server.embedded import EmbeddedServer
from streamviz.widgets.controls import controls_of
from streamviz.widgets.live import Live

Until = Callable[..., None]
SEEN = history(sample(1, group("g")))
HOW_TO = Path(__file__).parents[2] / "docs/how_to/watch.md"
RIGHTS = "-@all +xinfo +xrange +xrevrange +xpending +multi +exec +info"
"""The smallest that a watcher needs; INFO is for `connect`, MULTI for samples of one moment."""


def test_each_dashboard_shows_its_pictures() -> None:
    dashboards = {
        flow: ["Flow"],
        stream_map: ["Stream map"],
        group_lag: ["Group lag"],
        ack_progress: ["Ack progress"],
        pending_age: ["Oldest pending entry"],
        cursors: ["Cursors"],
        side_by_side: ["Sent and received"],
        Dashboard: ["Flow", "Entries waiting and oldest pending"],
    }
    for make, titles in dashboards.items():
        assert [plot.title for plot in make(SEEN).plots] == titles
    assert group_lag(SEEN, unit="seconds").plots[0].title == "Group lag in seconds"
    assert Dashboard(SEEN, plots=[GroupLag()]).plots[0].title == "Group lag"
    assert ack_progress(SEEN, group="g").plots[0].figure(SEEN)["data"]


@pytest.mark.parametrize("make", [Dashboard, stream_map, group_lag, ack_progress])
@pytest.mark.parametrize("source", [None, 5, "orders", [], SEEN.last, object()])
def test_only_a_scenario_or_a_history_is_shown(make: Callable[..., Live], source: Any) -> None:
    with pytest.raises(InputError, match="give a Scenario, Steps or a History"):
        make(source)


@pytest.mark.parametrize("make", [Dashboard, stream_map, group_lag, ack_progress])
def test_a_stream_must_be_one_of_the_scenarios(
    redis: redis_py.Redis, prefix: str, make: Callable[..., Live]
) -> None:
    empty = Scenario(redis)
    with pytest.raises(InputError, match="no stream"):
        make(empty)
    two = Scenario(redis).watch(f"{prefix}a").watch(f"{prefix}b")
    assert make(two).history is two.histories[f"{prefix}a"]
    assert make(two, stream=f"{prefix}b").history is two.histories[f"{prefix}b"]
    for stream in ("nope", "", 5, b"a", [f"{prefix}a"]):
        with pytest.raises(InputError, match=r"there is no stream .*[Tt]he streams are"):
            make(two, stream=stream)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (group_lag, {"unit": "hours"}),
        (group_lag, {"unit": None}),
        (ack_progress, {"group": 5}),
        (ack_progress, {"group": b"g"}),
        (Dashboard, {"plots": ["group lag"]}),
        (Dashboard, {"plots": [GroupLag]}),
        (Dashboard, {"plots": GroupLag()}),
        (Dashboard, {"plots": []}),
    ],
    ids=lambda value: getattr(value, "__name__", None) or re.sub(r" at 0x\w+", "", str(value)),
)
def test_a_bad_option_is_refused(make: Callable[..., Live], options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        make(SEEN, **options)


@pytest.mark.parametrize("rate_hz", [0, -1, 100.1, True, "10", None, float("nan"), float("inf")])
def test_a_rate_must_be_samples_per_second(redis: redis_py.Redis, key: str, rate_hz: Any) -> None:
    with pytest.raises(InputError, match="rate_hz="):
        watch(redis, key, rate_hz=rate_hz)


@pytest.mark.parametrize("rate_hz", [0.01, 1, 100])
def test_the_rate_says_how_often_it_samples(
    redis: redis_py.Redis, key: str, rate_hz: float
) -> None:
    dashboard = watch(redis, key, rate_hz=rate_hz)
    assert dashboard.scenario is not None
    assert dashboard.scenario.sample_every_ms == 1000 / rate_hz


def test_watch_wants_a_client_and_a_key(redis: redis_py.Redis, key: str) -> None:
    client: Any
    stream: Any
    for client in (None, "redis://localhost", 5):
        with pytest.raises(InputError, match="is not a Redis client"):
            watch(client, key)
    for stream in ("", b"orders", None, 5):
        with pytest.raises(InputError, match="is not a stream's key"):
            watch(redis, stream)


def everything(redis: redis_py.Redis, key: str) -> tuple[Any, Any]:
    return redis.execute_command("XINFO", "STREAM", key, "FULL", "COUNT", 0), redis.dump(key)


@pytest.fixture
def orders(redis: redis_py.Redis, key: str) -> Stream:
    stream = Stream(redis, key)
    stream.add_many((f"{ms}-0", {"n": ms}) for ms in range(1, 201))
    for name in ("billing", "email"):
        stream.group(name).create("0")
        stream.group(name).consumer("ann").read(30)
    stream.group("billing").ack("1-0", "2-0")
    stream.delete("100-0")
    return stream


@pytest.fixture
def user(redis: redis_py.Redis) -> Iterator[Callable[[str], str]]:
    """Make a user with these rights; it is gone afterwards."""
    made = []

    def make(rights: str) -> str:
        name = f"watcher-{len(made)}"
        made.append(name)
        redis.execute_command("ACL", "SETUSER", name, "reset", "on", ">word", *rights.split())
        return name

    yield make
    redis.execute_command("ACL", "DELUSER", *made)


def readme_rights(key: str) -> str:
    line, _in_a_cluster = re.findall(
        r"^ACL SETUSER streamviz on >\S+ (.*)$", HOW_TO.read_text("utf-8"), re.M
    )
    assert "%R~orders*" in line
    return line.replace("%R~orders*", f"%R~{key}")


@pytest.mark.parametrize("rights", ["smallest", "documented"])
def test_a_watcher_that_cannot_write_sees_all_and_leaves_no_trace(
    server: EmbeddedServer,
    redis: redis_py.Redis,
    orders: Stream,
    until: Until,
    user: Callable[[str], str],
    rights: str,
) -> None:
    small = f"resetkeys %R~{orders.key} resetchannels {RIGHTS}"
    name = user(small if rights == "smallest" else readme_rights(orders.key))
    client = connect(server.url, username=name, password="word")
    with pytest.raises(NoPermissionError):
        client.xadd(orders.key, {"n": 1})
    redis.acl_log_reset()
    before = everything(redis, orders.key)
    dashboard = watch(client, orders.key, rate_hz=100)
    assert dashboard.scenario is not None
    dashboard.scenario.start()
    until(lambda: len(dashboard.history) > 10)
    dashboard.stop()
    client.close()
    assert everything(redis, orders.key) == before
    last = dashboard.history.newest
    assert last is not None
    assert (last.trouble, last.length) == ("", 199)
    assert [(one.pending, one.lag.entries, len(one.oldest)) for one in last.groups] == [
        (28, 169, 28),
        (30, 169, 30),
    ]
    denied = {one["object"] for one in redis.acl_log() if one["username"] == name}
    assert denied <= {"client|setinfo", "client|setname"}, (
        "a connection tells its name where it may"
    )


def test_the_two_more_rights_of_the_page_name_the_connection_and_show_the_readers(
    server: EmbeddedServer, redis: redis_py.Redis, orders: Stream, user: Callable[[str], str]
) -> None:
    page = HOW_TO.read_text("utf-8")
    more = re.findall(r"`(\+[\w|]+)` (?:gives|allows)", page)
    (shown,) = re.findall(r"`CLIENT LIST` shows these connections under the name `(.+?)`", page)
    readers = f"{orders.key}:readers"
    HashOffset(redis, readers, "ann").save(EntryId(5))
    for rights, names in (more, {shown}), (more[1:], {""}), (more[:1], {shown}):
        name = user(" ".join([readme_rights(f"{orders.key}*"), *rights]))
        client = connect(server.url, username=name, password="word")
        observer = Observer(client, orders.key, readers=readers)
        sample = observer.sample()
        assert {one["name"] for one in redis.client_list() if one["user"] == name} == names
        assert [one.position for one in sample.readers] == (
            [EntryId(5)] if "+hgetall" in rights else []
        )
        assert ("HGETALL" in sample.trouble) is ("+hgetall" not in rights)
        client.close()


@pytest.mark.parametrize("right", RIGHTS.split()[1:])
def test_without_any_one_right_it_says_so_or_samples_without_multi(
    server: EmbeddedServer,
    orders: Stream,
    until: Until,
    user: Callable[[str], str],
    right: str,
) -> None:
    name = user(f"resetkeys %R~{orders.key} resetchannels {RIGHTS.replace(f' {right}', '')}")
    if right == "+info":
        with pytest.raises(StreamVizError, match="info"):
            connect(server.url, username=name, password="word")
        return
    client = connect(server.url, username=name, password="word")
    dashboard = watch(client, orders.key, rate_hz=100)
    assert dashboard.scenario is not None
    dashboard.scenario.start()
    until(lambda: len(dashboard.history) > 1 or dashboard.scenario.clock.error)
    dashboard.stop()
    client.close()
    last = dashboard.history.newest
    assert last is not None
    if right in ("+multi", "+exec"):
        assert (last.trouble, len(last.groups)) == ("", 2)
    else:
        assert right.removeprefix("+") in last.trouble.lower()
        assert "ACL" in last.trouble


def test_readers_that_keep_their_places_in_a_hash_are_watched_too(
    redis: redis_py.Redis, orders: Stream, prefix: str, until: Until
) -> None:
    place = HashOffset(redis, f"{prefix}readers", "ann")
    place.save(EntryId(7))
    dashboard = watch(redis, orders.key, rate_hz=100, readers=place.key)
    assert [plot.title for plot in dashboard.plots][:2] == ["Flow", "Cursors"]
    assert dashboard.scenario is not None
    dashboard.scenario.start()
    until(lambda: dashboard.history.reader_names == ("ann",))
    place.save(EntryId(200))
    until(lambda: "ann is at the newest" in dashboard.plots[1].summary(dashboard.history))
    dashboard.stop()


def test_a_watched_stream_is_not_made(redis: redis_py.Redis, key: str, until: Until) -> None:
    dashboard = watch(redis, key, rate_hz=100)
    assert dashboard.scenario is not None
    dashboard.scenario.start()
    until(lambda: len(dashboard.history) > 2)
    dashboard.stop()
    assert not redis.exists(key)
    assert dashboard.plots[0].summary(dashboard.history) == f"no stream {key!r} yet"


def test_a_watchers_dashboard_can_be_paused_but_drives_nothing(
    redis: redis_py.Redis, orders: Stream, prefix: str
) -> None:
    dashboard = watch(redis, orders.key)
    assert dashboard.scenario is not None
    panel = controls_of(dashboard.scenario)
    assert (panel["live"], panel["driven"]) == (True, False)
    driven = Scenario(redis)
    driven.produce(f"{prefix}mine", series.constant())
    assert controls_of(driven)["driven"] is True


def test_completion_of_a_dashboard_lists_what_is_ours() -> None:
    names = {name for name in dir(Dashboard(History())) if not name.startswith("_")}
    assert {"figure", "speed", "state", "stop", "update", "close", "layout"} <= names
    assert not {"comm", "keys", "set_trait", "trait_names"} & names
    assert len(names) < 25
    names = {name for name in dir(Dashboard) if not name.startswith("_")}
    assert {"figure", "speed", "state", "stop", "update", "close", "layout"} <= names
    assert not {"set_trait", "trait_names", "get_manager_state", "on_msg"} & names
    assert len(names) < 25
    found = {
        name
        for name in type.__dir__(Dashboard)
        if isinstance(getattr_static(Dashboard, name, 0), BaseDescriptor)
    }
    assert found <= {*dir(Dashboard)}, "traitlets finds its traits and handlers by dir()"
    assert len(found) > 20
