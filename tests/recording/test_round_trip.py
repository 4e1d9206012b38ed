from __future__ import annotations

import gzip
import json
import resource
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import redis as redis_py
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plots.histories import EDGES, HOSTILE, U64, gone, group, history, rough_samples, sample, shop
from recording.files import lines_of
from redis.cluster import RedisCluster

from streamviz import History, Observer, Scenario, Stream, load, record, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.errors import InputError, RecordingError
from streamviz.observation.events import note
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import Lag, Sample
from streamviz.patterns.partitions import Partitions
from streamviz.plots import PartitionLanes
from streamviz.recording import Recorder, Recording, save, write
from streamviz.recording.blocks import Block, read_blocks
from streamviz.recording.codec import object_codec
from streamviz.recording.format import dump
from streamviz.server.embedded_cluster import EmbeddedCluster
from streamviz.widgets import Live


def bare(samples: Any) -> list[Sample]:
    """Return what a recording keeps of samples: everything but the entries' fields."""
    return [
        replace(one, entries=tuple(replace(entry, fields={}) for entry in one.entries))
        for one in samples
    ]


def round_trip(path: Path, samples: Any) -> list[Sample]:
    with Recorder(path, overwrite=True) as recorder:
        for one in samples:
            recorder(one)
    return list(load(path).samples)


def test_what_is_loaded_is_what_was_seen(redis: redis_py.Redis, key: str, tmp_path: Path) -> None:
    samples = shop(redis, key, seed=4, seconds=20)
    assert len(samples) > 150
    assert any(one.events for one in samples)
    assert any(one.oldest for sample in samples for one in sample.groups)
    assert any(not one.exists for one in samples)
    found = round_trip(tmp_path / "run.jsonl", samples)
    assert found == bare(samples)


@given(samples=rough_samples())
@settings(suppress_health_check=[*HealthCheck], deadline=None, max_examples=150)
def test_any_life_comes_back(samples: list[Sample], tmp_path: Path) -> None:
    assert round_trip(tmp_path / "run.jsonl", samples) == bare(samples)


numbers = st.integers(0, 6) | st.sampled_from([10**9, U64])
ids = st.builds(EntryId, numbers, numbers)
pending = st.builds(
    PendingEntry,
    ids,
    st.sampled_from(["a", "b", "", HOSTILE[0]]),
    st.integers(-1, 9) | st.just(10**12),
    st.integers(0, 3),
)
consumers = st.builds(
    ConsumerInfo,
    st.sampled_from(["a", "b", HOSTILE[1]]),
    st.integers(0, 3),
    st.integers(0, 9),
    st.none() | st.integers(0, 9),
)


@pytest.mark.slow
@given(
    given=st.lists(
        st.tuples(
            st.lists(pending, max_size=6),
            st.lists(consumers, max_size=3, unique_by=lambda one: one.name),
            st.lists(ids, max_size=4),
            st.integers(0, 5),
        ),
        min_size=1,
        max_size=30,
    )
)
@settings(suppress_health_check=[*HealthCheck], deadline=None, max_examples=200)
def test_any_pending_entries_and_consumers_come_back(given: Any, tmp_path: Path) -> None:
    samples, when = [], 0
    for n, (oldest, states, entries, passed) in enumerate(given, start=1):
        when += passed
        states.sort(key=lambda one: one.name)
        state = replace(group("g", 1, oldest=oldest), consumers=tuple(states))
        samples.append(sample(n, state, time_ms=when, ids=entries))
    assert round_trip(tmp_path / "run.jsonl", samples) == bare(samples)


@pytest.mark.parametrize("samples", EDGES.values(), ids=EDGES.keys())
def test_edges_come_back(samples: list[Sample], tmp_path: Path) -> None:
    assert round_trip(tmp_path / "run.jsonl", samples) == bare(samples)


def test_a_bounded_load_keeps_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    save(history(*(sample(n, ids=[EntryId(n)]) for n in range(1, 40))), path)
    assert len(load(path)) == 39
    some = load(path, limit=10, max_entries=4)
    assert [one.n for one in some.samples] == list(range(30, 40))
    assert len(list(some.entries)) == 4
    with pytest.raises(InputError, match="limit=0"):
        load(path, limit=0)


def test_any_part_can_be_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.jsonl"
    samples = [sample(n, group("g", n), length=n, ids=[EntryId(n)]) for n in range(1, 60)]
    monkeypatch.setattr(write, "BLOCK_LINES", 10)
    save(history(*samples), path)
    recording = Recording(path)
    for first, last in ((0, 59), (0, 1), (13, 27), (58, 59), (58, 99), (59, 60), (5, 5)):
        assert list(recording.samples(None, first, last)) == bare(samples[first:last])
    for places in ([10, 40], [5], [0, 58], [58, 3, 3], []):
        assert list(recording.chosen(None, places)) == bare([samples[at] for at in places])
    with_entries, without = (
        bare(samples[20:22]),
        list(recording.samples(None, 19, 22, bare_until=20)),
    )
    assert without[1:] == with_entries
    assert without[0] == replace(bare(samples)[19], entries=(), missed=1)


def test_a_run_is_recorded_while_it_goes_on(
    redis: redis_py.Redis, prefix: str, tmp_path: Path
) -> None:
    a, b = f"{prefix}a", f"{prefix}b"
    scenario = Scenario(redis)
    scenario.produce(a, series.constant(rate_hz=50))
    scenario.produce(b, series.constant(rate_hz=20))
    scenario.group([a, b], "g", service_ms=5)
    path = tmp_path / "run.jsonl"
    with record(scenario, path) as recorder:
        scenario.run(seconds=3)
        assert len(Recording(path).tracks) == 2, "it can be read while it is written"
    assert recorder not in scenario.on_sample
    scenario.run(seconds=1)
    recorder(scenario.history.samples[-1])
    for key in (a, b):
        found = load(path, key)
        assert list(found.samples) == bare(scenario.histories[key].samples[: len(found)])
        assert 30 <= len(found) < 35
    assert list(load(path).samples) == list(load(path, a).samples)
    with pytest.raises(InputError, match="holds no stream 'c': it holds"):
        load(path, "c")


def test_an_observer_is_recorded_as_it_looks(
    redis: redis_py.Redis, key: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    observer = Observer(redis, key)
    with record(observer, path):
        first = observer.sample(1000)
        Stream(redis, key).add({"card": "4111"})
        second = observer.sample(2000, ["paid"])
    observer.sample(3000)
    assert list(load(path).samples) == bare([first, second])


def test_a_dashboard_is_recorded_through_its_scenario(
    redis: redis_py.Redis, key: str, tmp_path: Path
) -> None:
    from streamviz import Dashboard

    scenario = Scenario(redis)
    scenario.produce(key, series.constant(rate_hz=50))
    dashboard: Live = Dashboard(scenario)
    with record(dashboard, tmp_path / "run.jsonl"):
        scenario.run(seconds=1)
    assert len(load(tmp_path / "run.jsonl")) == 11
    for nothing in (Dashboard(History()), "run", None):
        with pytest.raises(InputError, match="can't be recorded"):
            record(nothing, tmp_path / "other.jsonl")
    assert not (tmp_path / "other.jsonl").exists()


def test_no_value_and_no_password_is_in_it(redis: redis_py.Redis, key: str, tmp_path: Path) -> None:
    def handler(entry: Any) -> None:
        raise ValueError(f"no such card: {entry.fields['card']}")

    scenario = Scenario(redis)
    scenario.produce(key, series.Series.of([(i * 100, {"card": "4111-secret"}) for i in range(5)]))
    scenario.group(key, "g", handler=handler)
    path = tmp_path / "run.jsonl"
    with record(scenario, path) as recorder:
        said = "reached redis://ann:hunter2@example:6379/0, not rediss://:hun/t@er2@b"
        scenario.context.report(note(said))
        with pytest.raises(Exception, match="no such card"):
            scenario.run(seconds=1)
        recorder.caption("here")
    text = gzip.decompress(path.read_bytes()).decode("ascii")
    for block in recorder_blocks(path):
        text += block.contents.decode("ascii")
    assert text.count("hunter2") == 0
    raised = '{"kind":"handler_raised","who":"g-1","group":"g","detail":"ValueError"}'
    assert text.count(raised) == 2, "in the sample and in the index"
    assert "reached redis://***@example:6379/0, not rediss://***@b" in text
    for secret in ("4111", "card", "secret", "hunter2", "hun", "er2"):
        assert secret not in text


def recorder_blocks(path: Path) -> list[Block]:
    with path.open("rb") as file:
        return list(read_blocks(file, path.stat().st_size))


def test_pandas_reads_it_with_one_call(redis: redis_py.Redis, key: str, tmp_path: Path) -> None:
    samples = shop(redis, key, seed=4, seconds=5)
    path = tmp_path / "run.jsonl.gz"
    huge = sample(
        samples[-1].n + 1,
        time_ms=samples[-1].time_ms,
        first=EntryId(U64, U64),
        ids=[EntryId(1), EntryId(U64, U64), EntryId(U64, U64 - 1)],
    )
    save(history(*samples, huge, limit=5000), path, captions=[(1, "look")])
    table = pd.read_json(path, lines=True)  # .gz tells it to decompress
    rows = table[table.n.notna()]
    assert len(rows) == len(samples) + 1
    lengths = list(rows.length.astype(int))
    assert lengths[:-1] == [one.length for one in samples]
    assert list(rows.time_ms.astype("int64"))[-2] == samples[-1].time_ms
    flat = pd.json_normalize(list(rows.groups.dropna()))
    assert "billing.lag.entries" in flat.columns


def test_captions_are_pinned_to_moments(redis: redis_py.Redis, key: str, tmp_path: Path) -> None:
    scenario = Scenario(redis).watch(key)
    path = tmp_path / "run.jsonl"
    with record(scenario, path) as recorder:
        scenario.run(seconds=2)
        recorder.caption("two seconds in")
        recorder.caption("the beginning", at_s=0)
        for wrong in (-1, "soon", True, float("nan")):
            with pytest.raises(InputError, match="at_s="):
                recorder.caption("no", at_s=wrong)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="not a caption"):
            recorder.caption(7)  # type: ignore[arg-type]
    assert [(one.at_s, one.text) for one in Recording(path).captions] == [
        (0, "the beginning"),
        (2.0, "two seconds in"),
    ]


def test_each_line_holds_the_whole_sample_and_other_programs_read_it(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    save(history(*(sample(n, group("g", 3), length=7) for n in range(1, 250))), path)
    rows = lines_of(path)
    assert rows[0] == {"streamviz": 2}
    assert [row["n"] for row in rows[1:]] == list(range(1, 250))
    assert all(row["groups"]["g"]["lag"]["entries"] == 3 for row in rows[1:])
    assert all(row["length"] == 7 for row in rows[1:])
    required = {one.name for one in fields(Sample) if one.default is MISSING}
    assert all(row.keys() == required for row in rows[1:]), "a default is not written"
    tool = shutil.which("zcat")
    if tool:
        with path.open("rb") as file:
            text = subprocess.run([tool], stdin=file, capture_output=True, check=True).stdout
        assert [json.loads(line) for line in text.splitlines()] == rows


@dataclass(frozen=True, slots=True)
class Newer:
    """A record with fields that no recording has yet."""

    n: int
    last_id: EntryId
    seen: tuple[EntryId, ...] = ()
    oldest: tuple[PendingEntry, ...] = ()
    state: Lag | None = None
    is_new: bool = False


def test_the_format_follows_the_fields() -> None:
    codec = object_codec(Newer)
    lag = Lag(1, "exact", "", None)
    for one in (
        Newer(1, EntryId(5)),
        Newer(2, EntryId(5), (EntryId(1), EntryId(2)), (PendingEntry(EntryId(1), "a", -1, 2),)),
        Newer(3, EntryId(5), state=lag, is_new=True),
    ):
        assert codec.read(json.loads(dump(one))) == one
    assert json.loads(dump(Newer(1, EntryId(5)))) == {"n": 1, "last_id": "5-0"}
    assert json.loads(dump(Newer(1, EntryId(5), (EntryId(1),))))["seen"] == ["1-0"]
    with pytest.raises(RecordingError, match=r"state.verdict is 'odd'"):
        codec.read({"n": 1, "last_id": "0-0", "state": {**asdict(lag), "verdict": "odd"}})


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    save(history(sample(1)), path)
    with pytest.raises(RecordingError, match=r"already exists.*overwrite=True"):
        save(history(sample(1), sample(2)), path)
    assert len(load(path)) == 1
    with pytest.raises(RecordingError, match="can't be created: No such file"):
        save(history(sample(1)), tmp_path / "nowhere" / "run.jsonl")
    with pytest.raises(InputError, match="give the History"):
        save("run", path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"give \(at_s, text\)"):
        save(history(gone(1)), path, captions=["no"], overwrite=True)  # type: ignore[list-item]
    assert len(load(path)) == 1, "bad captions cost nothing"


def test_a_full_disk_ends_the_recording_and_not_the_run(
    redis: redis_py.Redis, key: str, tmp_path: Path, until: Callable[..., None]
) -> None:
    if Path("/dev/full").exists():
        with pytest.raises(RecordingError, match=r"can't grow .*No space left"):
            record(Scenario(redis).watch(key), "/dev/full", overwrite=True)
    path = tmp_path / "run.jsonl.gz"
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Scenario(redis, sample_every_ms=5).watch(key) as scenario:
        recorder = record(scenario, path)
        for n in range(40):
            redis.xgroup_create(key, f"{n * 7**9}", "0", mkstream=True)
        try:  # a file may not grow beyond this, as if the disk were full
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, usual[1]))
            scenario.start()
            until(lambda: (redis.xadd(key, {"n": 1}), scenario.error)[1], 20)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        assert "run.jsonl.gz can't grow (File too large): the recording" in str(scenario.error)
        before = scenario.history.last.n
        until(lambda: scenario.history.last.n > before)
        assert recorder.closed
        with pytest.raises(RecordingError, match="can't grow") as error:
            recorder.close()
        recorder.close()
    with pytest.warns(UserWarning, match="this last block is left out"):
        count = len(load(path))
    assert count < before
    assert count == recorder.sample_count
    assert str(error.value).endswith(f"the recording ends here. Samples written: {count}")


def test_a_recording_that_has_ended_too_early_says_so_at_its_end(
    redis: redis_py.Redis, key: str, tmp_path: Path, until: Callable[..., None]
) -> None:
    path = tmp_path / "run.jsonl.gz"
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Scenario(redis, sample_every_ms=5).watch(key) as scenario:
        recorder = record(scenario, path)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, usual[1]))
            scenario.start()  # in a thread of its own
            until(lambda: recorder.closed)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        with pytest.raises(RecordingError, match=r"can't grow .*Samples written: 0$"), recorder:
            pass


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda path: path.unlink(),
        lambda path: shutil.rmtree(path.parent),
        lambda path: path.rename(path.with_name("moved.jsonl.gz")),
        lambda path: path.write_bytes(b"theirs"),
        lambda path: Recorder(path, overwrite=True).close(),
    ],
    ids=["deleted", "with its directory", "moved", "written to", "recorded again"],
)
def test_a_recording_whose_file_is_taken_away_ends_and_says_so(
    redis: redis_py.Redis,
    key: str,
    tmp_path: Path,
    until: Callable[..., None],
    meanwhile: Callable[[Path], object],
) -> None:
    path = tmp_path / "runs" / "run.jsonl.gz"
    path.parent.mkdir()
    with Scenario(redis, sample_every_ms=5).watch(key) as scenario:
        recorder = record(scenario, path)
        scenario.start()
        until(lambda: recorder.sample_count)
        meanwhile(path)
        until(lambda: recorder.closed)
        before = scenario.history.last.n
        until(lambda: scenario.history.last.n > before)
        told = [str(one) for sample in scenario.history.samples for one in sample.events]
        assert told == ["a callback of on_sample raised RecordingError"]
        says = (
            r"run.jsonl.gz was deleted, moved or overwritten .*: the recording ends here\. Record "
        )
        with pytest.raises(RecordingError, match=says):
            recorder.close()
    assert not path.exists() or path.read_bytes() == b"theirs" or not load(path)


def test_a_recording_goes_on_after_the_program_has_changed_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Recorder("run.jsonl.gz") as recorder:
        monkeypatch.chdir("/")
        recorder(gone(1))
        recorder(gone(2))
    assert len(load(tmp_path / "run.jsonl.gz")) == 2


def test_samples_are_counted_when_they_are_in_the_file(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run.jsonl.gz", block_ms=None) as recorder:
        for n in range(1, write.BLOCK_LINES + 8):
            recorder(sample(n))
        assert (recorder.sample_count, recorder.closed) == (write.BLOCK_LINES, False)
    assert (recorder.sample_count, recorder.closed) == (write.BLOCK_LINES + 7, True)
    assert len(load(recorder.path)) == write.BLOCK_LINES + 7


def test_reading_loads_no_server_and_no_simulation(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    save(history(sample(1, group("g")), sample(2)), path)
    program = """
import sys
import streamviz.recording
from streamviz.recording import Recording, load
assert len(load(sys.argv[1])) == 2
assert Recording(sys.argv[1]).seconds == 0.1
print(sorted({name.partition(".")[0] for name in sys.modules} & {"redis", "hiredis", "simpy"}))
"""
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_samples_are_in_the_file_within_a_second(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    with Recorder(path) as recorder:
        for n in range(1, 60):
            recorder(sample(n))
            assert len(load(path)) >= n - 10, "a second of samples"
        recorder(replace(sample(1), stream="other"))
        assert "other" not in Recording(path).tracks
    assert len(load(path)) == 59
    assert len(load(path, "other")) == 1
    with Recorder(path, overwrite=True, block_ms=50) as recorder:
        recorder(sample(1, time_ms=1000))
        recorder(sample(2, time_ms=1001))
        assert len(load(path)) == 1
        recorder(sample(3, time_ms=1050))
        assert len(load(path)) == 3


def test_a_sample_too_long_to_be_read_again_ends_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    with Recorder(path) as recorder:
        recorder(sample(1))
        recorder(sample(2))
        with pytest.raises(RecordingError, match=r"a sample takes 8,.* bytes, and may take 8,388"):
            recorder(sample(3, trouble="x" * 2**23))
        recorder(sample(4))
    assert [one.n for one in load(path).samples] == [1, 2]


def test_an_index_too_long_to_be_read_again_ends_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    names = [ConsumerInfo(f"{n:04}", 0, 0, None) for n in range(200)]
    busy = replace(group("g" * 100_000), consumers=tuple(names))
    with Recorder(path, block_ms=None) as recorder:
        recorder(sample(1, busy))
        recorder.caption("here")
        recorder(sample(2, replace(busy, consumers=())))
        with pytest.raises(RecordingError, match=r"gz ends here: a block of 20,.* is too long"):
            recorder.caption("there")
    assert [one.n for one in load(path).samples] == [1]


def test_the_parts_of_a_stream_come_back_and_no_password_with_them(
    cluster: EmbeddedCluster, nodes: RedisCluster, tmp_path: Path
) -> None:
    parts = Partitions(nodes, f"test:{uuid.uuid4().hex[:8]}", 6)
    try:
        parts.create_group("bill")
        parts.add_many((f"customer-{n}", {"n": n}) for n in range(50))
        observer = PartitionObserver(parts, cluster.names)
        with record(observer, tmp_path / "own.jsonl.gz"):
            samples = [observer.sample() for _ in range(2)]
        assert load(tmp_path / "own.jsonl.gz").samples[1].partitions[5].sample.length > 0  # type: ignore[attr-defined]
        words = "redis://:secret@host does not answer"
        early = replace(samples[0].partitions[0].sample, time_ms=-5, trouble=words)
        first = replace(samples[0].partitions[0], sample=early, moving_to="node-9")
        states = (first, *samples[0].partitions[1:])
        samples[0] = replace(samples[0], time_ms=-5, trouble=words, partitions=states)
        found = round_trip(tmp_path / "run.jsonl", samples)
        assert all(isinstance(one, PartitionedSample) for one in found)
        assert "secret" not in gzip.decompress((tmp_path / "run.jsonl").read_bytes()).decode()
        for old, new in zip(samples, found, strict=True):
            assert isinstance(new, PartitionedSample)
            pairs = list(zip(old.partitions, new.partitions, strict=True))
            assert [(a.number, a.slot, a.node, a.moving_to) for a, _ in pairs] == [
                (b.number, b.slot, b.node, b.moving_to) for _, b in pairs
            ]
            assert [a.sample.groups for a, _ in pairs] == [b.sample.groups for _, b in pairs]
            assert [a.sample.length for a, _ in pairs] == [b.sample.length for _, b in pairs]
        lanes = PartitionLanes().figure(history(*found))
        assert lanes == PartitionLanes().figure(history(*samples))
    finally:
        for stream in parts.streams:
            nodes.delete(stream.key)
