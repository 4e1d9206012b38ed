"""The exercises of notebook 09, and the naive judge that it warns about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis as redis_py

from exercises import judge as exercise
from exercises import naive_judge
from exercises.interrupted import EndlessLoop
from go_game.match import Match
from go_game.rules import Coord, Player
from go_game.service_process import ServiceProcess
from streamviz.client.consumers import Consumer
from streamviz.client.stream import Stream
from streamviz.server.embedded import EmbeddedServer


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


def test_judging_own_entries_first_is_not_yet_right(redis: redis_py.Redis) -> None:
    ben = exercise.new_relay(redis).consumer("ben")
    for entry in ben.read(after="0") + ben.read():
        exercise.judge_relay(redis, entry)
        ben.ack(entry.id)
    verdict = exercise.check_relay(redis)
    assert not verdict.right
    assert "r2 was rejected" in verdict.text


def test_answering_without_ack_is_not_yet_right(redis: redis_py.Redis) -> None:
    ben = exercise.new_relay(redis).consumer("ben")
    for entry in [*ben.autoclaim(min_idle_ms=0).entries, *ben.read()]:
        exercise.judge_relay(redis, entry)
    assert "3 moves are still pending" in exercise.check_relay(redis).text


def test_leaving_the_last_move_is_not_yet_right(redis: redis_py.Redis) -> None:
    ben = exercise.new_relay(redis).consumer("ben")
    for entry in ben.autoclaim(min_idle_ms=0).entries:
        exercise.judge_relay(redis, entry)
        ben.ack(entry.id)
    assert "2 of 3" in exercise.check_relay(redis).text


def test_judging_a_move_twice_is_not_yet_right(redis: redis_py.Redis) -> None:
    ben = exercise.new_relay(redis).consumer("ben")
    (entry, *_) = ben.autoclaim(min_idle_ms=0).entries
    exercise.judge_relay(redis, entry)
    exercise.judge_relay(redis, entry)
    assert "answered twice" in exercise.check_relay(redis).text


def test_reading_own_entries_twice_is_not_yet_right(redis: redis_py.Redis) -> None:
    ben = exercise.new_relay(redis).consumer("ben")
    claimed = ben.autoclaim(min_idle_ms=0).entries
    for entry in [*claimed, *ben.read(after="0"), *ben.read()]:
        exercise.judge_relay(redis, entry)
        ben.ack(entry.id)
    assert "r1 was answered twice" in exercise.check_relay(redis).text
    assert "`0` returned them again" in exercise.check_relay(redis).text


def test_a_loop_without_an_end_has_one(redis: redis_py.Redis) -> None:
    def claim_for_ever() -> None:
        ben = exercise.new_relay(redis).consumer("ben")
        while True:
            ben.autoclaim(min_idle_ms=0)

    with pytest.raises(EndlessLoop, match="300 commands and no end: read without BLOCK"):
        claim_for_ever()


def acknowledge_first(ben: Consumer, client: redis_py.Redis) -> None:
    for entry in [*ben.autoclaim(min_idle_ms=0).entries, *ben.read()]:
        ben.ack(entry.id)
        exercise.judge_relay(client, entry)


def acknowledge_all_at_once_first(ben: Consumer, client: redis_py.Redis) -> None:
    entries = [*ben.autoclaim(min_idle_ms=0).entries, *ben.read()]
    ben.ack(*(entry.id for entry in entries))
    for entry in entries:
        exercise.judge_relay(client, entry)


@pytest.mark.parametrize("answer", [acknowledge_first, acknowledge_all_at_once_first])
def test_acknowledging_before_judging_is_not_yet_right(
    redis: redis_py.Redis, answer: Callable[[Consumer, redis_py.Redis], None]
) -> None:
    answer(exercise.new_relay(redis).consumer("ben"), redis)
    assert "r1 was acknowledged before it was answered" in exercise.check_relay(redis).text


def test_acknowledging_all_at_the_end_is_right(redis: redis_py.Redis) -> None:
    ben = exercise.new_relay(redis).consumer("ben")
    entries = [*ben.autoclaim(min_idle_ms=0).entries, *ben.read()]
    for entry in entries:
        exercise.judge_relay(redis, entry)
    ben.ack(*(entry.id for entry in entries))
    assert exercise.check_relay(redis).right


def test_to_take_over_and_judge_by_id_is_right(redis: redis_py.Redis) -> None:
    ben = exercise.new_relay(redis).consumer("ben")
    ben.read()
    for entry in sorted(ben.autoclaim(min_idle_ms=0).entries, key=lambda one: one.id):
        exercise.judge_relay(redis, entry)
        ben.ack(entry.id)
    assert exercise.check_relay(redis).right


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
    exercise.new_relay(redis)
    exercise.clean_up(redis)
    assert not redis.keys("lost:*")
    assert not redis.keys("relay:*")
    assert redis.get(key) == b"kept"
