"""The checks of notebook 02 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py
from slow import slow_but

from exercises import reading_and_position as exercise
from streamviz import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import IdTooSmall, OffsetError
from streamviz.patterns.follow import follow
from streamviz.patterns.offsets import HashOffset, MemoryOffset, TransactionOffset
from streamviz.server import EmbeddedServer


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)
    redis.delete("soon", "test:readers")


def listen(redis: redis_py.Redis, begin: str | None, *, move_on: bool) -> Stream:
    bell = exercise.new_bell(redis)
    assert "you were away 0 times" in repr(exercise.check_bell(bell))
    after: EntryId | str = begin or bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.read(after):
            redis.rpush("heard", str(entry.id))
            after = entry.id if move_on else after
    return bell


@pytest.mark.parametrize(
    ("begin", "move_on", "hint"),
    [
        ("$", False, "you missed 8 of 8 rings"),
        ("$", True, "you missed 8 of 8 rings"),
        ("0", True, "are not those of new rings"),
        (None, False, "heard more than once"),
        (None, True, ""),
    ],
)
def test_a_reader_that_keeps_the_last_id_hears_the_bell(
    redis: redis_py.Redis, begin: str | None, move_on: bool, hint: str
) -> None:
    verdict = exercise.check_bell(listen(redis, begin, move_on=move_on))
    assert verdict.right is (hint == "")
    assert hint in verdict.text


@pytest.mark.parametrize(
    "last",
    [
        lambda bell: bell.info().last_generated_id,
        lambda bell: bell.reverse_range(count=1)[0].id,
        lambda bell: bell.range()[-1].id,
        lambda bell: bell.client.xinfo_stream("bell")["last-generated-id"].decode(),
    ],
)
@pytest.mark.parametrize(
    "read", [lambda bell, after: bell.read(after), lambda bell, after: bell.range(f"({after}")]
)
def test_what_rings_between_a_read_and_a_question_for_the_last_id_is_missed(
    redis: redis_py.Redis, last: Callable[[Stream], Any], read: Callable[..., list[Entry]]
) -> None:
    bell = exercise.new_bell(redis)
    for _ in range(3):
        after = last(bell)
        exercise.ring(bell)
        redis.rpush("heard", *(str(entry.id) for entry in read(bell, after)))
    verdict = exercise.check_bell(bell)
    assert not verdict.right
    assert "you missed 2 of 8 rings, which came between two of your commands" in verdict.text
    assert "Take your position from the last entry that you read, not from the end" in verdict.text


def all_that_is_left(bell: Stream) -> list[str]:
    return [str(entry.id) for entry in bell.range()]


def the_last_one_twice(bell: Stream) -> list[str]:
    return [str(bell.range()[-1].id)] * 2


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (
            lambda bell: ["4-0", "5-0", "6-0", "7-0", "8-0", "9-0"],
            "6 IDs in `heard` are not those of new rings",
        ),
        (lambda bell: ["4-0", "stroke"], "Start again with new_bell"),
        (all_that_is_left, "you missed 4 of 6 rings"),
        (the_last_one_twice, "heard more than once"),
    ],
)
def test_rings_that_were_typed_in_or_guessed_are_refused(
    redis: redis_py.Redis, answer: Callable[[Stream], list[str]], hint: str
) -> None:
    bell = exercise.new_bell(redis)
    for _ in range(3):
        exercise.ring(bell)
    redis.rpush("heard", *answer(bell))
    assert hint in repr(exercise.check_bell(bell))


def the_old_ones_counted(bell: Stream) -> None:
    old = len(bell)
    for _ in range(3):
        exercise.ring(bell)
    bell.client.rpush("heard", *(str(entry.id) for entry in bell.range()[old:] or bell.range()))


def the_old_ones_counted_each_time(bell: Stream) -> None:
    old = len(bell)
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.range()[old:]:
            bell.client.rpush("heard", str(entry.id))


def the_list_built_again_each_time(bell: Stream) -> None:
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        bell.client.delete("heard")
        bell.client.rpush("heard", *(str(entry.id) for entry in bell.read(after)))


def asked_only_at_the_end(bell: Stream) -> None:
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
    for entry in bell.read(after):
        bell.client.rpush("heard", str(entry.id))


def heard_after(bell: Stream, key: Callable[[EntryId], Any]) -> None:
    last = key(bell.info().last_generated_id)
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.range():
            if key(entry.id) > last:
                bell.client.rpush("heard", str(entry.id))
                last = key(entry.id)


def only_the_millisecond(bell: Stream) -> None:
    after = bell.info().last_generated_id.ms
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.read(str(after)):
            bell.client.rpush("heard", str(entry.id))
            after = entry.id.ms


def the_largest_as_text(bell: Stream) -> None:
    after = max(str(entry.id) for entry in bell.range())
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.read(after):
            bell.client.rpush("heard", str(entry.id))
            after = max(after, str(entry.id))


def moved_on_to_the_end(bell: Stream) -> None:
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        bell.client.rpush("heard", *(str(entry.id) for entry in bell.read(after)))
        after = bell.info().last_generated_id


def moved_on_to_the_end_before_the_read(bell: Stream) -> None:
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        end = bell.info().last_generated_id
        bell.client.rpush("heard", *(str(entry.id) for entry in bell.read(after)))
        after = end


def the_newest_ones_by_number(bell: Stream) -> None:
    before = bell.info().entries_added or 0
    for _ in range(3):
        exercise.ring(bell)
        now = bell.info().entries_added or 0
        newest = bell.reverse_range(count=now - before)[::-1]
        bell.client.rpush("heard", *(str(entry.id) for entry in newest))
        before = now


def one_at_a_time(bell: Stream) -> None:
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.read(after, count=1):
            bell.client.rpush("heard", str(entry.id))
            after = entry.id


def from_the_last_one_on(bell: Stream) -> None:
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.range(str(after)):
            bell.client.rpush("heard", str(entry.id))
            after = entry.id


def pushed_backwards(bell: Stream) -> None:
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        for entry in bell.read(after):
            bell.client.lpush("heard", str(entry.id))
            after = entry.id


def by_the_field(bell: Stream, is_new: Callable[[str], bool]) -> None:
    for _ in range(3):
        exercise.ring(bell)
        before = bell.client.lrange("heard", 0, -1)
        for entry in bell.range():
            if is_new(entry.fields["ring"]) and str(entry.id).encode() not in before:
                bell.client.rpush("heard", str(entry.id))


def other_fields_than_at_first(bell: Stream) -> None:
    at_first = {entry.fields["ring"] for entry in bell.range()}
    by_the_field(bell, lambda ring: ring not in at_first)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda bell: by_the_field(bell, lambda ring: ring != "old"), "not those of new rings"),
        (lambda bell: by_the_field(bell, lambda ring: ring in ("new", "late")), "you missed 8"),
        (other_fields_than_at_first, "you missed 8 of 8 rings. Each time you are back"),
        (the_old_ones_counted, "you missed 4 of 6"),
        (the_old_ones_counted_each_time, "you missed"),
        (the_list_built_again_each_time, "you missed"),
        (asked_only_at_the_end, "you missed 4 of 6"),
        (pushed_backwards, "not in the order"),
        (only_the_millisecond, "start after that whole ID"),
        (the_largest_as_text, "heard more than once"),
        (moved_on_to_the_end, "you missed 2 of 8 rings, which came between two of your commands"),
        (moved_on_to_the_end_before_the_read, "to the last entry that you read, and ask only for"),
        (the_newest_ones_by_number, "ask only for what came after it."),
        (one_at_a_time, "ask for all that came after the last ID you have. If you compare IDs"),
        (from_the_last_one_on, "1 ID in `heard` is not that of a new ring. Find out where"),
        (lambda bell: heard_after(bell, str), "If you compare IDs yourself, compare both"),
        (lambda bell: heard_after(bell, lambda one: one.ms), "you missed 7 of 8"),
        (lambda bell: heard_after(bell, lambda one: one.seq), "you missed 1 of 8"),
        (lambda bell: heard_after(bell, lambda one: one.ms * 1000 + one.seq), "you missed 1 of 8"),
        (
            lambda bell: heard_after(bell, lambda one: one.ms * 10**6 + one.seq),
            "both parts of each",
        ),
        (lambda bell: heard_after(bell, lambda one: float(f"{one.ms}.{one.seq}")), "you missed"),
        (
            lambda bell: heard_after(bell, lambda one: f"{one.ms}-{one.seq:020}"),
            "you missed 1 of 8",
        ),
    ],
)
def test_a_bell_without_a_position_that_moves_on_is_not_heard(
    redis: redis_py.Redis, answer: Callable[[Stream], None], hint: str
) -> None:
    bell = exercise.new_bell(redis)
    answer(bell)
    verdict = exercise.check_bell(bell)
    assert not verdict.right
    assert hint in verdict.text


def test_both_ends_of_a_range_may_be_asked_for_first(redis: redis_py.Redis) -> None:
    bell = exercise.new_bell(redis)
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        end = bell.info().last_generated_id
        redis.rpush("heard", *(str(entry.id) for entry in bell.range(f"({after}", end)))
        after = end
    assert exercise.check_bell(bell).right


def test_what_was_heard_may_be_written_down_at_the_end(redis: redis_py.Redis) -> None:
    bell, heard = exercise.new_bell(redis), []
    after = bell.info().last_generated_id
    for _ in range(3):
        exercise.ring(bell)
        heard += bell.read(after)
        after = heard[-1].id
    redis.rpush("heard", *(str(entry.id) for entry in heard))
    assert exercise.check_bell(bell).right


def test_a_check_hints_where_a_key_is_of_another_kind(redis: redis_py.Redis) -> None:
    bell = exercise.new_bell(redis)
    redis.set("heard", "all of them")
    assert "Start again with new_bell" in repr(exercise.check_bell(bell))
    redis.delete("bell", "heard")
    assert "you were away 0 times" in repr(exercise.check_bell(bell))
    bell = exercise.new_bell(redis)
    for _ in range(3):
        exercise.ring(bell)
    redis.xtrim("bell", maxlen=0, approximate=False)
    assert "rings are gone" in repr(exercise.check_bell(bell))


def by_deleting(bell: Stream) -> None:
    bell.delete(*(entry.id for entry in bell.range()))


def by_trimming(bell: Stream) -> None:
    bell.trim(maxlen=0)


@pytest.mark.parametrize("empty", [by_deleting, by_trimming])
def test_a_reader_that_empties_the_stream_is_told_only_to_read(
    redis: redis_py.Redis, empty: Callable[[Stream], None]
) -> None:
    bell = exercise.new_bell(redis)
    empty(bell)
    for _ in range(3):
        exercise.ring(bell)
        redis.rpush("heard", *(str(entry.id) for entry in bell.range()))
        empty(bell)
    assert "Only read it, and remove nothing" in exercise.check_bell(bell).text


@pytest.mark.parametrize(
    "key",
    [
        lambda one: one,
        lambda one: (one.ms, one.seq),
        lambda one: one.ms * 2**64 + one.seq,
        lambda one: f"{one.ms:020}-{one.seq:020}",
    ],
)
def test_ids_may_be_compared_by_both_of_their_numbers(
    redis: redis_py.Redis, key: Callable[[EntryId], Any]
) -> None:
    bell = exercise.new_bell(redis)
    heard_after(bell, key)
    assert exercise.check_bell(bell).right


def test_the_bell_is_heard_by_follow_too(redis: redis_py.Redis) -> None:
    bell = exercise.new_bell(redis)
    place = MemoryOffset()
    assert list(follow(bell, place, start="$")) == []
    for _ in range(3):
        exercise.ring(bell)
        for entry in follow(bell, place):
            redis.rpush("heard", str(entry.id))
    assert exercise.check_bell(bell).right


def position_after(client: Any) -> None:
    for entry in follow(Stream(client, "till"), HashOffset(client, "till:readers", "me")):
        client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])


def position_before(client: Any) -> None:
    place = HashOffset(client, "till:readers", "me")
    for entry in follow(Stream(client, "till"), place):
        place.save(entry.id)
        client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])


def in_memory(client: Any) -> None:
    for entry in follow(Stream(client, "till"), MemoryOffset()):
        client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])


def deleted_when_counted(client: Any) -> None:
    for entry in Stream(client, "till").range():
        client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])
        client.xdel("till", str(entry.id))


def all_but_the_newest(client: Any) -> None:
    for entry in Stream(client, "till").range()[:-1]:
        client.hset("till:balance", entry.fields["who"], entry.fields["cents"])


def all_sums_anew(client: Any) -> None:
    sums: Counter[str] = Counter()
    for entry in Stream(client, "till").range():
        sums[entry.fields["who"]] += int(entry.fields["cents"])
    client.hset("till:balance", mapping=sums)


def balance_deleted_first(client: Any) -> None:
    client.delete("till:balance")
    for entry in Stream(client, "till").range():
        client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])


def on_top_of_the_first_balance(client: Any) -> None:
    if not client.exists("till:readers"):
        client.copy("till:balance", "till:readers")
    sums = Counter({name.decode(): int(n) for name, n in client.hgetall("till:readers").items()})
    for entry in Stream(client, "till").range():
        sums[entry.fields["who"]] += int(entry.fields["cents"])
    client.hset("till:balance", mapping=sums)


def noted_in_a_set(client: Any) -> None:
    for entry in Stream(client, "till").range():
        if client.sadd("till:readers", str(entry.id)):
            client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])


def typed_in(client: Any) -> None:
    client.hset("till:balance", mapping={"ann": 80, "ben": 106})


def count_one(client: Any, entry: Entry, position: object) -> None:
    with client.pipeline() as both:
        both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
        both.hset("till:readers", "me", str(position)).execute()


def compared_as_text(client: Any) -> None:
    position = (client.hget("till:readers", "me") or b"0").decode()
    for entry in Stream(client, "till").range():
        if str(entry.id) > position:
            count_one(client, entry, entry.id)


def compared_as_text_each_time(client: Any) -> None:
    position = (client.hget("till:readers", "me") or b"0").decode()
    for entry in Stream(client, "till").range():
        if str(entry.id) > position:
            count_one(client, entry, position := str(entry.id))


def from_the_next_millisecond(client: Any) -> None:
    position = int(client.hget("till:readers", "me") or 0)
    for entry in Stream(client, "till").range(str(position + 1)):
        count_one(client, entry, entry.id.ms)


def only_the_sequence(client: Any) -> None:
    position = int(client.hget("till:readers", "me") or -1)
    for entry in Stream(client, "till").range():
        if entry.id.seq > position:
            count_one(client, entry, entry.id.seq)


def in_a_group_that_acknowledges_last(client: Any) -> None:
    group = Stream(client, "till").group("till")
    group.create("0", exist_ok=True)
    me = group.consumer("me")
    for entry in [*me.read(after="0"), *me.read()]:
        client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])
        me.ack(entry.id)


def told_apart_by_value(client: Any) -> None:
    for entry in Stream(client, "till").range():
        who, cents = entry.fields["who"], int(entry.fields["cents"])
        if not client.sismember("till:seen", f"{who} {cents}"):
            with client.pipeline() as both:
                both.hincrby("till:balance", who, cents)
                both.sadd("till:seen", f"{who} {cents}").execute()


def noted_first(client: Any) -> None:
    for entry in Stream(client, "till").range():
        if client.sadd("till:seen", str(entry.id)):
            client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])


def under_another_key(client: Any) -> None:
    place = TransactionOffset(client, "test:readers", "me")
    for entry in follow(Stream(client, "till"), place):
        place.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])


def queued_after_the_loop(client: Any) -> None:
    place = TransactionOffset(client, "till:readers", "me")
    for entry in list(follow(Stream(client, "till"), place)):
        place.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])


def queued_on_another_position(client: Any) -> None:
    place, other = (TransactionOffset(client, "till:readers", "me") for _ in range(2))
    for entry in follow(Stream(client, "till"), place):
        other.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])


def from_now_on(client: Any) -> None:
    place = TransactionOffset(client, "till:readers", "me")
    for entry in follow(Stream(client, "till"), place, start="$"):
        place.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])


def in_a_group_that_reads_only_new_ones(client: Any) -> None:
    group = Stream(client, "till").group("till")
    group.create("0", exist_ok=True)
    for entry in group.consumer("me").read():
        with client.pipeline() as both:
            both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
            both.xack("till", "till", str(entry.id)).execute()


def in_a_group_without_acknowledgement(client: Any) -> None:
    group = Stream(client, "till").group("till")
    group.create("0", exist_ok=True)
    for entry in group.consumer("me").read(noack=True):
        client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])


def behind_a_lock(client: Any) -> None:
    if client.set("till:lock", "me", nx=True):
        in_a_transaction(client)
        client.delete("till:lock")


def noted_and_never_asked(client: Any) -> None:
    for entry in Stream(client, "till").range():
        with client.pipeline() as both:
            both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
            both.sadd("till:seen", str(entry.id)).execute()


def seen(mark: Callable[[EntryId], Any]) -> Callable[[Any], None]:
    """Note each coin's mark in a set, with its value, in one step."""

    def count(client: Any) -> None:
        for entry in Stream(client, "till").range():
            if not client.sismember("till:seen", mark(entry.id)):
                with client.pipeline() as both:
                    both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
                    both.sadd("till:seen", mark(entry.id)).execute()

    return count


def after_the_last_by_its_place(client: Any) -> None:
    coins = Stream(client, "till").range()
    ids = [str(coin.id) for coin in coins]
    last = (client.hget("till:readers", "me") or b"").decode()
    for entry in coins[ids.index(last) + 1 if last in ids else 0 :]:
        count_one(client, entry, entry.id)


def packed(room: int) -> Callable[[Any], None]:
    """Keep the position as one number that has room for so many sequence numbers."""

    def count(client: Any) -> None:
        position = int(client.hget("till:readers", "me") or 0)
        for entry in Stream(client, "till").range():
            number = entry.id.ms * room + entry.id.seq
            if number > position:
                count_one(client, entry, position := number)

    return count


def the_newest_hundred_seen(client: Any) -> None:
    for entry in Stream(client, "till").range():
        if str(entry.id).encode() not in client.lrange("till:seen", 0, -1):
            with client.pipeline() as both:
                both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
                both.lpush("till:seen", str(entry.id)).ltrim("till:seen", 0, 99).execute()


def by_an_estimate(client: Any) -> None:
    script = (
        "if redis.call('PFADD', KEYS[1], ARGV[1]) == 1 then "
        "redis.call('HINCRBY', KEYS[2], ARGV[2], ARGV[3]) end"
    )
    for entry in Stream(client, "till").range():
        what = str(entry.id), entry.fields["who"], entry.fields["cents"]
        client.eval(script, 2, "till:seen", "till:balance", *what)


def a_page_of_a_hundred(client: Any) -> None:
    position = (client.hget("till:readers", "me") or b"0").decode()
    for entry in Stream(client, "till").read(position, count=100):
        count_one(client, entry, entry.id)


def in_a_text(client: Any) -> None:
    """Append each coin's whole ID to a string, and look it up there."""
    known = (client.get("till:seen") or b"").decode().split()
    for entry in Stream(client, "till").range():
        if str(entry.id) not in known:
            with client.pipeline() as both:
                both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
                both.append("till:seen", f"{entry.id} ").execute()


def packed_with_room_for_all(client: Any) -> None:
    packed(2**64)(client)


def noted_by_both_parts(client: Any) -> None:
    seen(lambda one: f"{one.seq}@{one.ms}")(client)


def up_to(end: Callable[[Stream], object], *, asked_first: bool = False) -> Callable[[Any], None]:
    """Save the end of the stream as the position, and not that of the last coin."""

    def count(client: Any) -> None:
        till, after = Stream(client, "till"), (client.get("till:at") or b"0").decode()
        position = end(till)
        coins = till.read(after)
        if not asked_first:
            position = end(till)
        with client.pipeline() as both:
            for coin in coins:
                both.hincrby("till:balance", coin.fields["who"], int(coin.fields["cents"]))
            both.set("till:at", str(position)).execute()

    return count


def the_last_id(till: Stream) -> object:
    return till.info().last_generated_id


def the_newest_entry(till: Stream) -> object:
    return till.reverse_range(count=1)[0].id


def the_end_of_the_range(till: Stream) -> object:
    return till.range()[-1].id


def on_to_the_end_if_nothing_is_new(client: Any) -> None:
    till, after = Stream(client, "till"), (client.get("till:at") or b"0").decode()
    coins = till.read(after)
    if not coins:
        client.set("till:at", str(till.info().last_generated_id))
        return
    with client.pipeline() as both:
        for coin in coins:
            both.hincrby("till:balance", coin.fields["who"], int(coin.fields["cents"]))
        both.set("till:at", str(coins[-1].id)).execute()


def by_number(client: Any) -> None:
    till, before = Stream(client, "till"), int(client.get("till:at") or 0)
    now = till.info().entries_added or 0
    with client.pipeline() as both:
        for coin in till.reverse_range(count=now - before) if now > before else ():
            both.hincrby("till:balance", coin.fields["who"], int(coin.fields["cents"]))
        both.set("till:at", now).execute()


def until_the_last_id(client: Any) -> None:
    place, till = TransactionOffset(client, "till:readers", "me"), Stream(client, "till")
    last = till.info().last_generated_id
    for entry in follow(till, place):
        place.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])
        if entry.id == last:
            break


def queued_one_coin_late(client: Any) -> None:
    place, late = TransactionOffset(client, "till:readers", "me"), None
    for entry in follow(Stream(client, "till"), place):
        if late:
            place.queue("HINCRBY", "till:balance", late.fields["who"], late.fields["cents"])
        late = entry


def with_sums_read_once(client: Any) -> None:
    place = TransactionOffset(client, "till:readers", "me")
    sums = {name.decode(): int(n) for name, n in client.hgetall("till:balance").items()}
    for entry in follow(Stream(client, "till"), place):
        who, cents = entry.fields["who"], int(entry.fields["cents"])
        place.queue("HSET", "till:balance", who, sums[who] + cents)


@pytest.mark.parametrize(
    ("count", "hint"),
    [
        (queued_after_the_loop, "queue them inside the loop over `follow`, on the position that"),
        (queued_on_another_position, "on the position that `follow` saves. They are sent with"),
        (in_a_group_that_reads_only_new_ones, "not even by the call after the power cut. Before"),
        (in_a_group_without_acknowledgement, "not even by the call after the power cut. Before"),
        (behind_a_lock, "something behind that stops the next call, such as a lock. The power"),
        (noted_and_never_asked, "At the beginning of each call, look up in Redis what you have c"),
        (up_to(the_last_id), "a coin was not counted. Take your position from the whole ID of"),
        (up_to(the_newest_entry), "the last coin that you counted, not from the end of the stream"),
        (up_to(the_end_of_the_range), "Other coins had come while `count` ran, and it was called"),
        (up_to(the_last_id, asked_first=True), "counted twice. Take your position from the who"),
        (on_to_the_end_if_nothing_is_new, "that you counted, not from the end of the stream. Oth"),
        (by_number, "your position from the whole ID of the last coin that you counted, not"),
        (from_now_on, "no coin was added to the sums in `till:balance`. Your code did save"),
        (from_now_on, "Does it begin at the first coin?"),
        (until_the_last_id, "If you use `follow`, let its loop end by itself. It saves a coin's p"),
        (queued_one_coin_late, "a coin is missing from the sums. Read up to the end"),
        (with_sums_read_once, "got only the newest coin. Add each coin to the sum as it is by"),
        (told_apart_by_value, "tell coins apart by their whole IDs"),
        (noted_first, "It was remembered too early"),
        (under_another_key, "your position is not from this till. What your code remembers must"),
        (position_after, "a coin was counted twice. Count it and remember it in one step. The p"),
        (position_before, "a coin was not counted. It was remembered too early, or the position"),
        (in_memory, "counted twice"),
        (deleted_when_counted, "coins are gone"),
        (all_but_the_newest, "has fallen"),
        (all_sums_anew, "has fallen. It holds coins that are no longer in the stream"),
        (balance_deleted_first, "has fallen"),
        (on_top_of_the_first_balance, "the second call, after some coins had left the stream"),
        (noted_in_a_set, "not counted"),
        (typed_in, "has fallen"),
        (in_a_group_that_acknowledges_last, "counted twice"),
        (compared_as_text, "counted twice. At the beginning of each call, look up in Redis"),
        (compared_as_text_each_time, "missing from the sums. Read up to the end, tell"),
        (from_the_next_millisecond, "missing from the sums. Read up to the end, and tell coins ap"),
        (seen(lambda one: one.seq), "tell coins apart by their whole IDs"),
        (seen(lambda one: f"{one.ms}{one.seq}"), "tell coins apart by their whole IDs"),
        (seen(lambda one: float(f"{one.ms}.{one.seq}")), "tell coins apart by their whole IDs"),
        (after_the_last_by_its_place, "a coin was counted twice. At the beginning of each call"),
        (packed(1000), "Take your position from the whole ID"),
        (packed(10**6), "Take your position from the whole ID"),
        (the_newest_hundred_seen, "counted twice. Remember all coins that are in the stream, how"),
        (by_an_estimate, "a coin was not counted. Read up to the end, and be sure that what you"),
        (a_page_of_a_hundred, "a coin was not counted. Read up to the end"),
        (only_the_sequence, "and compare IDs as numbers, not as text. It was the second call"),
        (lambda client: None, "no coin was added"),
        (lambda client: client.set("till:balance", "106"), "must be a hash"),
        (lambda: None, "calls your function with `client`: let it take 1 argument."),
        (None, "give it the function itself, not its result"),
    ],
)
def test_a_coin_is_not_counted_once_if_the_power_may_fail_in_between(
    redis: redis_py.Redis, count: Any, hint: str
) -> None:
    verdict = exercise.check_till(redis, count)
    assert not verdict.right
    assert hint in verdict.text


def a_position_in_memory(_redis: Any) -> Callable[[Any], None]:
    place = MemoryOffset()

    def count(client: Any) -> None:
        for entry in follow(Stream(client, "till"), place):
            client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])

    return count


def coins_in_a_list(_redis: Any) -> Callable[[Any], None]:
    done: list[Entry] = []

    def count(client: Any) -> None:
        for entry in Stream(client, "till").range():
            if entry not in done:
                client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])
                done.append(entry)

    return count


def ids_in_a_set(_redis: Any) -> Callable[[Any], None]:
    done: set[EntryId] = set()

    def count(client: Any) -> None:
        for entry in Stream(client, "till").range():
            if entry.id not in done:
                client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])
                done.add(entry.id)

    return count


def a_position_of_the_own_client(redis: Any) -> Callable[[Any], None]:
    place = HashOffset(redis, "till:readers", "me")

    def count(client: Any) -> None:
        for entry in follow(Stream(client, "till"), place):
            client.hincrby("till:balance", entry.fields["who"], entry.fields["cents"])

    return count


def only_the_own_client(redis: Any) -> Callable[[Any], None]:
    return lambda _client: position_after(redis)


@pytest.mark.parametrize(
    ("begin", "hint"),
    [
        (a_position_in_memory, "your position is not from this till. What your code remembers"),
        (coins_in_a_list, "not in the next run, with the same coins in a new till. What your code"),
        (ids_in_a_set, "not in the next run, with the same coins in a new till. What your code"),
        (a_position_of_the_own_client, "a coin was counted twice. Count it and remember it in one"),
        (only_the_own_client, "a coin was counted twice. Count it and remember it in one step"),
    ],
)
def test_what_is_remembered_outside_of_the_function_is_no_position(
    redis: redis_py.Redis, begin: Callable[[Any], Callable[[Any], None]], hint: str
) -> None:
    verdict = exercise.check_till(redis, begin(redis))
    assert not verdict.right
    assert hint in verdict.text
    assert redis.ping()  # the own client is as it was
    assert "get_connection" not in vars(redis.connection_pool)


def test_a_position_beyond_the_end_that_was_saved_is_the_learner_s_own_error(
    redis: redis_py.Redis,
) -> None:
    def count(client: Any) -> None:
        list(follow(Stream(client, "till"), HashOffset(client, "till:readers", "me")))
        client.hset("till:readers", "me", "99-0")

    with pytest.raises(OffsetError):
        exercise.check_till(redis, lambda client: [count(client), count(client)])


def test_a_count_without_an_end_has_an_end(redis: redis_py.Redis) -> None:
    def forever(client: Any) -> None:
        while True:
            client.xread({"till": "0"})

    assert "your loop has no end" in repr(exercise.check_till(redis, forever))


def test_an_error_of_the_learner_s_own_comes_through(redis: redis_py.Redis) -> None:
    with pytest.raises(TypeError):
        exercise.check_till(redis, lambda client: client + 1)


def in_a_transaction(client: Any) -> None:
    place = TransactionOffset(client, "till:readers", "me")
    for entry in follow(Stream(client, "till"), place):
        place.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])


def by_hand(client: Any) -> None:
    position = (client.hget("till:readers", "me") or b"0").decode()
    for entry in Stream(client, "till").read(position):
        with client.pipeline(transaction=True) as both:
            both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
            both.hset("till:readers", "me", str(entry.id))
            both.execute()


def as_a_batch(client: Any) -> None:
    place = TransactionOffset(client, "till:readers", "me")
    coins = Stream(client, "till").read(place.load() or "0")
    for entry in coins:
        place.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])
    if coins:
        place.save(coins[-1].id)


def with_sums_read_each_time(client: Any) -> None:
    place = TransactionOffset(client, "till:readers", "me")
    for entry in follow(Stream(client, "till"), place):
        who, cents = entry.fields["who"], int(entry.fields["cents"])
        place.queue("HSET", "till:balance", who, int(client.hget("till:balance", who)) + cents)


def saved_in_the_loop(client: Any) -> None:
    place, till = TransactionOffset(client, "till:readers", "me"), Stream(client, "till")
    last = till.info().last_generated_id
    for entry in follow(till, place):
        place.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])
        place.save(entry.id)
        if entry.id == last:
            break


def by_script(client: Any) -> None:
    script = (
        "redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2]) "
        "redis.call('HSET', KEYS[2], 'me', ARGV[3])"
    )
    position = (client.hget("till:readers", "me") or b"0").decode()
    for entry in Stream(client, "till").read(position):
        what = entry.fields["who"], entry.fields["cents"], str(entry.id)
        client.eval(script, 2, "till:balance", "till:readers", *what)


def up_to_a_known_end(client: Any) -> None:
    till, after = Stream(client, "till"), (client.get("till:at") or b"0").decode()
    end = till.info().last_generated_id
    with client.pipeline() as both:
        for coin in till.range(f"({after}", end):
            both.hincrby("till:balance", coin.fields["who"], int(coin.fields["cents"]))
        both.set("till:at", str(end)).execute()


def until_nothing_comes(client: Any) -> None:
    while coins := Stream(client, "till").read(client.get("till:at") or "0", count=1):
        with client.pipeline() as both:
            for coin in coins:
                both.hincrby("till:balance", coin.fields["who"], int(coin.fields["cents"]))
            both.set("till:at", str(coins[-1].id)).execute()


def watching_the_till(client: Any) -> None:
    """Count in a transaction that is tried again if a coin comes in the meantime."""

    def count(step: Any) -> None:
        after = (step.get("till:at") or b"0").decode()
        coins = step.xrange("till", f"({after}")
        step.multi()
        for _, fields in coins:
            step.hincrby("till:balance", fields[b"who"], int(fields[b"cents"]))
        if coins:
            step.set("till:at", coins[-1][0])

    client.transaction(count, "till", "till:at")


def by_the_next_id(client: Any) -> None:
    first = (client.hget("till:readers", "me") or b"0-1").decode()
    for entry in Stream(client, "till").range(first):
        count_one(client, entry, entry.id.next())


def noted_in_the_same_step(client: Any) -> None:
    for entry in Stream(client, "till").range():
        if not client.sismember("till:seen", str(entry.id)):
            with client.pipeline() as both:
                both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
                both.sadd("till:seen", str(entry.id)).execute()


def with_a_key_for_each(client: Any) -> None:
    for entry in Stream(client, "till").range():
        if not client.exists(f"till:done:{entry.id}"):
            with client.pipeline() as both:
                both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
                both.set(f"till:done:{entry.id}", 1, ex=600).execute()


def in_a_group_that_acknowledges_in_the_same_step(client: Any) -> None:
    group = Stream(client, "till").group("till")
    group.create("0", exist_ok=True)
    me = group.consumer("me")
    for entry in [*me.read(after="0"), *me.read()]:
        with client.pipeline() as both:
            both.hincrby("till:balance", entry.fields["who"], int(entry.fields["cents"]))
            both.xack("till", "till", str(entry.id)).execute()


@pytest.mark.parametrize(
    "count",
    slow_but(
        in_a_transaction,
        by_script,
        watching_the_till,
        with_a_key_for_each,
        of=[
            in_a_transaction,
            by_hand,
            as_a_batch,
            with_sums_read_each_time,
            saved_in_the_loop,
            by_script,
            up_to_a_known_end,
            until_nothing_comes,
            watching_the_till,
            by_the_next_id,
            noted_in_the_same_step,
            noted_by_both_parts,
            packed_with_room_for_all,
            in_a_text,
            with_a_key_for_each,
            in_a_group_that_acknowledges_in_the_same_step,
        ],
    ),
)
def test_a_coin_counts_once_if_its_position_is_saved_with_it(
    redis: redis_py.Redis, count: Callable[[Any], object]
) -> None:
    for _ in range(2):  # nothing is left of the last time
        assert exercise.check_till(redis, count).right
    exercise.clean_up(redis)
    assert not redis.keys("till*")


def test_a_transaction_of_the_own_client_is_right_too(redis: redis_py.Redis) -> None:
    place = TransactionOffset(redis, "till:readers", "me")

    def count(client: Any) -> None:
        for entry in follow(Stream(client, "till"), place):
            place.queue("HINCRBY", "till:balance", entry.fields["who"], entry.fields["cents"])

    assert exercise.check_till(redis, count).right


def test_wages_begin_unpaid_each_time(redis: redis_py.Redis) -> None:
    for _ in range(2):
        wages = exercise.new_wages(redis)
        assert [entry.fields["name"] for entry in wages.range()] == ["ann", "ben", "cy"]
        assert not redis.exists("paid")
        with pytest.raises(exercise.PowerCut):
            exercise.power_cut(wages.range()[1], "2-0", redis)
        exercise.power_cut(wages.range()[1], "2-0", redis)


def test_soon_adds_an_entry_while_a_client_waits(redis: redis_py.Redis) -> None:
    stream = exercise.Stream(redis, "soon")
    exercise.soon(stream, "7-0")
    assert [str(entry.id) for entry in stream.read("$", block_ms=5000)] == ["7-0"]
    with pytest.raises(
        IdTooSmall, match="'soon' is at 7-0 already"
    ):  # at once, and not in the thread
        exercise.soon(stream, "7-0")


def test_soon_says_nothing_if_the_server_stops_before_anyone_waits() -> None:
    before = set(threading.enumerate())
    with EmbeddedServer() as server, server.client() as client:
        exercise.soon(exercise.Stream(client, "soon"), "7-0")
        (helper,) = set(threading.enumerate()) - before
    helper.join(10)
    assert not helper.is_alive()  # an error in a thread would fail the test that runs by then
