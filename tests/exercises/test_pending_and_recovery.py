"""The checks of notebook 05 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle, repeat
from typing import Any

import pytest
import redis as redis_py

from exercises import journal, night
from exercises import pending_and_recovery as exercise
from exercises.bounded import bounded
from exercises.journal import Command
from exercises.verdict import Verdict, stream_of
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Claimed
from streamviz.client.stream import Stream
from streamviz.errors import CommandRefused
from streamviz.patterns.dead_letters import DeadLetters


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(night, "_SIZES", repeat(7))
    yield
    exercise.clean_up(redis)


def checked(redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object]) -> Verdict:
    """Check an answer that takes the group."""
    return exercise.check_night(redis, lambda client: answer(Stream(client, "night").group("crew")))


def recover(crew: ConsumerGroup, *, pages: int = 9, write: bool = True, ack: bool = True) -> None:
    lou, cursor = crew.consumer("lou"), "0-0"
    for _ in range(pages):
        page = lou.autoclaim(min_idle_ms=0, start=cursor, count=2)
        for entry in page.entries:
            if write:
                crew.connection.client.rpush("night:done", entry.fields["job"])
            if ack:
                lou.ack(entry.id)
        cursor = str(page.cursor)
        if cursor == "0-0":
            return


def until_an_empty_page(crew: ConsumerGroup) -> None:
    lou = crew.consumer("lou")
    page = lou.autoclaim(min_idle_ms=0, count=2)
    while page.entries:
        for entry in page.entries:
            crew.connection.client.rpush("night:done", entry.fields["job"])
            lou.ack(entry.id)
        page = lou.autoclaim(min_idle_ms=0, start=str(page.cursor), count=2)


def acked_first(crew: ConsumerGroup) -> None:
    lou = crew.consumer("lou")
    page = lou.autoclaim(min_idle_ms=0, count=2)
    while page.entries or page.deleted:
        for entry in page.entries:
            lou.ack(entry.id)
            crew.connection.client.rpush("night:done", entry.fields["job"])
        page = lou.autoclaim(min_idle_ms=0, count=2)


def in_one_large_page(crew: ConsumerGroup) -> None:
    lou = crew.consumer("lou")
    for entry in lou.autoclaim(min_idle_ms=0).entries:
        crew.connection.client.rpush("night:done", entry.fields["job"])
        lou.ack(entry.id)


def typed_in(crew: ConsumerGroup) -> None:
    recover(crew, write=False)
    crew.connection.client.rpush("night:done", "1", "2", "5", "6", "7")


def again(group: ConsumerGroup, key: str) -> None:
    client = group.connection.client
    client.rpush(key, client.lindex(key, 0))  # type: ignore[arg-type]


def by_xclaim(crew: ConsumerGroup, page: int = 2) -> None:
    while ids := [one.id for one in crew.pending_entries(count=page)]:
        for entry in crew.consumer("lou").claim(ids):
            crew.connection.client.rpush("night:done", entry.fields["job"])
            crew.ack(entry.id)


def after_one_page_unclaimed(crew: ConsumerGroup) -> None:
    recover(crew, pages=1)
    for entry in stream_of(crew).range("5-0"):
        crew.connection.client.rpush("night:done", entry.fields["job"])
        crew.ack(entry.id)
    crew.ack("3-0", "4-0")


def by_pages(crew: ConsumerGroup, start_of: Callable[[Claimed], object]) -> None:
    lou = crew.consumer("lou")
    page = lou.autoclaim(min_idle_ms=0, count=2)
    while True:
        for entry in page.entries:
            crew.connection.client.rpush("night:done", entry.fields["job"])
            lou.ack(entry.id)
        if page.cursor == page.cursor.ZERO:
            return
        page = lou.autoclaim(min_idle_ms=0, start=str(start_of(page)), count=2)


def from_the_last_job(crew: ConsumerGroup) -> None:
    by_pages(crew, lambda page: page.entries[-1].id if page.entries else page.cursor)


def by_four_pages(crew: ConsumerGroup) -> None:
    recover(crew, pages=4)


def lou_is_deleted_and_made_again(crew: ConsumerGroup) -> None:
    recover(crew, write=False, ack=False)
    for entry in stream_of(crew).range():
        crew.connection.client.rpush("night:done", entry.fields["job"])
    crew.delete_consumer("lou")
    crew.create_consumer("lou")


def written_and_taken_back(crew: ConsumerGroup) -> None:
    """Empty the list after the acknowledgements: what it held is nowhere for a moment."""
    recover(crew, ack=False)
    client, jobs = crew.connection.client, [one.fields["job"] for one in stream_of(crew).range()]
    client.delete("night:done")
    crew.ack(*(held.id for held in crew.pending_entries()))
    client.rpush("night:done", *jobs)


def acked_by_a_number(crew: ConsumerGroup) -> None:
    """Acknowledge with IDs as short as Redis takes them, before the work is done."""
    client = crew.connection.client
    recover(crew, write=False, ack=False)
    for entry in stream_of(crew).range():
        client.xack("night", "crew", entry.id.ms)
        client.rpush("night:done", entry.fields["job"])


def claimed_and_taken_back(crew: ConsumerGroup) -> None:
    """Let kim, who wasn't dead, claim its jobs back before lou does them."""
    recover(crew, write=False, ack=False)
    crew.consumer("kim").claim([held.id for held in crew.pending_entries()])
    for entry in stream_of(crew).range():
        crew.connection.client.rpush("night:done", entry.fields["job"])
        crew.ack(entry.id)


def claimed_in_another_group(crew: ConsumerGroup) -> None:
    other = stream_of(crew).group("other")
    other.create("0")
    other.consumer("kim").read()
    recover(other, write=False, ack=False)
    for entry in stream_of(crew).range():
        crew.connection.client.rpush("night:done", entry.fields["job"])
        crew.ack(entry.id)
    crew.ack("3-0", "4-0")
    crew.create_consumer("lou")


def claimed_by_a_minimum_of_a_minute(crew: ConsumerGroup) -> None:
    lou, cursor = crew.consumer("lou"), "0-0"
    while True:
        page = lou.autoclaim(min_idle_ms=60_000, start=cursor, count=2)
        for entry in page.entries:
            crew.connection.client.rpush("night:done", entry.fields["job"])
            lou.ack(entry.id)
        if (cursor := str(page.cursor)) == "0-0":
            return


def claimed_by_short_ids(crew: ConsumerGroup) -> None:
    client = crew.connection.client
    for numbers in ([1, 2], [3, 4], [5, 6], [7]):
        for entry_id, fields in client.xclaim("night", "crew", "lou", 0, numbers):
            client.rpush("night:done", fields[b"job"])
            client.xack("night", "crew", entry_id)


def claimed_by_a_minimum_of_an_hour(crew: ConsumerGroup) -> None:
    lou = crew.consumer("lou")
    lou.autoclaim(min_idle_ms=3_600_000, count=2)
    for entry in stream_of(crew).range():
        crew.connection.client.rpush("night:done", entry.fields["job"])
        lou.ack(entry.id)
    crew.ack("3-0", "4-0")


def with_a_transaction(crew: ConsumerGroup) -> None:
    lou, cursor = crew.consumer("lou"), "0-0"
    while True:
        page = lou.autoclaim(min_idle_ms=0, start=cursor, count=2)
        for entry in page.entries:
            with crew.connection.client.pipeline(transaction=True) as both:
                both.rpush("night:done", entry.fields["job"])
                both.xack("night", "crew", str(entry.id))
                both.execute()
        if (cursor := str(page.cursor)) == "0-0":
            return


def all_claimed_then_all_done(crew: ConsumerGroup) -> None:
    recover(crew, write=False, ack=False)
    for entry in crew.consumer("lou").read(after="0"):
        crew.connection.client.rpush("night:done", entry.fields["job"])
        crew.ack(entry.id)


def after_one_page_dropped(crew: ConsumerGroup) -> None:
    recover(crew, pages=1)
    jobs = [entry.fields["job"] for entry in stream_of(crew).range("5-0", "7-0")]
    stream_of(crew).client.rpush("night:done", *jobs)
    crew.delete_consumer("kim")


Note = Callable[[redis_py.Redis, str, str], object]


def noting(note: Note, after: Note | None = None) -> Callable[[ConsumerGroup], None]:
    """Recover each job after it was noted, unless the note says that it was handled before."""

    def answer(crew: ConsumerGroup) -> None:
        client, lou, cursor = crew.connection.client, crew.consumer("lou"), "0-0"
        while True:
            page = lou.autoclaim(min_idle_ms=0, start=cursor, count=2)
            for entry in page.entries:
                job = entry.fields["job"]
                if note(client, str(entry.id), job):
                    client.rpush("night:done", job)
                if after:
                    after(client, str(entry.id), job)
                lou.ack(entry.id)
            if (cursor := str(page.cursor)) == "0-0":
                return

    return answer


def in_a_set_if_it_is_not_there(client: redis_py.Redis, one: str, job: str) -> bool:
    if client.sismember("night:seen", one):
        return False
    client.sadd("night:seen", one)
    return True


def on_a_list_if_it_is_not_there(client: redis_py.Redis, one: str, job: str) -> bool:
    if one.encode() in client.lrange("night:seen", 0, -1):
        return False
    client.rpush("night:seen", one)
    return True


def unless_refused(client: redis_py.Redis, one: str, job: str) -> bool:
    try:
        client.xadd("night:seen", {"job": job}, id=one)
    except redis_py.ResponseError:
        return False
    return True


NOTED: dict[str, Note] = {
    "in a set": lambda client, one, job: client.sadd("night:seen", one),
    "by its milliseconds": lambda client, one, job: client.sadd("night:seen", one.split("-")[0]),
    "by its job": lambda client, one, job: client.sadd("night:seen", job),
    "in a hash, if it is new": lambda client, one, job: client.hsetnx("night:seen", one, "done"),
    "in a hash": lambda client, one, job: client.hset("night:seen", one, "done"),
    "as a first attempt": lambda client, one, job: client.hincrby("night:seen", one, 1) == 1,
    "as a count of its own": lambda client, one, job: client.incr(f"night:{job}") == 1,
    "as a bit": lambda client, one, job: (
        client.setbit("night:seen", int(one.split("-")[0]), 1) == 0
    ),
    "in a HyperLogLog": lambda client, one, job: client.pfadd("night:seen", one),
    "under a key of its own": lambda client, one, job: client.set(f"night:{one}", 1, nx=True),
    "as a lock for a day": lambda client, one, job: client.set(
        f"night:lock:{one}", "lou", nx=True, ex=86_400
    ),
    "as a lock for eleven minutes": lambda client, one, job: client.set(
        f"night:lock:{one}", "lou", nx=True, ex=660
    ),
    "as SETNX": lambda client, one, job: client.setnx(f"night:{job}", "lou"),
    "in a sorted set": lambda client, one, job: client.zadd("night:seen", {one: 1}, nx=True),
    "in a set, asked before": in_a_set_if_it_is_not_there,
    "on a list, read before": on_a_list_if_it_is_not_there,
    "as an entry of the same ID": unless_refused,
}


@pytest.mark.parametrize("note", NOTED.values(), ids=NOTED.keys())
def test_a_job_that_is_noted_before_it_is_done_is_lost_by_a_crash(
    redis: redis_py.Redis, note: Note
) -> None:
    verdict = checked(redis, noting(note))
    assert not verdict.right
    assert re.search(
        r"your process died after \d+ commands, and was started again ten minutes later\. Then "
        r"job \d+, the entry `\d-0`, was neither pending nor in `night:done`\. Did you note it "
        r"before its work was done\?",
        verdict.text,
    )


REMEMBERED: dict[str, Note] = {
    "under a key of another name": lambda client, one, job: client.set(f"seen:{one}", 1, nx=True),
    "in Python": lambda client, one, job: one not in SEEN and not SEEN.add(one),
}
SEEN: set[str] = set()


@pytest.mark.parametrize("note", REMEMBERED.values(), ids=REMEMBERED.keys())
def test_a_new_process_does_not_know_what_another_one_remembered(
    redis: redis_py.Redis, note: Note
) -> None:
    SEEN.clear()
    verdict = checked(redis, noting(note))
    redis.delete(*redis.keys("seen:*") or ["seen"])
    assert not verdict.right
    assert verdict.text.startswith("your function was called again with new keys. Then job ")
    assert "Does it remember something from before" in verdict.text


def done_and_noted_together(client: redis_py.Redis, one: str, job: str) -> bool:
    if not client.sismember("night:seen", one):
        with client.pipeline(transaction=True) as both:
            both.sadd("night:seen", one).rpush("night:done", job).execute()
    return False


def done_and_then_noted(client: redis_py.Redis, one: str, job: str) -> bool:
    if not client.sismember("night:seen", one):
        client.rpush("night:done", job)
        client.sadd("night:seen", one)
    return False


def done_by_a_script(client: redis_py.Redis, one: str, job: str) -> bool:
    script = """
        if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then
            redis.call('RPUSH', KEYS[2], ARGV[2])
        end
    """
    client.eval(script, 2, "night:seen", "night:done", one, job)
    return False


def with_who_is_at_work(client: redis_py.Redis, one: str, job: str) -> bool:
    client.hset("night:at_work", one, "lou")
    return True


def with_a_count_of_attempts(client: redis_py.Redis, one: str, job: str) -> bool:
    return client.hincrby("night:at_work", one, 1) < 5


def with_a_lock_that_expires(client: redis_py.Redis, one: str, job: str) -> bool:
    client.set(f"night:lock:{one}", "lou", nx=True, px=1)
    return True


def with_a_note_of_work(client: redis_py.Redis, one: str, job: str) -> bool:
    client.sadd("night:working", one)
    return True


@pytest.mark.parametrize(
    "answer",
    [
        noting(done_and_noted_together),
        noting(done_and_then_noted),
        noting(done_by_a_script),
        noting(with_who_is_at_work),
        noting(with_a_count_of_attempts),
        noting(with_a_lock_that_expires),
        noting(with_a_note_of_work, lambda client, one, job: client.srem("night:working", one)),
    ],
)
def test_a_note_that_can_lose_no_job_is_allowed(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], None]
) -> None:
    verdict = checked(redis, answer)
    assert verdict.right, verdict


def own_first_then_idle_ones(crew: ConsumerGroup) -> None:
    lou, client = crew.consumer("lou"), crew.connection.client
    for entry in lou.read(after="0"):
        client.rpush("night:done", entry.fields["job"])
        lou.ack(entry.id)
    claimed_by_a_minimum_of_a_minute(crew)


def under_locks_of_a_minute(crew: ConsumerGroup) -> None:
    """Leave a job pending if another process has its lock, until that expires."""
    lou, client, cursor = crew.consumer("lou"), crew.connection.client, ""
    while cursor != "0-0":
        page = lou.autoclaim(min_idle_ms=0, start=cursor or "0-0", count=2)
        for entry in page.entries:
            if client.set(f"night:lock:{entry.id}", "lou", nx=True, ex=60):
                client.rpush("night:done", entry.fields["job"])
                lou.ack(entry.id)
        cursor = str(page.cursor)


def under_one_lock_of_a_minute(crew: ConsumerGroup, life_ms: int | None = 60_000) -> None:
    if crew.connection.client.set("night:lock", "lou", nx=True, px=life_ms):
        recover(crew)


def under_a_field_that_expires(crew: ConsumerGroup, *, in_one_step: bool = True) -> None:
    client = crew.connection.client
    if not Stream(client, "night").connection.version.has((7, 4)):
        pytest.skip("HPEXPIRE needs Redis 7.4")
    with client.pipeline(transaction=in_one_step) as both:
        both.hsetnx("night:locks", "lou", 1)
        both.execute_command("HPEXPIRE", "night:locks", 60_000, "NX", "FIELDS", 1, "lou")
        is_new, _ = both.execute()
    if is_new:
        recover(crew)


def what_kim_holds(crew: ConsumerGroup) -> None:
    while ids := [one.id for one in crew.pending_entries(consumer="kim", count=2)]:
        for entry in crew.consumer("lou").claim(ids):
            crew.connection.client.rpush("night:done", entry.fields["job"])
            crew.ack(entry.id)


def not_what_was_claimed_before(crew: ConsumerGroup) -> None:
    while held := crew.pending_entries(count=2):
        before = {one.id for one in held if one.consumer == "lou"}
        for entry in crew.consumer("lou").claim([one.id for one in held]):
            if entry.id not in before:
                crew.connection.client.rpush("night:done", entry.fields["job"])
            crew.ack(entry.id)


@pytest.mark.parametrize(
    ("hint", "answer"),
    [
        ("A process that starts again takes over what lou held before, too.", what_kim_holds),
        ("A job that was claimed before need not be done.", not_what_was_claimed_before),
        (
            "A lock of the dead process must have expired by then.",
            lambda crew: under_one_lock_of_a_minute(crew, None),
        ),
        (
            "A lock of the dead process must have expired by then.",
            lambda crew: under_one_lock_of_a_minute(crew, 86_400_000),
        ),
        (
            "A lock of the dead process must have expired by then.",
            lambda crew: under_a_field_that_expires(crew, in_one_step=False),
        ),
    ],
)
def test_a_new_process_goes_on_where_the_dead_one_stopped(
    redis: redis_py.Redis, hint: str, answer: Callable[[ConsumerGroup], object]
) -> None:
    verdict = checked(redis, answer)
    assert not verdict.right
    assert verdict.text.startswith("your process died after ")
    assert hint in verdict.text


def test_what_is_sent_over_the_notebooks_own_client_is_cut_off_too(redis: redis_py.Redis) -> None:
    crew = Stream(redis, "night").group("crew")

    def noted_outside(_client: redis_py.Redis) -> None:
        noting(NOTED["in a set"])(crew)

    verdict = exercise.check_night(redis, noted_outside)
    assert "Did you note it before its work was done?" in verdict.text


def test_another_client_than_the_one_it_was_given_is_refused(redis: redis_py.Redis) -> None:
    path = redis.connection_pool.connection_kwargs["path"]

    def over_its_own(_client: redis_py.Redis) -> None:
        with redis_py.Redis(unix_socket_path=path) as own:
            recover(Stream(own, "night").group("crew"))

    verdict = exercise.check_night(redis, over_its_own)
    assert "sends nothing over the client that it is called with" in verdict.text


def test_an_error_after_the_death_is_the_learners_to_see(redis: redis_py.Redis) -> None:
    def in_a_new_group(crew: ConsumerGroup) -> None:
        stream_of(crew).group("mine").create("$")
        recover(crew)

    with pytest.raises(CommandRefused) as error:
        checked(redis, in_a_new_group)
    assert error.value.__notes__ == [
        "In this run, your process died after 1 command, and was started again ten minutes later."
    ]


def test_a_process_that_catches_its_own_death_is_told_so(redis: redis_py.Redis) -> None:
    def undying(crew: ConsumerGroup) -> None:
        with suppress(BaseException):
            recover(crew)

    assert "your code catches every exception" in checked(redis, undying).text


def test_the_keys_of_others_are_left_alone(redis: redis_py.Redis) -> None:
    redis.set("nightmare", "kept")
    assert checked(redis, recover).right
    exercise.clean_up(redis)
    assert not redis.keys("night:*")
    assert redis.getdel("nightmare") == b"kept"


@pytest.mark.parametrize("function", [None, lambda: None])
def test_what_cannot_be_called_with_a_client_gets_a_hint(
    redis: redis_py.Redis, function: Any
) -> None:
    assert "the check calls your function" in exercise.check_night(redis, function).text


def by_redis_py(crew: ConsumerGroup) -> None:
    client, cursor = crew.connection.client, "0-0"
    while True:
        cursor, page, _deleted = client.xautoclaim("night", "crew", "lou", 0, cursor, count=2)
        for entry_id, fields in page:
            client.rpush("night:done", fields[b"job"])
            client.xack("night", "crew", entry_id)
        if cursor == b"0-0":
            return


@pytest.mark.parametrize(
    "answer",
    [
        by_xclaim,
        by_redis_py,
        from_the_last_job,
        with_a_transaction,
        all_claimed_then_all_done,
        by_four_pages,  # as long as there are seven jobs
        claimed_by_a_minimum_of_a_minute,
        claimed_by_short_ids,
        own_first_then_idle_ones,
        under_locks_of_a_minute,
        under_one_lock_of_a_minute,
        under_a_field_that_expires,
    ],
)
def test_the_night_may_be_recovered_in_another_way(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], None]
) -> None:
    verdict = checked(redis, answer)
    assert verdict.right, verdict


def test_a_loop_that_compares_a_cursor_with_text_has_an_end(redis: redis_py.Redis) -> None:
    def until_text(crew: ConsumerGroup) -> None:
        lou = crew.consumer("lou")
        page = lou.autoclaim(min_idle_ms=0, count=2)
        while page.cursor != "0-0":
            page = lou.autoclaim(min_idle_ms=0, start=str(page.cursor), count=2)

    assert checked(redis, until_text).text == (
        "300 commands and no end. Does each page begin at the cursor of the page before, up to "
        "EntryId.ZERO (an EntryId)?"
    )


@pytest.mark.parametrize(("idle_ms", "right"), [(0, True), (3_600_000, False)])
def test_a_read_with_claim_counts_as_a_claim(
    redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch, idle_ms: int, *, right: bool
) -> None:
    mill = exercise.new_mill(redis)
    sweep(mill)
    grind(mill)
    read = f"XREADGROUP GROUP millers moe COUNT 10 CLAIM {idle_ms} STREAMS mill >".split()

    def as_on_redis_8_4(command: Command) -> Command:
        return Command(read, command.time_ms) if command[0] == "XAUTOCLAIM" else command

    steps = [[as_on_redis_8_4(one) for one in step] for step in journal.stop(redis, "mill") or ()]
    monkeypatch.setitem(journal._steps, "mill", steps)
    verdict = exercise.check_mill(mill)
    assert verdict.right is right, verdict
    assert right or "2 sacks were done or given up while moe didn't hold them" in verdict.text


def ack_all(group: ConsumerGroup) -> None:
    group.ack(*(held.id for held in group.pending_entries()))


def test_the_night_is_recovered_page_by_page_to_the_end(redis: redis_py.Redis) -> None:
    assert "claimed nothing" in repr(checked(redis, lambda crew: None))
    assert checked(redis, recover).right


def done_and_then_claimed(group: ConsumerGroup, done: str, consumer: str) -> None:
    for entry in stream_of(group).range():
        # 1-0 and 4-0 are the poison of the mill
        if str(entry.id) not in ("1-0", "4-0") or done == "night:done":
            group.connection.client.rpush(done, *entry.fields.values())
            group.consumer(consumer).claim([entry.id])
            group.ack(entry.id)
    if done == "night:done":
        group.consumer(consumer).autoclaim(min_idle_ms=0, count=2)


NIGHT: dict[str, tuple[str, Callable[[ConsumerGroup], object]]] = {
    "until a page is empty": ("kim still holds 3", until_an_empty_page),
    "acknowledged first": ("A crash between the two", acked_first),
    "one large page": ("take pages of 2", in_one_large_page),
    "one large claim": ("take pages of 2", lambda crew: by_xclaim(crew, page=9)),
    "one page, and the rest unclaimed": (
        "3 jobs were done or given up while lou didn't hold them",
        after_one_page_unclaimed,
    ),
    "one page, and the rest dropped with kim": (
        "3 jobs were done or given up while lou didn't hold them",
        after_one_page_dropped,
    ),
    "each done, and then claimed": (
        "5 jobs were done or given up while lou didn't hold them",
        lambda crew: done_and_then_claimed(crew, "night:done", "lou"),
    ),
    "a claim that takes nothing": (
        "5 jobs were done or given up while lou didn't hold them",
        claimed_by_a_minimum_of_an_hour,
    ),
    "claimed, and claimed back": (
        "5 jobs were done or given up while lou didn't hold them",
        claimed_and_taken_back,
    ),
    "claimed in another group": (
        "5 jobs were done or given up while lou didn't hold them",
        claimed_in_another_group,
    ),
    "lou is deleted, and made again": (
        "5 jobs were never acknowledged. lou was deleted while it held them",
        lou_is_deleted_and_made_again,
    ),
    "the list is emptied": ("A crash between the two", written_and_taken_back),
    "acknowledged first, by a number": ("A crash between the two", acked_by_a_number),
    "typed in": ("5 jobs are neither pending", typed_in),
    "one page": ("kim still holds 5", lambda crew: recover(crew, pages=1)),
    "until an empty page": ("kim still holds", lambda crew: recover(crew, pages=2)),
    "each page begins after the cursor": (
        "begin each page exactly at the cursor of the page before",
        lambda crew: by_pages(crew, lambda page: page.cursor.next()),
    ),
    "each page begins after the cursor, by a bracket": (
        "begin each page exactly at the cursor of the page before",
        lambda crew: by_pages(crew, lambda page: f"({page.cursor}"),
    ),
    "kim is deleted": ("Claim them first", lambda crew: crew.delete_consumer("kim")),
    "lou is made, and all acknowledged unclaimed": (
        "5 jobs are neither pending",
        lambda crew: (crew.create_consumer("lou"), ack_all(crew)),
    ),
    "claimed, and nothing done": (
        "5 jobs are neither pending",
        lambda crew: recover(crew, write=False),
    ),
    "claimed, and not acknowledged": (
        "5 are not acknowledged yet",
        lambda crew: recover(crew, ack=False),
    ),
    "trimmed away": (
        "Keep all 5",
        lambda crew: (stream_of(crew).trim(maxlen=0), recover(crew)),
    ),
    "done twice": (
        "each job once",
        lambda crew: (recover(crew), again(crew, "night:done")),
    ),
    "another one holds": (
        "1 entry is still pending",
        lambda crew: (recover(crew), crew.consumer("max").claim(["1-0"], force=True)),
    ),
    "destroyed": ("has no group `crew`", lambda crew: crew.destroy()),
    "the stream is gone": (
        "has no group `crew`",
        lambda crew: stream_of(crew).client.delete("night"),
    ),
    "not a list": (
        "not a list",
        lambda crew: (recover(crew, write=False), stream_of(crew).client.set("night:done", "1")),
    ),
}


@pytest.mark.parametrize(("hint", "answer"), NIGHT.values(), ids=NIGHT.keys())
def test_a_wrong_night_is_refused_with_its_hint(
    redis: redis_py.Redis, hint: str, answer: Callable[[ConsumerGroup], object]
) -> None:
    verdict = checked(redis, answer)
    assert not verdict.right
    assert hint in verdict.text


def test_a_fixed_number_of_pages_is_not_enough_the_next_time(
    redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "_SIZES", cycle((7, 11, 11)))
    verdicts = [checked(redis, by_four_pages) for _ in range(2)]
    assert verdicts[0].right
    assert "kim still holds 3 entries. Continue until the cursor is 0-0" in verdicts[1].text
    assert checked(redis, recover).text.startswith("9 jobs were recovered")


def grind_one_unclaimed(mill: ConsumerGroup) -> None:
    mill.consumer("moe").claim(["2-0"])
    for entry in stream_of(mill).range("2-0", "3-0"):
        mill.connection.client.rpush("mill:flour", entry.fields["sack"])
        mill.ack(entry.id)


def grind_one_and_drop_one(mill: ConsumerGroup) -> None:
    mill.consumer("moe").autoclaim(min_idle_ms=0, count=1)
    for entry in stream_of(mill).range("2-0", "3-0"):
        mill.connection.client.rpush("mill:flour", entry.fields["sack"])
    mill.ack("2-0")
    mill.delete_consumer("ned")


def grind(mill: ConsumerGroup, *, ack_first: bool = False) -> None:
    moe = mill.consumer("moe")
    for entry in moe.autoclaim(min_idle_ms=0).entries:
        if ack_first:
            moe.ack(entry.id)
        mill.connection.client.rpush("mill:flour", entry.fields["sack"])
        moe.ack(entry.id)


def sweep(mill: ConsumerGroup, limit: int = 5) -> None:
    hot = {str(held.id): "too hot" for held in mill.pending_entries()}
    DeadLetters(mill.consumer("moe"), after_deliveries=limit).sweep(hot)


@pytest.mark.parametrize(
    ("limit", "error", "finish", "hint"),
    [
        (1, "too hot", True, "is a dead letter, but it isn't poison"),
        (3, "too hot", True, "is a dead letter, but it isn't poison"),
        (6, "too hot", True, "poison was ground. The sack `1-0` is in the list"),
        (6, "too hot", False, "`1-0` is poison, too, but there is no dead letter of it"),
        (7, "too hot", True, "poison was ground"),
        (7, "too hot", False, "there is no dead letter yet"),
        (5, "", True, "must say what went wrong"),
        (5, "too hot", False, "2 entries are still pending"),
        (5, "too hot", True, ""),
        (4, "too hot", True, "is a dead letter, but it isn't poison"),
    ],
)
def test_only_the_poison_becomes_a_dead_letter(
    redis: redis_py.Redis, limit: int, error: str, finish: bool, hint: str
) -> None:
    mill = exercise.new_mill(redis)
    DeadLetters(mill.consumer("moe"), after_deliveries=limit).sweep(
        {"1-0": error, "4-0": "too hot"}
    )
    if finish:
        grind(mill)
    verdict = exercise.check_mill(mill)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def grind_what_is_not_noted(mill: ConsumerGroup, is_new: Note) -> None:
    moe, client = mill.consumer("moe"), mill.connection.client
    for entry in moe.autoclaim(min_idle_ms=0).entries:
        if is_new(client, str(entry.id), entry.fields["sack"]):
            client.rpush("mill:flour", entry.fields["sack"])
        moe.ack(entry.id)
    client.delete("mill:seen", *client.keys("mill:[0-9]*"))


def refused_if_it_is_there(client: redis_py.Redis, one: str, sack: str) -> bool:
    try:
        client.xadd("mill:seen", {"at": "work"}, id=one)
    except redis_py.ResponseError:
        return False
    return True


SEEN_SACKS: dict[str, Note] = {
    "in a set": lambda client, one, sack: client.sadd("mill:seen", one),
    "as a bit": lambda client, one, sack: client.setbit("mill:seen", int(one[:-2]), 1) == 0,
    "as a bit, asked before": lambda client, one, sack: (
        not client.getbit("mill:seen", int(sack)) and [client.setbit("mill:seen", int(sack), 1)]
    ),
    "as an entry": refused_if_it_is_there,
    "as MSETNX": lambda client, one, sack: client.msetnx({f"mill:{sack}": "moe"}),
}


@pytest.mark.parametrize("is_new", SEEN_SACKS.values(), ids=SEEN_SACKS.keys())
def test_a_sack_that_is_noted_before_it_is_ground_would_be_lost(
    redis: redis_py.Redis, is_new: Note
) -> None:
    mill = exercise.new_mill(redis)
    sweep(mill)
    grind_what_is_not_noted(mill, is_new)
    verdict = exercise.check_mill(mill)
    assert not verdict.right
    assert "2 sacks were noted in another key before the work was in `mill:flour`" in verdict.text


def test_a_log_of_the_work_is_no_note(redis: redis_py.Redis) -> None:
    mill = exercise.new_mill(redis)
    sweep(mill)
    grind_what_is_not_noted(
        mill, lambda client, one, sack: client.xadd("mill:seen", {"begins": one})
    )
    verdict = exercise.check_mill(mill)
    assert verdict.right, verdict


def the_most_delivered(mill: ConsumerGroup) -> None:
    most = max(mill.pending_entries(), key=lambda held: held.deliveries)
    sweep(mill, most.deliveries)
    grind(mill)


def sweep_by_entry_ids(mill: ConsumerGroup) -> None:
    hot = {held.id: "too hot" for held in mill.pending_entries() if held.deliveries > 4}
    DeadLetters(mill.consumer("moe"), after_deliveries=5).sweep(hot)


def test_the_errors_of_a_sweep_may_have_entry_ids(redis: redis_py.Redis) -> None:
    mill = exercise.new_mill(redis)
    sweep_by_entry_ids(mill)
    grind(mill)
    verdict = exercise.check_mill(mill)
    assert verdict.right, verdict


MILL: dict[str, tuple[str, Callable[[ConsumerGroup], object]]] = {
    "acknowledged before grinding": (
        "2 sacks were acknowledged before",
        lambda mill: (sweep(mill), grind(mill, ack_first=True)),
    ),
    "swept, and each sack ground before it is claimed": (
        "2 sacks were done or given up while moe didn't hold them",
        lambda mill: (sweep(mill), done_and_then_claimed(mill, "mill:flour", "moe")),
    ),
    "swept, and ned deleted": (
        "ned was deleted",
        lambda mill: (sweep(mill), mill.delete_consumer("ned")),
    ),
    "one is claimed, and the other dropped with ned": (
        "1 sack was done or given up while moe didn't hold it",
        lambda mill: (sweep(mill), grind_one_and_drop_one(mill)),
    ),
    "ned deleted, and made again": (
        "2 sacks are neither pending",
        lambda mill: (sweep(mill), mill.delete_consumer("ned"), mill.create_consumer("ned")),
    ),
    "acknowledged unclaimed": (
        "2 sacks are neither pending",
        lambda mill: (sweep(mill), mill.ack("2-0", "3-0")),
    ),
    "ground twice": (
        "each good sack once",
        lambda mill: (sweep(mill), grind(mill), again(mill, "mill:flour")),
    ),
    "claimed before the sweep": (
        "A claim counts as one",
        lambda mill: (mill.consumer("moe").autoclaim(min_idle_ms=0), sweep(mill)),
    ),
    "claimed before the sweep, with a higher limit": (
        "says 6 deliveries",
        lambda mill: (mill.consumer("moe").autoclaim(min_idle_ms=0), sweep(mill, 6), grind(mill)),
    ),
    "one sack unclaimed": (
        "1 sack was done or given up while moe didn't hold it",
        lambda mill: (sweep(mill), grind_one_unclaimed(mill)),
    ),
    "the poison acknowledged, and then a dead letter": (
        "poison was given up before it was a dead letter",
        lambda mill: (mill.ack("1-0", "4-0"), by_hand(mill), grind(mill)),
    ),
    "ned deleted, and then a dead letter": (
        "poison was given up before it was a dead letter",
        lambda mill: (
            mill.consumer("moe").claim(["2-0", "3-0"]),
            mill.delete_consumer("ned"),
            by_hand(mill),
            grind(mill),
        ),
    ),
    "a dead letter without its sack": (
        "doesn't hold the poison's own field",
        lambda mill: (by_hand(mill, sack=""), mill.ack("1-0", "4-0"), grind(mill)),
    ),
    "moe deleted instead of acknowledging": (
        "2 sacks were never acknowledged. moe was deleted while it held them",
        lambda mill: (sweep(mill), grind_and_drop(mill)),
    ),
    "one sweep for each error": (
        "but the one of `4-0` has the error ''. A sweep moves all that is due",
        lambda mill: (
            DeadLetters(mill.consumer("moe"), after_deliveries=5).sweep({"1-0": "too hot"}),
            DeadLetters(mill.consumer("moe"), after_deliveries=5).sweep({"4-0": "too hot"}),
            grind(mill),
        ),
    ),
    "only the sack that was delivered most often": (
        "poison was ground. The sack `1-0` is in the list",
        the_most_delivered,
    ),
    "trimmed away": ("Keep all four", lambda mill: stream_of(mill).trim(maxlen=0)),
    "destroyed": ("new_mill", lambda mill: mill.destroy()),
    "the stream is gone": ("new_mill", lambda mill: mill.connection.client.delete("mill")),
    "other dead letters": ("it lacks a dead letter's history", lambda mill: other(mill)),
    "a dead letter without a history": (
        "it lacks a dead letter's history",
        lambda mill: mill.connection.client.xadd("mill:dead", {"sack": "1", "error": "too hot"}),
    ),
    "no dead letters yet": ("there is no dead letter yet", lambda mill: None),
    "no dead letters' stream": (
        "another type",
        lambda mill: mill.connection.client.set("mill:dead", "text"),
    ),
}


def test_the_connection_of_a_forgotten_exercise_is_closed(redis: redis_py.Redis) -> None:
    own = bounded(redis)
    own.ping()
    (connection,) = own.connection_pool._available_connections
    assert connection.is_connected
    del own
    gc.collect()
    assert not connection.is_connected


def test_the_mills_picture_shows_where_each_sack_is(redis: redis_py.Redis) -> None:
    def shown() -> str:
        picture = exercise.check_mill(mill).picture
        assert picture is not None
        return picture.text

    mill = exercise.new_mill(redis)
    sacks, good = "sacks: 1-0, 2-0, 3-0, 4-0; pending:", "2-0 ×4, 3-0 ×1"
    assert shown() == f"{sacks} 1-0 ×5, {good}, 4-0 ×6; flour: none; dead letters: none"
    sweep(mill)
    assert shown() == f"{sacks} {good}; flour: none; dead letters: 1-0 ×5, 4-0 ×6"
    grind(mill)
    assert shown() == f"{sacks} none; flour: 2-0, 3-0; dead letters: 1-0 ×5, 4-0 ×6"


def by_hand(mill: ConsumerGroup, **own: str) -> None:
    names = ("stream", "id", "group", "consumer", "deliveries", "error")
    for one, deliveries in (("1-0", "5"), ("4-0", "6")):
        (entry,) = stream_of(mill).range(one, one)
        history = ("mill", one, "millers", "ned", deliveries, "too hot")
        letter = {f"dead-letter:{name}": text for name, text in zip(names, history, strict=True)}
        mill.connection.client.xadd("mill:dead", entry.fields | own | letter)  # type: ignore[arg-type]


def grind_and_drop(mill: ConsumerGroup) -> None:
    for entry in mill.consumer("moe").autoclaim(min_idle_ms=0).entries:
        mill.connection.client.rpush("mill:flour", entry.fields["sack"])
    mill.delete_consumer("moe")


def test_a_dead_letter_may_be_added_by_hand_and_then_acknowledged(redis: redis_py.Redis) -> None:
    mill = exercise.new_mill(redis)
    by_hand(mill)
    mill.ack("1-0", "4-0")
    grind(mill)
    assert exercise.check_mill(mill).right


def other(mill: ConsumerGroup) -> None:
    mill.connection.client.xadd("mill:dead", {"sack": "1"})


@pytest.mark.parametrize(("hint", "answer"), MILL.values(), ids=MILL.keys())
def test_a_wrong_mill_is_refused_with_its_hint(
    redis: redis_py.Redis, hint: str, answer: Callable[[ConsumerGroup], object]
) -> None:
    mill = exercise.new_mill(redis)
    answer(mill)
    verdict = exercise.check_mill(mill)
    assert not verdict.right
    assert hint in verdict.text
