"""The entry ID: two unsigned 64-bit integers, ordered as numbers and never as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple, Self

from streamviz.errors import InputError

_TOP = 2**64 - 1
_THIRTY_YEARS_MS = 30 * 365 * 24 * 3600 * 1000
_PATTERN = re.compile(r"(\d{1,20})(?:-(\d{1,20}))?\Z", re.ASCII)


class _Parts(NamedTuple):  # Python compares tuples several times as fast as dataclasses
    ms: int
    seq: int = 0


class EntryId(_Parts):
    """One entry's ID: a time in milliseconds and a sequence number.

    Parameters
    ----------
    ms : int
        Milliseconds since 1970-01-01 UTC, 0 to 2**64 - 1.
    seq : int
        Sequence number within that millisecond, 0 to 2**64 - 1.

    Raises
    ------
    InputError
        If a part is not an integer in that range.

    Notes
    -----
    Redis writes an ID as ``<ms>-<seq>`` (XADD, 5.0). An ID is a tuple of its two numbers, so write
    it with an f-string or `str`: the operator ``%`` would take it apart.

    Examples
    --------
    >>> EntryId.parse("5-9") < EntryId.parse("5-10")
    True
    >>> str(EntryId(5, 9).next())
    '5-10'
    """

    __slots__ = ()

    ZERO: ClassVar[EntryId]
    """``0-0``: less than every entry's ID; no entry can have it."""
    MIN: ClassVar[EntryId]
    """``0-1``: the smallest ID that an entry can have."""
    MAX: ClassVar[EntryId]
    """The largest ID; a stream that has it accepts no more entries."""

    def __new__(cls, ms: int, seq: int = 0) -> Self:
        """Check both parts."""
        for name, part in (("ms", ms), ("seq", seq)):
            if type(part) is not int or not 0 <= part <= _TOP:
                raise InputError(
                    f"{name}={part!r} is not part of an entry ID: "
                    "give an integer from 0 to 18446744073709551615"
                )
        return tuple.__new__(cls, (ms, seq))

    @classmethod
    def parse(cls, value: EntryId | str | bytes) -> EntryId:
        """Parse an ID as Redis writes it, ``"<ms>-<seq>"``, or ``"<ms>"`` (sequence number 0).

        Raises
        ------
        InputError
            If `value` is not such a text.
        """
        if type(value) is bytes:  # the fast path for IDs from the server
            first, _, second = value.partition(b"-")
            if first.isdigit() and second.isdigit() and len(first) < 20 > len(second):
                return tuple.__new__(cls, (int(first), int(second)))
        if isinstance(value, EntryId):
            return value
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        match = _PATTERN.match(text) if isinstance(text, str) else None
        if match is None:
            raise InputError(
                f'{value!r} is not an entry ID: write "<ms>-<seq>", for example "1767225600000-0"'
            )
        return cls(int(match[1]), int(match[2] or 0))

    @property
    def time(self) -> datetime:
        """The ID's time, as an aware datetime in UTC; InputError if it is after the year 9999."""
        try:
            whole = datetime.fromtimestamp(self.ms // 1000, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise InputError(
                f"{self} is not a time before the year 10000: read its number with .ms instead"
            ) from error
        return whole.replace(microsecond=self.ms % 1000 * 1000)

    def is_time(self, now_ms: int) -> bool:
        """Tell whether its first part can be a time in milliseconds, within 30 years of now.

        Counters, seconds, microseconds and nanoseconds are not.
        """
        return abs(self.ms - now_ms) < _THIRTY_YEARS_MS

    def next(self) -> EntryId:
        """Return the smallest ID after this one; InputError after the largest ID."""
        if self.seq < _TOP:
            return EntryId(self.ms, self.seq + 1)
        if self.ms < _TOP:
            return EntryId(self.ms + 1, 0)
        raise InputError(f"{self} is the largest entry ID: no ID follows it")

    def previous(self) -> EntryId:
        """Return the largest ID before this one; InputError before ``0-0``."""
        if self.seq > 0:
            return EntryId(self.ms, self.seq - 1)
        if self.ms > 0:
            return EntryId(self.ms - 1, _TOP)
        raise InputError("0-0 is the smallest entry ID: no ID precedes it")

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"

    def __repr__(self) -> str:
        return f"EntryId({str(self)!r})"


EntryId.ZERO = EntryId(0, 0)
EntryId.MIN = EntryId(0, 1)
EntryId.MAX = EntryId(_TOP, _TOP)
parse_id = EntryId.parse  # as it is here, without `streamviz.client.guide`, for the IDs of replies
