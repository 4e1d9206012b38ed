"""The checks of notebook 06 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis as redis_py

from exercises import trimming_and_memory as exercise
from exercises.verdict import stream_of
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream
from streamviz.errors import UnsupportedCommand


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


def by_the_oldest_needed(belt: Stream) -> None:
    groups = [belt.group(found.name) for found in belt.groups()]
    belt.trim(
        minid=min(group.pending().min_id or group.info().last_delivered_id for group in groups)
    )


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda belt: None, "nothing was trimmed"),
        (lambda belt: belt.trim(minid="3", approximate=True), "nothing was trimmed"),
        (
            lambda belt: belt.trim(minid=belt.group("paint").info().last_delivered_id),
            "pending for paint",
        ),
        (lambda belt: belt.trim(minid=belt.group("pack").pending().min_id), "pending for paint"),
        (lambda belt: belt.delete("1-0", "2-0", "5-0"), "never delivered"),
        (lambda belt: belt.trim(maxlen=0), "9 needed entries are gone"),
        (lambda belt: belt.trim(minid="2"), "one entry is left"),
        (lambda belt: belt.group("paint").ack("3-0") and belt.trim(minid="3"), "no longer pending"),
        (lambda belt: belt.group("count").destroy(), "start again with new_belt"),
        (lambda belt: belt.client.delete("belt"), "start again with new_belt"),
        (lambda belt: belt.delete("1-0", "2-0", "4-0"), ""),
        (lambda belt: belt.trim(maxlen=10), ""),
        (by_the_oldest_needed, ""),
    ],
)
def test_the_belt_keeps_the_entries_that_a_group_needs(
    redis: redis_py.Redis, answer: Callable[[Stream], object], hint: str
) -> None:
    belt = exercise.new_belt(redis)
    answer(belt)
    verdict = exercise.check_belt(belt)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_the_server_can_do_it_alone_where_it_knows_acked(redis: redis_py.Redis) -> None:
    belt = exercise.new_belt(redis)
    try:
        belt.trim(maxlen=0, refs="ACKED")
    except UnsupportedCommand:
        belt.trim(minid="3")
    assert exercise.check_belt(belt).right


def sweep(crew: ConsumerGroup) -> None:
    crew.consumer("jon").autoclaim(min_idle_ms=0)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda crew: None, "3 ghosts"),
        (lambda crew: crew.ack(*(held.id for held in crew.pending_entries())), "work is lost"),
        (lambda crew: crew.delete_consumer("ida"), "work is lost"),
        (lambda crew: stream_of(crew).trim(maxlen=0), "deleted from the stream"),
        (lambda crew: crew.destroy(), "group was deleted"),
        (lambda crew: stream_of(crew).client.delete("attic"), "group was deleted"),
        (
            lambda crew: stream_of(crew).client.set("attic", "no stream"),
            "start again with new_attic",
        ),
        (lambda crew: crew.consumer("jon").autoclaim(0, count=1), "2 ghosts"),
        (lambda crew: crew.ack("1-0", "2-0", "3-0"), ""),
        (lambda crew: crew.consumer("jon").claim(["1-0", "2-0", "3-0"]), ""),
        (sweep, ""),
    ],
)
def test_only_ghosts_leave_the_attic(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object], hint: str
) -> None:
    crew = exercise.new_attic(redis)
    answer(crew)
    verdict = exercise.check_attic(crew)
    assert verdict.right is (hint == "")
    assert hint in verdict.text
