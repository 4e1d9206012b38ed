from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_recordings import ALL, FOLDER, make
from recording.files import lines_of

from streamviz import load
from streamviz.recording import Recording
from streamviz.server.embedded import EmbeddedServer


def name(path: Path) -> str:
    return path.name.removesuffix(".jsonl.gz")


READY = sorted(FOLDER.glob("*.jsonl.gz"))


def test_there_are_three_and_they_are_small() -> None:
    assert [name(path) for path in READY] == sorted(run.__name__ for run in ALL)
    assert len(READY) == 3
    assert all(path.stat().st_size < 200_000 for path in READY)


@pytest.mark.slow
def test_they_are_what_the_script_makes(server: EmbeddedServer, tmp_path: Path) -> None:
    with EmbeddedServer(program=server.program) as own, own.client() as client:
        made = make(client, tmp_path)
        about = client.info("server")
    same = (
        about.get("server_name", "redis") == "redis"
        and int(about["redis_version"].split(".")[0]) >= 8
    )
    assert len(made) == 3
    for path in made:
        ready = FOLDER / path.name
        if same:  # an older server makes a consumer later, and knows less of what was trimmed
            assert lines_of(path) == lines_of(ready), path.name
            assert about_track(path) == about_track(ready), path.name
        assert Recording(path).track().events == Recording(ready).track().events
        assert lags(path) == lags(ready)


def about_track(path: Path) -> list[Any]:
    track = Recording(path).track()
    places = [block.places for block in track.blocks]
    return [track.stream, track.times_ms, track.entries, track.events, track.groups, places]


def lags(path: Path) -> list[list[int | None]]:
    return [[group.lag.entries for group in one.groups] for one in load(path).samples]


@pytest.mark.parametrize("path", READY, ids=name)
def test_each_shows_what_its_name_says(path: Path) -> None:
    recording = Recording(path)
    assert 30 <= recording.seconds <= 60
    assert len(recording.captions) >= 4
    assert recording.captions[-1].at_s < recording.seconds - 3, "there is time to read it"
    kinds = [one.event.kind for one in recording.track().events]
    last = load(path).last
    assert last is not None
    told = {
        "crash_and_rescue": ["crashed", "claimed"],
        "fall_behind_and_catch_up": ["note"],
        "a_trim_bites": ["trimmed", "missed"],
    }
    assert kinds == told[name(path)]
    if name(path) == "fall_behind_and_catch_up":
        lags = [group.lag.entries or 0 for one in load(path).samples for group in one.groups]
        assert max(lags) > 60
        assert all(group.lag.entries == 0 for group in last.groups)
