"""add_many: what is written from a template is what one XADD after the other would write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamviz import Stream
from streamviz.errors import CommandRefused, InputError, ServerUnreachable, WrongType
from streamviz.server import EmbeddedServer

NAME = st.one_of(st.sampled_from(["a", "%s", "%d%%", "é", "\r\n"]), st.text(min_size=1))
VALUE = st.one_of(st.text(), st.binary(), st.integers(), st.floats(allow_nan=False))
ROWS = st.lists(st.dictionaries(NAME, VALUE, min_size=1, max_size=4), max_size=12)


def stored(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else repr(value)


@given(rows=ROWS, batch=st.integers(1, 5))
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_is_read_is_what_was_given(
    redis: redis_py.Redis, key: str, rows: list[dict[str, Any]], batch: int
) -> None:
    redis.delete(key)
    stream = Stream(redis, key)
    assert stream.add_many(rows, batch=batch) == len(rows)
    assert [entry.fields for entry in stream.range()] == [
        {name: stored(value) for name, value in row.items()} for row in rows
    ]


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [True, False])
def test_ids_are_kept_over_many_batches_by_every_client(
    server: EmbeddedServer, key: str, protocol: int, decode: bool
) -> None:
    client = server.client(protocol=protocol, decode_responses=decode)
    stream = Stream(client, key)
    assert stream.add_many(((f"{n}-0", {"n": n}) for n in range(1, 5001)), batch=100) == 5000
    assert [entry.id.ms for entry in stream.range()] == list(range(1, 5001))
    stream.add_many([("9000-*", {"n": 1}), ("9000-*", {"n": 2})])
    assert [str(entry.id) for entry in stream.range("9000")] == ["9000-0", "9000-1"]
    client.delete(key)
    client.close()


def test_nothing_is_added_for_no_rows(redis: redis_py.Redis, key: str) -> None:
    assert Stream(redis, key).add_many([]) == 0
    assert not Stream(redis, key).exists()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({}, "no fields"),
        ({"a": True}, "bool"),
        ({"a": [1]}, "list"),
        ({3: "a"}, "field's name 3"),
        (5, "5 holds no fields"),
        (("x-1", {"a": 1}), "x-1"),
        ((1, 2, 3), "row 25"),
    ],
)
def test_a_bad_row_is_named_and_nothing_of_its_batch_is_added(
    redis: redis_py.Redis, key: str, bad: Any, says: str
) -> None:
    rows = [{"a": n} for n in range(25)] + [bad, {"a": 26}]
    with pytest.raises(InputError, match="row 25") as error:
        Stream(redis, key).add_many(rows, batch=10)
    assert says in str(error.value)
    assert "The 20 rows" in str(error.value)
    assert Stream(redis, key).length() == 20


def test_a_refused_row_is_named_and_counted_and_no_more_is_sent(
    redis: redis_py.Redis, key: str
) -> None:
    rows = [(f"{n}-0", {"n": n}) for n in range(1, 101)]
    rows[25] = ("3-0", {"n": 3})
    with pytest.raises(CommandRefused, match=r"row 25: .* 39 rows were added, and 1 of the 40"):
        Stream(redis, key).add_many(rows, batch=10)
    assert Stream(redis, key).length() == 39


def test_a_key_of_another_type_is_refused(redis: redis_py.Redis, key: str) -> None:
    redis.set(key, "text")
    with pytest.raises(WrongType, match="another type"):
        Stream(redis, key).add_many([{"a": 1}])


@pytest.mark.parametrize("batch", [0, -1, 1.5, True])
def test_a_batch_is_a_whole_number(redis: redis_py.Redis, key: str, batch: Any) -> None:
    with pytest.raises(InputError, match="batch="):
        Stream(redis, key).add_many([{"a": 1}], batch=batch)


def test_an_error_of_the_rows_own_leaves_a_connection_that_works(
    redis: redis_py.Redis, key: str
) -> None:
    def rows() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(25))
        raise ZeroDivisionError

    stream = Stream(redis, key)
    with pytest.raises(ZeroDivisionError):
        stream.add_many(rows(), batch=10)
    assert stream.add({"n": 25}) == stream.reverse_range(count=1)[0].id


def test_a_connection_that_breaks_is_said_and_nothing_is_sent_twice(
    redis: redis_py.Redis, server: EmbeddedServer, key: str
) -> None:
    other = server.client()

    def rows() -> Iterator[dict[str, int]]:
        for n in range(50):
            if n == 35:
                other.client_kill_filter(_type="normal", skipme=True)
            yield {"n": n}

    with pytest.raises(ServerUnreachable, match="connect again"):
        Stream(redis, key).add_many(rows(), batch=10)
    seen = [int(entry.fields["n"]) for entry in Stream(redis, key).range()]
    assert seen == list(range(len(seen)))
    assert 20 <= len(seen) <= 30
    other.close()
