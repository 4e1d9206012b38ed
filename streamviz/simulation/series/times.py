"""Times as people write them: a number and its unit, ISO 8601, a date with slashes, a format."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import product
from numbers import Integral, Real
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from streamviz.errors import InputError

Unit = Literal["s", "ms", "us", "ns"]
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_MOST = Decimal(10) ** 20  # nanoseconds: three thousand years
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
# the dates with words, and the times of day, that `_format_of` knows
_DATES = (
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%d.%b.%Y", "%d. %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%b. %d, %Y", "%d%b%Y"),
    *("%a, %d %b %Y", "%a %d %b %Y", "%a, %b %d, %Y", "%A, %d %B %Y", "%A, %B %d, %Y"),
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Z %Y"),
    *("%b-%y", "%b %Y", "%b-%Y", "%b. %Y", "%B %Y", "%B-%Y", "%Y %b", "%Y-%b", "%Y %B"),
    *("%Y %b %d", "%Y-%b-%d", "%a, %Y-%m-%d", "%a %Y-%m-%d", "%A, %Y-%m-%d"),
    *("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p"),
)
_CLOCKS = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %H:%M:%S,%f", ":%H:%M:%S", ", %H:%M"),
    *(" %I:%M %p", " %I:%M%p", " %I:%M:%S %p", ", %I:%M %p", ", %I:%M:%S %p", " at %I:%M %p"),
)
_DATE = re.compile(  # 2026-1-31, 31/1/2026, 1/31/26, each perhaps with a time and a zone
    r"(?:(?P<year>\d{4})[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?"
    r"|(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/.](?P<last>\d{4}|\d\d))"
    r"(?:(?:[T,]| )\s*(?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d+))?)?"
    r"\s*(?P<half>[AaPp])?(?(half)\.?[Mm]\.?))?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)


class TimeReader:
    """Reads times in one way, as `streamviz.series.read` describes; returns nanoseconds."""

    def __init__(
        self,
        unit: Unit | None,
        format: str | None,  # noqa: A002 -- as pandas calls it
        dayfirst: bool | None,
        tz: str | tzinfo | None,
    ) -> None:
        if unit is not None and unit not in get_args(Unit):
            raise InputError(
                f"unit={unit!r}: give 's', 'ms', 'us' or 'ns', or leave it out for dates"
            )
        if unit is not None and format is not None:
            raise InputError(f"unit={unit!r} is for numbers, format={format!r} for dates: give one")
        if format is not None and not isinstance(format, str):
            raise InputError(f"format={format!r}: give a text such as '%d.%m.%Y %H:%M'")
        if dayfirst not in (None, True, False):
            raise InputError(f"dayfirst={dayfirst!r}: give True or False")
        self.unit, self.format, self.dayfirst = unit, format, dayfirst
        self.zone = _zone(tz)

    def ns(self, value: Any) -> tuple[int, int]:
        """Return a time in nanoseconds since 1970, or since the origin of its unit.

        The second number is larger if this is a local time that comes twice. ValueError if it is no
        such time; the message says what to do.
        """
        if isinstance(value, timedelta):  # since whenever
            micros = value // timedelta(microseconds=1)
            ns = micros * 1000 + int(getattr(value, "nanoseconds", 0))
            return ns, ns
        if self.unit is not None:
            ns = _scaled(value, _NANOSECONDS[self.unit])
            return ns, ns
        moment, rest = self._moment(value), _below_a_microsecond(value)
        if moment.tzinfo is not None or self.zone is None:
            ns = _since_epoch(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) + rest
            return ns, ns
        moment = moment.replace(tzinfo=self.zone)
        first, second = (_since_epoch(moment.replace(fold=fold)) + rest for fold in (0, 1))
        return first, max(first, second)  # a time that is skipped gives an earlier second one

    def is_local(self, value: Any) -> bool:
        """Return whether a time names no zone, so that an hour may come twice."""
        has_no_zone = self.unit is not None or isinstance(value, timedelta)
        return not has_no_zone and self._moment(value).tzinfo is None

    def _moment(self, value: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        if isinstance(value, date):
            return datetime.combine(value, time())
        if type(value).__name__ == "datetime64":  # of NumPy
            micros = value.astype("datetime64[us]").item()
            if not isinstance(micros, datetime):  # an int
                raise ValueError("it is not between the years 1 and 9999: correct it")
            return micros
        text = str(value).strip("()[] \t\n")
        if self.format is not None:
            try:
                return datetime.strptime(text, self.format)
            except (ValueError, re.error):
                raise ValueError(f"it does not fit format={self.format!r}: correct it") from None
        if _NUMBER.fullmatch(text) and not (len(text) == 8 and text[:2] in ("18", "19", "20")):
            raise ValueError(f"it is a number: give {_unit_of(float(text))}")
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return self._written(text)

    def _written(self, text: str) -> datetime:
        """Return a date that ISO 8601 does not know."""
        hit = _DATE.fullmatch(text)
        if hit is None:
            raise ValueError(f"it is not a date that is known: give {_format_of(text)}")
        part = hit.groupdict()
        year, month, day = part["year"], part["month"], part["day"] or "1"
        if year is None:
            year, month, day = part["last"], part["first"], part["second"]
            if len(year) == 2:
                year = f"{19 if int(year) > 68 else 20}{year}"  # as strptime does
            if self.dayfirst is None and max(int(month), int(day)) > 12:
                raise ValueError(f"its day and month need dayfirst={int(month) > 12}")
            if self.dayfirst is None:
                raise ValueError(
                    "is its first number the day or the month? Give dayfirst=True or False"
                )
            if self.dayfirst:
                month, day = day, month
        hour = int(part["H"] or 0)
        if part["half"]:
            if not 1 <= hour <= 12:
                raise ValueError("its hour is not from 1 to 12: correct it")
            hour = hour % 12 + (12 if part["half"] in "pP" else 0)
        micros = int(f"{part['f'] or '0':0<6}"[:6])
        rest = (hour, int(part["M"] or 0), int(part["S"] or 0), micros)
        try:
            moment = datetime(int(year), int(month), int(day), *rest)
        except ValueError as error:
            swap = "" if part["last"] is None else f", or give dayfirst={not self.dayfirst}"
            raise ValueError(f"{error}: correct it{swap}") from None
        zone = part["zone"]
        if zone is None:
            return moment
        offset = "+00:00" if zone[0] in "ZUG" else zone
        return moment.replace(tzinfo=datetime.strptime(offset, "%z").tzinfo)


def _since_epoch(moment: datetime) -> int:
    since = moment - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 10**6 + since.microseconds) * 1000


def _below_a_microsecond(value: Any) -> int:
    """Return the nanoseconds of pandas and NumPy, for which a datetime has no room."""
    if type(value).__name__ == "datetime64":
        rest = value - value.astype("datetime64[us]")
        return int(rest.astype("timedelta64[ns]").astype("int64"))
    return int(getattr(value, "nanosecond", 0))


def _zone(tz: str | tzinfo | None) -> tzinfo | None:
    if tz is None or isinstance(tz, tzinfo):
        return tz
    try:
        return ZoneInfo(tz)
    except Exception as error:  # many types: the name may be of a folder, or no text
        raise InputError(f"tz={tz!r}: give a zone's name, such as 'Europe/Zurich'") from error


def _scaled(value: Any, scale: int) -> int:
    is_float = isinstance(value, Real) and not isinstance(value, Integral)
    text = repr(float(value)) if is_float else str(value).strip("()[] \t\n")
    try:
        exact = Decimal(text.replace(",", ".")) * scale  # a decimal comma; of two, it is no number
        usable = abs(exact) < _MOST  # NaN is not
    except ArithmeticError:  # of many kinds
        usable = False
    if not usable:
        raise ValueError("it is not a number, or too large: correct it, or leave unit= out")
    return int(exact.to_integral_value())


def _unit_of(number: float) -> str:
    """Return which unit makes a number a time of these decades."""
    size = abs(number)
    for unit, digits in (("s", 9), ("ms", 12), ("us", 15), ("ns", 18)):
        if 0.3 * 10**digits <= size < 10 ** (digits + 1) and math.isfinite(size):
            example = _EPOCH + timedelta(seconds=number / 10 ** (digits - 9))
            return f"unit={unit!r}, which makes it {example:%Y-%m-%d %H:%M:%S}"
    if size.is_integer() and 1500 <= size <= 2200:
        return "format='%Y' for a year, or unit='s', 'ms', 'us' or 'ns'"
    if 20_000 <= size <= 80_000:
        return "dates: if it is a spreadsheet's number of days, save its cells as dates"
    return "unit='s', 'ms', 'us' or 'ns', or format= such as '%Y%m%d%H%M'"


def _format_of(text: str) -> str:
    """Return the format of a date, as advice; for an ambiguous date, an example."""
    for parts in product(_DATES, _CLOCKS, ("", " %z", " %Z")):
        form = "".join(parts)
        if any(form.count(sign) != text.count(sign) for sign in ":,./"):
            continue  # strptime needs a millisecond for each form
        with suppress(ValueError, re.error):  # the second if a sign is in it twice
            datetime.strptime(text, form)
            return f"format={form!r}"
    for form in ("%d %b %Y", "%d-%b %Y", "%d %B %Y", "%b %d %Y", "%b-%d %Y", "%B %d %Y"):
        with suppress(ValueError):
            datetime.strptime(f"{text} 2024", form)
            return "time= two columns, that with the year and this one"
    return "format=, such as '%d %b %Y'"
