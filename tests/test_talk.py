"""The talk takes five minutes by its notes, and its crash waits for the speaker."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from streamviz.observation.events import DEATHS
from streamviz.observation.sample import Sample
from streamviz.recording import load

FOLDER = Path(__file__).parent.parent / "notebooks"
FIVE_MINUTES_S, WORDS_PER_S = 300, 2.5
RECORDINGS = {
    "crash": "crash_and_rescue",
    "behind": "fall_behind_and_catch_up",
    "trim": "a_trim_bites",
}


@dataclass
class Slide:
    """A slide: its text, its replay's options, and the speaker's notes."""

    text: str
    replay: dict[str, Any]
    notes: str = ""


def slides() -> list[Slide]:
    deck: list[Slide] = []
    for cell in json.loads((FOLDER / "20_talk.ipynb").read_text("utf-8"))["cells"]:
        text, kind = "".join(cell["source"]), cell["metadata"].get("slideshow", {})
        if kind.get("slide_type") == "slide":
            deck.append(Slide(text, {}))
        elif kind.get("slide_type") == "notes":
            deck[-1].notes += text
        elif cell["cell_type"] == "code" and deck:
            call: Any = ast.parse(text).body[0]
            options = {one.arg: one.value for one in call.value.keywords if one.arg != "plots"}
            deck[-1].replay = {arg: ast.literal_eval(value) for arg, value in options.items()}
            deck[-1].replay["of"] = call.value.args[0].id
    return deck


def length_s(replay: dict[str, Any]) -> float:
    """Return how long a replay takes."""
    samples = samples_of(replay["of"])
    end_s = replay.get("end_s", (samples[-1].time_ms - samples[0].time_ms) / 1000)
    return float(end_s - replay.get("start_s", 0)) / replay.get("speed", 1)


def samples_of(name: str) -> list[Sample]:
    return list(load(FOLDER / "recordings" / f"{RECORDINGS[name]}.jsonl.gz").samples)


def planned_s(slide: Slide) -> int:
    match = re.match(r"\*(\d+) seconds", slide.notes)
    assert match, f"the notes say how long the slide takes: {slide.text}"
    return int(match[1])


def test_the_slides_take_five_minutes_with_the_recap() -> None:
    deck = slides()
    assert len(deck) == 9
    assert "Recap" in deck[-1].text
    assert 280 <= sum(map(planned_s, deck)) <= FIVE_MINUTES_S


@pytest.mark.parametrize("slide", slides(), ids=lambda slide: slide.text.splitlines()[0])
def test_the_notes_can_be_said_and_the_recording_seen_in_the_slide_s_time(slide: Slide) -> None:
    assert len(slide.notes.split()) / WORDS_PER_S <= planned_s(slide)
    if slide.replay:
        assert length_s(slide.replay) <= planned_s(slide)


def test_the_crash_is_on_the_slide_after_the_question() -> None:
    samples = samples_of("crash")
    (crash_s,) = {
        (sample.time_ms - samples[0].time_ms) / 1000
        for sample in samples
        for event in sample.events
        if event.kind in DEATHS
    }
    (question, answer) = next(
        (one, other) for one, other in pairwise(slides()) if "**Predict.**" in one.text
    )
    assert question.replay["end_s"] < crash_s < answer.replay["end_s"]
    assert answer.replay["start_s"] < crash_s
