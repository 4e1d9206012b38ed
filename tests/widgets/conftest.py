"""A dashboard without a browser: what it says is kept, and one may talk to it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from streamviz import Dashboard, Scenario, series
from streamviz.widgets.plot_widget import PlotWidget


class Talk:
    """Both ends of a dashboard's protocol."""

    def __init__(self, live: PlotWidget, monkeypatch: pytest.MonkeyPatch) -> None:
        self.live = live
        self.heard: list[dict[str, Any]] = []
        self.buffers: list[bytes] = []
        monkeypatch.setattr(live, "send", self._hear)

    def _hear(self, content: dict[str, Any], buffers: Any = ()) -> None:
        if content["type"] in ("figures", "frame", "game", "problem", "timeline") and buffers:
            (text,) = buffers
            content = content | json.loads(gzip.decompress(text))
            for delta in content.get("deltas", ()):
                delta.setdefault("x", content["x"])
                for part in {"points", "set"} & set(delta):  # a name in JSON is a text
                    delta[part] = {int(i): more for i, more in delta[part].items()}
        else:
            self.buffers += buffers
        self.heard.append(content)

    def say(self, type_: Any, **more: Any) -> list[dict[str, Any]]:
        """Say something as the browser does, and return what came back at once."""
        before = len(self.heard)
        self.live._receive(self.live, {"type": type_, **more}, [])
        return self.heard[before:]

    def kinds(self) -> list[str]:
        return [one["type"] for one in self.heard]


Listen = Callable[[PlotWidget], Talk]


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Listen:
    return lambda live: Talk(live, monkeypatch)


@pytest.fixture
def shop(redis: redis_py.Redis, key: str) -> Iterator[Scenario]:
    scenario = Scenario(redis, seed=7)
    scenario.produce(key, series.constant(rate_hz=50))
    scenario.group(key, "billing", consumers=2, service_ms=20)
    yield scenario
    scenario.stop()


@pytest.fixture
def threads() -> Callable[[], int]:
    """Count the threads of ours that the test has started and that still live."""
    before = set(threading.enumerate())
    return lambda: sum(
        thread.name.startswith("streamviz") for thread in set(threading.enumerate()) - before
    )


@pytest.fixture
def talk(shop: Scenario, listen: Listen) -> Talk:
    found = listen(Dashboard(shop))
    shop.start()
    return found
