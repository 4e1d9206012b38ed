"""Slips over the public calls: each is an InputError at the call, which names the value."""

# mypy: disable-error-code="arg-type, call-overload, list-item, misc"
from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis as redis_py
import redis.asyncio

from streamviz import (
    CommandLog,
    Dashboard,
    History,
    Observer,
    Scenario,
    Steps,
    Stream,
    ack_progress,
    connect,
    cursors,
    flow,
    group_lag,
    load,
    partition_lanes,
    pending_age,
    record,
    replay,
    series,
    side_by_side,
    stream_map,
    swim_lanes,
    trim_sawtooth,
    watch,
)
from streamviz.client import (
    EntryId,
    capabilities,
    connection_to,
    read_groups,
    read_streams,
    slot_of,
)
from streamviz.errors import CommandRefused, HandlerError, InputError, StreamVizError
from streamviz.export import DashboardServer, to_animation, to_embed, to_html, to_slides, to_still
from streamviz.observation import (
    Event,
    PartitionObserver,
    account_for,
    delivery_log,
    entry_timeline,
    seconds_to_recover,
)
from streamviz.patterns import (
    DeadLetters,
    FileOffset,
    HashOffset,
    MemoryOffset,
    OrderedGroupReader,
    Partitions,
    TransactionOffset,
    assign_partitions,
    follow,
    follow_streams,
)
from streamviz.plots import AckProgress, GroupLag, PartitionLanes, SwimLanes, TrimSawtooth
from streamviz.recording import Frames, Recorder, Recording, save
from streamviz.server import EmbeddedServer, embedded_cluster
from streamviz.simulation import ConsumerBehaviour, exponential, uniform

ORDERS = series.orders(rate_hz=5)


@pytest.fixture(scope="module")
def place(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What a slip can be made with: a client, a run, its history, its recording."""
    client, folder = server.client(), tmp_path_factory.mktemp("slips")
    client.delete("slips", "slips:new")
    ran = Scenario(client)
    ran.produce("slips", ORDERS)
    ran.group("slips", "billing")
    history = ran.run(1)
    save(history, folder / "run.jsonl.gz")
    yield SimpleNamespace(
        client=client,
        ran=ran,
        history=history,
        path=folder / "run.jsonl.gz",
        recording=Recording(folder / "run.jsonl.gz"),
        folder=folder,
        stream=Stream(client, "slips"),
        crew=Stream(client, "slips").group("billing"),
    )
    client.delete("slips", "slips:new")
    client.close()


@pytest.fixture
def shop(place: Any) -> Iterator[Scenario]:
    """A scenario in which nothing is planned."""
    scenario = Scenario(place.client)
    yield scenario
    scenario.stop()


Slip = Callable[[Any, Scenario], object]


def _set(thing: object, name: str, value: object) -> None:
    setattr(thing, name, value)


def _points() -> Iterator[Any]:
    yield 0, {"n": 1}


async def _later(entry: Any) -> None:
    """Never run."""


def _yields(entry: Any) -> Iterator[Any]:
    yield entry


def _ended() -> Iterator[Any]:
    points = _points()
    list(points)
    return points


def _twice(shop: Scenario) -> None:
    points = _points()
    shop.produce("slips:new", points)
    shop.produce("slips:other", points)


def _swapped_before_produce(shop: Scenario) -> None:
    late = Scenario(shop.client)
    late.group("billing", "slips:late")
    late.produce("slips:late", series.constant(rate_hz=5))


def _swapped(shop: Scenario) -> None:
    shop.produce("slips:new", ORDERS)
    shop.group("billing", "slips:new")


def _stopped(shop: Scenario) -> Scenario:
    shop.watch("slips").start()
    shop.stop()
    return shop


def _closed(place: Any) -> Recorder:
    recorder = Recorder(place.folder / "closed.gz", overwrite=True)
    recorder.close()
    return recorder


def _done(place: Any) -> Steps:
    steps = Steps(place.client, "slips", "1")
    steps.run()
    return steps


SLIPS: dict[str, tuple[Slip, str]] = {
    # replay, record, save, load
    "replay(history)": (lambda p, s: replay(p.history), "save(history, path)"),
    "replay(scenario)": (lambda p, s: replay(p.ran), "<Scenario on 'slips'"),
    "replay(None)": (lambda p, s: replay(None), "recording=None"),
    "replay(recorder)": (lambda p, s: replay(_closed(p)), "recording=<Recorder"),
    "replay(5)": (lambda p, s: replay(5), "recording=5"),
    "load(history)": (lambda p, s: load(p.history), "save(history, path)"),
    "Recording(5)": (lambda p, s: Recording(5), "recording=5"),
    "replay, captions=5": (lambda p, s: replay(p.path, captions=5), "captions=5"),
    "replay, a caption": (lambda p, s: replay(p.path, captions="x"), "'x' is not a caption"),
    "replay, stream=[]": (lambda p, s: replay(p.path, stream=[]), "no stream []: it holds 'slips'"),
    "replay, plots=class": (lambda p, s: replay(p.path, plots=[GroupLag]), "plots=[<class"),
    "replay, start nan": (lambda p, s: replay(p.path, start_s=math.nan), "start_s=nan"),
    "replay, no group": (
        lambda p, s: replay(p.path, plots=[SwimLanes("nope")]),
        "no group 'nope': the stream's groups are 'billing'",
    ),
    "replay, a NUL": (lambda p, s: replay("a\0b"), "has no NUL character"),
    "record, a NUL": (lambda p, s: record(s, "a\0b"), "has no NUL character"),
    "replay, start None": (lambda p, s: replay(p.path, start_s=None), "start_s=None"),
    "samples('x')": (lambda p, s: p.recording.samples(first="x"), "first='x'"),
    "chosen(['x'])": (lambda p, s: p.recording.chosen("slips", ["x"]), "samples: there is no 'x'"),
    "Frames(5)": (lambda p, s: Frames(5, [GroupLag()]), "recording=5"),
    "player.seek('x')": (lambda p, s: replay(p.path).seek("x"), "at_s='x'"),
    "player.event([])": (lambda p, s: replay(p.path).event([]), "kind=[]"),
    "record(shop, 5)": (lambda p, s: record(s, 5), "path=5"),
    "record(shop, None)": (lambda p, s: record(s, None), "path=None"),
    "record(history)": (lambda p, s: record(p.history, p.folder / "x"), "can't be recorded"),
    "record(shop.run)": (lambda p, s: record(s.run, p.folder / "x"), "can't be recorded"),
    "record around nothing": (
        lambda p, s: record(p.ran, p.folder / "nothing.gz").close(),
        "no sample of <Scenario on 'slips'",
    ),
    "record too late": (lambda p, s: record(_stopped(s), p.folder / "x"), "takes no more samples"),
    "Recorder(5)": (lambda p, s: Recorder(5), "path=5"),
    "caption when closed": (lambda p, s: _closed(p).caption("x"), "closed> takes no caption 'x'"),
    "save(shop)": (lambda p, s: save(s, p.folder / "x"), "can't be saved"),
    "save(history, 5)": (lambda p, s: save(p.history, 5), "path=5"),
    # the scenario
    "Scenario(url)": (lambda p, s: Scenario("redis://x"), "builtins.str is not a Redis client"),
    "Scenario(stream)": (lambda p, s: Scenario(p.stream), "Stream is not a Redis client"),
    "Scenario(asyncio)": (lambda p, s: Scenario(redis.asyncio.Redis()), "asyncio.client.Redis is"),
    "seed='x'": (lambda p, s: Scenario(p.client, seed="x"), "seed='x'"),
    "seed=1.5": (lambda p, s: Scenario(p.client, seed=1.5), "seed=1.5"),
    "limit=0": (lambda p, s: Scenario(p.client, limit=0), "limit=0"),
    "limit='x'": (lambda p, s: Scenario(p.client, limit="x"), "limit='x'"),
    "memory='yes'": (lambda p, s: Scenario(p.client, memory="yes"), "memory='yes'"),
    "sc.sped": (lambda p, s: _set(s, "sped", 2), "did you mean 'speed'"),
    "sc.rate": (lambda p, s: _set(s, "rate", 2), "'rate' is not a setting of <Scenario"),
    "sc.seed": (lambda p, s: _set(s, "seed", 2), "'seed' is not a setting"),
    "sc.on_sample": (lambda p, s: _set(s, "on_sample", []), "'on_sample' is not a setting"),
    "sc.history": (lambda p, s: _set(s, "history", None), "'history' is not a setting"),
    "sc.speed='x'": (lambda p, s: _set(s, "speed", "x"), "speed='x'"),
    "producer.rte": (lambda p, s: _set(p.ran.producers[0], "rte", 2), "did you mean 'rate'"),
    "group.servce_ms": (
        lambda p, s: _set(p.ran.groups["billing"], "servce_ms", 2),
        "did you mean 'service_ms'",
    ),
    "consumer.service": (
        lambda p, s: _set(p.ran.groups["billing"].consumers["billing-1"], "service", 2),
        "did you mean 'service_ms'",
    ),
    "run('x')": (lambda p, s: p.ran.run("x"), "seconds='x'"),
    "run with no stream": (lambda p, s: s.run(1), "call produce(), group() or watch()"),
    "start after run": (lambda p, s: p.ran.start(), "create a new Scenario"),
    "start after stop": (lambda p, s: _stopped(s).start(), "create a new Scenario"),
    "run after start": (lambda p, s: _stopped(s).run(1), "create a new Scenario"),
    "step when new": (lambda p, s: s.step(), "pause it before you step"),
    "produce(k, 'orders')": (
        lambda p, s: s.produce("slips:new", "orders"),
        "'orders' is not a series",
    ),
    "produce(k, dict)": (lambda p, s: s.produce("slips:new", {"a": 1}), "{'a': 1} is not a series"),
    "produce(k, fields)": (lambda p, s: s.produce("slips:new", [{"a": 1}]), "point 0 is {'a': 1}"),
    "produce(k, function)": (lambda p, s: s.produce("slips:new", _points), "call it"),
    "produce(series, k)": (
        lambda p, s: s.produce(ORDERS, "slips:new"),
        "'slips:new' is not a series",
    ),
    "produce(5, series)": (lambda p, s: s.produce(5, ORDERS), "5 is not a stream's key"),
    "produce, maxlen='x'": (lambda p, s: s.produce("slips:new", ORDERS, maxlen="x"), "maxlen='x'"),
    "produce, maxlen=-1": (lambda p, s: s.produce("slips:new", ORDERS, maxlen=-1), "maxlen=-1"),
    "produce a generator twice": (lambda p, s: _twice(s), "makes the entries of 'slips:new'"),
    "produce an ended one": (lambda p, s: s.produce("slips:new", _ended()), "has ended"),
    "group(client, g)": (lambda p, s: s.group(p.client, "g"), "stream=<redis.client.Redis"),
    "group(stream, g)": (lambda p, s: s.group(p.stream, "g"), "stream=<Stream 'slips'>"),
    "group(5, g)": (lambda p, s: s.group(5, "g"), "stream=5"),
    "group(b'k', g)": (lambda p, s: s.group(b"k", "g"), "stream=b'k'"),
    "group([], g)": (lambda p, s: s.group([], "g"), "streams=[]"),
    "group(k, [k])": (lambda p, s: s.group("slips:new", ["g"]), "['g'] is not a group's name"),
    "group swapped": (lambda p, s: _swapped(s), "group('slips:new', 'billing')"),
    "group swapped first": (
        lambda p, s: _swapped_before_produce(s),
        "group('slips:late', 'billing')",
    ),
    "group, handlr": (lambda p, s: s.group("slips", "g", handlr=3), "did you mean 'handler'"),
    "group, handler='f'": (lambda p, s: s.group("slips", "g", handler="f"), "handler='f'"),
    "group, a wide handler": (
        lambda p, s: s.group("slips", "g", handler=lambda a, b: None),
        "give a function of one argument",
    ),
    "group, fail": (lambda p, s: s.group("slips", "g", fail=lambda: True), "too many positional"),
    "group, fail=2": (lambda p, s: s.group("slips", "g", fail=2), "fail=2"),
    "group, service": (lambda p, s: s.group("slips", "g", service_ms=lambda: 1.0), "service_ms=<"),
    "group, service='x'": (lambda p, s: s.group("slips", "g", service_ms="x"), "service_ms='x'"),
    "group, crash_after": (lambda p, s: s.group("slips", "g", crash_after=1.5), "crash_after=1.5"),
    "group, ack=[]": (lambda p, s: s.group("slips", "g", ack=[]), "ack=[]: give one of"),
    "group, start": (
        lambda p, s: s.group("slips", "g", start="now"),
        "'now' is not an entry",
    ),
    "reader, handlr": (lambda p, s: s.reader("slips", "r", handlr=3), "did you mean 'handler'"),
    "reader, handler": (lambda p, s: s.reader("slips", "r", handler="f"), "handler='f'"),
    "reader(k, 5)": (lambda p, s: s.reader("slips", 5), "reader=5"),
    "reader, remembers=[]": (lambda p, s: s.reader("slips", "r", remembers=[]), "remembers=[]"),
    "subscriber(k, [])": (lambda p, s: s.subscriber("slips", []), "reader=[]"),
    "subscriber, batch": (lambda p, s: s.subscriber("slips", "r", batch=2), "'batch' is not"),
    "watch, readers=5": (lambda p, s: s.watch("slips", readers=5), "readers=5"),
    "uniform swapped": (lambda p, s: uniform(5, 1), "high_ms=1"),
    "exponential('x')": (lambda p, s: exponential("x"), "mean_ms='x'"),
    "series.orders('x')": (lambda p, s: series.orders(rate_hz="x"), "rate_hz='x'"),
    "merge(5)": (lambda p, s: ORDERS.merge(5), "5 is not iterable"),
    "Steps(5)": (lambda p, s: Steps(p.client, "slips", 5), "source=5"),
    "Steps(url)": (lambda p, s: Steps("redis://x", "slips", "1"), "not a Redis client"),
    "Steps, names=5": (lambda p, s: Steps(p.client, "slips", "1", names=5), "names=5"),
    "a step too far": (lambda p, s: _done(p).step(), "all steps are done"),
    "an async handler": (lambda p, s: s.group("slips", "g", handler=_later), "without async"),
    "a handler that yields": (lambda p, s: s.group("slips", "g", handler=_yields), "and yield"),
    "an async reader": (lambda p, s: s.reader("slips", "r", handler=_later), "without async"),
    "add_consumer('')": (
        lambda p, s: p.ran.groups["billing"].add_consumer(""),
        "'' is not a consumer's name",
    ),
    "watch([k])": (lambda p, s: s.watch(["slips"]), "['slips'] is not a stream's key"),
    "subscriber([k], r)": (lambda p, s: s.subscriber(["slips"], "r"), "['slips'] is not a"),
    "Series(5)": (lambda p, s: series.Series(5), "Series.of(points)"),
    # dashboards and exports
    "Dashboard(client)": (lambda p, s: Dashboard(p.client), "Redis can't be shown"),
    "Dashboard, stream": (lambda p, s: Dashboard(p.ran, stream="nope"), "he streams are 'slips'"),
    "stream_map, stream=5": (lambda p, s: stream_map(p.ran, stream=5), "he streams are 'slips'"),
    "history, stream": (lambda p, s: Dashboard(p.history, stream="nope"), "leave it out"),
    "swim_lanes, group": (lambda p, s: swim_lanes(p.history, group="nope"), "groups are 'billing'"),
    "swim_lanes of a run": (lambda p, s: swim_lanes(p.ran, group="nope"), "groups are 'billing'"),
    "ack_progress, group": (lambda p, s: ack_progress(p.history, group="nope"), "no group 'nope'"),
    "partition_lanes(shop)": (lambda p, s: partition_lanes(p.ran), "'slips' has no parts: watch("),
    "PartitionLanes(5)": (lambda p, s: PartitionLanes(5), "group=5"),
    "AckProgress(5)": (lambda p, s: AckProgress(5), "group=5"),
    "TrimSawtooth(-1)": (lambda p, s: TrimSawtooth(-1), "maxlen=-1"),
    "group_lag, unit=[]": (lambda p, s: group_lag(p.history, unit=[]), "unit=[]"),
    "trim_sawtooth, beside": (lambda p, s: trim_sawtooth(p.history, beside="x"), "beside='x'"),
    "watch(url)": (lambda p, s: watch("redis://x", "slips"), "builtins.str is not a Redis client"),
    "watch(client, stream)": (lambda p, s: watch(p.client, p.stream), "<Stream 'slips'> is not"),
    "to_html(history)": (
        lambda p, s: to_html(p.history, p.folder / "x.html"),
        "recording=<History",
    ),
    "to_html(rec, 5)": (lambda p, s: to_html(p.path, 5), "path=5"),
    "to_still(shop)": (lambda p, s: to_still(p.ran, p.folder / "x.svg"), "recording=<Scenario"),
    "to_still, captions": (
        lambda p, s: to_animation(p.path, p.folder / "x.gif", captions=5),
        "captions=5",
    ),
    "to_slides(5)": (lambda p, s: to_slides(5, p.folder / "x.html"), "notebook=5"),
    "DashboardServer(client)": (lambda p, s: DashboardServer(p.client, "slips"), "source=<redis"),
    "DashboardServer, stream": (
        lambda p, s: DashboardServer(p.ran, "nope"),
        "he streams are 'slips'",
    ),
    "DashboardServer, port": (
        lambda p, s: DashboardServer(p.ran, "slips", port="x"),
        "127.0.0.1:x",
    ),
    "DashboardServer, host": (
        lambda p, s: DashboardServer(p.ran, "slips", host=5),
        "listen on 5:0",
    ),
    # the client, the observer, the patterns
    "Stream(url)": (lambda p, s: Stream("redis://x", "k"), "builtins.str is not a Redis client"),
    "add(None)": (lambda p, s: p.stream.add(None), "None holds no fields"),
    "add_many(5)": (lambda p, s: p.stream.add_many(5), "rows=5"),
    "ack(entry)": (lambda p, s: p.crew.consumer("c").ack(("a", 1)), "'a' is not an entry ID"),
    "read_streams(list)": (lambda p, s: read_streams(p.client, ["slips"]), "['slips'] names no"),
    "claim(5)": (lambda p, s: p.crew.consumer("c").claim(5), "5 is not an entry ID"),
    "claim(None)": (lambda p, s: p.crew.consumer("c").claim(None), "None is not an entry ID"),
    "read_streams(5)": (lambda p, s: read_streams(p.client, {5: "0"}), "{5: '0'} names no"),
    "slot_of(5)": (lambda p, s: slot_of(5), "key=5"),
    "Event('nope')": (lambda p, s: Event("nope"), "kind='nope'"),
    "PartitionObserver(5)": (lambda p, s: PartitionObserver(p.stream), "partitions=<Stream"),
    "Observer, readers=5": (lambda p, s: Observer(p.client, "k", readers=5), "readers=5"),
    "seconds_to_recover(5)": (lambda p, s: seconds_to_recover(5, "g", "c"), "history=5"),
    "sweep(5)": (lambda p, s: DeadLetters(p.crew.consumer("c")).sweep(5), "errors=5"),
    "OrderedGroupReader([[]])": (
        lambda p, s: OrderedGroupReader(p.client, [[]], "g", "c"),
        "streams=[[]]",
    ),
    "assign_partitions, 5": (lambda p, s: assign_partitions(2, ["a", 5]), "consumers=['a', 5]"),
    "assign_partitions, text": (lambda p, s: assign_partitions(2, "ab"), "consumers='ab'"),
    "EmbeddedServer(config=5)": (lambda p, s: EmbeddedServer(config=5), "config=5"),
    "EmbeddedServer(password=5)": (lambda p, s: EmbeddedServer(0, password=5), "a text"),
    "EntryId('1-1')": (lambda p, s: EntryId("1-1"), "ms='1-1'"),
    "connect(5)": (lambda p, s: connect(5), "type int is not a URL"),
    "capabilities('x')": (lambda p, s: capabilities("x"), "not a Redis client"),
    "CommandLog('x')": (lambda p, s: CommandLog("x"), "not a Redis client"),
    "EmbeddedServer(port='x')": (lambda p, s: EmbeddedServer(port="x"), "port='x'"),
    "EmbeddedServer(program=5)": (lambda p, s: EmbeddedServer(program=5), "program=5"),
    "observer.sample('x')": (lambda p, s: Observer(p.client, "slips").sample("x"), "time_ms='x'"),
    "observer, events=5": (lambda p, s: Observer(p.client, "slips").sample(0, 5), "events=5"),
    "entry_timeline('x')": (lambda p, s: entry_timeline(p.history, "x"), "'x' is not an entry ID"),
    "entry_timeline(5)": (lambda p, s: entry_timeline(5, EntryId(1)), "history=5"),
    "delivery_log(shop)": (lambda p, s: delivery_log(p.ran), "history=<Scenario"),
    "account_for(5, 5)": (lambda p, s: account_for(5, 5), "sample=5"),
    "MemoryOffset.save('x')": (lambda p, s: MemoryOffset().save("x"), "'x' is not an entry ID"),
    "HashOffset.save('x')": (lambda p, s: HashOffset(p.client, "slips:h", "r").save("x"), "'x' is"),
    "FileOffset.save('x')": (lambda p, s: FileOffset(p.folder / "at").save("x"), "'x' is not an"),
    "FileOffset(5)": (lambda p, s: FileOffset(5), "path=5"),
    "follow('slips')": (lambda p, s: next(follow("slips", MemoryOffset())), "stream='slips'"),
    "follow(stream, '0')": (lambda p, s: next(follow(p.stream, "0")), "offset='0'"),
    "DeadLetters(stream)": (lambda p, s: DeadLetters(p.stream), "consumer=<Stream 'slips'>"),
    "DeadLetters(group)": (lambda p, s: DeadLetters(p.crew), "group.consumer(name)"),
    "Partitions, count": (lambda p, s: Partitions(p.client, "p", "x"), "count='x'"),
    "assign_partitions(5, 5)": (lambda p, s: assign_partitions(5, 5), "consumers=5"),
    "OrderedGroupReader(5)": (lambda p, s: OrderedGroupReader(p.client, 5, "g", "c"), "streams=5"),
    # more of each kind: wrong type, wrong order, twice, too late, misspelt
    "History.append(5)": (lambda p, s: History().append(5), "sample=5: give a Sample, as"),
    "History.append(None)": (lambda p, s: History().append(None), "sample=None: give a Sample, as"),
    "History('x')": (lambda p, s: History("x"), "limit='x': give an integer, 1 or more"),
    "History(0)": (lambda p, s: History(0), "limit=0: give an integer, 1 or more"),
    "History max_entries": (lambda p, s: History(max_entries="x"), "max_entries='x': give an"),
    "History.since('x')": (lambda p, s: p.history.since("x"), "n='x': give a sample's number"),
    "create_consumer(5)": (lambda p, s: p.crew.create_consumer(5), "5 is not a consumer's name"),
    "create_consumer('')": (lambda p, s: p.crew.create_consumer(""), "'' is not a consumer's name"),
    "create_consumer([])": (lambda p, s: p.crew.create_consumer([]), "[] is not a consumer's name"),
    "delete_consumer(5)": (lambda p, s: p.crew.delete_consumer(5), "5 is not a consumer's name"),
    "delete_consumer(con)": (
        lambda p, s: p.crew.delete_consumer(p.crew.consumer("c")),
        "<Consumer 'c' of 'billing'> is not a",
    ),
    "create_consumer(con)": (
        lambda p, s: p.crew.create_consumer(p.crew.consumer("c")),
        "<Consumer 'c' of 'billing'> is not a",
    ),
    "consumer(5)": (lambda p, s: p.crew.consumer(5), "5 is not a consumer's name: give it as text"),
    "group(5)": (lambda p, s: p.stream.group(5), "5 is not a group's name: give it as text"),
    "group(None)": (lambda p, s: p.stream.group(None), "None is not a group's name: give it as"),
    "pending_entries consumer=5": (lambda p, s: p.crew.pending_entries(consumer=5), "5 is not a"),
    "pending_entries consumer=con": (
        lambda p, s: p.crew.pending_entries(consumer=p.crew.consumer("c")),
        "<Consumer 'c' of 'billing'> is not a",
    ),
    "pending_entries start None": (lambda p, s: p.crew.pending_entries(None), "None is not an"),
    "create mkstream='x'": (lambda p, s: p.crew.create("0", mkstream="x"), "mkstream='x': give"),
    "create exist_ok=5": (lambda p, s: p.crew.create("0", exist_ok=5), "exist_ok=5: give True or"),
    "create(now)": (lambda p, s: p.crew.create("now"), "'now' is not an entry ID: write"),
    "create(None)": (lambda p, s: p.crew.create(None), "None is not an entry ID: write"),
    "create entries_read": (lambda p, s: p.crew.create("0", entries_read="x"), "entries_read='x'"),
    "set_id(None)": (lambda p, s: p.crew.set_id(None), "None is not an entry ID: write"),
    "nack mode": (lambda p, s: p.crew.nack("1-1", mode=[]), "mode=[]: give one of 'SILENT'"),
    "nack force": (lambda p, s: p.crew.nack("1-1", force="x"), "force='x': give True or False"),
    "ack_delete refs": (lambda p, s: p.crew.ack_delete("1-1", refs=[]), "refs=[]: give one of"),
    "ack_delete refs2": (lambda p, s: p.crew.ack_delete("1-1", refs="keepref"), "refs='keepref'"),
    "ack(entry.fields)": (lambda p, s: p.crew.ack({"a": 1}), "'a' is not an entry ID: write"),
    "ack(5.0)": (lambda p, s: p.crew.ack(5.0), '5.0 is not an entry ID: write "<ms>-<seq>"'),
    "claim(object)": (lambda p, s: p.crew.consumer("c").claim(object()), 'write "<ms>-<seq>"'),
    "claim([])": (lambda p, s: p.crew.consumer("c").claim([]), "no entry ID was given: give at"),
    "claim({})": (lambda p, s: p.crew.consumer("c").claim({}), "no entry ID was given: give at"),
    "claim justid": (lambda p, s: p.crew.consumer("c").claim(["1-1"], justid="x"), "justid='x'"),
    "claim last_id": (lambda p, s: p.crew.consumer("c").claim(["1-1"], last_id=5), "5 is not an"),
    "claim min_idle 'x'": (lambda p, s: p.crew.consumer("c").claim(["1-1"], "x"), "min_idle_ms='x"),
    "autoclaim None": (lambda p, s: p.crew.consumer("c").autoclaim(None), "min_idle_ms=None: give"),
    "read(count='x')": (lambda p, s: p.crew.consumer("c").read("x"), "count='x': give a whole"),
    "read(after=None)": (lambda p, s: p.crew.consumer("c").read(after=None), "None is not an"),
    "read(after='$')": (lambda p, s: p.crew.consumer("c").read(after="$"), "'$' is not an entry"),
    "read block": (lambda p, s: p.crew.consumer("c").read(block_ms="x"), "block_ms='x': give a"),
    "read block nan": (lambda p, s: p.crew.consumer("c").read(block_ms=math.nan), "block_ms=nan"),
    "read noack": (lambda p, s: p.crew.consumer("c").read(noack="x"), "noack='x': give True or"),
    "drain('x')": (lambda p, s: p.crew.consumer("c").drain("x"), "count='x': give a whole number"),
    "drain pending_first": (
        lambda p, s: p.crew.consumer("c").drain(pending_first=5),
        "pending_first=5: give True or False",
    ),
    "listen stop": (lambda p, s: p.crew.consumer("c").listen(stop=5), "stop=5: give a"),
    "listen class": (lambda p, s: p.crew.consumer("c").listen(stop=threading.Event), "stop=<class"),
    "listen 'x'": (lambda p, s: p.crew.consumer("c").listen("x"), "count='x': give a whole number"),
    "st.read(None)": (lambda p, s: p.stream.read(None), "None is not an entry ID: write"),
    "st.read('x')": (lambda p, s: p.stream.read("x"), "'x' is not an entry ID: write"),
    "st.read count": (lambda p, s: p.stream.read("0", count="x"), "count='x': give a whole number"),
    "st.range(None)": (lambda p, s: p.stream.range(None), "None is not an entry ID: write"),
    "st.range(5)": (lambda p, s: p.stream.range(5), '5 is not an entry ID: write "<ms>-<seq>"'),
    "st.range count": (lambda p, s: p.stream.range(count="x"), "count='x': give a whole number, 1"),
    "st.reverse_range": (lambda p, s: p.stream.reverse_range([]), "[] is not an entry ID: write"),
    "st.trim(5)": (lambda p, s: p.stream.trim(maxlen="x"), "maxlen='x': give a whole number, 0 or"),
    "st.trim()": (lambda p, s: p.stream.trim(), "trim needs a bound: give maxlen= or minid="),
    "st.trim minid": (lambda p, s: p.stream.trim(minid="x"), "'x' is not an entry ID: write"),
    "st.trim refs": (lambda p, s: p.stream.trim(maxlen=5, refs=[]), "refs=[]: give one of"),
    "st.delete()": (lambda p, s: p.stream.delete(), "no entry ID was given: give at least one"),
    "st.delete(None)": (lambda p, s: p.stream.delete(None), "None is not an entry ID: write"),
    "st.delete(5)": (lambda p, s: p.stream.delete(5), '5 is not an entry ID: write "<ms>-<seq>"'),
    "st.delete_ex": (lambda p, s: p.stream.delete_ex("1-1", refs={}), "refs={}: give one of"),
    "st.set_id(None)": (lambda p, s: p.stream.set_id(None), "None is not an entry ID: write"),
    "st.set_id neg": (lambda p, s: p.stream.set_id("1-1", entries_added=-1), "entries_added=-1"),
    "st.configure()": (lambda p, s: p.stream.configure(), "nothing to configure: give"),
    "st.configure('x')": (lambda p, s: p.stream.configure(idmp_maxsize="x"), "idmp_maxsize='x'"),
    "st.full('x')": (lambda p, s: p.stream.full("x"), "count='x': give a whole number, 0 or more"),
    "st.full(-1)": (lambda p, s: p.stream.full(-1), "count=-1: give a whole number, 0 or more"),
    "st.add('x')": (lambda p, s: p.stream.add("x"), "'x' holds no fields: give a dict with at"),
    "st.add([])": (lambda p, s: p.stream.add([]), "[] holds no fields: give a dict with at least"),
    "st.add({})": (lambda p, s: p.stream.add({}), "{} holds no fields: give a dict with at least"),
    "st.add({1:2})": (lambda p, s: p.stream.add({1: 2}), "the field's name 1 is not text: convert"),
    "st.add({'a':None})": (lambda p, s: p.stream.add({"a": None}), "field 'a': None is of type"),
    "st.add({'a':[1]})": (lambda p, s: p.stream.add({"a": [1]}), "field 'a': [1] is of type list"),
    "st.add({'a':True})": (lambda p, s: p.stream.add({"a": True}), "field 'a': True is of type"),
    "st.add id": (lambda p, s: p.stream.add({"a": 1}, "x"), "'x' is not an entry ID: write"),
    "st.add id None": (lambda p, s: p.stream.add({"a": 1}, None), "None is not an entry ID: write"),
    "st.add id 5": (lambda p, s: p.stream.add({"a": 1}, 5), "5 is not an entry ID: write"),
    "st.add create": (lambda p, s: p.stream.add({"a": 1}, create="no"), "create='no': give True"),
    "st.add idmp": (lambda p, s: p.stream.add({"a": 1}, idmp=5), "idmp=5: give a pair of a"),
    "st.add idmp []": (lambda p, s: p.stream.add({"a": 1}, idmp=[]), "idmp=[]: give a pair of a"),
    "st.add approximate": (
        lambda p, s: p.stream.add({"a": 1}, maxlen=5, approximate="x"),
        "approximate='x': give True or False",
    ),
    "add_many('x')": (lambda p, s: p.stream.add_many("x"), "row 0: 'x' holds no fields: give a"),
    "add_many([5])": (lambda p, s: p.stream.add_many([5]), "row 0: 5 holds no fields: give a dict"),
    "add_many([None])": (lambda p, s: p.stream.add_many([None]), "row 0: None holds no fields"),
    "add_many([(1,)])": (lambda p, s: p.stream.add_many([(1,)]), "(1,) is not a row: give fields"),
    "add_many(batch)": (lambda p, s: p.stream.add_many([{"a": 1}], batch="x"), "batch='x': give a"),
    "add_many({})": (lambda p, s: p.stream.add_many({"a": 1}), "row 0: 'a' holds no fields: give"),
    "Stream(pipeline)": (lambda p, s: Stream(p.client.pipeline(), "k"), "give the client itself"),
    "Scenario(pipeline)": (lambda p, s: Scenario(p.client.pipeline()), "give the client itself"),
    "Stream(None)": (lambda p, s: Stream(None, "k"), "builtins.NoneType is not a Redis client"),
    "Stream(k, client)": (lambda p, s: Stream("k", p.client), "not a stream's key: give it"),
    "Stream(client, b'k')": (lambda p, s: Stream(p.client, b"k"), "b'k' is not a stream's key"),
    "Stream(client, '')": (lambda p, s: Stream(p.client, ""), "'' is not a stream's key: give it"),
    "read_streams None": (lambda p, s: read_streams(None, {"k": "0"}), "builtins.NoneType is not"),
    "read_streams val": (lambda p, s: read_streams(p.client, {"k": None}), "None is not an entry"),
    "read_groups(5)": (lambda p, s: read_groups(5, {"k": ">"}), "consumer=5: give a Consumer, for"),
    "connection_to(5)": (lambda p, s: connection_to(5, "k"), "builtins.int is not a Redis client"),
    "EntryId()": (lambda p, s: EntryId("x"), "ms='x' is not part of an entry ID: give an"),
    "EntryId.parse(None)": (lambda p, s: EntryId.parse(None), "None is not an entry ID: write"),
    "EntryId.parse([])": (lambda p, s: EntryId.parse([]), "[] is not an entry ID: write"),
    "EntryId(-1)": (lambda p, s: EntryId(-1), "ms=-1 is not part of an entry ID: give an"),
    "EntryId seq": (lambda p, s: EntryId(1, "x"), "seq='x' is not part of an entry ID: give an"),
    "EntryId(True)": (lambda p, s: EntryId(True), "ms=True is not part of an entry ID: give an"),
    "EntryId.next max": (lambda p, s: EntryId.MAX.next(), "18446744073709551615-18446744073709551"),
    "CommandLog(5)": (lambda p, s: CommandLog(5), "builtins.int is not a Redis client that can"),
    "CommandLog limit": (lambda p, s: CommandLog(p.client, limit="x"), "limit='x': give a whole"),
    "log.since('x')": (lambda p, s: CommandLog(p.client).since("x"), "count='x': give a whole"),
    "capabilities(None)": (lambda p, s: capabilities(None), "builtins.NoneType is not a Redis"),
    "Observer(None)": (lambda p, s: Observer(None, "k"), "builtins.NoneType is not a Redis client"),
    "Observer(k)": (lambda p, s: Observer("slips", p.client), "not a stream's key: give it"),
    "Observer memory": (lambda p, s: Observer(p.client, "k", memory="x"), "memory='x': give True"),
    "obs.sample events": (
        lambda p, s: Observer(p.client, "slips").sample(0, [5]),
        "events=5: give events or texts",
    ),
    "obs.sample readers": (lambda p, s: Observer(p.client, "slips").sample(0, (), 5), "readers=5"),
    "obs.sample 1.5": (lambda p, s: Observer(p.client, "slips").sample(1.5), "time_ms=1.5: give a"),
    "sample.group(5)": (lambda p, s: p.history.last.group(5), "there is no group 5: the groups"),
    "sample.group('nope')": (lambda p, s: p.history.last.group("nope"), "there is no group 'nope'"),
    "account_for": (lambda p, s: account_for(p.history.last, "nope"), "group='nope': give a"),
    "account_for2": (lambda p, s: account_for(p.history.last, 5), "group=5: give a GroupState"),
    "entry_timeline None": (lambda p, s: entry_timeline(p.history, None), "None is not an entry"),
    "delivery_log(None)": (lambda p, s: delivery_log(None), "history=None: give the History of a"),
    "PartitionObserver(None)": (lambda p, s: PartitionObserver(None), "partitions=None: give"),
    "Event(5)": (lambda p, s: Event(5), "kind=5: give one of killed, crashed, revived"),
    "Event([])": (lambda p, s: Event([]), "kind=[]: give one of killed, crashed"),
    "DeadLetters key": (lambda p, s: DeadLetters(p.crew.consumer("c"), 5), "5 is not a stream's"),
    "DeadLetters self": (lambda p, s: DeadLetters(p.crew.consumer("c"), "slips"), "'slips' is the"),
    "sweep errors str": (lambda p, s: DeadLetters(p.crew.consumer("c")).sweep("x"), "errors='x'"),
    "send_back(5)": (lambda p, s: DeadLetters(p.crew.consumer("c")).send_back(5), "letter=5: give"),
    "send_back(entry)": (
        lambda p, s: DeadLetters(p.crew.consumer("c")).send_back(p.stream.range(count=1)[0]),
        "letter=Entry(id=EntryId('1767225600137-0')",
    ),
    "move(5)": (lambda p, s: DeadLetters(p.crew.consumer("c")).move(5), "held=5: give a"),
    "move('1-1')": (lambda p, s: DeadLetters(p.crew.consumer("c")).move("1-1"), "held='1-1': give"),
    "Partitions(None)": (lambda p, s: Partitions(None, "p", 2), "builtins.NoneType is not a Redis"),
    "Partitions name": (lambda p, s: Partitions(p.client, 5, 2), "5 is not a name for partitions"),
    "Partitions 0": (lambda p, s: Partitions(p.client, "p", 0), "count=0: give a whole number"),
    "Partitions.number(5)": (lambda p, s: Partitions(p.client, "p", 2).number(5), "5 is not a"),
    "Partitions.of(None)": (lambda p, s: Partitions(p.client, "p", 2).of(None), "None is not a"),
    "Partitions.add": (lambda p, s: Partitions(p.client, "p", 2).add("k", 5), "5 holds no fields"),
    "Partitions.add_many": (lambda p, s: Partitions(p.client, "p", 2).add_many(5), "rows=5: give"),
    "Partitions.add_many2": (
        lambda p, s: Partitions(p.client, "p", 2).add_many([5]),
        "5 is not a row: give pairs of a key and fields",
    ),
    "Partitions.group(5)": (lambda p, s: Partitions(p.client, "p", 2).group(5), "5 is not a"),
    "assign('x')": (lambda p, s: assign_partitions("x", ["a"]), "count='x': give a whole number"),
    "assign dup": (lambda p, s: assign_partitions(2, ["a", "a"]), "consumers=['a', 'a']: give"),
    "assign none": (lambda p, s: assign_partitions(2, []), "consumers=[]: give each name once, at"),
    "OGR(None)": (lambda p, s: OrderedGroupReader(None, ["k"], "g", "c"), "builtins.NoneType is"),
    "OGR group": (lambda p, s: OrderedGroupReader(p.client, ["k"], 5, "c"), "5 is not a group's"),
    "OGR consumer": (lambda p, s: OrderedGroupReader(p.client, ["k"], "g", 5), "5 is not a"),
    "HashOffset(5)": (lambda p, s: HashOffset(5, "p.history", "r"), "builtins.int is not a Redis"),
    "HashOffset key": (lambda p, s: HashOffset(p.client, 5, "r"), "key=5: give a name as text"),
    "HashOffset name": (lambda p, s: HashOffset(p.client, "p.history", 5), "reader=5: give a name"),
    "MemoryOffset('x')": (lambda p, s: MemoryOffset("x"), "'x' is not an entry ID: write"),
    "TransactionOffset": (lambda p, s: TransactionOffset(5, "p.history", "r"), "builtins.int is"),
    "follow count": (lambda p, s: next(follow(p.stream, MemoryOffset(), count="x")), "count='x'"),
    "follow(None)": (lambda p, s: next(follow(None, MemoryOffset())), "stream=None: give a Stream"),
    "follow class": (lambda p, s: next(follow(p.stream, MemoryOffset)), "offset=<class"),
    "follow_streams": (lambda p, s: next(follow_streams(p.client, ["k"])), "offsets=['k']: give"),
    "follow_streams 5": (lambda p, s: next(follow_streams(p.client, {"k": 5})), "offset=5: give"),
    "connect port": (lambda p, s: connect("redis://x:y"), "'redis://x:***' is not a URL: write"),
    "connect b''": (lambda p, s: connect(b"redis://x"), "a value of type bytes is not a URL"),
    "connect client": (lambda p, s: connect(p.client), "a value of type Redis is not a URL: write"),
    "EmbeddedServer('x')": (lambda p, s: EmbeddedServer("x"), "port='x': give a number to 65535;"),
    "EmbeddedServer config 5": (lambda p, s: EmbeddedServer(config=(5,)), "config=5: give each"),
    "embedded_cluster nodes": (lambda p, s: embedded_cluster("x"), "nodes='x': give a whole"),
    "sample_every": (lambda p, s: Scenario(p.client, sample_every_ms="x"), "sample_every_ms='x'"),
    "sample_every 0": (lambda p, s: Scenario(p.client, sample_every_ms=0), "sample_every_ms=0"),
    "seed None": (lambda p, s: Scenario(p.client, seed=None), "seed=None: give a whole number"),
    "seed True": (lambda p, s: Scenario(p.client, seed=True), "seed=True: give a whole number"),
    "produce None": (lambda p, s: s.produce("k", None), "None is not iterable: give pairs of"),
    "produce '' ": (lambda p, s: s.produce("", ORDERS), "'' is not a stream's key: give it as"),
    "produce approximate": (
        lambda p, s: s.produce("k", ORDERS, approximate=True),
        "approximate=True is for trimming: give",
    ),
    "produce approximate 'x'": (
        lambda p, s: s.produce("k", ORDERS, maxlen=5, approximate="x"),
        "approximate='x': give True or False",
    ),
    "produce [5]": (lambda p, s: s.produce("k", [5]), "point 0 is 5: give a pair of (at_ms"),
    "produce [('x',{})]": (lambda p, s: s.produce("k", [("x", {"a": 1})]), "point 0 is ('x', {'a'"),
    "produce lambda": (lambda p, s: s.produce("k", lambda: 5), "<function"),
    "group none": (lambda p, s: s.group("k", None), "None is not a group's name: give it as text"),
    "group consumers -1": (lambda p, s: s.group("k", "g", consumers=-1), "consumers=-1: give a"),
    "group consumers 'x'": (lambda p, s: s.group("k", "g", consumers="x"), "consumers='x': give a"),
    "group start None": (lambda p, s: s.group("k", "g", start=None), "None is not an entry ID"),
    "group start_id": (lambda p, s: s.group("k", "g", start_id="0"), "'start_id' is not an option"),
    "group batch": (lambda p, s: s.group("k", "g", batch=0), "batch=0: give a whole number, 1 or"),
    "group claim_idle": (lambda p, s: s.group("k", "g", claim_idle_ms="x"), "claim_idle_ms='x'"),
    "group service gen": (lambda p, s: s.group("k", "g", service_ms=exponential), "service_ms=<fu"),
    "group twice": (lambda p, s: (s.group("slips", "x1"), s.group("slips", "x1")), "this scenario"),
    "group set": (lambda p, s: s.group({"a"}, "g"), "stream={'a'}: give a stream's key"),
    "group dup": (lambda p, s: s.group(["slips", "slips"], "g"), "streams=['slips', 'slips']"),
    "group crash_chance": (lambda p, s: s.group("k", "g", crash_chance=5), "crash_chance=5: give"),
    "group revive": (lambda p, s: s.group("k", "g", revive_after_s=-1), "revive_after_s=-1: give"),
    "group crash_at nan": (lambda p, s: s.group("k", "g", crash_at_s=math.nan), "crash_at_s=nan"),
    "reader none": (lambda p, s: s.reader(None, "r"), "None is not a stream's key: give it as"),
    "reader start": (lambda p, s: s.reader("slips", "r", start="now"), "'now' is not an entry ID"),
    "reader batch": (lambda p, s: s.reader("slips", "r", batch="x"), "batch='x': give a whole"),
    "reader service": (lambda p, s: s.reader("slips", "r", service_ms="x"), "service_ms='x': give"),
    "reader fail": (lambda p, s: s.reader("slips", "r", fail=0.5), "'fail' is not an option of a"),
    "subscriber none": (lambda p, s: s.subscriber(None, "r"), "None is not a stream's key: give"),
    "subscriber crash": (lambda p, s: s.subscriber("slips", "r", crash_at_s="x"), "crash_at_s='x'"),
    "watch none": (lambda p, s: s.watch(None), "None is not a stream's key: give it as text"),
    "watch ''": (lambda p, s: s.watch(""), "'' is not a stream's key: give it as text"),
    "run None": (lambda p, s: p.ran.run(None), "give run() its seconds"),
    "run -1": (lambda p, s: p.ran.run(-1), "seconds=-1: give a number above 0"),
    "run nan": (lambda p, s: p.ran.run(math.nan), "seconds=nan: give a number above 0"),
    "run 10**30": (lambda p, s: p.ran.run(10**30), "give at most 3,153,600,000, a hundred years"),
    "rate 1e300": (lambda p, s: series.constant(rate_hz=1e300), "above 0, at most 1000000"),
    "summary(5)": (lambda p, s: GroupLag().summary(5), "GroupLag.summary(): history=5: give a Hi"),
    "delta(5, 0, None)": (lambda p, s: GroupLag().delta(5, 0, None), "history=5: give a History"),
    "failure(5, h)": (lambda p, s: GroupLag().failure(5, p.history), "text=5: give a str"),
    "dashboard.sped": (lambda p, s: _set(Dashboard(p.history), "sped", 2), "did you mean 'speed'"),
    "dashboard.pace": (
        lambda p, s: _set(Dashboard(p.history), "pace", 2),
        "not an attribute of Dashb",
    ),
    "stream.ky": (lambda p, s: _set(p.stream, "ky", "k"), "did you mean 'key'? See dir()"),
    "crew.nme": (lambda p, s: _set(p.crew, "nme", "g"), "not an attribute of ConsumerGroup: did"),
    "consumer.nme": (lambda p, s: _set(p.crew.consumer("c"), "nme", "g"), "did you mean 'name'"),
    "history.last = 5": (lambda p, s: _set(p.history, "last", 5), "'last' of History can't be set"),
    "sample.lenght": (lambda p, s: _set(p.history.last, "lenght", 5), "Sample can't be changed"),
    "missed_by('nope')": (lambda p, s: p.history.missed_by("nope"), "the readers are none"),
    "consumer_names": (lambda p, s: p.history.consumer_names("biling"), "did you mean 'billing'"),
    "recover, group": (
        lambda p, s: seconds_to_recover(p.history, "nope", "c"),
        "there is no group 'nope': the groups are 'billing'",
    ),
    "recover, consumer": (
        lambda p, s: seconds_to_recover(p.history, "billing", "c"),
        "there is no consumer 'c': the consumers are 'billing-1'",
    ),
    "run inf": (lambda p, s: p.ran.run(math.inf), "seconds=inf: give a number above 0"),
    "step stopped": (lambda p, s: _stopped(s).step(), "the clock is stopped: pause it before you"),
    "speed 0": (lambda p, s: _set(s, "speed", 0), "speed=0: give a number above 0, at most 1000"),
    "speed None": (lambda p, s: _set(s, "speed", None), "speed=None: give a number above 0, at"),
    "note 5": (lambda p, s: s.note(5), "text=5: give a text of at least one character"),
    "note stopped": (lambda p, s: _stopped(s).note("x"), "<Scenario on 'slips': stopped> takes no"),
    "figure(sample)": (lambda p, s: GroupLag().figure(p.history.last), "give the History of a run"),
    "figure(shop)": (lambda p, s: GroupLag().figure(p.ran), "history=<Scenario on 'slips'"),
    "groups[nope]": (lambda p, s: p.ran.groups["biling"], "no group 'biling': did you mean 'bill"),
    "readers[nope]": (lambda p, s: p.ran.readers["nope"], "no reader 'nope': the readers are none"),
    "histories[nope]": (
        lambda p, s: p.ran.histories["x"],
        "no stream 'x': the streams are 'slips'",
    ),
    "consumers[nope]": (
        lambda p, s: p.ran.groups["billing"].consumers["ann"],
        "no consumer 'ann': the consumers are 'billing-1'",
    ),
    "history empty": (lambda p, s: s.history, "this scenario has no stream: call produce()"),
    "history.last": (lambda p, s: s.watch("slips").history.last, "this history has no sample yet"),
    "summary.group": (lambda p, s: p.ran.summary().group("nope"), "there is no group 'nope': the"),
    "summary.group(5)": (lambda p, s: p.ran.summary().group(5), "there is no group 5: the groups"),
    "add_consumer 5": (lambda p, s: p.ran.groups["billing"].add_consumer(5), "5 is not a"),
    "producer rate": (lambda p, s: _set(p.ran.producers[0], "rate", 0), "rate=0: give a number"),
    "producer rate None": (lambda p, s: _set(p.ran.producers[0], "rate", None), "rate=None: give"),
    "exponential(-1)": (lambda p, s: exponential(-1), "mean_ms=-1: give a number, 0 or more"),
    "uniform(None)": (lambda p, s: uniform(None, 1), "low_ms=None: give a number, 0 or more"),
    "series.constant(0)": (lambda p, s: series.constant(0), "rate_hz=0: give a number above 0"),
    "series.constant None": (lambda p, s: series.constant(None), "rate_hz=None: give a number"),
    "series.limit": (lambda p, s: ORDERS.limit("x"), "n='x': give a whole number, 0 or more"),
    "series.limit -1": (lambda p, s: ORDERS.limit(-1), "n=-1: give a whole number, 0 or more"),
    "series.shift": (lambda p, s: ORDERS.shift("x"), "ms='x': give a number, 0 or more"),
    "series.take": (lambda p, s: ORDERS.take("x"), "n='x': give a whole number, 0 or more"),
    "series.sensor": (lambda p, s: series.sensor(gap_chance=5), "gap_chance=5: give a probability"),
    "series.orders seed": (lambda p, s: series.orders(seed="x"), "seed='x': give a whole number"),
    "Series.of(None)": (lambda p, s: series.Series.of(None), "None is not iterable: give pairs of"),
    "Steps names": (lambda p, s: Steps(p.client, "slips", "1", names=[]), "names=[]: give a dict"),
    "Steps ''": (lambda p, s: Steps(p.client, "slips", ""), "there is no statement in the source"),
    "Steps syntax": (lambda p, s: Steps(p.client, "slips", "1 +"), "line 1 is not Python: invalid"),
    "Steps none": (lambda p, s: Steps(p.client, None, "1"), "None is not a stream's key: give it"),
    "Dashboard(None)": (lambda p, s: Dashboard(None), "NoneType can't be shown: give a Scenario"),
    "Dashboard(path)": (lambda p, s: Dashboard("run.jsonl.gz"), "str can't be shown: give a"),
    "Dashboard plots": (lambda p, s: Dashboard(p.history, plots=5), "plots=5: give a list of"),
    "Dashboard plots cls": (lambda p, s: Dashboard(p.history, plots=[GroupLag]), "plots=[<class"),
    "Dashboard plots empty": (lambda p, s: Dashboard(p.history, plots=[]), "plots=[]: give a list"),
    "Dashboard plots str": (lambda p, s: Dashboard(p.history, plots="flow"), "plots='flow': give"),
    "Dashboard commands 5": (lambda p, s: Dashboard(p.ran, commands=5), "commands=5: give True or"),
    "flow(None)": (lambda p, s: flow(None), "NoneType can't be shown: give a Scenario"),
    "stream_map(5)": (lambda p, s: stream_map(5), "int can't be shown: give a Scenario, Steps or"),
    "group_lag unit": (lambda p, s: group_lag(p.history, unit="ms"), "unit='ms': give 'entries'"),
    "pending_age(client)": (lambda p, s: pending_age(p.client), "Redis can't be shown: give a"),
    "cursors(5)": (lambda p, s: cursors(5), "int can't be shown: give a Scenario, Steps or"),
    "side_by_side(5)": (lambda p, s: side_by_side(5), "int can't be shown: give a Scenario, Steps"),
    "trim_sawtooth maxlen": (lambda p, s: trim_sawtooth(p.history, maxlen="x"), "maxlen='x': give"),
    "watch rate": (lambda p, s: watch(p.client, "slips", rate_hz=0), "rate_hz=0: give samples per"),
    "watch rate 'x'": (lambda p, s: watch(p.client, "slips", rate_hz="x"), "rate_hz='x': give"),
    "watch(client, None)": (lambda p, s: watch(p.client, None), "None is not a stream's key: give"),
    "watch readers": (lambda p, s: watch(p.client, "slips", readers=5), "readers=5: give a text"),
    "GroupLag unit": (lambda p, s: GroupLag("hours"), "unit='hours': give 'entries' or 'seconds'"),
    "SwimLanes(5)": (lambda p, s: SwimLanes(5), "group=5: give a consumer group's name as"),
    "record None": (lambda p, s: record(None, p.folder / "a"), "None can't be recorded: give a"),
    "record overwrite": (
        lambda p, s: record(p.ran, p.folder / "zz", overwrite="x"),
        "overwrite='x': give True or False",
    ),
    "recorder.caption 5": (lambda p, s: Recorder(p.folder / "c1.gz").caption(5), "5 is not a"),
    "recorder(5)": (lambda p, s: Recorder(p.folder / "c3.gz")(5), "sample=5: give a Sample, as"),
    "load none": (lambda p, s: load(None), "recording=None: give a recording or its file;"),
    "save captions": (lambda p, s: save(p.history, p.folder / "s1", captions=5), "captions=5"),
    "save captions2": (lambda p, s: save(p.history, p.folder / "s2", captions=[5]), "5 is not a"),
    "rec.samples stream": (lambda p, s: p.recording.samples("nope"), "it holds 'slips'"),
    "to_html none": (lambda p, s: to_html(None, p.folder / "x.html"), "recording=None: give a"),
    "to_html suffix": (lambda p, s: to_html(p.path, p.folder / "x.pdf"), "can't export to 'x.pdf'"),
    "to_html size": (lambda p, s: to_html(p.path, p.folder / "x.html", size=5), "size=5: give"),
    "to_html speed": (lambda p, s: to_html(p.path, p.folder / "x.html", speed="x"), "speed='x'"),
    "to_still suffix": (lambda p, s: to_still(p.path, p.folder / "x.html"), "can't export to"),
    "to_still at": (lambda p, s: to_still(p.path, p.folder / "x.svg", at_s="x"), "end_s='x': give"),
    "to_embed": (lambda p, s: to_embed(5, p.folder / "x.frames.jsonl"), "recording=5: give a"),
    "replay speed": (lambda p, s: replay(p.path, speed="x"), "speed='x': give a number above 0"),
    "replay stream": (lambda p, s: replay(p.path, stream="nope"), "it holds 'slips'"),
    "DashboardServer None": (lambda p, s: DashboardServer(None, "slips"), "source=None: give a"),
    "DashboardServer stream None": (
        lambda p, s: DashboardServer(p.ran, None),
        "there is no stream None: the streams are 'slips'",
    ),
    "ConsumerBehaviour": (lambda p, s: ConsumerBehaviour(batch="x"), "batch='x': give a whole"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_at_the_call(slip: str, place: Any, shop: Scenario) -> None:
    call, words = SLIPS[slip]
    with pytest.raises(StreamVizError) as raised:
        call(place, shop)
    assert isinstance(raised.value, InputError)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "call", [DeadLetters, delivery_log, lambda url: DashboardServer(url, "slips")]
)
def test_the_password_of_a_url_is_not_shown(call: Any) -> None:
    with pytest.raises(InputError, match=r"redis://\*\*\*@host") as raised:
        call("redis://ann:hush/hush@host:6379")
    assert "hush" not in str(raised.value)


def test_there_are_many_slips() -> None:
    assert len(SLIPS) > 350


def test_nothing_is_planned_or_written_after_a_refused_call(place: Any, shop: Scenario) -> None:
    for call in (
        lambda: shop.produce("slips:new", "orders"),
        lambda: shop.group("slips:new", "g", handler="f"),
        lambda: shop.reader("slips:new", "r", handlr=3),
    ):
        with pytest.raises(InputError):
            call()
    assert not shop.histories
    assert not place.client.exists("slips:new")


def test_an_empty_recording_leaves_no_file(place: Any, tmp_path: Path) -> None:
    target = tmp_path / "run.jsonl.gz"
    with (
        pytest.raises(InputError, match=r"is deleted: run it in between"),
        record(place.ran, target),
    ):
        pass
    assert not target.exists()
    with pytest.raises(ZeroDivisionError), record(place.ran, target):
        raise ZeroDivisionError


def test_a_group_that_exists_says_how_to_leave_it(place: Any) -> None:
    with pytest.raises(CommandRefused, match=r"BUSYGROUP .*exist_ok=True"):
        place.crew.create("0")


def _broken() -> Iterator[Any]:
    yield 0, {"n": 1}
    raise KeyError("gone")


def test_a_series_or_a_callback_that_raises_is_a_handler_error(
    redis: redis_py.Redis, key: str
) -> None:
    shop = Scenario(redis)
    shop.produce(key, _broken())
    with pytest.raises(HandlerError, match=f"the series of '{key}' raised KeyError: 'gone'") as one:
        shop.run(1)
    assert isinstance(one.value.__cause__, KeyError)
    shop = Scenario(redis).watch(f"{key}2")
    calls: list[Any] = [5]
    shop.on_sample += calls
    with pytest.raises(HandlerError, match=r"the callback 5 of on_sample raised TypeError"):
        shop.run(1)


def test_what_is_no_slip_still_works(redis: redis_py.Redis, key: str) -> None:
    shop = Scenario(redis)
    shop.watch("billing").produce(key, ORDERS)
    assert repr(shop.group("billing", key)) == f"<SimulatedGroup {key!r} of 'billing': 1 consumer>"
    shop.produce(f"{key}b", points := [(0, {"n": 1})])
    shop.produce(f"{key}c", points)  # a list can be read again
    shop.group(key, "g", handler=print, service_ms=uniform(1, 1), fail=bool)
    shop.speed = 2
    shop.producers[0].rate = 2
    shop.groups["g"].service_ms = 3

    class Shop(Scenario):
        """A user's own."""

        day = property(lambda self: self._day, lambda self, day: _set(self, "_day", day))

    own = Shop(redis)
    own.day = 3
    assert own.day == 3

    class Orders(Stream):
        """A user's own, with an attribute of its own."""

        def __init__(self) -> None:
            super().__init__(redis, key)
            self.currency = "EUR"

    assert Orders().currency == "EUR"
    dashboard = Dashboard(shop)
    dashboard.layout.width = "50%"
    dashboard.tooltip = "a name of ipywidgets"
    dashboard.speed = 2.0
    redis.delete("billing")
