"""Each argument of each public call with many wrong values: no error is raw."""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

import streamviz
from streamviz import (
    Observer,
    Scenario,
    Stream,
    client,
    export,
    observation,
    patterns,
    plots,
    recording,
    series,
    simulation,
)
from streamviz.errors import StreamVizError
from streamviz.plots.named import new_plot

FUNCTIONS = {
    streamviz: "flow stream_map group_lag ack_progress pending_age swim_lanes cursors side_by_side "
    "trim_sawtooth partition_lanes replay load record watch Dashboard History Observer Stream "
    "Scenario Steps EntryId CommandLog",
    plots: "GroupLag AckProgress SwimLanes TrimSawtooth PartitionLanes",
    observation: "Event PartitionObserver delivery_log account_for entry_timeline "
    "seconds_to_recover sum_partitions",
    simulation: "ConsumerBehaviour exponential uniform",
    patterns: "assign_partitions follow follow_streams FileOffset HashOffset MemoryOffset "
    "TransactionOffset OrderedGroupReader Partitions DeadLetters read_in_order",
    client: "slot_of capabilities connection_to read_groups read_streams",
    recording: "save Recording Frames Recorder Caption captions_of",
    export: "to_html to_still to_embed to_slides to_animation to_document DashboardServer",
    series: "bursts clickstream constant orders poisson random_walk read sensor sine",
}
METHODS = {
    "stream": "add add_many range reverse_range read trim delete delete_ex set_id configure full "
    "group",
    "crew": "create set_id create_consumer delete_consumer consumer pending_entries ack "
    "ack_delete nack",
    "consumer": "read claim autoclaim ack drain listen",
    "parts": "add add_many create_group group of number",
    "history": "append since deliveries missed_by inexact_count consumer_names",
    "sample": "group find_group",
    "observer": "sample",
    "part_observer": "sample",
    "dead_letters": "sweep move send_back",
    "log": "since",
    "plot": "summary history_summary static_figure figure failure delta traces layout",
    "recording": "samples chosen track",
}


class Place:
    """What the calls are made with."""

    def __init__(self, redis: redis_py.Redis, key: str, folder: Path) -> None:
        self.redis, self.key, self.folder = redis, key, folder
        shop = Scenario(redis)
        shop.produce(key, series.orders(rate_hz=5))
        shop.group(key, "billing")
        self.history = shop.run(2)
        self.sample = self.history.last
        recording.save(self.history, folder / "run.jsonl.gz")
        self.recording = recording.Recording(folder / "run.jsonl.gz")
        self.stream = Stream(redis, key)
        self.crew = self.stream.group("billing")
        self.consumer = self.crew.consumer("ann")
        self.parts = patterns.Partitions(redis, f"{key}:p", 2)
        self.parts.create_group("g")
        self.observer = Observer(redis, key)
        self.part_observer = observation.PartitionObserver(self.parts)
        self.dead_letters = patterns.DeadLetters(self.consumer)
        self.log = streamviz.CommandLog(redis)
        self.plot = plots.GroupLag()
        self.files = 0

    def calls(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        yield "new_plot", new_plot
        for room, names in FUNCTIONS.items():
            yield from ((name, getattr(room, name)) for name in names.split())
        for one, names in METHODS.items():
            yield from (
                (f"{one}.{name}", getattr(getattr(self, one), name)) for name in names.split()
            )
        for name in ("group", "reader", "subscriber", "produce", "watch", "note"):
            yield f"scenario.{name}", getattr(Scenario(self.redis), name)

    def wrong(self) -> list[Any]:
        return [
            *(None, 5, -1, 1.5, math.nan, math.inf, 10**30, "x", "", b"x", "a\0b", "\ud800"),
            *([], [5], {}, {"a": 1}, ("a", 1), object(), len, int, True, threading.Event),
            *(self.history, self.redis, self.stream, self.sample),
        ]

    def right(self, argument: str) -> Any:
        self.files += 1
        known = {
            **{"client": self.redis, "stream": self.key, "key": self.key, "fields": {"a": 1}},
            **{"history": self.history, "source": self.history, "sample": self.sample},
            **{"path": self.folder / f"{self.files}.html", "group": "billing"},
            **{"recording": self.folder / "run.jsonl.gz", "consumer": self.consumer},
            **{"series": series.orders(rate_hz=5), "offset": patterns.MemoryOffset()},
            **{"entry_id": "1-1", "rows": [{"a": 1}], "min_idle_ms": 0, "ids": ["1-1"]},
        }
        return known.get(argument, "other")


def finish(result: Any) -> None:
    """Run what is lazy for a little, and close what is open."""
    if inspect.isgenerator(result):
        list(islice(result, 3))
    if hasattr(result, "close"):
        result.close()


@pytest.fixture
def place(
    redis: redis_py.Redis, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)  # some values are names of files
    yield Place(redis, key, tmp_path)
    redis.delete(*redis.keys(f"{key}*"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(300)
def test_no_error_is_raw(place: Place) -> None:
    raw, made = {}, 0
    for name, call in place.calls():
        parameters = [
            one
            for one in inspect.signature(call).parameters.values()
            if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        ]
        for parameter in parameters:
            if parameter.name in ("block_ms", "stop"):  # they wait
                continue
            needed = [one.name for one in parameters if one.default is one.empty]
            for value in place.wrong():
                given = {one: place.right(one) for one in needed} | {parameter.name: value}
                if name == "consumer.listen":
                    (ended := threading.Event()).set()
                    given["stop"] = ended
                made += 1
                try:
                    finish(call(**given))
                except StreamVizError:
                    pass
                except Exception as error:
                    raw[f"{name}({parameter.name}={value!r:.30})"] = repr(error)
    assert raw == {}
    assert made > 8000
