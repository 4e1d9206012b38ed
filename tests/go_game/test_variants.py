"""The four dresses of one judge: what every judge must do, and what a kill must not."""

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
from acceptance import Away, JudgeAcceptance, Play, RedisTable

from go_game.rules import Player
from go_game.variants import broker as brokers
from go_game.variants import runner
from go_game.variants.broker import Tansu
from go_game.variants.runner import Running, source
from go_game.variants.tables import KafkaTable
from streamviz import Stream
from streamviz.errors import InputError, StreamVizError
from streamviz.server.embedded import EmbeddedServer

BLACK, WHITE = Player.BLACK, Player.WHITE
ON_REDIS = ("plain", "typed", "declarative")
Until = Callable[..., None]
on_redis = pytest.mark.parametrize("dress", ON_REDIS)


class Corner:
    """A table's corner for one test: its games have names of their own, so a judge serves many."""

    def __init__(self, table: Any) -> None:
        self.table, self.mine = table, f"{uuid.uuid4().hex[:8]} "

    def send(self, stream: str, data: str) -> None:
        with contextlib.suppress(ValueError, TypeError, LookupError, RecursionError):
            found = json.loads(data)
            data = json.dumps(found | {"game_id": self.mine + found["game_id"]})
        self.table.send(stream, data)

    def read(self, stream: str) -> list[str]:
        found = [json.loads(text) for text in self.table.read(stream)]
        mine = [one for one in found if one["game_id"].startswith(self.mine)]
        return [json.dumps(one | {"game_id": one["game_id"][len(self.mine) :]}) for one in mine]


class Dressed(JudgeAcceptance):
    @pytest.fixture
    def table(self, judge: tuple[Any, Running]) -> Corner:
        return Corner(judge[0])

    @pytest.fixture
    def away(self, judge: tuple[Any, Running]) -> Away:
        @contextlib.contextmanager
        def killed() -> Iterator[None]:
            judge[1].kill()
            yield
            judge[1].restart()

        return killed


class OnRedis(Dressed):
    dress = ""

    @pytest.fixture(scope="class")
    @classmethod
    def judge(cls, server: EmbeddedServer) -> Iterator[tuple[RedisTable, Running]]:
        client, prefix = server.client(), f"test:{uuid.uuid4().hex[:12]}:"
        with Running(cls.dress, server.url, prefix) as running:
            yield RedisTable(client, prefix), running
        for key in client.scan_iter(f"{prefix}*", count=1000):
            client.unlink(key)
        client.close()


class TestPlain(OnRedis):
    dress = "plain"


class TestTyped(OnRedis):
    dress = "typed"


class TestDeclarative(OnRedis):
    dress = "declarative"


class PatientPlay(Play):
    """On Kafka an answer may be there before its state: there is no moment for both."""

    def wait(self, until: Until, seconds: float = 20) -> None:
        super().wait(until, seconds)
        states = sum(map(len, self.states.values()))
        until(lambda: len(self.table.read("game-states")) >= states, seconds)


@pytest.fixture(scope="module")
def broker() -> Iterator[Tansu]:
    with Tansu() as running:
        yield running


@pytest.fixture(scope="module")
def kafka(broker: Tansu) -> Iterator[tuple[KafkaTable, Running]]:
    """One judge for all tests: it takes seconds to start."""
    prefix = f"test.{uuid.uuid4().hex[:12]}."
    broker.make_topics(prefix)
    table = KafkaTable(broker.address, prefix)
    with contextlib.closing(table), Running("kafka", broker.address, prefix) as running:
        yield table, running


class TestKafka(Dressed):
    @pytest.fixture
    def judge(self, kafka: tuple[KafkaTable, Running]) -> tuple[KafkaTable, Running]:
        return kafka

    def play(self, table: Any) -> Play:
        return PatientPlay(table, self.rules)


@on_redis
def test_killed_again_and_again_it_answers_each_move_once(
    dress: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    table = RedisTable(redis, prefix)
    dice = random.Random(3)
    with Running(dress, server.url, prefix) as judge:
        play = Play(table)
        play_and_kill(play, judge, dice, kills=3)
        play.wait(until, 20)
        play.check()
        until(lambda: redis.xpending(f"{prefix}make-move", "judge")["pending"] == 0)


def test_killed_again_and_again_it_answers_each_move_once_on_kafka(
    kafka: tuple[KafkaTable, Running], until: Until
) -> None:
    table, judge = Corner(kafka[0]), kafka[1]
    play = PatientPlay(table)
    play_and_kill(play, judge, random.Random(3), kills=2)
    play.wait(until, 20)
    play.check()


def play_and_kill(play: Play, judge: Running, dice: random.Random, kills: int) -> None:
    """Send moves, and kill the judge while it is at them."""
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
        killed_with.append(sum(len(play.table.read(f"move-{made}")) for made in SAID))
        judge.restart()
    assert killed_with[0] < len(play.answered)


SAID = ("made", "rejected")


@on_redis
def test_what_it_held_when_it_was_killed_comes_first(
    dress: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTable(redis, prefix))
    play.open("g")
    play.move("g", BLACK, (2, 2))
    play.move("g", WHITE, (3, 3))
    group = Stream(redis, f"{prefix}make-move").group("judge")
    group.create("0")
    assert len(group.consumer("judge").read(1)) == 1
    with Running(dress, server.url, prefix):
        play.wait(until)
        play.check()
        until(lambda: group.pending().count == 0)


def test_killed_before_the_library_acknowledges_the_answer_is_not_given_again(
    redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTable(redis, prefix))
    play.open("g")
    play.move("g", BLACK, (2, 2))
    group = Stream(redis, f"{prefix}make-move").group("judge")
    with Running("declarative", server.url, prefix):
        play.wait(until)
        until(lambda: group.pending().count == 0)
    group.destroy()
    group.create("0")  # as it was before the acknowledgement
    assert len(group.consumer("judge").read()) == 1
    with Running("declarative", server.url, prefix):
        play.move("g", WHITE, (3, 3))
        play.wait(until)
        play.check()
        until(lambda: group.pending().count == 0)


def test_one_takes_over_where_another_was_killed(
    redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play, dice = Play(RedisTable(redis, prefix)), random.Random(5)
    play.open("g")
    for dress in (*ON_REDIS, *ON_REDIS):
        with Running(dress, server.url, prefix):
            for _ in range(15):
                play.random_move("g", dice)
            play.wait(until)
    play.check()
    assert play.games["g"].turn > 40


@on_redis
def test_what_is_not_even_text_goes_to_the_dead_letters(
    dress: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTable(redis, prefix))
    play.open("g")
    bad: list[dict[Any, Any]] = [{"data": b"\xff\x00"}, {"x": "y"}, {"x": "y", "data": "[1]"}]
    with Running(dress, server.url, prefix) as judge:
        for fields in bad:
            redis.xadd(f"{prefix}make-move", fields)
        play.move("g", BLACK, (0, 0))
        play.wait(until)
        play.check()
        until(lambda: redis.xpending(f"{prefix}make-move", "judge")["pending"] == 0)
        assert "Traceback" not in judge.said()
    letters: Any = redis.xrange(f"{prefix}make-move:dead")
    assert [set(fields) - {b"error"} for _, fields in letters] == [
        {b"data"},
        {b"x"},
        {b"x", b"data"},
    ]
    assert all(fields[b"error"] for _, fields in letters)


def test_what_is_not_even_text_goes_to_the_dead_letters_on_kafka(
    kafka: tuple[KafkaTable, Running], until: Until
) -> None:
    table, _ = kafka
    play = PatientPlay(Corner(table))
    play.open("g")
    table.send("make-move", b"\xff\x00")  # type: ignore[arg-type]
    table.send("make-move", '"no move"')
    play.move("g", BLACK, (0, 0))
    play.wait(until)
    until(lambda: table.read("make-move.dead")[-2:] == ["\ufffd\x00", '"no move"'])


def test_an_empty_message_is_a_dead_letter_and_holds_up_no_restart_on_kafka(
    kafka: tuple[KafkaTable, Running], until: Until
) -> None:
    table, judge = kafka
    table.send("make-move", "")
    until(lambda: "" in table.read("make-move.dead"), 20)  # the same text is said once
    judge.kill()
    judge.restart()
    play = PatientPlay(Corner(table))
    play.open("g")
    play.move("g", BLACK, (0, 0))
    play.wait(until, 20)
    play.check()


@on_redis
def test_of_several_states_from_elsewhere_the_newest_counts(
    dress: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTable(redis, prefix))
    play.open("g")
    with Running("typed", server.url, prefix):
        play.move("g", BLACK, (2, 2))
        play.move("g", WHITE, (3, 3))
        play.wait(until)
    redis.delete(f"{prefix}game:g", f"{prefix}judge:states-read")
    with Running(dress, server.url, prefix):
        play.move("g", BLACK, (4, 4))
        play.wait(until)
        play.check()


@on_redis
def test_where_it_cannot_write_it_ends_and_says_why(
    dress: str, redis: redis_py.Redis, server: EmbeddedServer, prefix: str, until: Until
) -> None:
    play = Play(RedisTable(redis, prefix))
    play.open("g")
    redis.set(f"{prefix}move-made", "not a stream")
    with Running(dress, server.url, prefix) as judge:
        play.move("g", BLACK, (2, 2))
        play.move("g", WHITE, (3, 3))
        until(lambda: judge.process.poll() is not None)
        assert "wrongtype" in judge.said().lower()


def test_it_goes_when_its_owner_goes(server: EmbeddedServer, prefix: str, until: Until) -> None:
    with Running("plain", server.url, prefix) as judge:
        assert judge.process.stdin is not None
        judge.process.stdin.close()
        until(lambda: judge.process.poll() == 0)


def test_what_does_not_start_says_why(prefix: str) -> None:
    with pytest.raises(StreamVizError, match=r"'plain' did not start: (?s:.*)ConnectionError"):
        Running("plain", "redis://127.0.0.1:1", prefix)
    with pytest.raises(InputError, match="'silk'"):
        Running("silk", "redis://127.0.0.1:1", prefix)


def test_what_is_not_ready_in_time_is_no_second_time_started_in_silence(
    server: EmbeddedServer, prefix: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(runner, "_READY_S", 0.01)
    with pytest.raises(StreamVizError, match="'plain' did not start"):
        Running("plain", server.url, prefix)
    assert os.listdir(tmp_path) == []


def test_it_waits_when_it_has_imported_what_it_needs(
    server: EmbeddedServer, redis: redis_py.Redis, prefix: str
) -> None:
    seen: list[tuple[int, bool]] = []

    def sampled(process_id: int) -> None:
        seen.append((process_id, bool(redis.exists(f"{prefix}make-move"))))

    with Running("plain", server.url, prefix, imported=sampled) as judge:
        assert seen == [(judge.process.pid, False)]
        assert redis.exists(f"{prefix}make-move")
        judge.restart()
        assert seen[1:] == [(judge.process.pid, True)]


def test_no_file_is_left_behind(
    server: EmbeddedServer, prefix: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Running("plain", server.url, prefix):
        assert len(os.listdir(tmp_path)) == 1
    assert os.listdir(tmp_path) == []


class TestWhatTansuCannotDo:
    """When one of these fails, the broker has learnt it, and the dress gets shorter."""

    def test_what_was_never_committed_is_read_all_the_same(self, broker: Tansu) -> None:
        import confluent_kafka as ck

        topic = f"test.{uuid.uuid4().hex[:12]}.move-made"
        broker.make_topics(topic.removesuffix("move-made"))
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
        broker.make_topics(topic.removesuffix("move-made"))
        where = {"bootstrap.servers": broker.address}
        producer = ck.Producer({**where, "linger.ms": 200})
        for number in range(5):
            producer.produce(topic, str(number))
        assert producer.flush(10) == 0
        reader = ck.Consumer({**where, "group.id": topic})
        assert reader.get_watermark_offsets(ck.TopicPartition(topic, 0), 10) == (0, 1)
        reader.close()


def test_the_broker_has_a_topic_for_all_that_the_judge_reads_and_says() -> None:
    program = source("kafka")
    said = program[program.index("SAYS = ") :].partition("\n")[0]
    assert said.count("Stream.") == 3
    assert len(brokers.TOPICS) == 5
