"""Slips over the public calls: each is an InputError at the call, which names the value."""

# mypy: disable-error-code="arg-type, call-overload, list-item, misc"
from __future__ import annotations

import math
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
    Observer,
    Scenario,
    Steps,
    Stream,
    ack_progress,
    connect,
    group_lag,
    load,
    partition_lanes,
    record,
    replay,
    series,
    stream_map,
    swim_lanes,
    trim_sawtooth,
    watch,
)
from streamviz.client import EntryId, capabilities, read_streams, slot_of
from streamviz.errors import CommandRefused, HandlerError, InputError, StreamVizError
from streamviz.export import DashboardServer, to_animation, to_html, to_slides, to_still
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
    assign_partitions,
    follow,
)
from streamviz.plots import AckProgress, GroupLag, PartitionLanes, SwimLanes, TrimSawtooth
from streamviz.recording import Frames, Recorder, Recording, save
from streamviz.server import EmbeddedServer
from streamviz.simulation import exponential, uniform

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
    "chosen(['x'])": (lambda p, s: p.recording.chosen("slips", ["x"]), "there is no sample 'x'"),
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
    "group, ack=[]": (lambda p, s: s.group("slips", "g", ack=[]), "ack=[] is not a policy"),
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
    # boards and exports
    "Dashboard(client)": (lambda p, s: Dashboard(p.client), "Redis can't be shown"),
    "Dashboard, stream": (lambda p, s: Dashboard(p.ran, stream="nope"), "its streams are 'slips'"),
    "stream_map, stream=5": (lambda p, s: stream_map(p.ran, stream=5), "its streams are 'slips'"),
    "history, stream": (lambda p, s: Dashboard(p.history, stream="nope"), "leave it out"),
    "swim_lanes, group": (lambda p, s: swim_lanes(p.history, group="nope"), "groups are 'billing'"),
    "swim_lanes of a run": (lambda p, s: swim_lanes(p.ran, group="nope"), "groups are 'billing'"),
    "ack_progress, group": (lambda p, s: ack_progress(p.history, group="nope"), "no group 'nope'"),
    "partition_lanes(shop)": (lambda p, s: partition_lanes(p.ran), "history=<Scenario"),
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
        "its streams are 'slips'",
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
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_at_the_call(slip: str, place: Any, shop: Scenario) -> None:
    call, words = SLIPS[slip]
    with pytest.raises(StreamVizError) as raised:
        call(place, shop)
    assert isinstance(raised.value, InputError)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "call", [DeadLetters, delivery_log, partition_lanes, lambda url: DashboardServer(url, "slips")]
)
def test_the_password_of_a_url_is_not_shown(call: Any) -> None:
    with pytest.raises(InputError, match=r"redis://\*\*\*@host") as raised:
        call("redis://ann:hush/hush@host:6379")
    assert "hush" not in str(raised.value)


def test_there_are_many_slips() -> None:
    assert len(SLIPS) > 150


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
    redis.delete("billing")
