from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis as redis_py
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_recordings import FOLDER, timeless
from plots.histories import HOSTILE, group, history, rough_samples, sample, shop
from recording.files import HEADER, lines_of

from streamviz import Observer, Stream, record
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.observation.events import Event
from streamviz.observation.poll_sample import without_stream
from streamviz.observation.sample import Sample
from streamviz.recording import Recording, save, write
from streamviz.recording.blocks import Block
from streamviz.recording.events import EventDetector, TrackEvent
from streamviz.recording.track import BlockIndex, SampleIndex, Track


def worked(n: int, held: dict[str, str], again: str = "", names: str = "ann bob") -> Sample:
    """Return a sample of a group whose entries are held, at their first delivery or not."""
    oldest = [
        PendingEntry(EntryId(int(one)), who, 5 if who else -1, 2 if one in again.split() else 1)
        for one, who in held.items()
    ]
    states = tuple(ConsumerInfo(who, 0, 5, 5) for who in names.split())
    return sample(n, replace(group("g", oldest=oldest, pending=len(oldest)), consumers=states))


def events(path: Path, *samples: Sample) -> list[TrackEvent]:
    save(history(*samples), path, overwrite=True)
    return Recording(path).track().events


@pytest.mark.parametrize("again", ["5 6", ""], ids=["counted", "JUSTID"])
@pytest.mark.parametrize("first", range(1, 12))
def test_who_took_over_what_is_seen_without_a_note(tmp_path: Path, first: int, again: str) -> None:
    calm = [worked(n, {"5": "ann", "6": "ann", "7": "bob"}) for n in range(1, first + 1)]
    held = {"5": "bob", "6": "bob", "7": "bob"}
    taken = [worked(first + 1, held, again), worked(first + 2, held, f"{again} 7")]
    found = events(tmp_path / "r.jsonl", *calm, *taken, worked(first + 3, held, f"{again} 7"))
    assert found == [TrackEvent(first, Event("claimed", "bob", "g", 2, ("ann",)))], (
        "7 came to bob again"
    )


def test_each_owner_and_each_claimer_is_named(tmp_path: Path) -> None:
    before = worked(1, {"5": "ann", "6": "", "7": "bob", "8": "bob"})
    after = worked(2, {"5": "bob", "6": "bob", "7": "cy", "8": ""}, names="ann bob cy")
    assert [str(one.event) for one in events(tmp_path / "r.jsonl", before, after)] == [
        "bob claimed 2 entries from ann",
        "cy claimed 1 entry from bob",
    ], "what was given back is claimed by nobody"


@pytest.mark.parametrize("late", [0, 1])
def test_a_claim_that_a_note_tells_of_is_told_once(tmp_path: Path, late: int) -> None:
    samples = [worked(1, {"5": "ann"}), worked(2, {"5": "bob"}, "5"), worked(3, {"5": "bob"}, "5")]
    claim = Event("claimed", "bob", "g", 1, ("ann",))
    samples[1 + late] = replace(samples[1 + late], events=(claim,))
    found = events(tmp_path / "r.jsonl", *samples)
    assert [one.event for one in found] == [claim]


@pytest.mark.parametrize("before", [5, 10, 12])
def test_a_consumer_that_vanishes_was_deleted(tmp_path: Path, before: int) -> None:
    there = [worked(n, {}) for n in range(1, before + 1)]
    without = [worked(n, {}, names="bob") for n in range(before + 1, before + 15)]
    found = events(tmp_path / "r.jsonl", *there, *without)
    assert found == [TrackEvent(before, Event("consumer_deleted", "ann", "g"))]
    gone = [sample(n) for n in range(before + 1, before + 15)]
    assert events(tmp_path / "r.jsonl", *there, *gone) == [], "with its group nobody is deleted"
    many = [replace(one, groups=(replace(one.groups[0], more_consumers=9),)) for one in without]
    assert events(tmp_path / "r.jsonl", *there, *many) == [], "not all are listed"


def test_an_application_is_seen_to_claim_and_to_delete(
    redis: redis_py.Redis, key: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    stream = Stream(redis, key)
    consumer_group = stream.group("g")
    consumer_group.create("0", mkstream=True)
    stream.add_many({"n": str(n)} for n in range(5))
    observer = Observer(redis, key)
    with record(observer, path):
        held = [entry.id for entry in consumer_group.consumer("ann").read(3)]
        observer.sample(1000)
        consumer_group.consumer("bob").claim(held[:2])
        observer.sample(1100)
        consumer_group.consumer("bob").claim(held[2:], justid=True)
        observer.sample(1200)
        consumer_group.consumer("cy").autoclaim(0, justid=True)
        observer.sample(1300)
        consumer_group.delete_consumer("ann")
        observer.sample(1400)
    assert Recording(path).track().events == [
        TrackEvent(1, Event("claimed", "bob", "g", 2, ("ann",))),
        TrackEvent(2, Event("claimed", "bob", "g", 1, ("ann",))),
        TrackEvent(3, Event("claimed", "cy", "g", 3, ("bob",))),
        TrackEvent(4, Event("consumer_deleted", "ann", "g")),
    ]


def replayed(samples: Sequence[Sample]) -> list[TrackEvent]:
    """Return a track's events, found by comparing the samples that were read back."""
    detector, track = EventDetector(), Track("s")
    for place, one in enumerate(samples):
        events, claims = detector.events(one)
        track.take(
            BlockIndex(
                "s",
                (SampleIndex.of(one),),
                tuple(TrackEvent(0, event) for event in events),
                tuple(TrackEvent(0, event) for event in claims),
            ),
            Block(1, 0, 0, b""),
            place,
        )
    track.close()
    return track.events


def agrees(path: Path) -> None:
    """Check that a recording's index says what its samples say."""
    recording = Recording(path)
    assert recording.tracks
    for stream, track in recording.tracks.items():
        samples = list(recording.samples(stream))
        assert [track.index(place) for place in range(len(track))] == [
            SampleIndex.of(one) for one in samples
        ]
        assert track.times_ms == [one.time_ms for one in samples]
        assert track.entries == [len(one.entries) for one in samples]
        assert track.events == replayed(samples)
        groups = (group.name for one in samples for group in one.groups)
        assert track.groups == tuple(dict.fromkeys(groups))
        assert [place for one in track.blocks for place in one.places] == list(range(len(track)))


@given(samples=rough_samples(), lines=st.integers(1, 9))
@settings(suppress_health_check=[*HealthCheck], deadline=None, max_examples=100)
def test_the_index_of_any_life_says_what_its_samples_say(
    samples: list[Sample], lines: int, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "BLOCK_LINES", lines)
        save(history(*samples), tmp_path / "r.jsonl", overwrite=True)
    agrees(tmp_path / "r.jsonl")


def test_the_index_of_a_run_says_what_its_samples_say(
    redis: redis_py.Redis, key: str, tmp_path: Path
) -> None:
    run = shop(redis, key, seed=4, seconds=20)
    save(history(*map(timeless, run)), tmp_path / "r.jsonl")
    ready = sorted(FOLDER.glob("*.jsonl.gz"))
    assert len(ready) == 3
    for path in (tmp_path / "r.jsonl", *ready):
        agrees(path)
    assert len(Recording(tmp_path / "r.jsonl").track().blocks) > 1


@pytest.mark.parametrize(
    "name",
    [*HOSTILE, "groups", "entries", "got", "whole", "null", "}}}", 'x],"groups":{"', '"gone":'],
)
def test_the_index_is_right_whatever_the_names(tmp_path: Path, name: str) -> None:
    samples = []
    for n in range(1, 25):
        held = [PendingEntry(EntryId(n, i), name, 1, 1 + n // 20) for i in range(3)]
        state = replace(group(name, n, oldest=held), consumers=(ConsumerInfo(name, n, 1, 1),))
        more: dict[str, Any] = {"readers": {name: EntryId(n)}, "got": {name: [EntryId(n)]}}
        ids = [EntryId(n, i) for i in range(n % 3)]
        events = [name] * (n % 5 == 0)
        samples.append(sample(n, state, ids=ids, events=events, **(more if n % 2 else {})))
    named = [replace(one, stream=name) for one in samples]
    save(history(*named), tmp_path / "r.jsonl")
    agrees(tmp_path / "r.jsonl")
    assert Recording(tmp_path / "r.jsonl").track().stream == name


def test_an_index_too_long_for_a_header_is_spread_over_several(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    die = Random(3)
    texts = [die.randbytes(20_000).hex() for _ in range(12)]
    samples = [sample(n, events=[text]) for n, text in enumerate(texts, start=1)]
    samples.append(sample(99, events=[die.randbytes(200_000).hex()]))
    save(history(*samples), path)
    agrees(path)
    assert [str(one.event) for one in Recording(path).track().events[:-1]] == texts
    assert len(lines_of(path)) == 14, "gzip reads on over the members without text"
    assert path.read_bytes().count(HEADER[:10]) > 5
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(HEADER[:10])])
    with pytest.warns(UserWarning, match="this last block is left out") as warned:
        assert len(Recording(path).track()) < 13
    assert [one.filename for one in warned] == [__file__]


def test_a_claim_during_an_outage_is_found_afterwards_and_no_consumer_was_deleted() -> None:
    detector, silent = EventDetector(), without_stream("s", 2, 1200, "no answer", ())
    assert detector.events(worked(1, {"5": "ann"})) == ([], [])
    assert detector.events(silent) == ([], [])
    assert detector.events(worked(3, {"5": "bob"}, again="5")) == (
        [],
        [Event("claimed", "bob", "g", 1, ("ann",))],
    )
