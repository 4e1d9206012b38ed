"""Dead letters: moved exactly once with their history, and sent back."""

from __future__ import annotations

import threading

import pytest
import redis as redis_py

from streamviz import EntryId, Stream
from streamviz.client.groups import ConsumerGroup
from streamviz.errors import InputError, StreamVizError
from streamviz.patterns.dead_letters import DeadLetter, DeadLetters


@pytest.fixture
def crew(redis: redis_py.Redis, key: str) -> ConsumerGroup:
    """Return a group in which 1-0 was delivered to ann three times, and 2-0 and 3-0 once."""
    stream = Stream(redis, key)
    for n in (1, 2, 3):
        stream.add({"job": n}, f"{n}-0")
    group = stream.group("crew")
    group.create("0")
    ann = group.consumer("ann")
    ann.read()
    ann.claim(["1-0"], deliveries=3)
    return group


def test_an_entry_delivered_too_often_moves_with_its_history(crew: ConsumerGroup, key: str) -> None:
    dead = DeadLetters(crew.consumer("ben"))
    moved = dead.sweep({"1-0": "ZeroDivisionError: 1 / 0"})
    assert moved == dead.letters()
    (letter,) = moved
    assert letter == DeadLetter(
        letter.id, {"job": "1"}, key, "crew", "ann", EntryId(1), 3, "ZeroDivisionError: 1 / 0"
    )
    assert dead.stream.key == f"{key}:dead"
    assert [str(one.id) for one in crew.pending_entries()] == ["2-0", "3-0"]
    assert Stream(crew.connection.client, crew.key).length() == 3, "the stream keeps its entry"
    assert dead.sweep() == []


def test_the_limit_and_the_idle_time_are_respected(crew: ConsumerGroup, key: str) -> None:
    ben = crew.consumer("ben")
    assert DeadLetters(ben, after_deliveries=4).sweep() == []
    assert DeadLetters(ben).sweep(min_idle_ms=3_600_000) == []
    assert len(DeadLetters(ben, f"{key}:other", after_deliveries=1).sweep()) == 3
    assert crew.pending().count == 0
    assert Stream(crew.connection.client, f"{key}:other").length() == 3


def test_a_deleted_pending_entry_is_acknowledged(crew: ConsumerGroup) -> None:
    Stream(crew.connection.client, crew.key).delete("1-0")
    assert DeadLetters(crew.consumer("ben")).sweep() == []
    assert [str(one.id) for one in crew.pending_entries()] == ["2-0", "3-0"]


def test_a_poison_entry_is_found_after_many_pending_entries(crew: ConsumerGroup) -> None:
    jobs = Stream(crew.connection.client, crew.key)
    jobs.add_many((f"{ms}-0", {"job": ms}) for ms in range(4, 1502))
    ann = crew.consumer("ann")
    ann.read(2000)
    ann.claim(["1200-0"], deliveries=9)
    moved = DeadLetters(crew.consumer("ben"), after_deliveries=5).sweep()
    assert [(letter.entry_id, letter.deliveries) for letter in moved] == [(EntryId(1200), 9)]
    assert crew.pending().count == 1500
    assert len(DeadLetters(crew.consumer("ben"), after_deliveries=1).sweep()) == 1500


def test_an_entry_without_a_history_is_not_a_dead_letter(crew: ConsumerGroup) -> None:
    dead = DeadLetters(crew.consumer("ben"))
    dead.stream.add({"job": "theirs"})
    moved = dead.sweep()
    assert dead.letters() == moved
    assert len(moved) == 1


def test_a_letter_sent_back_is_a_new_entry_and_not_a_dead_letter(crew: ConsumerGroup) -> None:
    dead = DeadLetters(crew.consumer("ben"))
    (letter,) = dead.sweep()
    back = dead.send_back(letter)
    assert dead.letters() == []
    (entry,) = crew.consumer("ben").read()
    assert (entry.id, entry.fields) == (back, {"job": "1"})
    with pytest.raises(InputError, match="not a dead letter any more, because it was sent back"):
        dead.send_back(letter)


def test_when_many_sweep_at_once_each_entry_moves_once(crew: ConsumerGroup) -> None:
    stream = Stream(crew.connection.client, crew.key)
    stream.add_many({"job": n} for n in range(200))
    crew.consumer("ann").read()
    moved: list[EntryId] = []

    def sweep(name: str) -> None:
        dead = DeadLetters(crew.consumer(name), after_deliveries=1)
        moved.extend(letter.entry_id for letter in dead.sweep(min_idle_ms=50))

    threads = [threading.Thread(target=sweep, args=(f"w{n}",)) for n in range(4)]
    crew.consumer("ann").claim([one.id for one in crew.pending_entries(count=500)], idle_ms=60_000)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(moved) == len(set(moved)) == 203
    assert crew.pending().count == 0


def test_two_consumers_with_the_same_claim_move_the_entry_once(crew: ConsumerGroup) -> None:
    crew.consumer("ann").read()
    both = [DeadLetters(crew.consumer(name), after_deliveries=1) for name in ("ben", "cy")]
    (entry, *_) = Stream(crew.connection.client, crew.key).range()
    (held, *_) = crew.pending_entries()
    letters = [dead._move(entry, held, "", "*") for dead in both]
    assert [letter is None for letter in letters] == [False, True]
    assert len(both[0].letters()) == 1


def test_an_entry_that_cannot_be_added_stays_pending(
    crew: ConsumerGroup, redis: redis_py.Redis
) -> None:
    crew.consumer("ann").read()
    dead = DeadLetters(crew.consumer("ben"), after_deliveries=1)
    redis.set(dead.stream.key, "text")
    held = crew.pending().count
    with pytest.raises(StreamVizError):
        dead.sweep()
    assert crew.pending().count == held > 0


def test_bad_options_are_named(crew: ConsumerGroup, key: str) -> None:
    for value in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="after_deliveries="):
            DeadLetters(crew.consumer("ben"), after_deliveries=value)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is the stream itself"):
        DeadLetters(crew.consumer("ben"), key)


def test_a_field_that_occurs_twice_goes_to_the_dead_letters_and_back(
    redis: redis_py.Redis, crew: ConsumerGroup
) -> None:
    pairs = (("item", "apple"), ("item", "pear"))
    redis.execute_command("XADD", crew.key, "9-0", *[word for pair in pairs for word in pair])
    ann = crew.consumer("ann")
    ann.read()
    ann.claim(["9-0"], deliveries=3)
    dead = DeadLetters(crew.consumer("ben"))
    moved = dead.sweep()
    assert moved == dead.letters()
    assert moved[-1].repeated == pairs
    dead.send_back(moved[-1])
    assert crew.consumer("ben").read()[0].pairs == pairs
