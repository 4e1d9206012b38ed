"""A server that hangs, a host that never answers, a wrong password: told in time, and survived."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import redis as redis_py
from frozen import frozen

from streamviz import Dashboard, Scenario, series, watch
from streamviz.observation.observer import Observer
from streamviz.server.embedded import EmbeddedServer
from streamviz.widgets.live import Live

Until = Callable[..., None]
TOLD_WITHIN_S = 8  # 1.5 s, and what a busy machine adds; nine that waited in turn would take 13


class Page:
    """What a browser does with a dashboard, without a browser."""

    def __init__(self, dashboard: Live, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dashboard = dashboard
        self.messages: list[dict[str, Any]] = []
        monkeypatch.setattr(dashboard, "send", self._receive)
        dashboard._start()
        self.say("hello")

    def _receive(self, content: dict[str, Any], buffers: Any = ()) -> None:
        packed = content["type"] in ("figures", "frame", "problem")
        more = json.loads(gzip.decompress(buffers[0])) if packed else {}
        self.messages.append(content | more)

    def say(self, kind: str, **more: Any) -> None:
        self.dashboard._receive(self.dashboard, {"type": kind, **more}, [])

    @property
    def trouble(self) -> str:
        """The trouble that the page shows."""
        self.say("grant", frames=16)
        statuses = [one["status"] for one in self.messages if "status" in one]
        return str(statuses[-1]["trouble"]) if statuses else ""

    @property
    def entries(self) -> int:
        last = self.dashboard.history.newest
        return last.length if last is not None else 0


Open = Callable[[Live], Page]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    pages: list[Page] = []

    def make(dashboard: Live) -> Page:
        pages.append(Page(dashboard, monkeypatch))
        return pages[-1]

    yield make
    for page in pages:
        page.dashboard.stop()


@pytest.fixture
def server_of_ones_own() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(port=0) as running:
        yield running


def default_client(server: EmbeddedServer, **options: Any) -> redis_py.Redis:
    """Return a client as redis-py makes it: with long time-outs, and retries."""
    with closing(server.client()) as client:
        kwargs = client.connection_pool.connection_kwargs
        return redis_py.Redis(**{"port": kwargs["port"], "password": kwargs["password"], **options})


def pause_and_resume(page: Page) -> None:
    scenario = page.dashboard.scenario
    assert scenario is not None
    page.say("control", do="pause")
    assert scenario.state == "paused"
    page.say("control", do="resume")
    assert scenario.state == "running"
    assert not [one for one in page.messages if one["type"] == "problem"]


@pytest.mark.parametrize("opened", ["before", "meanwhile"])
def test_a_server_that_hangs_is_told_of_and_seen_again_when_it_goes_on(
    server_of_ones_own: EmbeddedServer, until: Until, open_page: Open, opened: str
) -> None:
    client = default_client(server_of_ones_own)
    client.xadd("s", {"n": 1})
    dashboard = watch(client, "s", rate_hz=20)
    if opened == "before":
        page = open_page(dashboard)
        until(lambda: page.entries == 1)
    with frozen(server_of_ones_own):
        if opened == "meanwhile":
            page = open_page(dashboard)
        until(lambda: "does not answer in time" in page.trouble, TOLD_WITHIN_S)
        assert "handler" not in page.trouble
        pause_and_resume(page)
    until(lambda: page.entries == 1 and not page.trouble)
    client.close()


def test_a_dashboard_of_many_streams_is_told_of_the_hanging_server_for_all_of_them(
    server_of_ones_own: EmbeddedServer, until: Until, open_page: Open
) -> None:
    client = default_client(server_of_ones_own)
    scenario = Scenario(client)
    for n in range(9):
        scenario.watch(f"s{n}")
    with frozen(server_of_ones_own):
        page = open_page(Dashboard(scenario))
        until(
            lambda: all(one.newest and one.newest.trouble for one in scenario.histories.values()),
            TOLD_WITHIN_S,
        )
        pause_and_resume(page)
    client.close()


def test_a_scenario_goes_on_when_the_server_does(
    server_of_ones_own: EmbeddedServer, until: Until, open_page: Open
) -> None:
    client = default_client(server_of_ones_own, retry=None, socket_timeout=1)
    scenario = Scenario(client)
    producer = scenario.produce("s", series.constant(rate_hz=50))
    page = open_page(Dashboard(scenario))
    until(lambda: producer.added > 5)
    with frozen(server_of_ones_own):
        until(lambda: "does not answer in time" in page.trouble, 10)
        added = producer.added
    until(lambda: producer.added > added and not page.trouble, 10)
    assert scenario.error is None
    client.close()


def test_a_scenario_shown_while_the_server_hangs_is_live_when_it_goes_on(
    server_of_ones_own: EmbeddedServer, until: Until, open_page: Open
) -> None:
    client = default_client(server_of_ones_own)
    scenario = Scenario(client)
    producer = scenario.produce("s", series.constant(rate_hz=50))
    scenario.group("s", "g", service_ms=1)
    with frozen(server_of_ones_own):
        page = open_page(Dashboard(scenario))
        assert page.messages[0]["type"] == "figures", "hello is answered without the server"
        pause_and_resume(page)
    until(lambda: page.entries > 5 and not page.trouble, 20)
    assert producer.added > 5
    assert scenario.error is None
    client.close()


def test_a_host_that_never_answers_is_told_of(until: Until, open_page: Open) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # the kernel answers as many as it may keep, and no more
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        client = redis_py.Redis(port=listener.getsockname()[1])
        page = open_page(watch(client, "s"))
        until(lambda: "does not answer in time: localhost" in page.trouble, TOLD_WITHIN_S)
        pause_and_resume(page)


def test_a_wrong_password_is_told_of_and_a_corrected_one_works(
    server_of_ones_own: EmbeddedServer, until: Until, open_page: Open
) -> None:
    page = open_page(watch(default_client(server_of_ones_own, password="not-this"), "s"))
    until(lambda: "did not accept the user or the password" in page.trouble, TOLD_WITHIN_S)
    assert "not-this" not in repr(page.messages)
    pause_and_resume(page)
    with closing(server_of_ones_own.client()) as admin:
        admin.xadd("s", {"n": 1})
        admin.config_set("requirepass", "not-this")
        until(lambda: page.entries == 1 and not page.trouble)


def test_an_observer_waits_for_its_server_only_a_moment(
    server_of_ones_own: EmbeddedServer,
) -> None:
    client = default_client(server_of_ones_own)
    client.xadd("s", {"n": 1})
    observer = Observer(client, "s")
    with frozen(server_of_ones_own):
        for _ in range(2):
            assert "does not answer in time" in observer.sample().trouble
    client.close()


def test_a_page_that_opens_while_the_clock_is_busy_gets_its_figures_at_once(
    redis: redis_py.Redis,
    key: str,
    until: Until,
    open_page: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = Scenario(redis)
    scenario.produce(key, series.constant(rate_hz=50))
    busy, idle = threading.Event(), threading.Event()

    def hang(_entry: Any) -> None:
        busy.set()
        assert idle.wait(20)

    scenario.group(key, "g", handler=hang)
    scenario.start()
    assert busy.wait(20)
    page = open_page(Dashboard(scenario))
    assert [one["type"] for one in page.messages] == ["figures"]
    idle.set()
    until(lambda: page.say("grant", frames=16) or page.messages[-1]["type"] == "frame")


def wait_until_busy(scenario: Scenario, until: Until) -> None:
    """Wait until a command of the scenario waits for the server that hangs."""
    until(lambda: scenario.clock.do(lambda: None, "nothing") or scenario.clock.waiting, 10)


def test_what_is_asked_for_while_the_server_hangs_is_done_as_soon_as_it_goes_on(
    server_of_ones_own: EmbeddedServer,
    until: Until,
    open_page: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streamviz.simulation.actions.PATIENCE_S", 0.05)
    client = default_client(server_of_ones_own, socket_timeout=None)  # what waits, waits for ever
    scenario = Scenario(client, sample_every_ms=60_000)  # the observer's calls end by themselves
    producer = scenario.produce("s", series.constant(rate_hz=100))
    group = scenario.group("s", "g", consumers=3, service_ms=1)
    page = open_page(Dashboard(scenario))
    until(lambda: producer.added > 5)
    first, second, third = group.consumers.values()
    second.kill()
    with frozen(server_of_ones_own):
        wait_until_busy(scenario, until)
        page.messages.clear()
        page.say("control", do="kill", group="g", which="g-1")
        page.say("control", do="revive", group="g", which="g-2")
        page.say("control", do="rate", which=0, value=3)
        page.say("control", do="add", which="g")
        group.remove_consumer("g-3")
        page.say("control", do="speed", value=2)
        page.say("control", do="slow", group="g", which="g-2", value=4)
        assert scenario.summary().group("g").handled == sum(
            one.handled for one in (first, second, third)
        )
        page.say("control", do="pause")
        assert (scenario.state, scenario.speed) == ("paused", 2)
        assert not [one for one in page.messages if one["type"] == "problem"]
        assert page.trouble.startswith("the server has not answered; as soon as it does: nothing")
        assert page.trouble.endswith(
            "kill g-1, revive g-2, change the rate of producer-1, start g-4, remove g-3"
        )
        page.say("control", do="step")
        (problem,) = (one["text"] for one in page.messages if one["type"] == "problem")
        assert problem == "the server has not answered: try again as soon as it does"
        page.say("control", do="resume")
        assert (first.alive, second.alive, producer.rate) == (True, False, 1)
    until(lambda: third.removed and group.consumers["g-4"].handled and not page.trouble, 10)
    assert (first.alive, second.alive, producer.rate) == (False, True, 3)
    assert scenario.error is None
    with frozen(server_of_ones_own):
        wait_until_busy(scenario, until)
        page.say("bye")
        assert scenario.state == "paused", "its last view was closed"
        with pytest.warns(RuntimeWarning, match="^the server has not answered: the clock stops"):
            scenario.stop()
    client.close()


def test_a_stream_is_added_while_a_sample_waits_for_the_server(
    server_of_ones_own: EmbeddedServer, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamviz.simulation.actions.PATIENCE_S", 0.05)
    client = default_client(server_of_ones_own)
    client.xadd("t", {"n": 1})
    with Scenario(client, sample_every_ms=10).watch("s") as scenario:
        scenario.start()
        with frozen(server_of_ones_own):
            wait_until_busy(scenario, until)
            scenario.watch("t")
        history = scenario.histories["t"]
        until(lambda: history.newest and history.newest.length == 1)
        assert (scenario.state, scenario.error) == ("running", None)
    client.close()
