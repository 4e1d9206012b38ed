"""The exercises of notebook 09, and the naive judge that it warns about."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
import redis as redis_py
from slow import slow, slow_but

from exercises import judge as exercise
from exercises import naive_judge
from exercises.answers import moves_of
from exercises.relay import JudgeFailed
from exercises.verdict import stream_of
from go_game.match import Match
from go_game.messages import MakeMove
from go_game.rules import Coord, Player
from go_game.service_process import ServiceProcess
from streamviz.client.consumers import Consumer
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import ServerUnreachable
from streamviz.server.embedded import EmbeddedServer

JudgeOne = Callable[[Entry], str]
ELSEWHERE = "judged-by-ben"


@pytest.fixture(autouse=True)
def _tidy(redis: redis_py.Redis) -> None:
    exercise.clean_up(redis)
    redis.delete(ELSEWHERE)


def ask_anew_each_time(match: Match, coord: Coord) -> None:
    while True:
        with suppress(ConnectionError):
            match.ask(coord)
            return


def ask_once(match: Match, coord: Coord) -> None:
    match.ask(coord, req_id="r7")


def ask_once_and_hope(match: Match, coord: Coord) -> None:
    with suppress(ConnectionError):
        match.ask(coord, req_id=str(uuid4()))


def ask_under_one_id(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, "r7")


def ask_under_the_point(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, f"{coord.x}-{coord.y}")


def ask_under_the_number_of_the_move(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, f"move-{len(match.game.moves)}")


def ask_under_the_point_and_the_number(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, f"{coord}-{len(match.game.moves)}")


def ask_under_the_number_of_answers(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, f"r{match.client.xlen('shaky:move-made')}")


def ask_under_the_number_of_requests(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, str(match.client.xlen("shaky:make-move")))


def ask_under_the_last_id(match: Match, coord: Coord) -> None:
    last = Stream(match.client, "shaky:make-move").info().last_generated_id
    ask_until_it_holds(match, coord, str(last))


def ask_under_a_number_read_and_then_set(match: Match, coord: Coord) -> None:
    number = int(match.client.get("shaky:number") or 0) + 1
    while True:
        with suppress(ConnectionError):
            match.ask(coord, req_id=f"r{number}")
            match.client.set("shaky:number", number)
            return


calls = 0


def ask_under_the_number_of_the_call(match: Match, coord: Coord) -> None:
    global calls
    calls += 1
    ask_until_it_holds(match, coord, f"r{calls}")


numbers = itertools.count()


def ask_under_the_next_number(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, f"r{next(numbers)}")


def ask_under_a_number_in_a_list(
    match: Match,
    coord: Coord,
    last: list[int] = [0],  # noqa: B006 — it counts the calls
) -> None:
    last[0] += 1
    ask_until_it_holds(match, coord, f"r{last[0]}")


def numbered() -> Callable[[Match, Coord], None]:
    mine = itertools.count()
    return lambda match, coord: ask_until_it_holds(match, coord, f"r{next(mine)}")


def ask_for_ever(match: Match, coord: Coord) -> None:
    while True:
        with suppress(ConnectionError):
            match.ask(coord, req_id="r7")


def ask_for_more(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, str(uuid4()))
    match.ask(Coord(0, 8))


def ask_twice(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, str(uuid4()))
    ask_until_it_holds(match, coord, str(uuid4()))


def ask_until_it_holds(
    match: Match, coord: Coord, req_id: str, error: type[Exception] = ConnectionError
) -> None:
    while True:
        with suppress(error):
            match.ask(coord, req_id=req_id)
            return


def ask_after_errors_of_redis_py(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, str(uuid4()), redis_py.ConnectionError)


def ask_after_errors_of_streamviz(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, str(uuid4()), ServerUnreachable)


def three_tries_whatever_happens(match: Match, coord: Coord) -> None:
    req_id = str(uuid4())
    for _ in range(3):
        with suppress(ConnectionError):
            match.ask(coord, req_id=req_id)


def up_to(tries: int) -> Callable[[Match, Coord], str | None]:
    def ask(match: Match, coord: Coord) -> str | None:
        req_id = str(uuid4())
        for _ in range(tries):
            with suppress(ConnectionError):
                return match.ask(coord, req_id=req_id)
        return None

    return ask


def three_tries_and_an_error(match: Match, coord: Coord) -> str:
    req_id = str(uuid4())
    for _ in range(2):
        with suppress(ConnectionError):
            return match.ask(coord, req_id=req_id)
    return match.ask(coord, req_id=req_id)


def ask_until_the_stream_grows(match: Match, coord: Coord) -> None:
    before = match.client.xlen("shaky:make-move")
    while True:
        with suppress(ConnectionError):
            match.ask(coord)
            return
        if match.client.xlen("shaky:make-move") > before:
            return


def sent(match: Match, coord: Coord) -> list[MakeMove]:
    requests = Stream(match.client, "shaky:make-move").range()
    return [move for move in moves_of(requests).values() if move.coord == coord]


def ask_until_the_newest_is_mine(match: Match, coord: Coord) -> None:
    while True:
        with suppress(ConnectionError):
            match.ask(coord)
            return
        requests = Stream(match.client, "shaky:make-move").reverse_range(count=1)
        if [move.coord for move in moves_of(requests).values()] == [coord]:
            return


def ask_until_the_newest_of_my_game_is_mine(match: Match, coord: Coord) -> None:
    while True:
        with suppress(ConnectionError):
            match.ask(coord)
            return
        requests = moves_of(Stream(match.client, "shaky:make-move").range()).values()
        mine = [move for move in requests if move.game_id == "shaky"]
        if mine and mine[-1].coord == coord:
            return


def ask_until_one_more_is_for_the_point(match: Match, coord: Coord) -> None:
    before = len(sent(match, coord))
    while True:
        with suppress(ConnectionError):
            match.ask(coord)
            return
        if len(sent(match, coord)) > before:
            return


def ask_until_my_game_has_one_more(match: Match, coord: Coord) -> None:
    def mine() -> int:
        return len([one for one in sent(match, coord) if one.game_id == match.record.game_id])

    before = mine()
    while True:
        with suppress(ConnectionError):
            match.ask(coord)
            return
        if mine() > before:
            return


@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        (
            ask_anew_each_time,
            "was another request for the judge. The two answers are 'made' and 'rejected",
        ),
        (ask_once, "Catch Python's own ConnectionError"),
        (ask_after_errors_of_redis_py, "The class redis.ConnectionError is another one"),
        (ask_once_and_hope, "no request for E5 has arrived"),
        (ask_under_one_id, "request for C3 has the same ID as an older one"),
        (ask_under_the_point, "request for G3 has the same ID as an older one"),
        (ask_under_the_number_of_the_move, "request for G3 has the same ID as an older one"),
        (ask_under_the_point_and_the_number, "request for G3 has the same ID as an older one"),
        (ask_under_the_number_of_answers, "request for G3 has the same ID as an older one"),
        (ask_under_the_number_of_requests, "two players of one game who ask at the same moment"),
        (
            ask_under_the_last_id,
            "the judge takes them for one request, and answers only one. Make the ID",
        ),
        (
            ask_under_a_number_read_and_then_set,
            "two players of one game who ask at the same moment",
        ),
        (ask_under_the_number_of_the_call, "a new process gives an ID that your function has"),
        slow(ask_under_the_next_number, "a new process gives an ID that your function has"),
        slow(ask_under_a_number_in_a_list, "a new process gives an ID that your function has"),
        slow(numbered(), "a new process gives an ID that your function has"),
        (ask_for_ever, "20 requests for one move"),
        (three_tries_whatever_happens, "no request for G3 has arrived"),
        (up_to(5), "no request for G3 has arrived. Call match.ask, and ask again until"),
        (three_tries_and_an_error, "Ask again however often the connection breaks"),
        (ask_for_more, "called for E5, and asked for something else"),
        (ask_until_the_stream_grows, "no request for E5 has arrived"),
        (ask_until_the_newest_is_mine, "no request for E5 has arrived"),
        (ask_until_one_more_is_for_the_point, "no request for E5 has arrived"),
        (ask_until_the_newest_of_my_game_is_mine, "was another request for the judge"),
        (ask_until_my_game_has_one_more, "request for G3 had been sent, and that request"),
        (ask_twice, "another request for the judge"),
        (lambda match, coord: None, "no request for E5 has arrived. Call match.ask"),
        (lambda match: None, "let it take 2 arguments"),
    ],
)
def test_asking_that_loses_or_repeats_a_request_is_not_yet_right(
    redis: redis_py.Redis, ask: Any, hint: str
) -> None:
    verdict = exercise.check_asking(redis, ask)
    assert not verdict.right
    assert hint in verdict.text


def one_id_for_all_tries(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, str(uuid4()))


def a_number_for_each_call(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, f"r{match.client.incr('shaky:requests')}")


def by_recursion(match: Match, coord: Coord, req_id: str = "") -> str:
    same = req_id or str(uuid4())
    try:
        return match.ask(coord, req_id=same)
    except ConnectionError:
        return by_recursion(match, coord, same)


def ask_under_the_point_and_a_name(match: Match, coord: Coord) -> None:
    ask_until_it_holds(match, coord, f"{coord}-{uuid4().hex}")


def ask_in_a_finite_loop(match: Match, coord: Coord) -> str:
    same = str(uuid4())
    for _ in range(20):
        try:
            return match.ask(coord, req_id=same)
        except ConnectionError as error:
            last = error
    raise last


def ask_under_the_side_and_the_number(match: Match, coord: Coord) -> None:
    number = match.client.xlen("shaky:make-move")
    ask_until_it_holds(match, coord, f"{match.you.value}-{number}")


def ask_with_a_bare_except(match: Match, coord: Coord) -> None:
    req_id = str(uuid4())
    while True:
        try:
            match.ask(coord, req_id=req_id)
        except:  # noqa: E722
            continue
        return


def look_first(match: Match, coord: Coord) -> None:
    req_id = str(uuid4())
    while match.answer(req_id) is None:
        with suppress(ConnectionError):
            match.ask(coord, req_id=req_id)
        match.listen()


@pytest.mark.parametrize(
    "ask",
    [
        one_id_for_all_tries,
        ask_after_errors_of_streamviz,
        a_number_for_each_call,
        by_recursion,
        ask_under_the_point_and_a_name,
        ask_in_a_finite_loop,
        up_to(15),
        ask_under_the_side_and_the_number,
        ask_with_a_bare_except,
        look_first,
    ],
)
def test_one_id_for_all_tries_of_a_request_is_right(redis: redis_py.Redis, ask: Any) -> None:
    verdict = exercise.check_asking(redis, ask)
    assert verdict.right, verdict
    assert ", none" in repr(verdict.picture) or ask is look_first


def all_of(ben: Consumer) -> list[Entry]:
    """Return what the consumer takes over, what it holds, and what is new, in their order."""
    entries = [*ben.read(after="0"), *ben.autoclaim(min_idle_ms=60_000).entries, *ben.read()]
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


def delete_the_dead_judge(group: ConsumerGroup, judge: JudgeOne) -> None:
    group.delete_consumer("ann")
    claim_after(60_000)(group, judge)


def forget_the_judge(*names: str, claim: bool = True) -> Callable[[ConsumerGroup, JudgeOne], None]:
    """Claim what is old enough, and delete judges, whatever else they hold."""

    def relay(group: ConsumerGroup, judge: JudgeOne) -> None:
        if claim:
            group.consumer("ben").autoclaim(min_idle_ms=60_000)
        for one in group.consumers():
            if one.name in names:
                group.delete_consumer(one.name)
        one_at_a_time(group, judge)

    return relay


def all_that_a_dead_judge_holds(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    held = group.pending_entries(consumer="ann")
    if any(one.idle_ms >= 60_000 for one in held):
        first, *others = held
        if ben.claim([first.id], 60_000) and others:
            ben.claim([one.id for one in others])
    one_at_a_time(group, judge)


def delete_itself(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.autoclaim(min_idle_ms=60_000)
    ben.read()
    try:
        for entry in ben.read(after="0"):
            judge(entry)
    finally:
        group.delete_consumer("ben")


def pass_the_new_one_by(group: ConsumerGroup, judge: JudgeOne) -> None:
    group.set_id("$")
    claim_after(60_000)(group, judge)


def what_ann_holds(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    if held := [one.id for one in group.pending_entries(consumer="ann")]:
        ben.claim(held)
    ben.read()
    for entry in ben.read(after="0"):
        judge(entry)
        ben.ack(entry.id)


def the_oldest_of_all(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.claim([entry.id for entry in stream_of(group).range(count=1)])
    ben.read()
    for entry in ben.read(after="0"):
        judge(entry)
        ben.ack(entry.id)


def claim_by_id_alone(min_idle_ms: int) -> Callable[[ConsumerGroup, JudgeOne], None]:
    def relay(group: ConsumerGroup, judge: JudgeOne) -> None:
        ben, held = group.consumer("ben"), group.pending_entries()
        old = [one.id for one in held if one.idle_ms >= 60_000]
        taken = ben.claim(old, min_idle_ms, justid=True) if old else []
        own = [one.id for one in held if one.consumer == "ben" and one.id not in taken]
        for entry_id in [*taken, *own, *(entry.id for entry in ben.read())]:
            (entry,) = stream_of(group).range(str(entry_id), str(entry_id))
            judge(entry)
            ben.ack(entry_id)

    return relay


def acknowledge_only_at_the_last_move(group: ConsumerGroup, judge: JudgeOne) -> None:
    *before, third = all_of(group.consumer("ben"))
    for entry in before:
        judge(entry)
        group.ack(entry.id)
    group.ack(third.id)
    judge(third)


def go_on_after_a_failure(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        with suppress(Exception):
            judge(entry)
            group.ack(entry.id)


def forget_its_own_after_a_restart(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.autoclaim(min_idle_ms=60_000)
    for entry in ben.read(2, after="0") + ben.read():
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


def claim_from_live_judges(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    entries = [*ben.autoclaim(min_idle_ms=0).entries, *ben.read()]
    for entry in sorted(entries, key=lambda one: one.id):
        judge(entry)
        ben.ack(entry.id)


def claim_after(min_idle_ms: int) -> Callable[[ConsumerGroup, JudgeOne], None]:
    def relay(group: ConsumerGroup, judge: JudgeOne) -> None:
        ben = group.consumer("ben")
        ben.autoclaim(min_idle_ms=min_idle_ms)
        ben.read()
        for entry in ben.read(after="0"):
            judge(entry)
            ben.ack(entry.id)

    return relay


def claim_and_read_new_ones(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    for entry in [*ben.autoclaim(min_idle_ms=60_000).entries, *ben.read()]:
        judge(entry)
        ben.ack(entry.id)


def claim_and_read_the_oldest_and_new_ones(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.autoclaim(min_idle_ms=60_000)
    for entry in [*ben.read(1, after="0"), *ben.read()]:
        judge(entry)
        ben.ack(entry.id)


def own_before_claimed(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    own = ben.read(after="0")
    for entry in [*own, *ben.autoclaim(min_idle_ms=60_000).entries, *ben.read()]:
        judge(entry)
        ben.ack(entry.id)


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


def acknowledge_all_at_the_end(group: ConsumerGroup, judge: JudgeOne) -> None:
    entries = all_of(group.consumer("ben"))
    for entry in entries:
        judge(entry)
    group.ack(*(entry.id for entry in entries))


def noted_before_it_is_judged(group: ConsumerGroup, judge: JudgeOne) -> None:
    client = group.connection.client
    for entry in all_of(group.consumer("ben")):
        if client.sadd("relay:done", str(entry.id)):
            judge(entry)
        group.ack(entry.id)


def under_a_lock(ex: int | None) -> Callable[[ConsumerGroup, JudgeOne], None]:
    def relay(group: ConsumerGroup, judge: JudgeOne) -> None:
        client = group.connection.client
        if not client.set("relay:lock", "ben", nx=True, ex=ex):
            return
        try:
            acknowledge_each(group, judge)
        finally:  # is run after a failure, but not after a kill
            client.delete("relay:lock")

    return relay


def note_taken_back_after_a_failure(group: ConsumerGroup, judge: JudgeOne) -> None:
    client = group.connection.client
    for entry in all_of(group.consumer("ben")):
        if client.sadd("relay:done", str(entry.id)):
            try:
                judge(entry)
            except Exception:
                client.srem("relay:done", str(entry.id))
                raise
        group.ack(entry.id)


def passed_by_while_it_is_judged(group: ConsumerGroup, judge: JudgeOne) -> None:
    client = group.connection.client
    for entry in all_of(group.consumer("ben")):
        if client.sadd("relay:judging", str(entry.id)):
            try:
                judge(entry)
                group.ack(entry.id)
            finally:
                client.srem("relay:judging", str(entry.id))


def noted_afterwards(group: ConsumerGroup, judge: JudgeOne) -> None:
    client = group.connection.client
    for entry in all_of(group.consumer("ben")):
        if not client.sismember("relay:done", str(entry.id)):
            judge(entry)
            client.sadd("relay:done", str(entry.id))
        group.ack(entry.id)


def noted_in_python() -> Callable[[ConsumerGroup, JudgeOne], None]:
    judged: set[str] = set()

    def relay(group: ConsumerGroup, judge: JudgeOne) -> None:
        for entry in all_of(group.consumer("ben")):
            if str(entry.id) not in judged:
                judge(entry)
                judged.add(str(entry.id))
            group.ack(entry.id)

    return relay


def noted_elsewhere(group: ConsumerGroup, judge: JudgeOne) -> None:
    client = group.connection.client
    for entry in all_of(group.consumer("ben")):
        if not client.sismember(ELSEWHERE, str(entry.id)):
            judge(entry)
            client.sadd(ELSEWHERE, str(entry.id))
        group.ack(entry.id)


def as_ann_too(group: ConsumerGroup, judge: JudgeOne) -> None:
    for name in ("ann", "ben"):
        for entry in group.consumer(name).read(after="0"):
            judge(entry)
            group.ack(entry.id)
    for entry in group.consumer("ben").read():
        judge(entry)
        group.ack(entry.id)


def all_claimed_by_ann(group: ConsumerGroup, judge: JudgeOne) -> None:
    ann = group.consumer("ann")
    ann.claim([one.id for one in group.pending_entries() if one.consumer == "ben"])
    for entry in [*ann.read(after="0"), *ann.read()]:
        judge(entry)
        group.ack(entry.id)


def acknowledge_only_what_was_made(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        if judge(entry) == "made":
            group.ack(entry.id)


def expect_that_each_is_made(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        assert judge(entry) == "made"
        group.ack(entry.id)


def stop_at_a_rejection(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        said = judge(entry)
        group.ack(entry.id)
        if said != "made":
            return


def judge_until_it_is_made(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        while judge(entry) != "made":
            pass
        group.ack(entry.id)


def judge_a_rejected_one_once_more(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        if judge(entry) != "made":
            judge(entry)
        group.ack(entry.id)


def try_again(times: int, *, acknowledge: bool) -> Callable[[ConsumerGroup, JudgeOne], None]:
    def relay(group: ConsumerGroup, judge: JudgeOne) -> None:
        for entry in all_of(group.consumer("ben")):
            for _ in range(times):
                with suppress(JudgeFailed):
                    judge(entry)
                    group.ack(entry.id)
                    break
            else:
                if acknowledge:
                    group.ack(entry.id)

    return relay


def give_up_after(deliveries: int, give_up: str) -> Callable[[ConsumerGroup, JudgeOne], None]:
    """Judge what was delivered seldom enough; what was delivered more often is given up."""

    def relay(group: ConsumerGroup, judge: JudgeOne) -> None:
        ben, stream = group.consumer("ben"), stream_of(group)
        ben.autoclaim(min_idle_ms=60_000)
        ben.read()
        held = group.pending_entries(consumer="ben")
        poison = [one.id for one in held if one.deliveries > deliveries]
        for entry in ben.read(after="0"):
            if entry.id not in poison:
                judge(entry)
            elif give_up == "delete":
                stream.delete(entry.id)
            elif give_up == "bury":
                Stream(group.connection.client, "relay:dead").add(entry.fields)
            if entry.id not in poison or give_up != "skip":
                ben.ack(entry.id)

    return relay


def give_up_after_three_failures(group: ConsumerGroup, judge: JudgeOne) -> None:
    client = group.connection.client
    for entry in all_of(group.consumer("ben")):
        try:
            judge(entry)
        except JudgeFailed:
            if client.hincrby("relay:failures", str(entry.id), 1) < 3:
                raise
        group.ack(entry.id)


def in_the_order_of(key: Callable[[Entry], Any]) -> Callable[[ConsumerGroup, JudgeOne], None]:
    def relay(group: ConsumerGroup, judge: JudgeOne) -> None:
        ben = group.consumer("ben")
        claimed = ben.autoclaim(min_idle_ms=60_000).entries
        entries = {str(one.id): one for one in [*claimed, *ben.read(after="0"), *ben.read()]}
        for entry in sorted(entries.values(), key=key):
            judge(entry)
            ben.ack(entry.id)

    return relay


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (own_first, "r2 was rejected"),
        (give_up_after(3, "acknowledge"), "r1 was acknowledged before it was answered. Judging r1"),
        (give_up_after(8, "acknowledge"), "r1 was acknowledged before it was answered. Judging r1"),
        (give_up_after(3, "bury"), "r1 was acknowledged before it was answered. Judging r1"),
        (give_up_after(3, "delete"), "r1 was deleted from the stream before it was answered"),
        (give_up_after(3, "skip"), "3 are pending. A restart begins with what is pending, its own"),
        (give_up_after_three_failures, "Judging r1 failed 3 times, and no judge"),
        (in_the_order_of(lambda one: str(one.id)), "numbers, not text, so `5-9` comes before"),
        (in_the_order_of(lambda one: one.id.seq), "Claim first, then judge in the order of the ID"),
        (without_ack, "3 moves are still pending"),
        (without_the_last, "2 of 3"),
        (twice, "answered twice"),
        (own_read_twice, "r1 was answered twice"),
        (own_read_twice, "`0` returned them again"),
        (claim_for_ever, "300 commands and no end. Read without BLOCK"),
        (delete_the_dead_judge, "r1 has no answer, and the group will not deliver it again"),
        (pass_the_new_one_by, "r3 has no answer, and the group will not deliver it again"),
        (forget_the_judge("ann"), "dropped when ann was deleted. Delete a judge only if it holds"),
        (forget_the_judge("cy"), "the judge cy is alive, and has held a move of another game for"),
        (forget_the_judge("cy"), "It was dropped when cy was deleted. Delete a judge only if it"),
        (
            all_that_a_dead_judge_holds,
            "the judge ann is alive, and has held a move of another game for fifty seconds. ben "
            "took that move from it.",
        ),
        (delete_itself, "r1 was acknowledged, or deleted with its consumer, before it was answer"),
        (what_ann_holds, "cy claimed r1 from ann before ben did, and ben took it from cy"),
        (the_oldest_of_all, "cy claimed r1 from ann before ben did, and ben took it from cy"),
        (claim_by_id_alone(0), "Give the claim itself a minimum idle time of a minute"),
        (claim_by_id_alone(1), "Give the claim itself a minimum idle time of a minute"),
        (acknowledge_first, "r1 was acknowledged before it was answered"),
        (acknowledge_all_at_once_first, "r1 was acknowledged before it was answered"),
        (acknowledge_finally, "r1 was acknowledged before it was answered. Judging r1 failed"),
        (acknowledge_all_finally, "r1 was acknowledged before it was answered. Judging r1 failed"),
        (acknowledge_what_failed, "r1 was acknowledged before it was answered. Judging r1 failed"),
        (try_again(3, acknowledge=True), "Judging r1 failed 3 times, and no judge"),
        (try_again(3, acknowledge=False), "r1 failed 3 times, and r2 was judged"),
        (acknowledge_only_what_was_made, "But it is still pending. A rejection is an answer, too"),
        (expect_that_each_is_made, "But r3 has no answer. After a rejection, go on"),
        (stop_at_a_rejection, "But r3 has no answer. After a rejection, go on"),
        (judge_until_it_is_made, "Then it was judged again"),
        (judge_a_rejected_one_once_more, "Then it was judged again, and has 2 answers"),
        (acknowledge_only_at_the_last_move, "r3 was acknowledged before it was answered"),
        (go_on_after_a_failure, "and r2 was judged all the same, and rejected"),
        (
            forget_its_own_after_a_restart,
            "r1 failed once, and your function was called again. 2 of 3",
        ),
        (judge_and_then_claim, "r1 was judged before ben held it. Meanwhile the judge cy took it"),
        (claim_from_live_judges, "the judge cy is alive"),
        (claim_after(1000), "the judge cy is alive"),
        (claim_after(11_000), "the judge cy is alive"),
        (claim_after(30_000), "for fifty seconds"),
        (claim_after(65_000), "An older move of the game was still pending for another judge"),
        (claim_after(3_000_000), "r2 was rejected. An older move of the game was still pending"),
        (
            claim_and_read_new_ones,
            "r3 was rejected. An older move of the game is still pending for",
        ),
        (claim_and_read_the_oldest_and_new_ones, "for ben. Read all that ben holds with `0`"),
        (own_before_claimed, "r2 was rejected. An older move of the game had no answer yet."),
        (acknowledge_all_at_the_end, "so it has two answers, 'made' and 'rejected"),
        (claim_each_after_its_answer, "'made' and 'rejected: the other player is up'"),
        (judge_the_new_one_unread, "r3 was judged before ben held it"),
        (
            noted_before_it_is_judged,
            "r1 was acknowledged without an answer. Did you note it as done before it was judged?",
        ),
        (under_a_lock(None), "r1 still has no answer. A lock or a note of the dead process must"),
        (note_taken_back_after_a_failure, "r1 still has no answer. A lock or a note of the dead"),
        (passed_by_while_it_is_judged, "and your function was called again. r1 still has no answ"),
        (noted_in_python(), "0 of 3 moves are answered. Does it remember something from before"),
        (noted_elsewhere, "in Python or in a key that doesn't begin with `relay:`?"),
        (as_ann_too, "read or claimed as ann"),
        (all_claimed_by_ann, "read or claimed as ann"),
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


def acknowledge_what_is_answered_in_the_end(group: ConsumerGroup, judge: JudgeOne) -> None:
    answered = []
    try:
        for entry in all_of(group.consumer("ben")):
            judge(entry)
            answered.append(entry.id)
    finally:
        if answered:
            group.ack(*answered)


def read_and_then_take_over(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    new, own = ben.read(), ben.read(after="0")
    claimed = [one for one in ben.autoclaim(min_idle_ms=60_000).entries if one not in own]
    for entry in sorted([*claimed, *own], key=lambda one: one.id):
        judge(entry)
        ben.ack(entry.id)
    assert len(new) <= 1


def claim_page_by_page(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    while taken := group.pending_entries(idle_ms=60_000, count=1):
        if not ben.claim(taken, 60_000):
            break
    one_at_a_time(group, judge)


def delete_the_dead_judge_after_the_claim(group: ConsumerGroup, judge: JudgeOne) -> None:
    group.consumer("ben").autoclaim(min_idle_ms=60_000)
    if not group.pending_entries(consumer="ann"):
        group.delete_consumer("ann")
    one_at_a_time(group, judge)


def wait_for_an_older_move(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.autoclaim(min_idle_ms=60_000)
    first = stream_of(group).range(count=1)[0].id
    while any(one.id == first and one.consumer != "ben" for one in group.pending_entries()):
        ben.autoclaim(min_idle_ms=60_000)
    one_at_a_time(group, judge)


def one_at_a_time(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.autoclaim(min_idle_ms=60_000)
    while page := ben.read(1, after="0") or ben.read(1):
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
        while True:
            with suppress(JudgeFailed):
                judge(entry)
                break
        group.ack(entry.id)


def stop_after_three_tries(group: ConsumerGroup, judge: JudgeOne) -> None:
    for entry in all_of(group.consumer("ben")):
        for last in (False, False, True):
            try:
                judge(entry)
            except JudgeFailed:
                if last:
                    raise
            else:
                break
        group.ack(entry.id)


def claim_only_ids_and_read_them_with_zero(group: ConsumerGroup, judge: JudgeOne) -> None:
    ben = group.consumer("ben")
    ben.autoclaim(min_idle_ms=60_000, justid=True)
    ben.read(1)
    while page := ben.read(1, after="0"):
        judge(page[0])
        ben.ack(page[0].id)


def warn_of_poison(group: ConsumerGroup, judge: JudgeOne) -> None:
    claim = claim_after(60_000)
    for one in group.pending_entries(consumer="ben"):
        if one.deliveries > 3:
            group.connection.client.sadd("relay:poison", str(one.id))
    claim(group, judge)


def start_over(group: ConsumerGroup, judge: JudgeOne) -> None:
    while held := all_of(group.consumer("ben")):
        for entry in held:
            try:
                judge(entry)
            except JudgeFailed:
                break
            group.ack(entry.id)


@pytest.mark.parametrize(
    "answer",
    slow_but(
        acknowledge_each,
        claim_page_by_page,
        stop_at_a_failure,
        of=[
            acknowledge_each,
            acknowledge_what_is_answered_in_the_end,
            read_and_then_take_over,
            claim_after(60_000),
            claim_by_id_alone(60_000),
            claim_page_by_page,
            delete_the_dead_judge_after_the_claim,
            wait_for_an_older_move,
            one_at_a_time,
            stop_at_a_failure,
            try_again_at_once,
            stop_after_three_tries,
            start_over,
            under_a_lock(30),
            noted_afterwards,
            claim_only_ids_and_read_them_with_zero,
            warn_of_poison,
            in_the_order_of(lambda one: one.id),
            in_the_order_of(lambda one: (one.id.ms, one.id.seq)),
        ],
    ),
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
    exercise.check_asking(redis, one_id_for_all_tries)
    exercise.check_relay(redis, acknowledge_each)
    assert redis.keys("relay:*")
    exercise.clean_up(redis)
    assert not redis.keys("shaky:*")
    assert not redis.keys("relay:*")
    assert redis.get(key) == b"kept"
