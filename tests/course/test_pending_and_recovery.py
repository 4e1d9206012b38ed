"""The checks of notebook 05 accept right answers and refuse plausible wrong ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as redis_py

from streamviz.course import pending_and_recovery as exercise
from streamviz.recovery import DeadLetters


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


def test_the_night_is_recovered_page_by_page_to_the_end(redis: redis_py.Redis) -> None:
    crew = exercise.new_night(redis)
    assert "claimed nothing" in repr(exercise.check_night(crew))
    lou = crew.consumer("lou")
    page = lou.autoclaim(min_idle_ms=0, count=2)
    assert "kim still holds" in repr(exercise.check_night(crew))
    while page.cursor != page.cursor.ZERO:
        page = lou.autoclaim(min_idle_ms=0, start=str(page.cursor), count=2)
    assert "not acknowledged yet" in repr(exercise.check_night(crew))
    lou.ack(*(held.id for held in crew.pending_entries()))
    assert exercise.check_night(crew).right
    crew = exercise.new_night(redis)
    crew.delete_consumer("kim")
    assert "claim first" in repr(exercise.check_night(crew))


@pytest.mark.parametrize(
    ("limit", "error", "finish", "hint"),
    [
        (1, "too hot", True, "only one is poison"),
        (3, "too hot", True, "only one is poison"),
        (6, "too hot", True, "no dead letter"),
        (5, "", True, "error is ''"),
        (5, "too hot", False, "2 are still pending"),
        (5, "too hot", True, ""),
        (4, "too hot", True, ""),
    ],
)
def test_only_the_poison_is_given_up(
    redis: redis_py.Redis, limit: int, error: str, finish: bool, hint: str
) -> None:
    mill = exercise.new_mill(redis)
    moe = mill.consumer("moe")
    DeadLetters(moe, after_deliveries=limit).sweep({"1-0": error})
    if finish and mill.pending().count:
        moe.ack(*(entry.id for entry in moe.autoclaim(min_idle_ms=0).entries))
    verdict = exercise.check_mill(mill)
    assert verdict.right is (hint == "")
    assert hint in verdict.text
