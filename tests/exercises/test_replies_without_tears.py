"""The checks of notebook 08 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from exercises import replies_without_tears as exercise
from streamviz import EntryId
from streamviz.client.connection import Connection


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


def bills(redis: redis_py.Redis) -> list[list[Any]]:
    """Return the flat list of each bill's fields, as the server sends it."""
    return [flat for _, flat in Connection(redis).call("XRANGE", "till", "-", "+")]


def test_the_prices_are_found_by_name(redis: redis_py.Redis) -> None:
    till = exercise.new_till(redis)
    assert "still holds the old sum" in repr(exercise.check_till(till))
    redis.delete("takings")
    assert "no key `takings`" in repr(exercise.check_till(till))
    redis.set("takings", sum(int(flat[1]) for flat in bills(redis)))
    assert "table numbers. Read fields by name, not by index" in repr(exercise.check_till(till))
    for at in (3, -1):  # a tip may come before the price, or after it
        redis.set(
            "takings", sum(int(flat[1 if flat[0] == b"price" else at]) for flat in bills(redis))
        )
        assert "but should be" in repr(exercise.check_till(till))
    redis.set("takings", sum(int(flat[1]) for flat in bills(redis) if flat[0] == "price"))
    assert "compare a name with b'price'" in repr(exercise.check_till(till))
    flats = [dict(zip(flat[::2], flat[1::2], strict=True)) for flat in bills(redis)]
    redis.set("takings", sum(int(one.get("price", 0)) for one in flats))
    assert "compare a name with b'price'" in repr(exercise.check_till(till))
    redis.set("takings", "10.5")
    assert "but should be" in repr(exercise.check_till(till))
    redis.set("takings", sum(int(flat[flat.index(b"price") + 1]) for flat in bills(redis)))
    assert exercise.check_till(till).right
    redis.set("takings", sum(int(entry.fields["price"]) for entry in till.range()))
    assert exercise.check_till(till).right
    total = sum(int(entry.fields["price"]) for entry in till.range())
    for written in (f"{total}.0", f"{total}.00", f" {total}"):
        redis.set("takings", written)
        verdict = exercise.check_till(till)
        assert not verdict.right
        assert f"the sum is right, but write it as a whole number, {total}, not" in verdict.text
        assert repr(verdict.picture).count("(in your sum)") == 6
    redis.set("takings", sum(float(entry.fields["table"]) for entry in till.range()))
    assert "sum of the tables' numbers" in repr(exercise.check_till(till))
    redis.set("takings", sum({int(entry.fields["price"]) for entry in till.range()}))
    assert "but should be" in repr(exercise.check_till(till)), "two prices are equal"
    till.trim(maxlen=0)
    assert "bills are missing" in repr(exercise.check_till(till))


def test_the_new_sum_is_set_and_not_added_to_the_old_one(redis: redis_py.Redis) -> None:
    till = exercise.new_till(redis)
    prices = [int(flat[flat.index(b"price") + 1]) for flat in bills(redis)]
    for price in prices:
        redis.incrby("takings", price)
    verdict = exercise.check_till(till)
    assert not verdict.right
    assert "the old sum is still in `takings`" in verdict.text
    for price in prices:
        redis.incrby("takings", price)
    assert not exercise.check_till(till).right
    redis.delete("takings")
    for price in prices:
        redis.incrbyfloat("takings", price)
    assert exercise.check_till(till).right
    till = exercise.new_till(redis)
    redis.getset("takings", 0)
    for flat in bills(redis):
        redis.incrby("takings", int(flat[flat.index(b"price") + 1]))
    assert exercise.check_till(till).right


@pytest.mark.parametrize("time", range(5))  # the numbers are random
def test_no_other_sum_is_that_of_the_prices(redis: redis_py.Redis, time: int) -> None:
    till = exercise.new_till(redis)
    maps = [dict(zip(flat[::2], map(int, flat[1::2]), strict=True)) for flat in bills(redis)]
    redis.set("takings", sum(one[b"table"] for one in maps))
    assert "sum of the tables' numbers" in repr(exercise.check_till(till))
    numbers = [number for one in maps for number in one.values()]
    wrong = (
        sum(numbers) // 2,
        sum(set(numbers)),
        sum({one[b"table"]: one[b"price"] for one in maps}.values()),
        sum({one[b"price"]: one[b"price"] for one in maps}),
        sum(numbers[6:]),
        sum(sorted(numbers)[6:]),
        sum(max(one.values()) for one in maps),
        sum(min(one.values()) for one in maps),
        sum(list(one.values())[-1] for one in maps),
        sum(numbers[:1] + numbers[2:4]),
    )
    for answer in wrong:
        redis.set("takings", answer)
        verdict = exercise.check_till(till)
        assert not verdict.right or answer == sum(one[b"price"] for one in maps), (maps, answer)
    redis.set("takings", sum(one[b"price"] for one in maps))
    verdict = exercise.check_till(till)
    assert verdict.right
    assert repr(verdict.picture).count("price (in your sum)") == 6


def test_indices_that_were_right_once_are_wrong_with_new_bills(redis: redis_py.Redis) -> None:
    exercise.new_till(redis)
    at = [flat.index(b"price") + 1 for flat in bills(redis)]
    verdicts = []
    for _ in range(10):  # a new order of the fields, but for one time in twenty
        till = exercise.new_till(redis)
        new = [flat[min(i, len(flat) - 1)] for flat, i in zip(bills(redis), at, strict=True)]
        redis.set("takings", sum(map(int, new)))
        verdicts.append(exercise.check_till(till))
    assert not all(verdict.right for verdict in verdicts)


def test_the_picture_says_which_fields_were_added_up(redis: redis_py.Redis) -> None:
    till = exercise.new_till(redis)
    redis.set("takings", sum(int(flat[1]) for flat in bills(redis)))
    shown = repr(exercise.check_till(till).picture)
    assert shown.split("; ") == [
        *["a bill: price (in your sum), table"] * 3,
        "a bill: table (in your sum), price",
        "a bill: table (in your sum), price, tip",
        "a bill: table (in your sum), tip, price",
    ]
    redis.set("takings", 1_000_000)
    assert "in your sum" not in repr(exercise.check_till(till).picture)


def test_a_check_hints_where_a_key_is_of_another_kind(redis: redis_py.Redis) -> None:
    till, _ = exercise.new_till(redis), exercise.new_gates(redis)
    redis.delete("takings")
    redis.rpush("takings", 10)
    redis.rpush("newest", "10000-0")
    assert "tart again with new_till" in repr(exercise.check_till(till))
    assert "not a string" in repr(exercise.check_gates(redis))


def padded(digits: int) -> Callable[[EntryId], str]:
    return lambda one: f"{one.ms:013}-{one.seq:0{digits}}"


@pytest.mark.parametrize("time", range(5))  # the gates and their times are random
def test_the_newest_id_is_the_largest_number(redis: redis_py.Redis, time: int) -> None:
    gates = exercise.new_gates(redis)
    assert "no key `newest`" in repr(exercise.check_gates(redis))
    last = [gate.info().last_generated_id for gate in gates]
    too_narrow: tuple[Callable[[EntryId], float], ...] = (
        lambda one: one.ms * 1_000_000 + one.seq,
        lambda one: one.ms << 20 | one.seq,
        lambda one: (one.ms << 63) + one.seq,
        lambda one: one.ms + one.seq / 100_000,
        lambda one: one.ms + one.seq,
        lambda one: one.ms + one.seq / 2**64,
    )
    wrong = (
        max(map(str, last)),
        min(map(str, last)),
        max(map(str, last), key=len),
        str(max(last, key=lambda one: one.ms)),
        str(max(last, key=lambda one: one.seq)),
        max(map(str, last), key=lambda text: float(text.replace("-", "."))),
        max(map(str, last), key=lambda text: int(text.replace("-", ""))),
        max(map(str, last), key=lambda text: text.split("-")),
        max(map(str, last), key=lambda text: (int(text.split("-")[0]), text.split("-")[1])),
        str(sorted(last, key=lambda one: one.ms)[-1]),
        *(str(max(last, key=packed)) for packed in too_narrow),
        *(str(max(last, key=padded(digits))) for digits in (6, 9, 17)),
        str(last[-1]),
        str(last[0]),
    )
    for answer in wrong:
        redis.set("newest", answer)
        verdict = exercise.check_gates(redis)
        assert f"{answer} is not the newest" in verdict.text
        assert verdict.text.endswith("and then the sequence number, as a number too.")
    redis.set("newest", "10000")
    assert "not one of the four" in repr(exercise.check_gates(redis))
    redis.set("newest", str(max(gate.reverse_range(count=1)[0].id for gate in gates)))
    assert "keeps its last ID, even if that entry is gone" in repr(exercise.check_gates(redis))
    redis.set("newest", str(max(one.id for gate in gates for one in gate.range())))
    assert "keeps its last ID, even if that entry is gone" in repr(exercise.check_gates(redis))
    infos = [gate.info() for gate in gates]
    entries = [one.last_entry.id for one in infos if one.last_entry]
    deleted = [one.max_deleted_entry_id for one in infos if one.max_deleted_entry_id]
    redis.set("newest", str(max(entries + deleted)))
    assert "keeps its last ID, even if that entry is gone" in repr(exercise.check_gates(redis))
    texts = [str(one) for one in last]
    right = (
        str(max(last)),
        max(texts, key=lambda text: tuple(map(int, text.split("-")))),
        str(sorted(EntryId.parse(text) for text in texts)[-1]),
        str(max(last, key=lambda one: one.ms << 64 | one.seq)),
        str(max(last, key=padded(20))),
        max(texts, key=lambda text: [part.zfill(20) for part in text.split("-")]),
        str(max([one for one in last if one.ms == max(last).ms], key=lambda one: one.seq)),
    )
    for answer in right:
        redis.set("newest", answer)
        assert exercise.check_gates(redis).right
