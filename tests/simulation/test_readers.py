"""Plain readers of a scenario: what each gets, by what it remembers."""

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
    made = Scenario(redis, seed=7)
    yield made
    made.stop()


def handled(scenario: Scenario, key: str, remembers: str, **plan: float) -> Counter[EntryId]:
    seen: list[Entry] = []
    scenario.reader(key, remembers, remembers=remembers, handler=seen.append, **plan)
    scenario.run(seconds=20)
    return Counter(entry.id for entry in seen)


@pytest.mark.parametrize("remembers", ["hash", "memory", "nothing"])
def test_what_a_crash_costs_hangs_on_what_is_remembered(
    scenario: Scenario, redis: redis_py.Redis, key: str, remembers: str
) -> None:
    scenario.produce(key, series.bursts(burst_size=3, every_ms=1000, spread_ms=100))
    seen = handled(scenario, key, remembers, service_ms=50, crash_at_s=9.01, revive_after_s=2)
    every = {entry.id for entry in Stream(redis, key).range()}
    twice = [one for one, times in seen.items() if times > 1]
    if remembers == "hash":
        assert set(seen) == every
        assert not twice
    elif remembers == "memory":
        assert set(seen) == every
        assert 20 < len(twice) < 30, "what came before the crash"
    else:
        assert 10 < len(seen) < len(every) * 0.75
        assert not twice
    assert scenario.readers[remembers].handled == seen.total()


def test_a_sample_says_where_each_is_and_what_it_got(
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


def test_a_second_run_begins_anew_and_gives_the_same(redis: redis_py.Redis, key: str) -> None:
    def run() -> list[tuple[ReaderState, ...]]:
        made = Scenario(redis, seed=3)
        made.produce(key, series.poisson(rate_hz=5, seed=3))
        made.reader(key, "ann", service_ms=lambda rng: rng.uniform(10, 400), crash_at_s=3)
        made.reader(key, "ben", remembers="nothing", service_ms=300)
        return [sample.readers for sample in made.run(seconds=10).samples]

    first = run()
    assert len(set(first)) > 20
    assert run() == first


def test_it_is_killed_and_revived_on_the_wall_clock_too(
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


def test_a_stream_made_again_is_noted_not_waited_for_in_silence(
    scenario: Scenario, redis: redis_py.Redis, key: str
) -> None:
    Stream(redis, key).add({"n": 1}, id="9-0")
    HashOffset(redis, readers_key(key), "ann")
    scenario.reader(key, "ann", start="50-0")
    scenario.run(seconds=1)
    notes = [str(note) for sample in scenario.history.samples for note in sample.events]
    assert len(notes) == 1
    assert "ann: the position 50-0 lies beyond 9-0" in notes[0]


def test_a_place_in_memory_dies_with_its_reader(scenario: Scenario, key: str) -> None:
    scenario.produce(key, series.constant(rate_hz=10))
    for name, remembers in (("forgets", "memory"), ("knows", "hash")):
        scenario.reader(key, name, remembers=remembers, service_ms=1, crash_at_s=1)
    last = scenario.run(seconds=2).last
    assert last is not None
    assert [reader.name for reader in last.readers] == ["knows"]


def test_who_tells_of_itself_wins_over_the_hash(redis: redis_py.Redis, key: str) -> None:
    Stream(redis, key).add({"n": 1}, id="9-0")
    for name in ("ann", "ben"):
        HashOffset(redis, readers_key(key), name).save(EntryId(1))
    told = ReaderState("ben", EntryId(9), (EntryId(9),))
    sample = Observer(redis, key, readers=readers_key(key)).sample(readers=[told])
    assert sample.readers == (ReaderState("ann", EntryId(1)), told)


def test_what_goes_wrong_in_a_handler_is_told_and_the_reader_goes_on(
    scenario: Scenario, key: str
) -> None:
    scenario.produce(key, series.constant(rate_hz=10).limit(5))
    ann = scenario.reader(key, "ann", handler=lambda entry: 1 / (int(entry.fields["n"]) - 2))
    with pytest.raises(HandlerError, match="the handler of ann raised ZeroDivisionError"):
        scenario.run(seconds=3)
    assert ann.handled == 5


@pytest.mark.parametrize(
    "plan",
    [
        {"remembers": "all"},
        {"start": "+"},
        {"batch": 0},
        {"service_ms": -1},
        {"crash_at_s": -1},
        {"revive_after_s": "soon"},
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_made(
    scenario: Scenario, key: str, plan: dict[str, object]
) -> None:
    with pytest.raises(InputError):
        scenario.reader(key, "ann", **plan)
    assert not scenario.readers
    scenario.reader(key, "ann")
    with pytest.raises(InputError, match="there is a reader 'ann'"):
        scenario.reader(key, "ann")


def test_an_observer_says_which_reader_has_no_entry_id(redis: redis_py.Redis, key: str) -> None:
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
    observer, seen = Observer(redis, key, readers=readers_key(key)), History(limit=2)
    place = HashOffset(redis, readers_key(key), "ann")
    place.save(EntryId(1))
    seen.append(observer.sample(1))
    place.forget()
    for time_ms, names in ((2, ("ann",)), (3, ())):
        seen.append(observer.sample(time_ms))
        assert seen.reader_names == names
