from __future__ import annotations

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from plots.histories import group, history, sample
from widgets.conftest import Listen

from streamviz import replay
from streamviz.errors import InputError, RecordingError
from streamviz.observation.events import Event
from streamviz.plots import GroupLag
from streamviz.recording import save

READY = Path(__file__).parents[2] / "notebooks" / "recordings"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "run.jsonl"
    events = {40: [Event("killed", "ann")], 90: [Event("claimed", "bob", "g", 2, ("ann",))]}
    samples = [sample(n, group("g", n % 7), events=events.get(n, [])) for n in range(1, 251)]
    save(history(*samples), found, captions=[(1, "look")])
    return found


def unpacked(buffer: bytes) -> Any:
    return json.loads(gzip.decompress(buffer))


def test_a_player_sends_its_metadata_and_the_segments_that_are_requested(
    path: Path, listen: Listen
) -> None:
    player = replay(path, speed=2, loop=True)
    talk = listen(player)
    said = talk.say("hello")
    assert [one["type"] for one in said] == ["metadata"]
    assert said[0]["options"] == {"speed": 2.0, "loop": True, "autoplay": False}
    metadata = unpacked(talk.buffers[-1])
    assert len(metadata["times"]) == 250
    assert metadata["events"] == [
        [39, "killed", "ann was killed"],
        [89, "claimed", "bob claimed 2 entries from ann"],
    ]
    assert metadata["kinds"] == {
        "killed": ["killed", "✕", "bad"],
        "claimed": ["claimed", "●", "good"],
    }
    assert metadata["captions"] == [[1, "look"]]
    assert talk.say("segment", frame=100) == [{"type": "segment", "frame": 100}]
    segment = unpacked(talk.buffers[-1])
    assert (segment["first"], len(segment["figures"]), len(segment["deltas"])) == (100, 2, 99)
    assert talk.say("preview", number=0)[0]["type"] == "problem", "a short recording has no preview"


def test_a_timeline_is_as_of_the_frame_that_is_shown(tmp_path: Path, listen: Listen) -> None:
    path = tmp_path / "run.jsonl"
    shutil.copy(READY / "crash_and_rescue.jsonl.gz", path)
    talk = listen(replay(path))
    held = "1767225611419-0"  # what the dead consumer held, and another one claimed
    (early,) = talk.say("timeline", id=held, frame=0)
    (then,) = talk.say("timeline", id=held, frame=115)
    (late,) = talk.say("timeline", id=held, frame=len(talk.live.frames) - 1)
    assert early["text"].startswith(f"{held} was added at ")
    assert "held by" not in early["text"]
    assert then["text"].count("held by") == 1
    assert late["text"].startswith(then["text"].removesuffix("."))
    assert "delivery 2" in late["text"]
    assert talk.say("timeline", id=held, frame="0") == [late], "as of the end, if no frame is named"
    path.unlink()
    assert talk.say("timeline", id=held, frame=3)[0]["type"] == "problem"


def test_a_long_recording_has_a_preview_for_dragging(tmp_path: Path, listen: Listen) -> None:
    path = tmp_path / "long.jsonl"
    save(history(*(sample(n) for n in range(1, 3001)), limit=3000), path)
    talk = listen(replay(path))
    assert talk.say("preview", number=1) == [{"type": "preview", "number": 1}]
    assert unpacked(talk.buffers[-1])["first"] == 200
    for number in (-1, 2, None, "0"):
        assert "there is no preview segment" in talk.say("preview", number=number)[0]["text"]


@pytest.mark.parametrize("frame", [-1, 250, None, "3", 1.5, True])
def test_a_frame_that_is_not_there_is_a_problem(path: Path, listen: Listen, frame: Any) -> None:
    talk = listen(replay(path))
    (said,) = talk.say("segment", frame=frame)
    assert said["type"] == "problem"
    assert f"there is no frame {frame!r}" in said["text"]


def test_a_recording_that_breaks_meanwhile_is_a_problem_and_not_an_end(
    path: Path, listen: Listen
) -> None:
    talk = listen(replay(path))
    data = path.read_bytes()
    path.write_bytes(bytes(len(data)))
    (said,) = talk.say("segment", frame=100)
    assert said["type"] == "problem"
    path.write_bytes(data)
    assert talk.say("segment", frame=100)[0]["type"] == "segment"
    path.unlink()
    assert talk.say("segment", frame=100)[0]["type"] == "problem"


def test_the_kernel_can_play_it(path: Path, listen: Listen) -> None:
    player = replay(path, plots=[GroupLag()])
    talk = listen(player)
    player.play()
    assert not talk.heard, "no view is open yet"
    assert talk.say("hello")[1:] == [{"type": "action", "action": "play", "args": []}]
    del talk.heard[0]
    player.pause()
    player.seek(3)
    player.speed(4)
    player.event("killed")
    player.event(step=-1)
    assert [(one["action"], one["args"]) for one in talk.heard] == [
        ("play", []),
        ("pause", []),
        ("seek", [3]),
        ("speed", [4.0]),
        ("event", ["killed", 1]),
        ("event", ["", -1]),
    ]
    for wrong in (
        lambda: player.seek("soon"),  # type: ignore[arg-type]
        lambda: player.seek(float("nan")),
        lambda: player.speed(0),
        lambda: player.speed(True),
        lambda: player.event("crush"),
        lambda: player.event(step=0),
        lambda: replay(path, speed=-1),
        lambda: replay(path, plots=[]),
    ):
        with pytest.raises(InputError):
            wrong()


def test_its_saved_picture_is_the_last_frame_and_is_the_same_each_time(path: Path) -> None:
    first, second = (replay(path)._mimebundle("here") for _ in range(2))
    assert first == second
    assert "Entries waiting and oldest pending: g: 5 waiting" in first["text/plain"]
    assert first["text/html"].count("<img") == 2
    assert repr(replay(path)) == "<Player of Flow, Entries waiting and oldest pending>"


def test_closing_it_leaves_nothing(path: Path, listen: Listen) -> None:
    talk = listen(replay(path))
    assert talk.say("gone") == []
    assert talk.say("nonsense") == []


def test_what_is_no_recording_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="can't be read"):
        replay(tmp_path / "nothing.jsonl")


def test_the_page_of_its_keys_names_each_of_them() -> None:
    root = Path(__file__).parents[2]
    code = (root / "streamviz/widgets/static/controls.js").read_text("utf-8")
    table = code.partition("const keys = {")[2].partition("};")[0]
    keys = re.findall(r'(?:"(.)"|(\w+)): (?:\(\) =>|toggle)', table)
    assert len(keys) >= 11
    page = (root / "docs/how_to/talk.md").read_text("utf-8").partition("## Keys")[2]
    words = {" ": "Space", "ArrowLeft": "←", "ArrowRight": "→"}
    words |= {"PageUp": "Page Up", "PageDown": "Page Down"}
    for sign, name in keys:
        key = sign or name
        word = words.get(key, key)
        assert (f"**{word}**" if len(key) == 1 and key != " " else word) in page, key
