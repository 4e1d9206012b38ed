"""Plain readers of a scenario: which entries each gets depends on what it remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import redis as redis_py

from streamviz import Observer, Scenario, Stream, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.errors import HandlerError, InputError
from streamviz.observation.history import History
from streamviz.observation.sample import ReaderState
from streamviz.patterns.offsets import HashOffset
from streamviz.simulation.readers import readers_key


@pytest.fixture
def scenario(redis: redis_py.Redis) -> Iterator[Scenario]:
    scenario = Scenario(redis, seed=7)
    yield scenario
    scenario.stop()


def handled(scenario: Scenario, key: str, remembers: str, **options: float) -> Counter[EntryId]:
    entries: list[Entry] = []
    scenario.reader(key, remembers, remembers=remembers, handler=entries.append, **options)
    scenario.run(seconds=20)
    return Counter(entry.id for entry in entries)


@pytest.mark.parametrize("remembers", ["hash", "memory", "nothing"])
def test_the_cost_of_a_crash_depends_on_what_a_reader_remembers(
    scenario: Scenario, redis: redis_py.Redis, key: str, remembers: str
) -> None:
    scenario.produce(key, series.bursts(burst_size=3, every_ms=1000, spread_ms=100))
    counts = handled(scenario, key, remembers, service_ms=50, crash_at_s=9.01, revive_after_s=2)
    all_ids = {entry.id for entry in Stream(redis, key).range()}
    twice = [one for one, times in counts.items() if times > 1]
    if remembers == "hash":
        assert set(counts) == all_ids
        assert not twice
    elif remembers == "memory":
        assert set(counts) == all_ids
        assert 20 < len(twice) < 30, "the entries from before the crash"
    else:
        assert 10 < len(counts) < len(all_ids) * 0.75
        assert not twice
    assert scenario.readers[remembers].handled == counts.total()


def test_a_sample_has_each_readers_position_and_entries(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(5))
    scenario.reader(key, "ann", service_ms=10)
    scenario.reader(key, "late", start="$", service_ms=10, crash_at_s=0)
    last = scenario.run(seconds=2).last
    assert last is not None
    assert last.reader("ann") == last.readers[0] == ReaderState("ann", last.last_id)
    assert last.reader("nobody") is None
    assert scenario.history.reader_names == ("ann", "late")
    got = [one for sample in scenario.history.samples for r in sample.readers for one in r.got]
    assert got == [entry.id for entry in Stream(redis, key).range()]
    assert HashOffset(redis, readers_key(key), "ann").load() == last.last_id


def test_a_second_run_starts_again_and_gives_the_same(redis: redis_py.Redis, key: str) -> None:
    def run() -> list[tuple[ReaderState, ...]]:
        scenario = Scenario(redis, seed=3)
        scenario.produce(key, series.poisson(rate_hz=5, seed=3))
        scenario.reader(key, "ann", service_ms=lambda rng: rng.uniform(10, 400), crash_at_s=3)
        scenario.reader(key, "ben", remembers="nothing", service_ms=300)
        return [sample.readers for sample in scenario.run(seconds=10).samples]

    first = run()
    assert len(set(first)) > 20
    assert run() == first


def test_a_reader_is_killed_and_revived_on_the_wall_clock_too(
    scenario: Scenario, key: str, until: Callable[..., None]
) -> None:
    scenario.produce(key, series.constant(rate_hz=50))
    ann = scenario.reader(key, "ann", service_ms=1)
    scenario.start()
    until(lambda: ann.handled > 3)
    ann.kill()
    ann.kill()
    before = ann.handled
    assert not ann.alive
    added = scenario.producers[0].added
    until(lambda: scenario.producers[0].added > added + 5)
    assert ann.handled == before
    ann.revive()
    until(lambda: ann.handled >= added + 5)
    notes = [str(note) for sample in scenario.history.samples for note in sample.events]
    assert [note for note in notes if "ann" in note][:1] == ["ann was killed"]
    assert "handled" in repr(ann)


def test_a_recreated_stream_is_reported(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    Stream(redis, key).add({"n": 1}, id="9-0")
    HashOffset(redis, readers_key(key), "ann")
    scenario.reader(key, "ann", start="50-0")
    scenario.run(seconds=1)
    notes = [str(note) for sample in scenario.history.samples for note in sample.events]
    assert len(notes) == 1
    assert "ann: the position 50-0 lies beyond 9-0" in notes[0]


def test_a_position_in_memory_dies_with_its_reader(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=10))
    for name, remembers in (("forgets", "memory"), ("knows", "hash")):
        scenario.reader(key, name, remembers=remembers, service_ms=1, crash_at_s=1)
    last = scenario.run(seconds=2).last
    assert last is not None
    assert [reader.name for reader in last.readers] == ["knows"]


def test_a_readers_own_state_wins_over_the_hash(redis: redis_py.Redis, key: str) -> None:
    Stream(redis, key).add({"n": 1}, id="9-0")
    for name in ("ann", "ben"):
        HashOffset(redis, readers_key(key), name).save(EntryId(1))
    state = ReaderState("ben", EntryId(9), (EntryId(9),))
    sample = Observer(redis, key, readers=readers_key(key)).sample(readers=[state])
    assert sample.readers == (ReaderState("ann", EntryId(1)), state)


def test_an_exception_in_a_handler_is_reported_and_the_reader_goes_on(
    scenario: Scenario, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(5))
    ann = scenario.reader(key, "ann", handler=lambda entry: 1 / (int(entry.fields["n"]) - 2))
    with pytest.raises(HandlerError, match="the handler of ann raised ZeroDivisionError"):
        scenario.run(seconds=3)
    assert ann.handled == 5


def test_an_exception_in_a_service_time_names_the_reader(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(5))
    scenario.reader(key, "ann", service_ms=lambda rng: 1 / 0)
    with pytest.raises(HandlerError, match="the service_ms of ann raised ZeroDivisionError"):
        scenario.run(seconds=3)


@pytest.mark.parametrize(
    "options",
    [
        {"remembers": "all"},
        {"start": "+"},
        {"batch": 0},
        {"service_ms": -1},
        {"crash_at_s": -1},
        {"revive_after_s": "soon"},
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_created(
    scenario: Scenario, key: str, options: dict[str, object]
) -> None:
    with pytest.raises(InputError):
        scenario.reader(key, "ann", **options)
    assert not scenario.readers
    scenario.reader(key, "ann")
    with pytest.raises(InputError, match="already has a reader 'ann'"):
        scenario.reader(key, "ann")


def test_an_observer_names_the_reader_whose_position_is_not_an_entry_id(
    redis: redis_py.Redis, key: str
) -> None:
    Stream(redis, key).add({"n": 1}, id="1-0")
    observer = Observer(redis, key, readers=readers_key(key))
    assert observer.sample().readers == ()
    HashOffset(redis, readers_key(key), "zoe").save(EntryId(1))
    HashOffset(redis, readers_key(key), "ann").save(EntryId(0, 7))
    assert [(one.name, str(one.position)) for one in observer.sample().readers] == [
        ("ann", "0-7"),
        ("zoe", "1-0"),
    ]
    redis.hset(readers_key(key), "ben", "yesterday")
    assert "'ben'" in observer.sample().trouble
    redis.set(readers_key(key), "text")
    assert "HGETALL" in observer.sample().trouble
    redis.delete(readers_key(key))
    assert observer.sample().trouble == ""


def test_readers_leave_the_history_with_their_last_sample(redis: redis_py.Redis, key: str) -> None:
    Stream(redis, key).add({"n": 1})
    observer, history = Observer(redis, key, readers=readers_key(key)), History(limit=2)
    offset = HashOffset(redis, readers_key(key), "ann")
    offset.save(EntryId(1))
    history.append(observer.sample(1))
    offset.forget()
    for time_ms, names in ((2, ("ann",)), (3, ())):
        history.append(observer.sample(time_ms))
        assert history.reader_names == names
