"""The entry ID: two unsigned 64-bit integers, ordered as numbers and never as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from streamviz.errors import InputError

_TOP = 2**64 - 1
_THIRTY_YEARS_MS = 30 * 365 * 24 * 3600 * 1000
_PATTERN = re.compile(r"(\d{1,20})(?:-(\d{1,20}))?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class EntryId:
    """One entry's ID, which Redis writes as ``<ms>-<seq>`` (XADD, 5.0).

    Parameters
    ----------
    ms, seq : int
        Milliseconds since 1970-01-01 UTC, and the sequence number within that millisecond, both 0
        to 2**64 - 1, else InputError.

    Examples
    --------
    >>> EntryId.parse("5-9") < EntryId.parse("5-10")
    True
    >>> str(EntryId(5, 9).next())
    '5-10'
    """

    ms: int
    seq: int = 0

    ZERO: ClassVar[EntryId]
    """``0-0``: less than every entry's ID; no entry can have it."""
    MIN: ClassVar[EntryId]
    """``0-1``: the smallest ID that an entry can have."""
    MAX: ClassVar[EntryId]
    """The largest ID; a stream that has it accepts no more entries."""

    def __post_init__(self) -> None:
        for name, part in (("ms", self.ms), ("seq", self.seq)):
            if type(part) is not int or not 0 <= part <= _TOP:
                raise InputError(
                    f"{name}={part!r} is not part of an entry ID: "
                    "give an integer from 0 to 18446744073709551615"
                )

    # Written out, these take half the time of a dataclass's own, and a sample makes hundreds.

    def __eq__(self, other: object) -> bool:
        if type(other) is not EntryId:
            return NotImplemented
        return self.seq == other.seq and self.ms == other.ms

    def __lt__(self, other: EntryId) -> bool:
        if type(other) is not EntryId:
            return NotImplemented
        return self.ms < other.ms or (self.ms == other.ms and self.seq < other.seq)

    def __le__(self, other: EntryId) -> bool:
        if type(other) is not EntryId:
            return NotImplemented
        return self.ms < other.ms or (self.ms == other.ms and self.seq <= other.seq)

    def __gt__(self, other: EntryId) -> bool:
        if type(other) is not EntryId:
            return NotImplemented
        return self.ms > other.ms or (self.ms == other.ms and self.seq > other.seq)

    def __ge__(self, other: EntryId) -> bool:
        if type(other) is not EntryId:
            return NotImplemented
        return self.ms > other.ms or (self.ms == other.ms and self.seq >= other.seq)

    def __hash__(self) -> int:
        return self.ms * 1_000_003 + self.seq

    @classmethod
    def parse(cls, value: EntryId | str | bytes) -> EntryId:
        """Parse ``"<ms>-<seq>"``, or ``"<ms>"`` with the sequence number 0; else InputError."""
        if type(value) is bytes:  # the fast path for IDs from the server
            first, _, second = value.partition(b"-")
            if first.isdigit() and second.isdigit() and len(first) < 20 > len(second):
                parsed = object.__new__(cls)  # both parts are in range
                _set_ms(parsed, int(first))
                _set_seq(parsed, int(second))
                return parsed
        if isinstance(value, EntryId):
            return value
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        match = _PATTERN.match(text) if isinstance(text, str) else None
        if match is None:
            example = 'for example "1767225600000-0"'
            if isinstance(value, datetime):
                example = f'for this time "{int(value.timestamp() * 1000)}-0"'
            raise InputError(f'{value!r} is not an entry ID: write "<ms>-<seq>", {example}')
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


_set_ms, _set_seq = vars(EntryId)["ms"].__set__, vars(EntryId)["seq"].__set__
EntryId.ZERO = EntryId(0, 0)
EntryId.MIN = EntryId(0, 1)
EntryId.MAX = EntryId(_TOP, _TOP)
parse_id = EntryId.parse  # as it is here, without `streamviz.client.guide`, for the IDs of replies
