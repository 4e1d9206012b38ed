"""RESP: values become the bytes that Redis stores, and commands are written as it reads them."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import redis as redis_py

from streamviz.client.connection import Connection
from streamviz.client.resp import pack, to_bytes, unpack
from streamviz.errors import InputError


@pytest.fixture
def connection(redis: redis_py.Redis) -> Connection:
    return Connection(redis)


class Cup(IntEnum):
    OOLONG = 7


class Leaf(StrEnum):
    GREEN = "green"


NUMBERS = [
    (np.float64(0.1), b"0.1"),
    (np.float32(0.5), b"0.5"),
    (np.float16(1.5), b"1.5"),
    (np.int64(-3), b"-3"),
    (np.uint8(200), b"200"),
    (np.str_("x"), b"x"),
    (np.bytes_(b"\xff"), b"\xff"),
    (Cup.OOLONG, b"7"),
    (Leaf.GREEN, b"green"),
    (Decimal("9.50"), b"9.50"),
    (1e300, b"1e+300"),
]
NOT_STORED = [True, np.True_, np.timedelta64(5, "s"), np.datetime64("2026-01-01"), np.array([1.5])]
NOT_STORED += [Fraction(1, 3), 1j, None, [], {}, object(), memoryview(b"x")]
MANY_DIGITS = 10**5000  # Python itself refuses to write them


def test_an_integer_that_python_refuses_to_write_is_refused() -> None:
    with pytest.raises(InputError, match="more digits than Python writes"):
        to_bytes(MANY_DIGITS)


@pytest.mark.parametrize(("value", "stored"), NUMBERS, ids=repr)
def test_a_number_is_stored_as_its_digits(
    connection: Connection, key: str, value: Any, stored: bytes
) -> None:
    assert to_bytes(value) == stored
    connection.call("SET", key, value)
    assert connection.call("GET", key) == stored


@pytest.mark.parametrize("value", NOT_STORED, ids=lambda value: type(value).__name__)
def test_a_value_that_redis_cannot_store_is_refused(connection: Connection, value: Any) -> None:
    with pytest.raises(InputError, match="convert it first"):
        to_bytes(value)
    with pytest.raises(InputError, match="convert it first"):
        connection.call("ECHO", value)


def test_half_a_character_is_refused_and_an_escaped_byte_is_sent(
    connection: Connection,
) -> None:
    for text in ("\ud800", "tea \udfff"):
        with pytest.raises(InputError, match="half a character at index"):
            to_bytes(text)
        with pytest.raises(InputError, match="half a character at index"):
            connection.call("ECHO", text)
    assert connection.call("ECHO", "\udcff") == b"\xff"


def test_a_command_is_packed_as_the_server_reads_it() -> None:
    lossy = b"\xff".decode("utf-8", "surrogateescape")
    assert pack(("A", b"b", 1, 2.5, "é", lossy)) == (
        b"*6\r\n$1\r\nA\r\n$1\r\nb\r\n$1\r\n1\r\n$3\r\n2.5\r\n$2\r\n\xc3\xa9\r\n$1\r\n\xff\r\n"
    )


def test_unpack_reverses_pack() -> None:
    commands = [("XADD", "k", "*", "a", "1"), ("XLEN", "k" * 9), ("X", "\r\n")]
    payload = b"".join(map(pack, commands))
    assert unpack(payload) == [[word.encode() for word in one] for one in commands]
    assert unpack(b"") == []


def test_words_that_are_equal_are_written_as_what_they_are() -> None:
    """A command that is sent again and again is written once: 1, 1.0 and True are equal."""
    start = b"*3\r\n$8\r\nXPENDING\r\n$1\r\ns\r\n"
    for _ in range(2):
        assert pack(["XPENDING", "s", 1]) == start + b"$1\r\n1\r\n"
        assert pack(("XPENDING", b"s", 1.0)) == start + b"$3\r\n1.0\r\n"
        assert pack(("XPENDING", "s", "1")) == start + b"$1\r\n1\r\n"
        with pytest.raises(InputError, match="True is of type bool"):
            pack(("XPENDING", "s", True))
