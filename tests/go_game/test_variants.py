"""The four styles of one judge: the tests of every judge, and those of kills and restarts."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py
from acceptance import Away, JudgeAcceptance, Play, RedisTopics
from slow import slow_but

from go_game.rules import Player
from go_game.variants import broker as brokers
from go_game.variants import runner
from go_game.variants.broker import Tansu
from go_game.variants.runner import JudgeProcess, source
from go_game.variants.topics import KafkaTopics
from streamviz import Stream
from streamviz.errors import InputError, StreamVizError
from streamviz.server.embedded import EmbeddedServer

BLACK, WHITE = Player.BLACK, Player.WHITE
ON_REDIS = ("plain", "typed", "declarative")
Until = Callable[..., None]
on_redis = pytest.mark.parametrize("style", ON_REDIS)


class Corner:
    """A view of the topics for one test, with its own game IDs, so that tests share a judge."""

    def __init__(self, topics: Any) -> None:
        self.topics, self.mine = topics, f"{uuid.uuid4().hex[:8]} "

    def send(self, stream: str, data: str) -> None:
        with contextlib.suppress(ValueError, TypeError, LookupError, RecursionError):
            found = json.loads(data)
            data = json.dumps(found | {"game_id": self.mine + found["game_id"]})
        self.topics.send(stream, data)

    def read(self, stream: str) -> list[str]:
        found = [json.loads(text) for text in self.topics.read(stream)]
        mine = [one for one in found if one["game_id"].startswith(self.mine)]
        return [json.dumps(one | {"game_id": one["game_id"][len(self.mine) :]}) for one in mine]


class StyleAcceptance(JudgeAcceptance):
    @pytest.fixture
    def topics(self, judge: tuple[Any, JudgeProcess]) -> Corner:
        return Corner(judge[0])

    @pytest.fixture
    def away(self, judge: tuple[Any, JudgeProcess]) -> Away:
        @contextlib.contextmanager
        def killed() -> Iterator[None]:
            judge[1].kill()
            yield
            judge[1].restart()

        return killed


class OnRedis(StyleAcceptance):
    style = ""

    @pytest.fixture(scope="class")
    @classmethod
    def judge(cls, server: EmbeddedServer) -> Iterator[tuple[RedisTopics, JudgeProcess]]:
        client, prefix = server.client(), f"test:{uuid.uuid4().hex[:12]}:"
        with JudgeProcess(cls.style, server.url, prefix) as running:
            yield RedisTopics(client, prefix), running
        for key in client.scan_iter(f"{prefix}*", count=1000):
            client.unlink(key)
        client.close()


class TestPlain(OnRedis):
    style = "plain"


class TestTyped(OnRedis):
    style = "typed"


class TestDeclarative(OnRedis):
    style = "declarative"


class PatientPlay(Play):
    """With Quix, an answer may arrive before its state: they are not written together."""

    def wait(self, until: Until, seconds: float = 20) -> None:
        super().wait(until, seconds)
        states = sum(map(len, self.states.values()))
        until(lambda: len(self.topics.read("game-states")) >= states, seconds)


@pytest.fixture(scope="module")
def broker() -> Iterator[Tansu]:
    with Tansu() as running:
        yield running


@pytest.fixture(scope="module")
def quix(broker: Tansu) -> Iterator[tuple[KafkaTopics, JudgeProcess]]:
    """One judge for all tests: it takes seconds to start."""
    prefix = f"test.{uuid.uuid4().hex[:12]}."
    broker.create_topics(prefix)
    topics = KafkaTopics(broker.address, prefix)
    with contextlib.closing(topics), JudgeProcess("quix", broker.address, prefix) as running:
        yield topics, running


@pytest.mark.slow
class TestQuix(StyleAcceptance):
    @pytest.fixture
    def judge(self, quix: tuple[KafkaTopics, JudgeProcess]) -> tuple[KafkaTopics, JudgeProcess]:
        return quix

    def play(self, topics: Any) -> Play:
        return PatientPlay(topics, self.rules)


@pytest.mark.parametrize("style", slow_but("declarative", of=ON_REDIS))
def test_killed_again_and_again_it_answers_each_move_once(
    style: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    topics = RedisTopics(redis, prefix)
    dice = random.Random(3)
    with JudgeProcess(style, server.url, prefix) as judge:
        play = Play(topics)
        play_and_kill(play, judge, dice, kills=3)
        play.wait(until, 20)
        play.check()
        until(lambda: redis.xpending(f"{prefix}make-move", "judge")["pending"] == 0)


@pytest.mark.slow
def test_killed_again_and_again_it_answers_each_move_once_on_quix(
    quix: tuple[KafkaTopics, JudgeProcess], until: Until
) -> None:
    topics, judge = Corner(quix[0]), quix[1]
    play = PatientPlay(topics)
    play_and_kill(play, judge, random.Random(3), kills=2)
    play.wait(until, 20)
    play.check()


def play_and_kill(play: Play, judge: JudgeProcess, dice: random.Random, kills: int) -> None:
    """Send moves, and kill the judge while it handles them."""
    games = [f"g{number}" for number in range(5)]
    for game_id in games:
        play.open(game_id)
    killed_with = []
    for _ in range(kills):
        for _ in range(60):
            play.random_move(dice.choice(games), dice)
        play.move("g0", BLACK, None, "the same again")
        time.sleep(dice.random() * 0.01)  # wherever it is by then
        judge.kill()
        killed_with.append(sum(len(play.topics.read(f"move-{made}")) for made in SAID))
        judge.restart()
    assert killed_with[0] < len(play.answered)


SAID = ("made", "rejected")


@on_redis
def test_pending_moves_come_first_after_a_kill(
    style: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTopics(redis, prefix))
    play.open("g")
    play.move("g", BLACK, (2, 2))
    play.move("g", WHITE, (3, 3))
    group = Stream(redis, f"{prefix}make-move").group("judge")
    group.create("0")
    assert len(group.consumer("judge").read(1)) == 1
    with JudgeProcess(style, server.url, prefix):
        play.wait(until)
        play.check()
        until(lambda: group.pending().count == 0)


def test_a_kill_before_the_acknowledgement_does_not_repeat_the_answer(
    redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTopics(redis, prefix))
    play.open("g")
    play.move("g", BLACK, (2, 2))
    group = Stream(redis, f"{prefix}make-move").group("judge")
    with JudgeProcess("declarative", server.url, prefix):
        play.wait(until)
        until(lambda: group.pending().count == 0)
    group.destroy()
    group.create("0")  # as it was before the acknowledgement
    assert len(group.consumer("judge").read()) == 1
    with JudgeProcess("declarative", server.url, prefix):
        play.move("g", WHITE, (3, 3))
        play.wait(until)
        play.check()
        until(lambda: group.pending().count == 0)


@pytest.mark.slow
def test_one_takes_over_where_another_was_killed(
    redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play, dice = Play(RedisTopics(redis, prefix)), random.Random(5)
    play.open("g")
    for style in (*ON_REDIS, *ON_REDIS):
        with JudgeProcess(style, server.url, prefix):
            for _ in range(15):
                play.random_move("g", dice)
            play.wait(until)
    play.check()
    assert play.games["g"].turn > 40


@on_redis
def test_invalid_utf8_goes_to_the_dead_letters(
    style: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTopics(redis, prefix))
    play.open("g")
    bad: list[dict[Any, Any]] = [{"data": b"\xff\x00"}, {"x": "y"}, {"x": "y", "data": "[1]"}]
    with JudgeProcess(style, server.url, prefix) as judge:
        for fields in bad:
            redis.xadd(f"{prefix}make-move", fields)
        play.move("g", BLACK, (0, 0))
        play.wait(until)
        play.check()
        until(lambda: redis.xpending(f"{prefix}make-move", "judge")["pending"] == 0)
        assert "Traceback" not in judge.errors()
    letters: Any = redis.xrange(f"{prefix}make-move:dead")
    assert [set(fields) - {b"error"} for _, fields in letters] == [
        {b"data"},
        {b"x"},
        {b"x", b"data"},
    ]
    assert all(fields[b"error"] for _, fields in letters)


def test_invalid_utf8_goes_to_the_dead_letters_on_quix(
    quix: tuple[KafkaTopics, JudgeProcess], until: Until
) -> None:
    topics, _ = quix
    play = PatientPlay(Corner(topics))
    play.open("g")
    topics.send("make-move", b"\xff\x00")  # type: ignore[arg-type]
    topics.send("make-move", '"no move"')
    play.move("g", BLACK, (0, 0))
    play.wait(until)
    until(lambda: topics.read("make-move.dead")[-2:] == ["\ufffd\x00", '"no move"'])


@pytest.mark.slow
def test_an_empty_message_is_a_dead_letter_and_holds_up_no_restart_on_quix(
    quix: tuple[KafkaTopics, JudgeProcess], until: Until
) -> None:
    topics, judge = quix
    topics.send("make-move", "")
    until(lambda: "" in topics.read("make-move.dead"), 20)  # the same text is said once
    judge.kill()
    judge.restart()
    play = PatientPlay(Corner(topics))
    play.open("g")
    play.move("g", BLACK, (0, 0))
    play.wait(until, 20)
    play.check()


@on_redis
def test_of_several_states_from_elsewhere_the_newest_counts(
    style: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTopics(redis, prefix))
    play.open("g")
    with JudgeProcess("typed", server.url, prefix):
        play.move("g", BLACK, (2, 2))
        play.move("g", WHITE, (3, 3))
        play.wait(until)
    redis.delete(f"{prefix}game:g", f"{prefix}judge:states-read")
    with JudgeProcess(style, server.url, prefix):
        play.move("g", BLACK, (4, 4))
        play.wait(until)
        play.check()


@on_redis
def test_where_it_cannot_write_it_ends_and_says_why(
    style: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTopics(redis, prefix))
    play.open("g")
    redis.set(f"{prefix}move-made", "not a stream")
    with JudgeProcess(style, server.url, prefix) as judge:
        play.move("g", BLACK, (2, 2))
        play.move("g", WHITE, (3, 3))
        until(lambda: judge.process.poll() is not None)
        assert "wrongtype" in judge.errors().lower()


def test_the_process_ends_with_its_owner(server: EmbeddedServer, prefix: str, until: Until) -> None:
    with JudgeProcess("plain", server.url, prefix) as judge:
        assert judge.process.stdin is not None
        judge.process.stdin.close()
        until(lambda: judge.process.poll() == 0)


def test_a_judge_that_does_not_start_says_why(prefix: str) -> None:
    with pytest.raises(StreamVizError, match=r"'plain' did not start: (?s:.*)ConnectionError"):
        JudgeProcess("plain", "redis://127.0.0.1:1", prefix)
    with pytest.raises(InputError, match="'silk'"):
        JudgeProcess("silk", "redis://127.0.0.1:1", prefix)


def test_a_judge_that_is_not_ready_in_time_is_an_error(
    server: EmbeddedServer, prefix: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(runner, "_READY_TIMEOUT_S", 0.01)
    with pytest.raises(StreamVizError, match="'plain' did not start"):
        JudgeProcess("plain", server.url, prefix)
    assert os.listdir(tmp_path) == []


def test_the_process_waits_after_its_imports(
    server: EmbeddedServer, redis: redis_py.Redis, prefix: str
) -> None:
    seen: list[tuple[int, bool]] = []

    def sampled(process_id: int) -> None:
        seen.append((process_id, bool(redis.exists(f"{prefix}make-move"))))

    with JudgeProcess("plain", server.url, prefix, on_import=sampled) as judge:
        assert seen == [(judge.process.pid, False)]
        assert redis.exists(f"{prefix}make-move")
        judge.restart()
        assert seen[1:] == [(judge.process.pid, True)]


def test_no_file_is_left_behind(
    server: EmbeddedServer, prefix: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with JudgeProcess("plain", server.url, prefix):
        assert len(os.listdir(tmp_path)) == 1
    assert os.listdir(tmp_path) == []


class TestWhatTansuCannotDo:
    """If one of these fails, the broker has gained a feature, and the style can be shorter."""

    def test_uncommitted_messages_are_read(self, broker: Tansu) -> None:
        import confluent_kafka as ck

        topic = f"test.{uuid.uuid4().hex[:12]}.move-made"
        broker.create_topics(topic.removesuffix("move-made"))
        where = {"bootstrap.servers": broker.address}
        producer = ck.Producer({**where, "transactional.id": topic})
        producer.init_transactions(10)
        producer.begin_transaction()
        producer.produce(topic, "never said")
        producer.flush(10)
        producer.abort_transaction(10)
        reading = {"group.id": topic, "isolation.level": "read_committed"}
        reader = ck.Consumer({**where, **reading})
        reader.assign([ck.TopicPartition(topic, 0, ck.OFFSET_BEGINNING)])
        found = reader.consume(1, 10)
        reader.close()
        assert [one.value() for one in found] == [b"never said"]

    def test_the_end_of_a_topic_is_the_first_of_its_last_batch(self, broker: Tansu) -> None:
        import confluent_kafka as ck

        topic = f"test.{uuid.uuid4().hex[:12]}.move-made"
        broker.create_topics(topic.removesuffix("move-made"))
        where = {"bootstrap.servers": broker.address}
        producer = ck.Producer({**where, "linger.ms": 200})
        for number in range(5):
            producer.produce(topic, str(number))
        assert producer.flush(10) == 0
        reader = ck.Consumer({**where, "group.id": topic})
        assert reader.get_watermark_offsets(ck.TopicPartition(topic, 0), 10) == (0, 1)
        reader.close()


def test_the_broker_has_a_topic_for_all_that_the_judge_reads_and_says() -> None:
    program = source("quix")
    said = program[program.index("OUTPUTS = ") :].partition("\n")[0]
    assert said.count("Topic.") == 3
    assert len(brokers.TOPICS) == 5
