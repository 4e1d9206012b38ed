"""Events are records: a kind that programs read, and words made in one place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import streamviz
from streamviz.observation.events import DEATHS, KINDS, STYLES, Event, counted, events_of, note


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Event("killed", "ann", "g"), "ann was killed"),
        (Event("crashed", "ann", "g", 3), "ann crashed holding 3"),
        (Event("revived", "ann"), "ann was revived"),
        (Event("claimed", "bob", "g", 2, ("ann", "cy")), "bob claimed 2 entries from ann, cy"),
        (Event("claimed", "bob", "g", 1), "bob claimed 1 entry"),
        (Event("failed", "ann", "g", detail="5-0"), "ann could not handle 5-0"),
        (Event("problem", "ann", detail="no answer"), "ann: no answer"),
        (Event("problem", detail="no answer"), "no answer"),
        (note("lunch {who}"), "lunch {who}"),
    ],
)
def test_the_words_are_made_from_the_record(event: Event, words: str) -> None:
    assert str(event) == words


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words_that_name_who_and_what_is_concerned(kind: str) -> None:
    event = Event(kind, "{ann}", "{g}", 7, ("{cy}",), "{detail}")  # type: ignore[arg-type]
    assert str(event)
    assert str(event) != str(replace(event, who="", group="", count=0, owners=(), detail="")) or (
        kind in {"stream_recreated", "trimmed"}
    )


def test_a_text_is_a_note_and_a_death_is_killed_or_crashed() -> None:
    assert events_of(["lunch", Event("trimmed")]) == (note("lunch"), Event("trimmed"))
    assert frozenset(KINDS) > DEATHS == {"killed", "crashed"}


@pytest.mark.parametrize(
    ("event", "length", "words"),
    [
        (Event("killed", "ann", "g", 3), 36, "ann killed"),
        (Event("revived", "ann"), 5, "ann revived"),
        (Event("claimed", "bob", "g", 2, ("ann",)), 36, "bob claimed 2 entries from ann"),
        (Event("claimed", "bob", "g", 2, ("ann",)), 20, "bob claimed 2 from ann"),
        (
            Event("dead_lettered", "bob", "g", 1, detail="orders:dead"),
            20,
            "bob moved 1 to orders:dead",
        ),
        (Event("failed_over", "n-2", count=1, groups=("a, b",)), 36, "failover: up to 1 lost"),
        (Event("failed_over", "n-2"), 36, "failover: no entry is missing"),
        (note("ann was killed holding 3; so what"), 9, "ann was killed holding 3; so what"),
    ],
    ids=str,
)
def test_few_words_leave_out_what_the_pointer_tells(event: Event, length: int, words: str) -> None:
    assert event.short(length) == words


def test_several_events_are_counted_in_the_words_that_are_asked_for() -> None:
    events = [Event("killed", "ann", "g", 3), *[Event("claimed", "bob", "g", 1)] * 2]
    assert counted(events) == "ann was killed holding 3, 2 claims"
    assert counted(events, lambda one: one.short(36)) == "ann killed, 2 claims"


def test_every_kind_has_its_style_and_the_player_knows_no_kind() -> None:
    assert tuple(STYLES) == KINDS
    assert len({style.name for style in STYLES.values()}) == len(KINDS)
    assert all(len(style.mark) == 1 for style in STYLES.values())
    static = Path(streamviz.__file__).parent / "widgets/static"
    texts = [(static / name).read_text("utf-8") for name in ("controls.js", "player.css")]
    words = {word for text in texts for word in text.replace('"', " ").replace(":", " ").split()}
    assert not words & set(KINDS)
    tones = {style.tone for style in STYLES.values()} - {""}
    assert all(f'[data-tone="{tone}"]' in texts[1] for tone in tones)
    assert texts[1].count("[data-tone=") == len(tones)
