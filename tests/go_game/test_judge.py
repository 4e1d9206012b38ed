"""The judge: the tests of every judge, and those of many judges at once."""

from __future__ import annotations

import itertools
import json
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import redis as redis_py
from acceptance import Away, JudgeAcceptance, Play, RedisTopics, later

from go_game import worker_loop
from go_game.judge import Judge
from go_game.messages import MoveMade, MoveRejected
from go_game.rules import Game, Player, Rules
from streamviz import Stream
from streamviz.errors import CommandRefused, InputError, NoSuchGroup
from streamviz.patterns.dead_letters import DeadLetters

BLACK, WHITE = Player.BLACK, Player.WHITE
Until = Callable[..., None]


class TestAJudgeAsProcess(JudgeAcceptance):
    @pytest.fixture
    def judge(self, start: Any) -> Any:
        return start("judge")

    @pytest.fixture
    def topics(self, redis: redis_py.Redis, prefix: str, judge: Any) -> RedisTopics:
        return RedisTopics(redis, prefix)

    @pytest.fixture
    def away(self, judge: Any, start: Any) -> Away:
        @contextmanager
        def killed() -> Iterator[None]:
            judge.kill()
            judge.wait(10)
            yield
            start("judge")

        return killed


class InThreads(JudgeAcceptance):
    batches: tuple[int, ...] = (100,)

    @contextmanager
    def at_work(self, redis: redis_py.Redis, prefix: str) -> Iterator[None]:
        stop = threading.Event()
        threads = [
            threading.Thread(
                target=worker_loop.run,
                args=(Judge(redis, prefix, batch=batch), stop),
                kwargs={"block_ms": 50},
            )
            for batch in self.batches
        ]
        for thread in threads:
            thread.start()
        yield
        stop.set()
        for thread in threads:
            thread.join(10)

    @pytest.fixture
    def work(self, redis: redis_py.Redis, prefix: str) -> Iterator[ExitStack]:
        with ExitStack() as stack:
            stack.enter_context(self.at_work(redis, prefix))
            yield stack

    @pytest.fixture
    def topics(self, redis: redis_py.Redis, prefix: str, work: ExitStack) -> RedisTopics:
        return RedisTopics(redis, prefix)

    @pytest.fixture
    def away(self, redis: redis_py.Redis, prefix: str, work: ExitStack) -> Away:
        @contextmanager
        def stopped() -> Iterator[None]:
            work.close()
            yield
            work.enter_context(self.at_work(redis, prefix))

        return stopped


class TestManyJudgesAtOnce(InThreads):
    batches = (1, 2, 7)


class TestAJudgeOfPlainRules(InThreads):
    rules = Rules.named("bugout")


@pytest.fixture
def play(redis: redis_py.Redis, prefix: str) -> Play:
    return Play(RedisTopics(redis, prefix))


@pytest.fixture
def judges(redis: redis_py.Redis, prefix: str) -> Callable[..., Judge]:
    def make(name: str, **options: Any) -> Judge:
        judge = Judge(redis, prefix, name=name, **options)
        judge.prepare()
        return judge

    return make


def test_older_moves_of_a_game_that_another_holds_are_judged_first(
    play: Play, judges: Callable[..., Judge]
) -> None:
    slow, quick = judges("slow"), judges("quick")
    play.open("g")
    play.open("h")
    play.move("h", BLACK, (1, 1))
    play.move("g", BLACK, (2, 2))
    play.move("g", BLACK, (5, 5))
    assert len(slow.consumer.read(3)) == 3
    play.move("g", WHITE, (3, 3))
    assert quick.step() == 1
    assert [one.name for one in slow.group.consumers() if one.pending] == ["slow"]
    assert slow.group.pending().count == 1, "the other game's move is still the other's"
    assert slow.step() == 1, "it takes up what it was given"
    play.check()


def test_a_late_decision_of_a_slow_judge_is_not_written(
    play: Play, judges: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = judges("slow"), judges("quick")
    play.open("g")
    play.move("g", BLACK, (2, 2))
    play.move("g", BLACK, (3, 3))
    commit = slow.games.commit
    overtaken: list[int] = []

    def late(judged: Any) -> set[str]:
        if not overtaken:
            overtaken.append(1)
            play.move("g", WHITE, (4, 4))
            assert quick.step() == 1
            play.check()
        changed = commit(judged)
        overtaken.append(len(changed))
        return changed

    monkeypatch.setattr(slow.games, "commit", late)
    assert slow.step() == 2
    assert overtaken == [1, 1, 0], "refused once, and then there was only to acknowledge"
    play.check()
    assert slow.group.pending().count == 0


def test_a_trimmed_move_is_judged_by_its_consumer_and_by_the_newest_state(
    play: Play,
    judges: Callable[..., Judge],
    redis: redis_py.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow, quick = judges("slow"), judges("quick")
    play.open("g")
    play.move("g", BLACK, (2, 2), "trimmed")
    commit = slow.games.commit
    overtaken: list[int] = []

    def late(judged: Any) -> set[str]:
        if not overtaken:
            redis.xtrim(slow.stream.key, maxlen=0, approximate=False)
            Play(play.topics).move("g", BLACK, (3, 3), "quick")
            assert quick.step() == 1
        changed = commit(judged)
        overtaken.append(len(changed))
        return changed

    monkeypatch.setattr(slow.games, "commit", late)
    slow.step()
    assert overtaken == [1, 0]
    (made,) = map(json.loads, play.topics.read("move-made"))
    (rejected,) = map(json.loads, play.topics.read("move-rejected"))
    assert (made["reply_to"], rejected["reply_to"]) == ("quick", "trimmed")
    assert len(play.topics.read("game-states")) == 2


def test_pending_moves_of_a_dead_judge_are_taken_over(
    play: Play, judges: Callable[..., Judge], until: Until
) -> None:
    dead, heir = judges("dead"), judges("heir", claim_idle_ms=20)
    play.open("g")
    for _ in range(30):
        play.move("g", play.games["g"].up, None)
    assert len(dead.consumer.read(30)) == 30
    until(lambda: heir.step() and heir.group.pending().count == 0)
    play.check()


def test_any_order_of_steps_of_many_judges_gives_the_one_right_order(
    play: Play, judges: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(3)
    crew = [judges(f"j{n}", batch=n + 1, claim_idle_ms=0) for n in range(4)]
    for game_id in "abc":
        play.open(game_id)
    sent: list[str] = []
    for judge in crew:  # each commit lets others work before it, half of the time
        commit = judge.games.commit

        def meanwhile(judged: Any, commit: Any = commit, judge: Judge = judge) -> set[str]:
            if dice.random() < 0.5 and depth[0] < 3:
                depth[0] += 1
                dice.choice([one for one in crew if one is not judge]).step()
                depth[0] -= 1
            return commit(judged)  # type: ignore[no-any-return]

        monkeypatch.setattr(judge.games, "commit", meanwhile)
    depth = [0]
    for _ in range(60):
        sent += [play.random_move(dice.choice("abc"), dice) for _ in range(dice.randrange(8))]
        judge = dice.choice(crew)
        if dice.random() < 0.3:
            judge.consumer.read(dice.randint(1, 3))  # given, and forgotten for now
        judge.step()
    for judge in crew:
        while judge.step():
            pass
    assert len(sent) > 150
    play.check()


def test_the_answer_to_a_request_can_be_asked_for(
    play: Play, judges: Callable[..., Judge], redis: redis_py.Redis
) -> None:
    judge = judges("j")
    play.open("g")
    play.move("g", BLACK, (2, 2), "r1")
    play.move("g", BLACK, (3, 3), "r2")
    judge.step()
    first = judge.games.answer("g", "r1")
    assert isinstance(first, MoveMade)
    assert (first.reply_to, first.coord) == ("r1", (2, 2))
    assert isinstance(judge.games.answer("g", "r2"), MoveRejected)
    assert judge.games.answer("g", "r3") is None
    play.move("g", BLACK, (2, 2), "r1")
    judge.step()
    assert judge.games.answer("g", "r1") == first
    redis.xtrim(f"{judge.keys.prefix}move-made", maxlen=0, approximate=False)
    assert judge.games.answer("g", "r1") is None
    play.move("g", BLACK, (2, 2), "r1")
    judge.step()
    assert play.topics.read("move-made") == [], "what was answered stays answered"


def test_an_invalid_entry_goes_to_the_dead_letters_with_the_reason(
    play: Play, judges: Callable[..., Judge], redis: redis_py.Redis
) -> None:
    judge = judges("j")
    bad: dict[str, dict[Any, Any]] = {
        "is not JSON": {"data": "{"},
        "no field 'data' but DATA": {"DATA": "{}"},
        "'player' is missing": {"data": '{"game_id":"g","req_id":"r"}'},
        "player='GREEN'": {"data": '{"game_id":"g","req_id":"r","player":"GREEN","coord":null}'},
        "10000001 bytes": {"data": "x" * 10_000_001},
        "is not JSON: ": {"data": b"\xff\x00"},
        "no field 'data'": {f"f{n}": "v" for n in range(20_000)},
        "not valid Unicode": {
            "data": '{"game_id":"\\ud800","req_id":"r","player":"BLACK","coord":null}'
        },
    }
    for fields in bad.values():
        redis.xadd(judge.stream.key, fields)
    while judge.step():
        pass
    letters = DeadLetters(judge.consumer, judge.keys.dead_letters("make-move")).letters()  # type: ignore[arg-type]
    assert len(letters) == len(bad)
    for letter, reason in zip(letters, bad, strict=True):
        assert reason in letter.error
        assert (letter.stream, letter.group, letter.consumer) == (judge.stream.key, "judge", "j")
    assert letters[0].fields == {"data": "{"}
    assert sum(map(len, letters[4].fields.values())) < 5000, "only its beginning is kept twice"
    assert judge.group.pending().count == 0
    play.open("g")
    play.move("g", BLACK, (0, 0))
    judge.step()
    play.check()


def test_an_invalid_state_is_one_dead_letter_and_hides_no_other_state(
    play: Play, judges: Callable[..., Judge]
) -> None:
    one, two = judges("one"), judges("two")
    for data in ("{", '{"game_id":"g","turn":"x"}', '{"game_id":"g","turn":99}', '{"turn":1}'):
        play.topics.send("game-states", data)
    play.open("g")
    broken = play.states["g"][0] | {"turn": 7}
    play.topics.send("game-states", json.dumps(broken))
    play.move("g", BLACK, (0, 0))
    play.move("nobody", BLACK, (0, 0))
    one.step()
    play.move("g", WHITE, (0, 1))
    play.move("somebody", WHITE, (0, 1))
    two.step()
    assert len(play.topics.read("move-made")) == 2
    dead = Stream(one.stream.client, one.keys.dead_letters("game-states")).range()  # type: ignore[arg-type]
    assert len(dead) == 5
    assert "turn do not follow" in dead[-1].fields["dead-letter:error"]


def test_a_game_unknown_today_may_be_opened_tomorrow(
    play: Play, judges: Callable[..., Judge], redis: redis_py.Redis
) -> None:
    judge = judges("j")
    play.move("g", BLACK, (0, 0))
    judge.step()
    assert 0 < redis.ttl(judge.keys.game("g")) <= 86_400, "strangers are forgotten"
    play.open("g")
    play.move("g", BLACK, (0, 0))
    judge.step()
    assert redis.ttl(judge.keys.game("g")) == -1
    play.check()


def test_the_states_are_learnt_again_from_the_stream(
    play: Play, judges: Callable[..., Judge], redis: redis_py.Redis
) -> None:
    play.open("g")
    for _ in range(700):
        play.move("g", play.games["g"].up, None)
    judge = judges("j", batch=1000)
    judge.step()
    redis.delete(judge.keys.game("g"), judge.keys.states_read)
    play.move("g", BLACK, (0, 0))
    judges("new").step()
    play.check()


def test_the_same_id_after_all_keys_were_deleted_is_a_new_game(
    play: Play, judges: Callable[..., Judge], redis: redis_py.Redis, prefix: str, until: Until
) -> None:
    judge = judges("j")
    play.open("g")
    play.move("g", BLACK, (0, 0))
    judge.step()
    redis.delete(*redis.keys(f"{prefix}*"))
    swept = redis.time()
    until(lambda: redis.time()[0] > swept[0] or redis.time()[1] >= swept[1] + 1000)  # another ID
    with pytest.raises(NoSuchGroup):
        judge.step()
    judge.prepare()
    again = Play(play.topics)
    again.open("g", 13)
    again.move("g", BLACK, (12, 12))
    assert judge.step() == 1
    again.check()


def test_closing_a_judge_deletes_its_consumer_unless_entries_are_pending(
    play: Play, judges: Callable[..., Judge]
) -> None:
    one, two = judges("one"), judges("two")
    one.step()
    one.close()
    assert [found.name for found in one.group.consumers()] == []
    play.open("g")
    play.move("g", BLACK, (0, 0))
    two.consumer.read()
    two.close()
    assert two.group.pending().consumers == {"two": 1}


def test_sigterm_ends_it_in_good_order(
    play: Play, start: Any, redis: redis_py.Redis, until: Until
) -> None:
    crew = [start("judge") for _ in range(3)]
    for number in range(20):
        play.open(f"g{number}")
    dice = random.Random(1)
    for number in itertools.islice(itertools.cycle(range(20)), 400):
        play.random_move(f"g{number}", dice)
    for process in crew[:2]:
        process.send_signal(signal.SIGTERM)
    for process in crew[:2]:
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
    play.wait(until)
    crew[2].send_signal(signal.SIGTERM)
    assert crew[2].wait(10) == 0
    play.check()
    group = Stream(redis, f"{play.topics.prefix}make-move").group("judge")  # type: ignore[attr-defined]
    assert group.consumers() == []
    assert (group.pending().count, group.info().lag) == (0, 0)


def test_a_judge_waits_for_a_server_that_comes_back(
    play: Play, judges: Callable[..., Judge], until: Until, redis: redis_py.Redis
) -> None:
    judge, stop = judges("j"), threading.Event()
    said: list[str] = []
    thread = threading.Thread(
        target=worker_loop.run, args=(judge, stop), kwargs={"block_ms": 2000, "report": said.append}
    )
    thread.start()
    play.open("g")
    play.move("g", BLACK, (0, 0))
    play.wait(until)

    def cut() -> list[str]:  # between two reads, a broken connection is mended without a word
        redis.client_kill_filter(_type="normal", skipme=True)
        return said

    until(cut)
    heard = len(said)
    play.move("g", WHITE, (1, 1))
    play.wait(until)
    redis.delete(judge.stream.key)
    until(lambda: len(said) > heard)
    play.move("g", BLACK, (2, 2))
    play.wait(until)
    stop.set()
    thread.join(10)
    play.check()
    assert not thread.is_alive()


@pytest.mark.parametrize("name", ["move-made", "move-rejected", "game-states"])
def test_where_one_stream_cannot_be_written_nothing_is(
    play: Play, judges: Callable[..., Judge], redis: redis_py.Redis, name: str
) -> None:
    judge = judges("j")
    play.open("g")
    judge.games.learn()
    play.move("g", BLACK, (0, 0))
    play.move("g", BLACK, (1, 1))
    hidden = f"{play.topics.prefix}hidden"  # type: ignore[attr-defined]
    stream = f"{play.topics.prefix}{name}"  # type: ignore[attr-defined]
    if redis.exists(stream):
        redis.rename(stream, hidden)
    redis.set(stream, "not a stream")
    for _ in range(2):
        with pytest.raises(CommandRefused, match=f"{name} is a string: it must be a stream"):
            judge.step()
    assert judge.group.pending().count == 2
    redis.delete(stream)
    if redis.exists(hidden):
        redis.rename(hidden, stream)
    judge.step()
    play.check()


def at(redis: redis_py.Redis, stream: str, which: str, message: Any) -> None:
    redis.xadd(stream, {"data": json.dumps(message)}, id=which)


def test_within_one_millisecond_the_state_is_older_and_a_future_id_rejects_no_move(
    play: Play, judges: Callable[..., Judge], redis: redis_py.Redis
) -> None:
    judge = judges("j")
    moves, states = judge.stream.key, judge.games.states.key
    asked: dict[str, Any] = {"player": "BLACK", "coord": None}
    for game_id in ("same", "early"):
        at(redis, states, "1000-*", {"game_id": game_id, **Game.new(9).to_dict()})
    at(redis, moves, "999-0", asked | {"game_id": "early", "req_id": "r"})
    at(redis, moves, "1000-0", asked | {"game_id": "same", "req_id": "r"})
    at(redis, states, "18446744073709551614-0", {"game_id": "far", **Game.new(9).to_dict()})
    play.topics.send("game-states", json.dumps({"game_id": "behind", **Game.new(9).to_dict()}))
    for game_id in ("far", "behind"):
        play.topics.send("make-move", json.dumps(asked | {"game_id": game_id, "req_id": "r"}))
    assert judge.step() == 4
    made = [json.loads(one)["game_id"] for one in play.topics.read("move-made")]
    assert made == ["same", "far", "behind"]
    (rejected,) = map(json.loads, play.topics.read("move-rejected"))
    assert (rejected["game_id"], rejected["reason"]) == ("early", "there is no such game")


def test_a_state_that_other_judges_have_learnt_does_not_make_an_older_move(
    play: Play, judges: Callable[..., Judge], until: Until
) -> None:
    slow, quick = judges("slow"), judges("quick")
    play.open("h")
    early = play.move("g", BLACK, (2, 2))
    assert len(slow.consumer.read(1)) == 1
    later(until)
    play.open("g")
    later(until)
    play.move("h", BLACK, (2, 2))
    quick.step()
    assert slow.step() == 1
    play.check()
    assert json.loads(play.topics.read("move-rejected")[0])["reply_to"] == early


def test_invalid_options_are_errors(redis: redis_py.Redis) -> None:
    with pytest.raises(InputError, match="prefix=7"):
        Judge(redis, 7)  # type: ignore[arg-type]
