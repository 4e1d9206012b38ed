"""The log of commands: what was sent, in whose name, and what it changed."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
import redis as redis_py

from streamviz import CommandLog, Observer, Scenario, Stream, series
from streamviz.client.connection import Connection
from streamviz.errors import InputError, StreamVizError
from streamviz.server.embedded import EmbeddedServer
from tests.conftest import Until


@pytest.fixture
def log(redis: redis_py.Redis) -> Iterator[CommandLog]:
    with CommandLog(redis) as found:
        yield found


def test_the_log_has_call_command_reply_and_changes(
    redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    orders = Stream(redis, key)
    orders.add({"dish": "pea soup"}, id="1-0")
    orders.group("crew").create("0")
    orders.group("crew").consumer("ann").read(5)
    added, created, read = log
    assert added.call == 'orders.add({"dish": "pea soup"}, id="1-0")'
    assert added.command == f"XADD {key} 1-0 dish 'pea soup'"
    assert added.reply == "1-0"
    assert added.changes == (
        "length: 0 → 1",
        "entries-added: 0 → 1",
        "last-generated-id: 0 → 1-0",
    )
    assert created.changes == ("crew lag: 0 → 1",)
    assert read.reply == f"[{key}, [[1-0, [dish, 'pea soup']]]]"
    assert read.changes == (
        "crew last-delivered-id: 0-0 → 1-0",
        "crew entries-read: nil → 1",
        "crew lag: 1 → 0",
        "crew pending: 0 → 1",
        "crew/ann pending: 0 → 1",
    )


def test_the_changes_of_an_existing_stream_start_at_its_current_state(
    redis: redis_py.Redis, key: str
) -> None:
    orders = Stream(redis, key)
    orders.add_many([("1-0", {"n": 1}), ("2-0", {"n": 2})])
    with CommandLog(redis) as log:
        orders.add({"n": 3}, id="3-0")
    orders.add({"n": 4}, id="4-0")
    with log:
        orders.trim(maxlen=1)
    assert log[0].changes[0] == "length: 2 → 3"
    assert log[1].changes[0] == "length: 4 → 1"


def test_the_call_is_the_whole_expression_over_several_lines(
    redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    (
        Stream(redis, key).add(
            {"é": "ü"},
            id="1-0",
        )
    )
    assert log[0].call == 'Stream(redis, key).add( {"é": "ü"}, id="1-0", )'


def test_add_many_logs_each_row_and_the_refused_one_too(
    redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    orders = Stream(redis, key)
    with pytest.raises(StreamVizError, match=r"^row 1: XADD '[^']+' was refused: The ID"):
        orders.add_many([("2-0", {"n": 1}), ("1-0", {"n": 2}), ("3-0", {"n": 3})])
    assert [one.reply.split()[0] for one in log] == ["2-0", "error:", "3-0"]
    assert orders.length() == 2


def test_an_error_is_logged_and_still_raised(
    redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    redis.set(key, "text")
    with pytest.raises(StreamVizError):
        Stream(redis, key).add({"n": 1})
    assert log[0].reply.startswith("error: WRONGTYPE")
    assert log[0].changes == ()


def test_what_others_change_between_two_commands_is_no_change_of_a_command(
    redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    orders = Stream(redis, key)
    orders.add({"n": 1}, id="1-0")
    for n in range(2, 12):
        redis.xadd(key, {"n": n}, id=f"{n}-0")  # a method of the client, which is not logged
    orders.delete("1-0")
    assert log[1].changes == ("length: 11 → 10", "max-deleted-entry-id: 0-0 → 1-0")
    redis.delete(key)
    with pytest.raises(StreamVizError):
        orders.group("g").create("0", mkstream=False)
    assert log[2].changes == ()
    orders.add({"n": 1}, id="1-0")
    assert log[3].changes[0] == "length: 0 → 1"


def test_what_others_add_while_a_read_waits_is_no_change_of_the_read(
    server: EmbeddedServer, redis: redis_py.Redis, key: str, log: CommandLog, until: Until
) -> None:
    crew = Stream(redis, key).group("crew")
    crew.create("$", mkstream=True)
    other = server.client()
    waiting = Thread(target=crew.consumer("ann").read, kwargs={"block_ms": 30_000})
    waiting.start()
    until(lambda: other.info("clients")["blocked_clients"] > 0)
    other.xadd(key, {"n": 1}, id="1-0")
    waiting.join()
    assert other.xinfo_groups(key)[0]["pending"] == 1
    assert log[1].changes == (
        "crew last-delivered-id: 0-0 → 1-0",
        "crew entries-read: nil → 1",
        "crew pending: 0 → 1",
        "crew/ann pending: 0 → 1",
    )
    other.close()


def test_the_commands_of_a_pipeline_share_one_reading(redis: redis_py.Redis, key: str) -> None:
    with CommandLog(redis) as log:
        before = redis.info("commandstats")["cmdstat_xinfo|stream"]["calls"]
        Stream(redis, key).add_many({"n": n} for n in range(100))
        asked = redis.info("commandstats")["cmdstat_xinfo|stream"]["calls"] - before
    assert log[0].changes[0] == "length: 0 → 100"
    assert (len(log), asked) == (100, 101)


def test_samples_and_commands_after_the_end_are_not_logged(redis: redis_py.Redis, key: str) -> None:
    log = CommandLog(redis)
    Stream(redis, key).add({"n": 1})
    with log:
        Observer(redis, key).sample()
        assert repr(log) == "no command yet"
        log.start()
        Stream(redis, key).length()
    Stream(redis, key).length()
    assert [one.command for one in log] == [f"XLEN {key}"]
    assert log[0].changes == ()


def test_the_commands_of_another_client_are_not_logged(
    server: EmbeddedServer, redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    other = server.client()
    Stream(other, key).add({"n": 1})
    assert len(log) == 0
    other.close()


def test_the_newest_commands_are_stored(redis: redis_py.Redis, key: str) -> None:
    with CommandLog(redis, limit=3) as log:
        for n in range(5):
            Stream(redis, key).add({"n": n}, id=f"{n + 1}-0")
        assert (len(log), log.count) == (3, 5)
        assert [one.reply for one in log.since(4)] == ["5-0"]
        assert [one.reply for one in log.since(0)] == ["3-0", "4-0", "5-0"]
        assert log.since(5) == []


def test_long_and_binary_words_are_shortened_and_quoted(
    redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    Stream(redis, key).add({"a\nb": b"\xff", "long": "x" * 500}, id="1-0")
    assert r"'a\nb'" in log[0].command
    assert len(log[0].command) == 160
    assert log[0].command.endswith("…")


def test_a_scenarios_commands_are_logged_with_the_line_that_ran_it(
    redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    shop = Scenario(redis, seed=1)
    shop.produce(key, series.constant(rate_hz=2))
    shop.group(key, "crew")
    shop.run(seconds=2)
    names = {one.command.split()[0] for one in log}
    assert {"XADD", "XGROUP", "XREADGROUP", "XACK"} <= names
    assert {one.call for one in log if "XADD" in one.command} == {"shop.run(seconds=2)"}


def test_the_commands_of_a_live_scenario_have_no_line_of_the_caller(
    redis: redis_py.Redis, key: str, log: CommandLog, until: Until
) -> None:
    shop = Scenario(redis, seed=1)
    shop.produce(key, series.constant(rate_hz=50))
    shop.start()
    until(lambda: [one for one in log if "XADD" in one.command])
    shop.stop()
    assert {one.call for one in log if "XADD" in one.command} == {""}


def test_the_table_is_escaped(redis: redis_py.Redis, key: str, log: CommandLog) -> None:
    Stream(redis, key).add({"<script>": "&"}, id="1-0")
    page = log._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt; &amp;" in page


@pytest.mark.parametrize("limit", [0, -1, 1.5, "x", True])
def test_a_bad_limit_is_refused(redis: redis_py.Redis, limit: object) -> None:
    with pytest.raises(InputError, match="whole number"):
        CommandLog(redis, limit=limit)  # type: ignore[arg-type]


SCRIPT = """-- Add twice, to two streams.
redis.call('XADD', KEYS[1], '1-0', 'a', 'b')
redis.call('XADD', KEYS[2], '1-0', 'a', 'b')
return 2"""


def test_a_script_is_logged_by_its_first_line_and_its_changes_of_each_stream(
    redis: redis_py.Redis, key: str, log: CommandLog
) -> None:
    Connection(redis).call("EVAL", SCRIPT, 2, f"{key}:one", f"{key}:two")
    Connection(redis).call("EVAL", "return 1", 0)
    first, second = log
    assert first.command == f"EVAL «Add twice, to two streams.» 2 {key}:one {key}:two"
    assert first.reply == "2"
    assert first.changes == tuple(
        f"{key}:{name}: {change}"
        for name in ("one", "two")
        for change in ("length: 0 → 1", "entries-added: 0 → 1", "last-generated-id: 0 → 1-0")
    )
    assert (second.command, second.changes) == ("EVAL 'return 1' 0", ())
