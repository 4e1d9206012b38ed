"""XADD with IDMP and IDMPAUTO: an entry that is sent twice is there once."""

from __future__ import annotations

from typing import Any

import pytest
from client.typed.conftest import one_client

from streamviz import EntryId, Stream
from streamviz.client.models import IdmpInfo
from streamviz.errors import CommandRefused, InputError, NoSuchStream


@pytest.fixture
def remembering(stream: Stream) -> Stream:
    """Return a stream on a server that tells repeated entries, or leave the test."""
    if not stream.connection.version.has((8, 6)):
        pytest.skip(f"IDMP needs Redis 8.6; this is {stream.connection.version}")
    return stream


def test_the_same_id_of_the_same_producer_is_added_once_whatever_the_fields(
    remembering: Stream,
) -> None:
    first = remembering.add({"n": 1}, idmp=("till", "receipt-1"))
    assert remembering.add({"n": 2}, idmp=("till", "receipt-1")) == first
    others = [
        remembering.add({"n": 1}, idmp=("till", "receipt-2")),
        remembering.add({"n": 1}, idmp=("other till", "receipt-1")),
        remembering.add({"n": 1}),
    ]
    assert [entry.id for entry in remembering.range()] == [first, *others]
    assert [entry.fields["n"] for entry in remembering.range()] == ["1"] * 4
    assert remembering.info().idmp == IdmpInfo(100, 100, 2, 3, 3, 1)


def test_the_same_fields_in_any_order_are_added_once(remembering: Stream) -> None:
    first = remembering.add({"a": 1, "b": 2}, idmp_auto="till")
    assert remembering.add({"b": 2, "a": 1}, idmp_auto="till") == first
    assert remembering.add({"a": 1, "b": 3}, idmp_auto="till") != first
    assert remembering.add({"a": 1, "b": 2}, idmp_auto="other till") != first
    assert remembering.length() == 3


def test_a_repeated_entry_that_was_trimmed_away_is_not_added_again(remembering: Stream) -> None:
    first = remembering.add({"n": 1}, idmp=("till", "1"))
    remembering.add({"n": 2}, idmp=("till", "2"), maxlen=1)
    assert remembering.add({"n": 1}, idmp=("till", "1"), maxlen=1) == first
    assert [entry.fields["n"] for entry in remembering.range()] == ["2"]


def test_without_a_stream_nothing_is_created_or_stored(remembering: Stream) -> None:
    assert remembering.add({"n": 1}, idmp=("till", "1"), create=False) is None
    assert not remembering.exists()
    assert remembering.add({"n": 1}, idmp=("till", "1")) is not None


def test_the_number_of_stored_ids_is_limited_and_configure_deletes_them(
    remembering: Stream,
) -> None:
    with pytest.raises(NoSuchStream):
        remembering.configure(idmp_maxsize=2)
    remembering.add({"n": 0})
    remembering.configure(idmp_maxsize=2, idmp_duration_s=7)
    for number in "123":
        remembering.add({"n": number}, idmp=("till", number))
    assert remembering.info().idmp == IdmpInfo(7, 2, 1, 2, 3, 0)
    remembering.add({"n": "3"}, idmp=("till", "3"))
    assert remembering.length() == 4
    remembering.add({"n": "1"}, idmp=("till", "1"))  # the oldest of three was forgotten
    assert remembering.length() == 5
    remembering.configure(idmp_maxsize=3)
    remembering.add({"n": "3"}, idmp=("till", "3"))
    assert remembering.length() == 6


@pytest.mark.parametrize("bad", [{"idmp_duration_s": 86401}, {"idmp_maxsize": 10001}], ids=repr)
def test_the_server_refuses_limits_that_are_too_large(
    remembering: Stream, bad: dict[str, int]
) -> None:
    remembering.add({"n": 0})
    with pytest.raises(CommandRefused, match="must be between 1 and"):
        remembering.configure(**bad)


def test_before_8_6_a_stream_has_no_idmp_info(stream: Stream) -> None:
    stream.add({"n": 1}, "1-0")
    assert (stream.info().idmp is not None) == stream.connection.version.has((8, 6))


@one_client
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"idmp": ("till", "1"), "idmp_auto": "till"}, "give one of the two"),
        ({"idmp": ("till",)}, "a pair"),
        ({"idmp": ["till", "1"]}, "a pair"),
        ({"idmp": "ab"}, "a pair"),
        ({"idmp": ("", "1")}, "a pair"),
        ({"idmp": ("till", "")}, "a pair"),
        ({"idmp_auto": ""}, "producer's name"),
        ({"idmp": ("till", "1"), "id": "5-1"}, r"'5-1' does not go with idmp="),
        ({"idmp": ("till", "1"), "id": EntryId(5)}, r"'5-0' does not go with idmp="),
        ({"idmp_auto": "till", "id": "5-*"}, r"'5-\*' does not go with idmp="),
    ],
    ids=repr,
)
def test_bad_idempotency_options_are_refused(stream: Stream, bad: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        stream.add({"f": 1}, **bad)
    assert not stream.exists()
