"""The entry ID: two numbers, in order."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError

TOP = 2**64 - 1
PART = st.one_of(
    st.sampled_from([0, 1, 9, 10, 2**63 - 1, 2**63, TOP - 1, TOP]), st.integers(0, TOP)
)
ID = st.builds(EntryId, PART, PART)
deterministic = settings(max_examples=200, deadline=None, derandomize=True)


@deterministic
@given(a=ID, b=ID)
def test_the_order_is_that_of_the_two_numbers(a: EntryId, b: EntryId) -> None:
    left, right = (a.ms, a.seq), (b.ms, b.seq)
    assert (a < b, a <= b, a == b, a > b) == (
        left < right,
        left <= right,
        left == right,
        left > right,
    )


@deterministic
@given(which=ID)
def test_text_and_bytes_are_read_back_as_the_same_id(which: EntryId) -> None:
    for written in (str(which), str(which).encode(), which):
        assert EntryId.parse(written) == which
    assert eval(repr(which), {"EntryId": EntryId.parse}) == which


@deterministic
@given(which=ID)
def test_next_and_previous_undo_each_other_with_nothing_between(which: EntryId) -> None:
    assume(which not in (EntryId.ZERO, EntryId.MAX))
    assert which.previous() < which < which.next()
    assert which.previous().next() == which
    assert which.next().previous() == which
    steps = [which.previous(), which, which.next()]
    places = [one.ms * 2**64 + one.seq for one in steps]
    assert [place - places[0] for place in places] == [0, 1, 2]


def test_the_order_is_not_that_of_the_text() -> None:
    written = ["10-0", "5-10", "5-9", "9-18446744073709551615", "100-1"]
    ordered = ["5-9", "5-10", "9-18446744073709551615", "10-0", "100-1"]
    assert sorted(written) != ordered
    assert [str(one) for one in sorted(map(EntryId.parse, written))] == ordered


def test_an_id_is_not_compared_with_its_text() -> None:
    assert EntryId(5) != "5-0"
    with pytest.raises(TypeError):
        _ = EntryId(5) < "5-1"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (EntryId(5, 9).next(), EntryId(5, 10)),
        (EntryId(5, TOP).next(), EntryId(6, 0)),
        (EntryId.ZERO.next(), EntryId.MIN),
        (EntryId(6, 0).previous(), EntryId(5, TOP)),
        (EntryId.MIN.previous(), EntryId.ZERO),
        (EntryId.MAX.previous(), EntryId(TOP, TOP - 1)),
    ],
)
def test_a_step_carries_over_between_the_two_numbers(step: EntryId, after: EntryId) -> None:
    assert step == after


def test_there_is_nothing_beyond_the_ends() -> None:
    assert str(EntryId.ZERO) == "0-0"
    assert str(EntryId.MIN) == "0-1"
    assert str(EntryId.MAX) == "18446744073709551615-18446744073709551615"
    with pytest.raises(InputError, match=r"18446744073709551615-1844\d+ is the largest"):
        EntryId.MAX.next()
    with pytest.raises(InputError, match="0-0 is the smallest"):
        EntryId.ZERO.previous()


@pytest.mark.parametrize(
    ("written", "ms", "seq"),
    [
        ("5-9", 5, 9),
        (b"5-9", 5, 9),
        ("1767225600000", 1767225600000, 0),
        (b"0", 0, 0),
        ("007-010", 7, 10),
        (f"{TOP}-{TOP}", TOP, TOP),
        (f"0-{TOP}".encode(), 0, TOP),
    ],
)
def test_every_form_of_an_id_is_read(written: str | bytes, ms: int, seq: int) -> None:
    assert EntryId.parse(written) == EntryId(ms, seq)


@pytest.mark.parametrize(
    "written",
    [
        *["", "-", "+", "$", ">", "*", "5-*", "(5-0", "-5", "5-", "-", "5--1", "5-1-1"],
        *["5 -1", " 5-1", "5-1 ", "5-1\n", "5_0-1", "+5-1", "5.0-1", "1e3-0", "0x5-1", "five"],
        *["٥-١", "5−1", "５-１", "5-1\x00", "<b>", "😀", b"\xff", b"5-\xb2", b"$"],
        *[5, 5.0, None, True, ("5", "1"), ["5-1"], bytearray(b"5-1")],
    ],
)
def test_the_error_names_a_value_that_is_not_an_id(written: Any) -> None:
    with pytest.raises(InputError, match="is not an entry ID: write") as error:
        EntryId.parse(written)
    assert repr(written) in str(error.value)


def test_the_error_gives_the_id_of_a_time() -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(InputError, match="is not an entry ID") as error:
        EntryId.parse(when)  # type: ignore[arg-type]
    assert str(error.value).endswith('for this time "1767225600000-0"')
    assert EntryId.parse("1767225600000-0").time == when


@pytest.mark.parametrize(
    "written", [f"{TOP + 1}-0", f"0-{TOP + 1}", str(TOP + 1), "9" * 20, "1-" + "9" * 20]
)
def test_the_error_names_a_number_past_64_bits(written: str) -> None:
    with pytest.raises(InputError, match="0 to 18446744073709551615") as error:
        EntryId.parse(written)
    assert max(written.split("-"), key=int) in str(error.value)


@pytest.mark.parametrize("part", [-1, TOP + 1, 1.0, "1", b"1", None, True, False])
def test_a_part_is_a_whole_number_of_64_bits(part: Any) -> None:
    for name, given_parts in (("ms", (part, 0)), ("seq", (0, part))):
        with pytest.raises(InputError, match=name) as error:
            EntryId(*given_parts)
        assert repr(part) in str(error.value)


@pytest.mark.parametrize(
    ("ms", "moment"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1767225600000, datetime(2026, 1, 1, tzinfo=UTC)),
        (1767225600001, datetime(2026, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)),
        (253402300799999, datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
    ],
)
def test_the_time_is_aware_utc_to_the_millisecond(ms: int, moment: datetime) -> None:
    time = EntryId(ms, 7).time
    assert time == moment
    assert time.tzinfo is UTC
    assert time.utcoffset() == timedelta(0)


@deterministic
@given(ms=st.integers(0, 253402300799999))
def test_no_millisecond_is_rounded_away(ms: int) -> None:
    assert (EntryId(ms).time - EntryId.ZERO.time) // timedelta(milliseconds=1) == ms


@pytest.mark.parametrize("ms", [253402300800000, 2**62, TOP])
def test_an_id_after_the_year_9999_has_no_time_but_its_number(ms: int) -> None:
    with pytest.raises(InputError, match=f"{ms}-0 is not a time before .* with .ms"):
        _ = EntryId(ms).time
    assert EntryId(ms).ms == ms


def test_an_id_is_a_value() -> None:
    assert len({EntryId(5, 1), EntryId.parse("5-1"), EntryId(5)}) == 2
    assert pickle.loads(pickle.dumps(EntryId(5, 1))) == EntryId(5, 1)
    with pytest.raises(AttributeError):
        EntryId(5, 1).ms = 6  # type: ignore[misc]
