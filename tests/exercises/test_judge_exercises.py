"""The exercises of notebook 09, and the naive judge that it warns about."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import redis as redis_py

from exercises import judge as exercise
from exercises import naive_judge
from exercises.relay import JudgeFailed
from exercises.verdict import stream_of
from go_game.match import Match
from go_game.rules import Coord, Player
from go_game.service_process import ServiceProcess
from streamviz.client.consumers import Consumer
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.server.embedded import EmbeddedServer

JudgeOne = Callable[[Entry], str]


@pytest.fixture(autouse=True)
def _tidy(redis: redis_py.Redis) -> None:
    exercise.clean_up(redis)


def test_asking_with_another_id_is_not_yet_right(redis: redis_py.Redis) -> None:
    match = exercise.new_lost(redis)
    match.ask(Coord(4, 4))
    match.listen()
    verdict = exercise.check_lost(redis)
    assert not verdict.right
    assert "another request" in verdict.text


def test_not_asking_again_is_not_yet_right(redis: redis_py.Redis) -> None:
    exercise.new_lost(redis)
    assert "not sent again" in exercise.check_lost(redis).text


def test_moving_for_the_other_player_is_not_yet_right(redis: redis_py.Redis) -> None:
    match = exercise.new_lost(redis)
    match.ask(Coord(0, 0), Player.WHITE)
    match.listen()
    assert not exercise.check_lost(redis).right


@pytest.mark.parametrize(
    ("coord", "player"),
    [(Coord(0, 0), Player.BLACK), (Coord(4, 4), Player.WHITE), (None, Player.BLACK)],
)
def test_asking_for_another_move_under_the_same_id_is_not_yet_right(
    redis: redis_py.Redis, coord: Coord | None, player: Player
) -> None:
    match = exercise.new_lost(redis)
    match.ask(coord, player, req_id="r7")
    match.listen()
    assert "two different moves" in exercise.check_lost(redis).text


def test_deleting_the_stream_is_not_yet_right(redis: redis_py.Redis) -> None:
    match = exercise.new_lost(redis)
    redis.delete("lost:make-move", "lost:move-made")
    assert match.judge is not None
    match.judge.prepare()
    match.ask(Coord(4, 4), req_id="r7")
    match.ask(Coord(4, 4), req_id="r7")
    match.listen()
    assert "the answer to r7 is not in its stream" in exercise.check_lost(redis).text


def test_not_waiting_for_the_judge_is_not_yet_right(redis: redis_py.Redis) -> None:
    exercise.new_lost(redis).ask(Coord(4, 4), req_id="r7")
    assert "has not read 1 request yet: let it listen" in exercise.check_lost(redis).text


@pytest.mark.parametrize("times", [1, 3])
def test_to_ask_again_under_the_same_name_is_right(redis: redis_py.Redis, times: int) -> None:
    match = exercise.new_lost(redis)
    for _ in range(times):
        match.ask(Coord(4, 4), req_id="r7")
        match.listen()
    assert exercise.check_lost(redis).right


def all_of(ben: Consumer) -> list[Entry]:
    """Return what the consumer takes over, what it holds, and what is new, in their order."""
    entries = [*ben.autoclaim(min_idle_ms=0).entries, *ben.read()]
    return sorted(entries, key=lambda one: one.id)


def own_first(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    for entry in ben.read(after="0") + ben.read():
        judge(entry)
        ben.ack(entry.id)


def without_ack(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        judge(entry)


def without_the_last(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    for entry in ben.autoclaim(min_idle_ms=0).entries:
        judge(entry)
        ben.ack(entry.id)


def twice(group: ConsumerGroup, judge: JudgeOne) -> None:
    (entry, *_) = group.consumer("ben").autoclaim(min_idle_ms=0).entries
    judge(entry)
    judge(entry)


def own_read_twice(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    claimed = ben.autoclaim(min_idle_ms=0).entries
    for entry in [*claimed, *ben.read(after="0"), *ben.read()]:
        judge(entry)
        ben.ack(entry.id)


def claim_for_ever(group: ConsumerGroup, judge: JudgeOne) -> None:
    while True:
        group.consumer("ben").autoclaim(min_idle_ms=0)


def acknowledge_first(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        group.ack(entry.id)
        judge(entry)


def acknowledge_all_at_once_first(group: ConsumerGroup, judge: JudgeOne) -> None:
    entries = all_of(group.consumer("ben"))
    group.ack(*(entry.id for entry in entries))
    for entry in entries:
        judge(entry)


def acknowledge_finally(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        try:
            judge(entry)
        finally:
            group.ack(entry.id)


def acknowledge_all_finally(group: ConsumerGroup, judge: JudgeOne) -> None:
    entries = all_of(group.consumer("ben"))
    try:
        for entry in entries:
            judge(entry)
    finally:
        group.ack(*(entry.id for entry in entries))


def acknowledge_what_failed(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        with suppress(Exception):
            judge(entry)
        group.ack(entry.id)


def acknowledge_only_at_the_last_move(group: ConsumerGroup, judge: JudgeOne) -> None:
    first, second, third = all_of(group.consumer("ben"))
    for entry in (first, second):
        judge(entry)
    group.ack(third.id)
    judge(third)
    group.ack(first.id, second.id)


def go_on_after_a_failure(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        with suppress(Exception):
            judge(entry)
            group.ack(entry.id)


def forget_its_own_after_a_restart(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    for entry in ben.claim([one.id for one in group.pending_entries()][:2]) + ben.read():
        with suppress(JudgeFailed):
            judge(entry)
            group.ack(entry.id)
            continue
        return


def judge_and_then_claim(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    for entry in stream_of(group).range():
        judge(entry)
    group.ack(*(entry.id for entry in all_of(ben)))


def claim_each_after_its_answer(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    for one in group.pending_entries():
        (entry,) = stream_of(group).range(str(one.id), str(one.id))
        judge(entry)
        ben.claim([one.id])
        ben.ack(one.id)
    for entry in ben.read():
        judge(entry)
        ben.ack(entry.id)


def judge_the_new_one_unread(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    for entry in ben.autoclaim(min_idle_ms=0).entries:
        judge(entry)
        ben.ack(entry.id)
    for entry in stream_of(group).range(f"({group.info().last_delivered_id}"):
        judge(entry)
    ben.ack(*(entry.id for entry in ben.read()))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (own_first, "r2 was rejected"),
        (without_ack, "3 moves are still pending"),
        (without_the_last, "2 of 3"),
        (twice, "answered twice"),
        (own_read_twice, "r1 was answered twice"),
        (own_read_twice, "`0` returned them again"),
        (claim_for_ever, "300 commands and no end: read without BLOCK"),
        (acknowledge_first, "r1 was acknowledged before it was answered"),
        (acknowledge_all_at_once_first, "r1 was acknowledged before it was answered"),
        (acknowledge_finally, "r1 was acknowledged before it was answered. Judging r1 failed"),
        (acknowledge_all_finally, "r1 was acknowledged before it was answered. Judging r1 failed"),
        (acknowledge_what_failed, "r1 was acknowledged before it was answered. Judging r1 failed"),
        (acknowledge_only_at_the_last_move, "r3 was acknowledged before it was answered"),
        (go_on_after_a_failure, "and r2 was judged all the same, and rejected"),
        (
            forget_its_own_after_a_restart,
            "r1 failed once, and your function was called again: 2 of 3",
        ),
        (judge_and_then_claim, "r1 was judged before ben held it. Meanwhile the judge cy took it"),
        (claim_each_after_its_answer, "made and rejected: the other player is up"),
        (judge_the_new_one_unread, "r3 was judged before ben held it"),
        (lambda group: None, "let it take 2 arguments"),
        (None, "give it the function itself"),
    ],
)
def test_a_relay_that_loses_or_repeats_a_move_is_not_yet_right(
    redis: redis_py.Redis, answer: Any, hint: str
) -> None:
    verdict = exercise.check_relay(redis, answer)
    assert not verdict.right
    assert hint in verdict.text


def acknowledge_each(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        judge(entry)
        group.ack(entry.id)


def acknowledge_all_at_the_end(group: ConsumerGroup, judge: JudgeOne) -> None:
    entries = all_of(group.consumer("ben"))
    for entry in entries:
        judge(entry)
    group.ack(*(entry.id for entry in entries))


def read_and_then_take_over(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.read()
    for entry in sorted(ben.autoclaim(min_idle_ms=0).entries, key=lambda one: one.id):
        judge(entry)
        ben.ack(entry.id)


def claim_what_is_old_and_read_again(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.autoclaim(min_idle_ms=60_000)
    ben.read()
    for entry in ben.read(after="0"):
        judge(entry)
        ben.ack(entry.id)


def claim_by_id_alone(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    if held := [one.id for one in group.pending_entries()]:
        ben.claim(held, justid=True)
    for entry_id in [*held, *(entry.id for entry in ben.read())]:
        (entry,) = stream_of(group).range(str(entry_id), str(entry_id))
        judge(entry)
        ben.ack(entry_id)


def one_at_a_time(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    while page := ben.autoclaim(min_idle_ms=0, count=1).entries or ben.read(1):
        judge(page[0])
        ben.ack(page[0].id)


def stop_at_a_failure(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        try:
            judge(entry)
        except Exception:
            return
        group.ack(entry.id)


def try_again_at_once(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        for _ in range(3):
            with suppress(JudgeFailed):
                judge(entry)
                break
        group.ack(entry.id)


@pytest.mark.parametrize(
    "answer",
    [
        acknowledge_each,
        acknowledge_all_at_the_end,
        read_and_then_take_over,
        claim_what_is_old_and_read_again,
        claim_by_id_alone,
        one_at_a_time,
        stop_at_a_failure,
        try_again_at_once,
    ],
)
def test_a_relay_that_loses_no_move_is_right(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup, JudgeOne], None]
) -> None:
    verdict = exercise.check_relay(redis, answer)
    assert verdict.right, verdict
    assert "0 waiting, 0 pending" in repr(verdict.picture)


def test_an_error_of_the_learner_s_own_comes_through(redis: redis_py.Redis) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        exercise.check_relay(redis, lambda group, judge: group / 2)


def test_a_race_shows_who_holds_each_request_and_its_answer(
    redis: redis_py.Redis, prefix: str
) -> None:
    race, match = exercise.Race(redis, prefix), Match(redis, prefix, judge=False)
    group = Stream(redis, f"{prefix}make-move").group("judge")
    group.create("0", mkstream=True)
    match.ask(Coord(2, 2), Player.BLACK, req_id="black")
    race.note("asked")
    match.ask(Coord(2, 2), Player.WHITE, req_id="white")
    for entry in group.consumer("ann").read():
        race.note("ann has read")
        naive_judge.judge(redis, prefix, entry)
    race.note("ann has judged")
    assert repr(race) == (
        "when: asked, ann has read, ann has read, ann has judged; "
        "black: waiting, held by ann, made, made; white: held by ann, held by ann, rejected"
    )
    svg = race._repr_svg_()
    assert svg.count(">made<") == 2
    assert svg.count(">held by ann<") == 3
    assert svg.count("<rect") == 7, "a moment has no box"


def test_a_naive_judge_that_is_killed_before_its_ack_contradicts_itself(
    redis: redis_py.Redis, prefix: str, server: EmbeddedServer, until: Callable[..., None]
) -> None:
    match = Match(redis, prefix, judge=False)
    module = "exercises.naive_judge"
    first = ServiceProcess(module, prefix, "--pause-s", "60", url=server.url)
    match.ask(Coord(4, 4), req_id="r")
    until(lambda: redis.xlen(f"{prefix}game-states") == 2)  # its last write before the pause
    first.kill()
    assert exercise.answers(redis, prefix) == {"r": ["made"]}
    with ServiceProcess(module, prefix, url=server.url) as heir:
        until(lambda: len(exercise.answers(redis, prefix)["r"]) == 2)
        heir.kill()
    assert exercise.answers(redis, prefix) == {"r": ["made", "rejected: the other player is up"]}


def test_alone_and_alive_the_naive_judge_is_right(redis: redis_py.Redis, prefix: str) -> None:
    match = Match(redis, prefix, judge=False, seed=3)
    match.ask_at_random(30)
    for entry in Stream(redis, f"{prefix}make-move").range():
        assert naive_judge.judge(redis, prefix, entry) == "made"
    match.listen()
    assert len(match.record.moves) == 30
    assert match.record.game is not None
    assert match.record.stones() == tuple(match.record.game.to_dict()["board"]["stones"])


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exercise, "_TIMEOUT_S", 0.05)
    with pytest.raises(TimeoutError, match="run the cells from the top"):
        exercise.wait_for(lambda: False)


def test_cleaning_up_leaves_other_keys(redis: redis_py.Redis, key: str) -> None:
    redis.set(key, "kept")
    exercise.new_lost(redis)
    exercise.check_relay(redis, acknowledge_each)
    assert redis.keys("relay:*")
    exercise.clean_up(redis)
    assert not redis.keys("lost:*")
    assert not redis.keys("relay:*")
    assert redis.get(key) == b"kept"
