"""add_many: what is written from a template is what one XADD after the other would write."""

from __future__ import annotations

import re
from collections import Counter, UserDict
from collections.abc import Iterator
from contextlib import nullcontext
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np
import pytest
import redis as redis_py
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamviz import CommandLog, Stream
from streamviz.errors import CommandRefused, InputError, ServerUnreachable, WrongType
from streamviz.patterns.partitions import Partitions
from streamviz.server.embedded import EmbeddedServer

NAME = st.one_of(st.sampled_from(["a", "%s", "%d%%", "é", "\r\n"]), st.text(min_size=1))
VALUE = st.one_of(st.text(), st.binary(), st.integers(), st.floats(allow_nan=False))
MIXED = st.lists(st.dictionaries(NAME, VALUE, min_size=1, max_size=4), max_size=12)
ALIKE = st.lists(NAME, min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, VALUE)), max_size=12)
)
ROWS = st.one_of(MIXED, ALIKE)


def stored(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else repr(value)


@given(rows=ROWS, batch=st.integers(1, 5))
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_rows_come_back_unchanged(
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
        ({"a": "\ud800"}, "half a character"),
        ({"a": "é", "b": "\ud800"}, "half a character"),
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
    assert error.value.unconfirmed == rows[20:27]
    assert Stream(redis, key).length() == 20


class Cup(IntEnum):
    OOLONG = 7


ODD: dict[str, Any] = {"f64": np.float64(0.1), "f32": np.float32(0.5), "i64": np.int64(-3)}
ODD |= {"enum": Cup.OOLONG, "decimal": Decimal("9.50"), "text": np.str_("é"), "large": 2**70}
ODD_STORED = {"f64": "0.1", "f32": "0.5", "i64": "-3", "enum": "7"}
ODD_STORED |= {"decimal": "9.50", "text": "é", "large": str(2**70)}


def test_add_and_add_many_store_the_same_of_numpy_enums_and_decimals(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add(ODD)
    assert stream.add_many([ODD, ODD]) == 2
    assert [entry.fields for entry in stream.range()] == [ODD_STORED] * 3


def test_options_may_be_numpys_too(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    assert stream.add_many([{"n": n} for n in range(9)], batch=np.int64(4)) == 9
    assert stream.trim(maxlen=np.int64(5)) == 4
    assert len(stream.range(count=np.int32(2))) == 2
    for bad in (np.timedelta64(5, "s"), np.float64(5), np.True_, np.int64(0)):
        with pytest.raises(InputError, match=r"count=.*: give a whole number, 1 or more"):
            stream.range(count=bad)


@pytest.mark.parametrize(
    "bad", ["\ud800", True, np.True_, np.timedelta64(5, "s"), Fraction(1, 3), None], ids=repr
)
def test_add_and_add_many_refuse_the_same_and_name_the_field(
    redis: redis_py.Redis, key: str, bad: Any
) -> None:
    stream = Stream(redis, key)
    with pytest.raises(InputError) as one:
        stream.add({"ok": 1, "tea": bad})
    assert str(one.value).startswith("field 'tea': ")
    for before in ([], [{"ok": 1, "tea": 1}]):
        with pytest.raises(InputError) as many:
            stream.add_many([*before, {"ok": 1, "tea": bad}])
        said = str(many.value)
        assert (
            said == f"row {len(before)}: {one.value}. The 0 rows of the earlier batches were added"
        )
    with pytest.raises(InputError, match="field"):
        stream.add({"\ud800": 1})
    assert not stream.exists()


def test_a_refused_row_is_named_and_counted_and_no_more_is_sent(
    redis: redis_py.Redis, key: str
) -> None:
    rows = [(f"{n}-0", {"n": n}) for n in range(1, 101)]
    rows[25] = ("3-0", {"n": 3})
    with pytest.raises(
        CommandRefused, match=r"row 25: .* 39 rows were added, and 1 of the 40 rows"
    ) as error:
        Stream(redis, key).add_many(rows, batch=10)
    assert Stream(redis, key).length() == 39
    assert error.value.unconfirmed == [rows[25]]
    with pytest.raises(CommandRefused, match="row 0"):  # what is there already is not doubled
        Stream(redis, key).add_many(rows[30:60])
    assert Stream(redis, key).length() == 59


def test_a_key_of_another_type_is_refused(redis: redis_py.Redis, key: str) -> None:
    redis.set(key, "text")
    with pytest.raises(WrongType, match="another type than a stream"):
        Stream(redis, key).add_many([{"a": 1}])


@pytest.mark.parametrize("batch", [0, -1, 1.5, True])
def test_a_batch_is_a_whole_number(redis: redis_py.Redis, key: str, batch: Any) -> None:
    with pytest.raises(InputError, match="batch="):
        Stream(redis, key).add_many([{"a": 1}], batch=batch)


RAISED = (FileNotFoundError(2, "No such file", "part2.csv"), redis_py.ConnectionError("other"))
RAISED += (redis_py.ResponseError("other"), ServerUnreachable("other"), KeyboardInterrupt())
RAISED += (InputError("other"), ValueError("other"))  # type: ignore[assignment]


@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", ["one stream", "partitions", "replicas", "logged"])
def test_what_the_rows_raise_comes_through_and_no_row_is_lost(
    redis: redis_py.Redis, key: str, raised: BaseException, way: str
) -> None:
    def source() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(25))
        raise raised

    many: Any = Stream(redis, key).add_many
    rows: Iterator[Any] = source()
    if way == "partitions":
        many, rows = Partitions(redis, key, 1).add_many, (("ada", row) for row in rows)
        key = Partitions(redis, key, 1).streams[0].key
    options = {"wait": 1, "wait_ms": 1} if way == "replicas" else {}
    with (
        CommandLog(redis) if way == "logged" else nullcontext(),
        pytest.raises(type(raised)) as error,
    ):
        many(rows, batch=10, **options)
    assert error.value is raised
    assert "20 rows were added" in raised.__notes__[-1]
    assert [entry.fields["n"] for entry in Stream(redis, key).range()] == list(map(str, range(20)))
    many(error.value.unconfirmed, batch=10)  # type: ignore[attr-defined]
    assert [entry.fields["n"] for entry in Stream(redis, key).range()] == list(map(str, range(25)))
    redis.delete(key)


def test_a_mapping_that_raises_is_not_taken_for_the_connection(
    redis: redis_py.Redis, key: str
) -> None:
    class Late(UserDict[str, int]):
        def __iter__(self) -> Iterator[str]:
            raise TimeoutError("the disk")

    rows = [{"n": 0}, {"n": 1}, {"n": 2}, Late(n=3)]
    with pytest.raises(TimeoutError, match="the disk") as error:
        Stream(redis, key).add_many(rows, batch=2)
    assert error.value.unconfirmed == rows[2:]  # type: ignore[attr-defined]
    assert Stream(redis, key).length() == 2
    with pytest.raises(TimeoutError, match="the disk"):
        Partitions(redis, key, 1).add_many([("ada", Late(n=3))])


def test_rows_that_raise_after_the_connection_broke_are_in_unconfirmed(
    redis: redis_py.Redis, key: str
) -> None:
    def rows() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(15))
        for raw_connection in redis.connection_pool._in_use_connections:  # type: ignore[attr-defined]
            raw_connection._sock.close()
        raise FileNotFoundError("part2.csv")

    with pytest.raises(FileNotFoundError, match="part2") as error:
        Stream(redis, key).add_many(rows(), batch=10)
    assert "The first 0 rows are confirmed" in error.value.__notes__[-1]
    assert isinstance(error.value.__context__, ServerUnreachable)
    assert error.value.unconfirmed == [{"n": n} for n in range(15)]  # type: ignore[attr-defined]
    assert Stream(redis, key).length() in (0, 10)


def test_after_an_error_in_the_rows_the_connection_still_works(
    redis: redis_py.Redis, key: str
) -> None:
    def rows() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(25))
        raise ZeroDivisionError

    stream = Stream(redis, key)
    with pytest.raises(ZeroDivisionError):
        stream.add_many(rows(), batch=10)
    assert stream.add({"n": 25}) == stream.reverse_range(count=1)[0].id


def test_a_broken_connection_raises_and_nothing_is_sent_twice(
    redis: redis_py.Redis, server: EmbeddedServer, key: str
) -> None:
    other = server.client()

    def rows() -> Iterator[dict[str, int]]:
        for n in range(50):
            if n == 35:
                other.client_kill_filter(_type="normal", skipme=True)
            yield {"n": n}

    stream, remaining = Stream(redis, key), rows()
    with pytest.raises(ServerUnreachable, match="connect again") as error:
        stream.add_many(remaining, batch=10)
    seen = [int(entry.fields["n"]) for entry in stream.range()]
    assert seen == list(range(len(seen)))
    assert 20 <= len(seen) <= 30
    first = int(re.findall(r"The first (\d+) rows are confirmed", str(error.value))[0])
    assert error.value.unconfirmed == [{"n": n} for n in range(first, 40)]
    assert stream.add_many(chain(error.value.unconfirmed, remaining)) == 50 - first
    counts = Counter(int(entry.fields["n"]) for entry in stream.range())
    assert set(counts) == set(range(50)), "nothing is lost"
    assert {n for n in counts if counts[n] > 1} <= set(range(first, 40))
    other.close()


def test_a_health_check_does_not_come_between_two_batches(redis: redis_py.Redis, key: str) -> None:
    place = redis.connection_pool.connection_kwargs["path"]
    client = redis_py.Redis(unix_socket_path=place, health_check_interval=0.001)  # type: ignore[arg-type]
    stream = Stream(client, key)
    assert stream.add_many({"n": n} for n in range(20_000)) == 20_000
    assert [entry.fields["n"] for entry in stream.range()] == [str(n) for n in range(20_000)]
    client.close()
