"""Events are records: a kind that programs read, and words made in one place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamviz.observation.events import DEATHS, KINDS, Event, events_of, note


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
