from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from make_recordings import FOLDER
from plots.histories import PLOTS, group, history, sample, shop

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError
from streamviz.observation.events import Event
from streamviz.plots import GroupLag, StreamMap
from streamviz.plots.figure import apply
from streamviz.recording import Recorder, Recording, load, save
from streamviz.recording.events import TrackEvent
from streamviz.recording.format import pack
from streamviz.recording.frames import MAX_ENTRIES, SEGMENT_LENGTH, Frames


def play(frames: Frames, place: int, length: int = SEGMENT_LENGTH) -> list[list[Any]]:
    """Return the figures of a segment's frames, as a browser makes them."""
    segment = frames.segment(place, length)
    assert segment["first"] == place
    found = [segment["figures"]]
    for deltas in segment["deltas"]:
        found.append([apply(one, delta) for one, delta in zip(found[-1], deltas, strict=True)])
    return found


@pytest.fixture
def frames(redis: redis_py.Redis, key: str, tmp_path: Path) -> Frames:
    path = tmp_path / "run.jsonl"
    save(history(*shop(redis, key, seed=4, seconds=25)), path)
    return Frames(Recording(path), list(PLOTS.values()))


def test_frames_show_what_the_widgets_showed_and_each_segment_continues_the_one_before(
    frames: Frames,
) -> None:
    played = play(frames, 0, len(frames))
    assert len(played) == len(frames) == 251
    samples = list(frames.recording.samples())
    for place in (0, 1, 60, 155, 250):
        window = history(*samples[: place + 1])
        assert played[place] == frames.figures(place)
        assert played[place] == [plot.figure(window) for plot in PLOTS.values()]
    for place in (0, SEGMENT_LENGTH, 2 * SEGMENT_LENGTH):
        segment = play(frames, place)
        assert len(segment) == min(SEGMENT_LENGTH, len(played) - place)
        for i, figures in enumerate(segment):
            expected = played[place + i]
            assert [one["data"] for one in figures] == [one["data"] for one in expected]


def test_groups_keep_their_colours_wherever_one_looks(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    samples = [sample(n, group("z")) for n in range(1, 30)]
    samples += [sample(n, group("a"), group("z")) for n in range(30, 400)]
    save(history(*samples), path)
    frames = Frames(Recording(path), [GroupLag()], limit=50)
    for place in (40, 300):
        assert [trace["name"] for trace in frames.segment(place)["figures"][0]["data"][:2]] == [
            "z",
            "a",
        ]
    assert frames.segment(300)["figures"][0]["data"][0]["x"][-1] == 30.0, "seconds of the recording"


def test_preview_segments_show_every_tenth_sample(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    save(history(*(sample(n, group("g", n)) for n in range(1, 6001)), limit=6000), path)
    frames = Frames(Recording(path), [GroupLag()], limit=500)
    preview = frames.metadata()["preview"]
    assert preview["frames"] == list(range(0, 6000, 10))
    segments = [frames.preview(number) for number in range(3)]
    assert [segment["first"] for segment in segments] == [0, 200, 400]
    for segment in segments:
        (figure,) = segment["figures"]
        assert figure["data"][0]["y"][-1] == 1 + 10 * segment["first"]
        for at, (delta,) in enumerate(segment["deltas"], start=1):
            assert "full" not in delta, "each is only what is new"
            figure = apply(figure, delta)
            place = preview["frames"][segment["first"] + at]
            assert figure["data"][0]["y"][-1] == place + 1
            assert len(figure["data"][0]["y"]) <= 50, "as long a window as the exact one"
    assert len(segments[0]["deltas"]) == preview["segment_length"] - 1
    assert len(segments[1]["figures"][0]["data"][0]["y"]) == 50


def test_a_short_recording_has_no_preview_and_a_long_one_not_too_many_frames(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.jsonl"
    save(history(*(sample(n) for n in range(1, 400))), path)
    assert Frames(Recording(path), [GroupLag()]).metadata()["preview"]["frames"] == []
    save(history(*(sample(n) for n in range(1, 45_001)), limit=45_000), path, overwrite=True)
    frames = Frames(Recording(path), [GroupLag()], start_s=100)
    assert 2000 <= len(frames.preview_frames) <= 4000
    assert frames.metadata()["preview"]["frames"][0] < 10
    assert frames.preview((len(frames.preview_frames) - 1) // 200)["deltas"]


def test_a_span_counts_from_its_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    samples = [sample(n, events=[Event("killed", "ann")] if n == 15 else []) for n in range(1, 31)]
    save(history(*samples), path, captions=[(1.2, "in the recording")])
    frames = Frames(
        Recording(path), [GroupLag()], start_s=1.0, end_s=2.0, captions=[(0.5, "passed in")]
    )
    metadata = frames.metadata()
    assert metadata["times"][0] == 1.0
    assert metadata["times"][-1] == 2.0
    assert metadata["events"] == [[4, "killed", "ann was killed"]]
    assert metadata["captions"] == [[0.5, "passed in"], [1.2, "in the recording"]]
    assert frames.segment(0)["figures"][0]["data"][-1]["x"] == []
    assert len(play(frames, 0)) == 11


def test_a_map_shows_what_the_stream_held_before_its_frames_began() -> None:
    recording = Recording(FOLDER / "a_trim_bites.jsonl.gz")
    plots = [StreamMap(), GroupLag()]
    frames = Frames(recording, plots, start_s=20, end_s=21)
    whole = Frames(recording, plots, end_s=21)
    for place in (0, 5, -1):
        stream_map, lag = frames.figures(place)
        expected, _ = whole.figures(place if place < 0 else place + frames.span.start)
        sample = frames.history(place).last
        assert sample is not None
        assert sample.length >= 80
        first_s = (sample.first_id.ms - frames.start_ms) / 1000
        dots, there = (
            [x for x in one["data"][0]["x"] if x >= first_s] for one in (stream_map, expected)
        )
        assert len(dots) == len(there) == sample.length, stream_map["summary"]
        assert dots == there
        assert lag["data"][0]["x"][0] == 20.0, "the other plots begin with the frames"
    played = play(frames, 0)
    assert played[-1] == frames.figures(-1)
    assert len(played[0][0]["data"][0]["x"]) < 120, "no further back than it takes"
    assert (
        Frames(recording, [GroupLag()], start_s=20).history(0).samples[0].n == frames.span.start + 1
    )


@pytest.mark.parametrize("limit", [5, 20])
def test_a_map_is_no_wider_than_its_window(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "run.jsonl"
    samples = [sample(n, length=n, ids=[EntryId(1000 + 100 * n)]) for n in range(1, 60)]
    save(history(*samples), path)
    frames = Frames(Recording(path), [StreamMap()], start_s=4, limit=limit)
    for shown in (play(frames, 0), play(frames, 3)):
        assert {len(figures[0]["data"][0]["x"]) for figures in shown} == {limit}


@pytest.mark.parametrize(
    ("span", "says"),
    [
        ({"start_s": 99}, "there is no sample from 99 s on: the recording is 2 s long"),
        ({"start_s": 1.05, "end_s": 1.06}, "there is no sample from 1.05 s to 1.06 s"),
        ({"start_s": -1}, "start_s=-1"),
        ({"end_s": "soon"}, "end_s='soon'"),
        ({"end_s": True}, "end_s=True"),
        ({"stream": "other"}, "holds no stream 'other'"),
        ({"plots": []}, "give a list of plots"),
        ({"plots": [GroupLag]}, "give a list of plots"),
        ({"captions": [(1, 2)]}, "2 is not a caption"),
    ],
)
def test_bad_input_is_refused(tmp_path: Path, span: dict[str, Any], says: str) -> None:
    path = tmp_path / "run.jsonl"
    save(history(*(sample(n) for n in range(1, 22))), path)
    with pytest.raises(InputError, match=says):
        Frames(Recording(path), **{"plots": [GroupLag()], **span})


def test_without_a_sample_there_are_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with pytest.raises(
        InputError, match="no samples yet> can't be saved: give the History of a run"
    ):
        save(history(), path)
    assert not path.exists()
    Recorder(path).close()
    with pytest.raises(InputError, match="holds no sample"):
        Frames(Recording(path), [StreamMap()])


def test_a_trim_is_an_event_once_and_so_is_what_it_bites(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"

    def sampled(n: int, removed: int, gone: int) -> Any:
        first = EntryId(removed + 1)
        return sample(n, group("g", gone=gone), length=100 - removed, added=100, first=first)

    calm = [sampled(n, 0, 0) for n in range(1, 12)]
    trims = [sampled(n, n - 10, 0) for n in range(12, 20)]
    bites = [sampled(n, n - 10, n - 19) for n in range(20, 33)]
    later = [sampled(80, 22, 13), sampled(81, 30, 13)]
    save(history(*calm, *trims, *bites, *later), path)
    events = Recording(path).track().events
    assert events == [
        TrackEvent(11, Event("trimmed")),
        TrackEvent(19, Event("missed", group="g")),
        TrackEvent(33, Event("trimmed")),
    ]


def test_what_is_packed_is_the_same_each_time() -> None:
    thing = {"a": [1, None, "ü\udcff"]}
    assert pack(thing) == pack(thing)
    assert json.loads(gzip.decompress(pack(thing))) == thing


def test_what_a_window_cannot_show_is_left_out_as_a_history_would(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    samples = [
        sample(n, group("g"), ids=[EntryId(n, i) for i in range(n * 7 % 300)])
        for n in range(1, 120)
    ]
    save(history(*samples, max_entries=10**6), path)
    frames = Frames(Recording(path), [StreamMap()], limit=70)
    assert sum(frames.track.entries) > 3 * MAX_ENTRIES
    for place in (0, 1, 20, 50, 69, 70, 100, 118):
        kept = history(*load(path).samples[: place + 1], limit=70, max_entries=MAX_ENTRIES)
        assert frames.history(place).samples == kept.samples
