"""Dead letters: moved exactly once with their history, and sent back."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import redis as redis_py

from streamviz import EntryId, Stream
from streamviz.client.groups import ConsumerGroup
from streamviz.errors import CommandRefused, InputError, WrongType
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


def test_an_error_may_be_given_for_an_entry_id(crew: ConsumerGroup) -> None:
    why = {held.id: "too hot" for held in crew.pending_entries()}
    (letter,) = DeadLetters(crew.consumer("ben")).sweep(why)
    assert letter.error == "too hot"


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
    with pytest.raises(WrongType, match=f"'{crew.key}:dead' holds another type .* another key="):
        dead.sweep()
    assert crew.pending().count == held > 0


def test_bad_options_are_named(crew: ConsumerGroup, key: str) -> None:
    for value in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="after_deliveries="):
            DeadLetters(crew.consumer("ben"), after_deliveries=value)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'' is not a stream's key"):
        DeadLetters(crew.consumer("ben"), "")
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


HISTORY = ("stream", "id", "group", "consumer", "deliveries", "error")
OWN: list[dict[str, str]] = [
    {"dead-letter:note": "mine", "x": "1"},
    {"dead-letter:note": "mine"},
    {f"dead-letter:{name}": "5-0" for name in HISTORY},
    {"dead-letter:error": "mine", "x": "1"},
]


@pytest.mark.parametrize("own", OWN, ids=lambda own: ", ".join(own))
def test_fields_that_look_like_a_history_come_back(
    redis: redis_py.Redis, crew: ConsumerGroup, own: dict[str, str]
) -> None:
    stream = Stream(redis, crew.key)
    stream.add(own, "9-0")
    crew.consumer("ann").read()
    dead = DeadLetters(crew.consumer("ben"), after_deliveries=1)
    letter = dead.sweep()[-1]
    assert letter == dead.letters()[-1]
    assert (letter.fields, letter.entry_id) == (own, EntryId(9))
    back = dead.send_back(letter)
    assert stream.range(back, back)[0].fields == own


def test_a_dead_letter_of_a_dead_letter_comes_back_as_one(
    redis: redis_py.Redis, crew: ConsumerGroup
) -> None:
    dead = DeadLetters(crew.consumer("ben"))
    (letter,) = dead.sweep({"1-0": "ZeroDivisionError"})
    menders = dead.stream.group("menders")
    menders.create("0")
    menders.consumer("ann").read()
    twice = DeadLetters(menders.consumer("ben"), after_deliveries=1)
    (second,) = twice.sweep()
    assert (second.entry_id, second.stream) == (letter.id, dead.stream.key)
    dead.stream.delete(letter.id)
    twice.send_back(second)
    (again,) = dead.letters()
    assert replace(again, id=letter.id) == letter
    dead.send_back(again)
    assert crew.consumer("ben").read()[0].fields == {"job": "1"}
    redis.delete(twice.stream.key)


def wide(crew: ConsumerGroup, many: int) -> tuple[tuple[str, str], ...]:
    """Add an entry of many fields, one of them twice, and deliver it to ann three times."""
    pairs = (*((f"f{n}", str(n)) for n in range(many - 1)), ("f0", "again"))
    words = [word for pair in pairs for word in pair]
    crew.connection.client.execute_command("XADD", crew.key, "9-0", *words)
    ann = crew.consumer("ann")
    ann.read()
    ann.claim(["9-0"], deliveries=3)
    return pairs


@pytest.mark.parametrize("many", [3493, 3494, 3500, 3501, 3993, 3994, 5000])
def test_an_entry_of_thousands_of_fields_goes_to_the_dead_letters_and_back(
    redis: redis_py.Redis, crew: ConsumerGroup, many: int
) -> None:
    pairs = wide(crew, many)
    dead = DeadLetters(crew.consumer("ben"))
    moved = dead.sweep()
    assert [letter.entry_id for letter in moved] == [EntryId(1), EntryId(9)]
    assert moved == dead.letters()
    assert moved[1].repeated == pairs
    back = dead.send_back(moved[1])
    assert Stream(redis, crew.key).range(back, back)[0].pairs == pairs
    assert dead.letters() == moved[:1]
    with pytest.raises(InputError, match="not a dead letter any more"):
        dead.send_back(moved[1])
    assert [str(one.id) for one in crew.pending_entries()] == ["2-0", "3-0"]
    assert Stream(redis, crew.key).length() == 5, "nothing was added twice"


def test_a_wide_entry_is_moved_once_and_stays_pending_if_it_cannot_be_added(
    redis: redis_py.Redis, crew: ConsumerGroup
) -> None:
    wide(crew, 5000)
    (entry,) = Stream(redis, crew.key).range("9-0")
    held = crew.pending_entries("9-0")[0]
    dead = DeadLetters(crew.consumer("ben"))
    redis.set(dead.stream.key, "text")
    with pytest.raises(WrongType, match=":dead' holds another type"):
        dead._move(entry, held, "", "*")
    redis.delete(dead.stream.key)
    dead.stream.add({"job": "theirs"}, "7-0")
    with pytest.raises(CommandRefused):
        dead._move(entry, held, "", "6-*")
    assert crew.pending_entries("9-0")
    assert [dead._move(entry, held, "", "*") is None for _ in range(2)] == [False, True]
    assert len(dead.letters()) == 1
    assert not crew.pending_entries("9-0")


def test_an_entry_that_is_refused_does_not_stop_the_others(crew: ConsumerGroup) -> None:
    dead = DeadLetters(crew.consumer("ben"), after_deliveries=1)
    with pytest.raises(InputError, match=r"2-0 can't be moved: .*half a character.* 2 were moved"):
        dead.sweep({"2-0": "\ud800"})
    assert [letter.entry_id for letter in dead.letters()] == [EntryId(1), EntryId(3)]
    assert [str(one.id) for one in crew.pending_entries()] == ["2-0"]


def test_of_several_keys_each_that_may_have_another_type_is_named(
    redis: redis_py.Redis, crew: ConsumerGroup
) -> None:
    dead = DeadLetters(crew.consumer("ben"))
    (letter,) = dead.sweep()
    redis.set(crew.key, "text")
    with pytest.raises(WrongType, match=f"one of '{crew.key}:dead', '{crew.key}' holds another"):
        dead.send_back(letter)
    assert dead.letters() == [letter]
    with pytest.raises(WrongType, match=f"one of '{crew.key}:dead', '{crew.key}' holds another"):
        crew.connection.call("XREAD", "STREAMS", f"{crew.key}:dead", crew.key, "0", "0")
