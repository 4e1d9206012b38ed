"""Each check accepts right answers, and refuses plausible wrong ones with the fitting hint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as redis_py

from streamviz.course import consumer_groups, entries_and_ids, start_here


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    redis.delete("desk", "day", "minute", "ledger", "crew", start_here.KEY)


def test_the_desk_wants_three_entries_in_one_millisecond_counted_by_the_server(
    redis: redis_py.Redis,
) -> None:
    desk = entries_and_ids.new_desk(redis)
    assert "0 entries" in repr(entries_and_ids.check_desk(desk))
    desk.add({"guest": "Ada"})
    assert "another millisecond" in repr(entries_and_ids.check_desk(desk))
    desk = entries_and_ids.new_desk(redis)
    for sequence in (1, 2, 3):
        desk.add({"guest": "Ada"}, id=f"5000-{sequence}")
    assert "counts 0, 1, 2" in repr(entries_and_ids.check_desk(desk))
    desk = entries_and_ids.new_desk(redis)
    for _ in range(3):
        desk.add({"guest": "Ada"}, id="5000-*")
    assert entries_and_ids.check_desk(desk).right


@pytest.mark.parametrize(
    ("start", "end", "hint"),
    [
        ("60000", "120000", "third minute"),
        ("60000", "(120000", "third minute"),
        ("0", "119999", "first minute"),
        ("(60000", "(120000-0", "you copied 5"),
        ("200", "100", "empty"),
        ("60000", "119999", ""),
        ("60000", "(120000-0", ""),
    ],
)
def test_the_second_minute_is_six_entries(
    redis: redis_py.Redis, start: str, end: str, hint: str
) -> None:
    day, minute = entries_and_ids.new_day(redis)
    for entry in day.range(start, end):
        minute.add(entry.fields, id=str(entry.id))
    verdict = entries_and_ids.check_day(minute)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_the_audit_needs_the_newest_end_and_the_count(redis: redis_py.Redis) -> None:
    ledger = consumer_groups.new_ledger(redis)
    assert "no group" in repr(consumer_groups.check_audit(ledger))
    for start, entries_read, right in [("$", None, False), ("0", 0, False), ("$", 5, True)]:
        ledger = consumer_groups.new_ledger(redis)
        ledger.group("audit").create(start, entries_read=entries_read)
        ledger.add_many([{"entry": "a"}, {"entry": "b"}])
        assert consumer_groups.check_audit(ledger).right is right


def test_the_estate_is_claimed_before_its_owner_is_deleted(redis: redis_py.Redis) -> None:
    crew = consumer_groups.new_crew(redis)
    assert "zoe still holds 3" in repr(consumer_groups.check_estate(crew))
    crew.delete_consumer("zoe")
    assert "went with her" in repr(consumer_groups.check_estate(crew))
    crew = consumer_groups.new_crew(redis)
    crew.consumer("max").autoclaim(min_idle_ms=0)
    assert "still a consumer" in repr(consumer_groups.check_estate(crew))
    crew.delete_consumer("zoe")
    assert "still pending" in repr(consumer_groups.check_estate(crew))
    crew.ack(*(entry.id for entry in crew.pending_entries()))
    assert consumer_groups.check_estate(crew).right


@pytest.mark.parametrize(
    ("people", "seconds", "right"), [(1, 60, False), (3, 60, True), (3, 9, False)]
)
def test_enough_hands_are_two_more_than_one(
    redis: redis_py.Redis, people: int, seconds: int, right: bool
) -> None:
    shop = start_here.new_shop(redis)
    assert not start_here.check_enough_hands(redis).right
    shop.group(start_here.KEY, "email", consumers=people, service_ms=400)
    shop.run(seconds=seconds)
    assert start_here.check_enough_hands(redis).right is right


@pytest.mark.parametrize(("claim_idle_ms", "right"), [(None, False), (5000, True)])
def test_what_a_crash_leaves_behind_must_be_claimed(
    redis: redis_py.Redis, claim_idle_ms: int | None, right: bool
) -> None:
    shop = start_here.new_shop(redis)
    assert "no group" in repr(start_here.check_nothing_left_behind(redis))
    shop.group(
        start_here.KEY,
        "billing",
        consumers=2,
        service_ms=100,
        crash_after=50,
        claim_idle_ms=claim_idle_ms,
    )
    shop.run(seconds=60)
    assert start_here.check_nothing_left_behind(redis).right is right
