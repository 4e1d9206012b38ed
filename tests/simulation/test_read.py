"""Data in: what people have becomes a series, or the message says the next step."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import math
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import redis as redis_py
from hypothesis import given, settings
from hypothesis import strategies as st

from streamviz import Scenario, Stream, series
from streamviz.errors import InputError
from streamviz.simulation.series import Series

DAY = 86_400_000.0


@pytest.fixture
def put(tmp_path: Path) -> Any:
    def put_(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put_


def refused(source: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(InputError) as error:
        series.read(source, *args, **options)
    return str(error.value)


TAXI = "VendorID,tpep_pickup_datetime,fare\n1,2020-01-01 00:28:15,6\n2,2020-01-01 00:35:39,7\n"
TAXI_US = "id,Trip Start Timestamp,fare\n1,01/31/2020 11:45:00 PM,6\n2,02/01/2020 12:15:00 AM,\n"
RATINGS = "userId,movieId,rating,timestamp\n1,307,3.5,1256677221\n1,481,2.0,1256677456\n"
QUAKES = 'time,mag,place\n2024-01-01T00:00:00.120Z,4.1,"5 km N, CA"\n2024-01-01T00:00:01Z,1,B\n'
KLINES = "1735689600000000,93576.0,1\n1735689600000001,93577.5,2\n"
CANDUMP = "(1436509052.249713) vcan0 044#2A366C2B\n(1436509052.449847)  vcan0 0F6#7ADFE07B\n"
CAN_CSV = "timestamp,arbitration_id,data\n0.000000,0x1a,00FF\n0.250000,0x1b,00\n"
GITHUB = (
    '{"id":"1","public":true,"payload":{"ref":"é"},"created_at":"2015-01-01T15:00:00Z"}\n\n'
    '{"id":"2","org":null,"created_at":"2015-01-01T15:00:01Z"}\n'
)
ROBOT = "t;wert\n24.12.2026 18:00;1,5\n24.12.2026 18:01;2,5\n"

PROSE = "NOAA data, Mauna Loa\nmonthly means\n\ndate,ppm,n\n2024-01-01,1,2\n2024-02-01,2,3\n"
COMMENTS = "# made by x\n# at y\ndate,ppm,n\n2024-01-01,1,2\n# a pause\n2024-02-01,2,3\n"
CANDUMP_SHOWN = " (14.25)  vcan0  044   [2]  2A 36\n (14.35)  vcan0  044   [1]  2A\n"
GEOJSON = '{"type": "x", "features": [{"type": "y", "properties": {"time": 1, "mag": 2}}]}'

LAYOUTS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], list[Any]]] = {
    "taxi": (
        TAXI,
        ("tpep_pickup_datetime",),
        {},
        [(0, {"VendorID": "1", "fare": "6"}), (444_000, {"VendorID": "2", "fare": "7"})],
    ),
    "taxi of the United States": (
        TAXI_US,
        ("Trip Start Timestamp",),
        {"dayfirst": False},
        [(0, {"id": "1", "fare": "6"}), (1_800_000, {"id": "2", "fare": ""})],
    ),
    "ratings": (
        RATINGS,
        ("timestamp",),
        {"unit": "s"},
        [
            (0, {"userId": "1", "movieId": "307", "rating": "3.5"}),
            (235_000, {"userId": "1", "movieId": "481", "rating": "2.0"}),
        ],
    ),
    "quakes": (
        QUAKES,
        ("time",),
        {},
        [(0, {"mag": "4.1", "place": "5 km N, CA"}), (880, {"mag": "1", "place": "B"})],
    ),
    "klines": (
        KLINES,
        ("0",),
        {"unit": "us", "header": False},
        [(0, {"1": "93576.0", "2": "1"}), (0.001, {"1": "93577.5", "2": "2"})],
    ),
    "klines with names": (
        KLINES,
        ("open_time",),
        {"unit": "us", "header": False, "names": ["open_time", "open", "n"]},
        [(0, {"open": "93576.0", "n": "1"}), (0.001, {"open": "93577.5", "n": "2"})],
    ),
    "candump": (
        CANDUMP,
        (0,),
        {"unit": "s", "header": False, "names": None},
        [(0, {"1": "vcan0", "2": "044#2A366C2B"}), (200.134, {"1": "vcan0", "2": "0F6#7ADFE07B"})],
    ),
    "CAN as CSV": (
        CAN_CSV,
        ("timestamp",),
        {"unit": "s"},
        [
            (0, {"arbitration_id": "0x1a", "data": "00FF"}),
            (250, {"arbitration_id": "0x1b", "data": "00"}),
        ],
    ),
    "GitHub's events": (
        GITHUB,
        ("created_at",),
        {},
        [
            (0, {"id": "1", "public": "true", "payload": '{"ref": "é"}'}),
            (1000, {"id": "2", "org": ""}),
        ],
    ),
    "an array of objects": (
        '[{"t": 1, "a": [1, null]}, {"t": 3, "a": 2.5}]',
        ("t",),
        {"unit": "ms"},
        [(0, {"a": "[1, null]"}), (2, {"a": 2.5})],
    ),
    "German": (
        ROBOT,
        ("t",),
        {"dayfirst": True},
        [(0, {"wert": "1,5"}), (60_000, {"wert": "2,5"})],
    ),
    "a date and a time": (
        "Date;Time;kW\n16/12/2006;17:24:00;4,2\n16/12/2006;17:25:00;5,4\n",
        (["Date", "Time"],),
        {"dayfirst": True},
        [(0, {"kW": "4,2"}), (60_000, {"kW": "5,4"})],
    ),
    "decimal commas without a header": (
        "2026-01-01 10:00;1,5;2,5\n2026-01-01 10:01;3,5;4,5\n",
        (0,),
        {"header": False},
        [(0, {"1": "1,5", "2": "2,5"}), (60_000, {"1": "3,5", "2": "4,5"})],
    ),
    "months": (
        "Month\tn\n1949-01\t112\n1949-02\t118\n",
        ("Month",),
        {},
        [(0, {"n": "112"}), (31 * DAY, {"n": "118"})],
    ),
    "years": (
        "Year|n\n1949|1\n1950|2\n",
        ("Year",),
        {"format": "%Y"},
        [(0, {"n": "1"}), (365 * DAY, {"n": "2"})],
    ),
    "days": ("d,n\n20240228,1\n20240301,2\n", ("d",), {}, [(0, {"n": "1"}), (2 * DAY, {"n": "2"})]),
    "a named month": (
        "d,n\n1 Feb 2024,1\n2 Feb 2024,2\n",
        ("d",),
        {"format": "%d %b %Y"},
        [(0, {"n": "1"}), (DAY, {"n": "2"})],
    ),
    "short dates": (
        "d,n\n2024-1-5 7:05,1\n2024/1/5 7:06,2\n",
        ("d",),
        {},
        [(0, {"n": "1"}), (60_000, {"n": "2"})],
    ),
    "prose before the header": (
        PROSE,
        ("date",),
        {"skip": 2},
        [(0, {"ppm": "1", "n": "2"}), (31 * DAY, {"ppm": "2", "n": "3"})],
    ),
    "comments": (
        COMMENTS,
        ("date",),
        {"skip": "#"},
        [(0, {"ppm": "1", "n": "2"}), (31 * DAY, {"ppm": "2", "n": "3"})],
    ),
    "names for a header that has one too few": (
        "t,n\n1,2,3\n4,5,6\n",
        ("t",),
        {"unit": "s", "names": ["t", "n", "m"]},
        [(0, {"n": "2", "m": "3"}), (3000, {"n": "5", "m": "6"})],
    ),
    "separators at the end, and columns without a name": (
        ",t,n,\n0,2024-01-01,5,\n1,2024-01-02,6,,\n",
        ("t",),
        {},
        [(0, {"0": "0", "n": "5", "3": ""}), (DAY, {"0": "1", "n": "6", "3": ""})],
    ),
    "zones": (
        "t,n\n2024-01-01 00:00:00 UTC,1\n2024-01-01 02:00:01 +0100,2\n2024-01-01T01:00:02Z,3\n",
        ("t",),
        {},
        [(0, {"n": "1"}), (3_601_000, {"n": "2"}), (3_602_000, {"n": "3"})],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_layout_is_read_plain_and_compressed(name: str, pack: Any, put: Any) -> None:
    content, args, options, points = LAYOUTS[name]
    replay = series.read(put(pack(content.encode())), *args, **options)
    assert replay.take(9) == [(pytest.approx(at_ms), fields) for at_ms, fields in points]
    assert replay.take(9) == replay.take(9)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_out_or_given(separator: str, put: Any) -> None:
    rows = [["t", "text, with; signs|", "n"], ["2026-01-01", 'a "b"\n\tc', "1"]]
    path = put("")
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(rows)
    expected = [(0, {"text, with; signs|": 'a "b"\n\tc', "n": "1"})]
    assert series.read(path, "t").take(9) == expected
    assert series.read(path, "t", delimiter=separator).take(9) == expected


MISTAKES: dict[str, tuple[str | bytes, tuple[Any, ...], dict[str, Any], str]] = {
    "a number without unit": (
        RATINGS,
        ("timestamp",),
        {},
        "row 0 (line 2): '1256677221' is not a time: it is a number: give unit='s', which makes "
        "it 2009-10-27",
    ),
    "microseconds": (
        KLINES,
        ("0",),
        {"header": False},
        "give unit='us', which makes it 2025-01-01 00:00:00",
    ),
    "a number that looks like a date": (
        "t,n\n1612112300000,1\n",
        ("t",),
        {},
        "give unit='ms', which makes it 2021-01-31",
    ),
    "a year": ("t,n\n1949,1\n", ("t",), {}, "give format='%Y' for a year"),
    "no header": (KLINES, ("open",), {}, "give header=False"),
    "day or month": ("t,n\n01/02/2024,1\n", ("t",), {}, "Give dayfirst=True or False"),
    "no such month": ("t,n\n31/01/2024,1\n", ("t",), {"dayfirst": False}, "give dayfirst=True"),
    "no such day": ("t,n\n2024-02-30,1\n", ("t",), {}, "day is out of range for month"),
    "a named month": ("t,n\n1 Feb 2024,1\n", ("t",), {}, "give format='%d %b %Y'"),
    "another format": (
        "t,n\n1 Feb 2024,1\n",
        ("t",),
        {"format": "%d.%m.%Y"},
        "does not fit format='%d.%m.%Y'",
    ),
    "a date for a number": (TAXI, ("tpep_pickup_datetime",), {"unit": "s"}, "leave unit= out"),
    "no time": ("t,n\n2024-01-01,1\n,2\n", ("t",), {}, "row 1 (line 3) has no time"),
    "backwards": ("t,n\n2,1\n1,2\n", ("t",), {"unit": "s"}, "sort by 't' first, or give sort=True"),
    "an hour that comes twice": (
        "t,n\n2026-10-25 02:50,1\n2026-10-25 02:10,2\n",
        ("t",),
        {},
        "give their zone with tz=",
    ),
    "a slip": ("time,n\n2024-01-01,1\n", ("tiem",), {}, "did you mean 'time'?"),
    "no column": (RATINGS, (), {}, "time= is missing: name the column with the time, of userId"),
    "a short row": (
        "t,n\n1,1\n2\n",
        ("t",),
        {"unit": "s"},
        "row 1 (line 3) has 1 values for the 2 columns t, n",
    ),
    "a long row": (
        't,n\n1,"two\nlines"\n2,2,5\n',
        ("t",),
        {"unit": "s"},
        "row 1 (line 4) has 3 values",
    ),
    "an open quote": ('t,n\n1,1\n2,"open\n3,3\n', ("t",), {"unit": "s"}, "is not CSV"),
    "two names": (
        "t,n,n\n1,1,2\n",
        ("t",),
        {"unit": "s"},
        "two columns 'n': rename one of them; of a CSV, give names=",
    ),
    "only a time": ("t\n1\n", ("t",), {"unit": "s"}, "row 0 (line 2) has nothing but its time"),
    "a column twice in time": ("t,n\n2024-01-01,1\n", (["t", "t"],), {}, "is not a time"),
    "a sign twice in a format": ("t,n\n1 1,1\n", ("t",), {"format": "%d %d"}, "does not fit"),
    "more than a Decimal": ("t,n\n1e99999999,1\n", ("t",), {"unit": "s"}, "too large"),
    "a name twice in JSON": ('{"t": 1, "a": 1, "a": 2}\n', ("t",), {}, "line 1 of"),
    "deep JSON": (f'{{"t": 1, "a": {"[" * 100_000}\n', ("t",), {}, "is not JSON"),
    "a deep array": ("[" * 100_000, ("t",), {}, "is not JSON"),
    "a codec of bytes": (RATINGS, ("timestamp",), {"encoding": "hex"}, "give 'utf-8'"),
    "no codec": (RATINGS, ("timestamp",), {"encoding": "a\0b"}, "give 'utf-8'"),
    "a line's end": (RATINGS, ("timestamp",), {"delimiter": "\n"}, "give one character"),
    "a quote": (RATINGS, ("timestamp",), {"delimiter": '"'}, "give one character"),
    "a huge value": (f't,n\n1,"{"x" * 2**24}x"\n', ("t",), {"unit": "s"}, "line 2 of"),
    "not a number": ("t,n\nx,1\n", ("t",), {"unit": "s"}, "'x' is not a time"),
    "NaN": ("t,n\nnan,1\n", ("t",), {"unit": "s"}, "has no time: fill in 't'"),
    "NA": ("t,n\n2024-01-01,1\nNA,2\n", ("t",), {}, "frame.dropna(subset=['t'])"),
    "the day is told by its size": ("t,n\n1/27/19,1\n", ("t",), {}, "need dayfirst=False"),
    "a month and a year": ("t,n\nFeb-60,1\n", ("t",), {}, "give format='%b-%y'"),
    "a date of a mail": (
        't,n\n"Mon, 01 Jan 2024 00:00:00 GMT",1\n',
        ("t",),
        {},
        "give format='%a, %d %b %Y %H:%M:%S %Z'",
    ),
    "an American date": ('t,n\n"Jan 1, 2000 5:03 PM",1\n', ("t",), {}, "'%b %d, %Y %I:%M %p'"),
    "a web server's date": (
        "t,n\n[01/Feb/2024:10:11:12 +0100],1\n",
        ("t",),
        {},
        "give format='%d/%b/%Y:%H:%M:%S %z'",
    ),
    "columns of a date": (
        "y,m,n\n1949,January,1\n",
        (["y", "m"],),
        {},
        "give format='%Y %B'",
    ),
    "a day without its year": ("t,n\n26-Dec,1\n", ("t",), {}, "that with the year and this one"),
    "no date at all": ("t,n\nDinner,1\n", ("t",), {}, "give format=, such as '%d %b %Y'"),
    "years back": (
        "t,n\n2024-01-01,1\n2023-01-01,2\n",
        ("t",),
        {},
        "row 1 (line 3): '2023-01-01' is earlier than the row above, and a series can't go back in "
        "time: sort by 't' first, or give sort=True",
    ),
    "prose first": (PROSE, ("date",), {}, "give skip=2 if the table begins after line 2"),
    "comments first": (COMMENTS, ("date",), {}, "give skip='#' if the table begins after line 2"),
    "a name too few": ("t,n\n1,2,3\n4,5,6\n", ("t",), {"unit": "s"}, "names=, a list of 3"),
    "numbers that may be a month": ("t,n\n1-01,2\n", ("t",), {}, "such as '%d %b %Y'"),
    "skip": (PROSE, ("date",), {"skip": -1}, "skip=-1: give a number of lines"),
    "skip nothing": (PROSE, ("date",), {"skip": ""}, "such as '#'"),
    "skip in JSON": ("[]", ("t",), {"names": ["t"]}, "skip= are for CSV files"),
    "a footer": ("d,n\n2024-01-01,1\nSource: me\n", ("d",), {}, "give a list of dicts"),
    "data bytes in columns": (
        CANDUMP_SHOWN,
        (0,),
        {"unit": "s", "header": False},
        "read the file yourself, and give a list of dicts",
    ),
    "quakes as GeoJSON": (GEOJSON, ("time",), {}, "give [row['properties'] for row in json.load("),
    "an object with a list": ('{\n"rows": [\n{"t": 1}]}', ("t",), {}, "['rows']"),
    "another object in lines": ('{"a": [{"b": 1}]}\n', ("t",), {}, "not a table: give json.load("),
    "a byte of no letter": (b"t,n\n2024-01-01,\x81\n", ("t",), {}, "encoding='latin-1'"),
    "not this one either": (
        b"t,n\n2024-01-01,\x81\n",
        ("t",),
        {"encoding": "cp1252"},
        "encoding='latin-1'",
    ),
    "empty": ("", ("t",), {}, "the table is empty"),
    "Latin-1": (b"t,n\n2024-01-01,caf\xe9\n", ("t",), {}, "line 2 of"),
    "Latin-1's encoding": (b"t,n\n2024-01-01,caf\xe9\n", ("t",), {}, "encoding='cp1252'"),
    "UTF-16": ("t,n\n1,1\n".encode("utf-16"), ("t",), {}, "encoding='utf-16'"),
    "no encoding": (RATINGS, ("timestamp",), {"encoding": "utf-9"}, "give 'utf-8'"),
    "a ZIP": (b"PK\x03\x04...", ("t",), {}, "unpack it, or give pandas.read_excel(path)"),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0..", ("t",), {}, "give pandas.read_excel(path)"),
    "zstd": (b"\x28\xb5\x2f\xfd..", ("t",), {}, "compressed with zstd: unpack it"),
    "zstd in gzip": (gzip.compress(b"\x28\xb5\x2f\xfd.."), ("t",), {}, "compressed with zstd"),
    "a database": (b"SQLite format 3\0", ("t",), {}, "give pandas.read_sql"),
    "Arrow": (b"ARROW1\0\0", ("t",), {}, "read_table(path)"),
    "days of a spreadsheet": ("t,n\n45000.5,1\n", ("t",), {}, "save its cells as dates"),
    "thousands": ('t,n\n"1,700,000,000",1\n', ("t",), {"unit": "s"}, "it is not a number"),
    "cut off": (
        gzip.compress(RATINGS.encode())[:-9],
        ("timestamp",),
        {"unit": "s"},
        "can't be read",
    ),
    "damaged": (
        gzip.compress(RATINGS.encode())[:12] + b"damage",
        ("timestamp",),
        {"unit": "s"},
        "can't be read",
    ),
    "no JSON": ('{"t": 1}\n{"t": 2,}\n', ("t",), {"unit": "s"}, "line 2 of"),
    "no object": (
        '{"t": 1, "a": 1}\n[2]\n',
        ("t",),
        {"unit": "s"},
        "row 1 (line 2) is [2]: give a dict",
    ),
    "another object": (
        '{"t": 1, "a": 1}\n{"b": 2}\n',
        ("t",),
        {"unit": "s"},
        "row 1 (line 2) has no 't', but b",
    ),
    "hours": (RATINGS, ("timestamp",), {"unit": "h"}, "unit='h': give 's', 'ms', 'us' or 'ns'"),
    "no zone": (TAXI, ("tpep_pickup_datetime",), {"tz": "Mars"}, "tz='Mars': give a zone's name"),
    "names": (KLINES, ("a",), {"header": False, "names": ["a"]}, "give a list of 3 names"),
    "delimiter": (RATINGS, ("timestamp",), {"delimiter": ";;"}, "give one character"),
    "header": (RATINGS, ("timestamp",), {"header": None}, "give False if the first row has values"),
    "dayfirst": (
        RATINGS,
        ("timestamp",),
        {"dayfirst": "yes"},
        "dayfirst='yes': give True or False",
    ),
    "both": (RATINGS, ("timestamp",), {"unit": "s", "format": "%Y"}, "give one"),
    "CSV's options": ("[]", ("t",), {"names": ["t"]}, "are for CSV files"),
    "1960": ("t,n\n1960-01-01,1\n", ("t",), {"keep_time": True}, "leave keep_time out"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_the_call_with_the_next_step(name: str, put: Any) -> None:
    content, args, options, words = MISTAKES[name]
    assert words in refused(put(content), *args, **options)


NO_TABLES = [None, 5, b"x", {"t": [1]}, [1], [(0, {"a": 1})], np.zeros(3), "no/such.csv", "\0", "."]
NO_TABLES += ["x" * 300, "\ud800"]


@pytest.mark.parametrize("source", NO_TABLES, ids=repr)
def test_what_is_no_table_is_told_so(source: Any) -> None:
    message = refused(source, "t")
    assert "is not a file: correct the path" in message or "dicts" in message


def test_a_lazy_frame_has_no_rows_and_a_frame_no_header() -> None:
    assert "give frame.collect()" in refused(pl.LazyFrame({"t": [1]}), "t")
    assert "are for CSV files" in refused(pd.DataFrame({"t": [1]}), "t", header=False)
    assert refused(pd.Series([1])) == "a Series has values and no times: give its to_frame()"
    assert refused(pd.DataFrame()) == "the table is empty: give one with a row at least"
    assert refused("https://example.com/a.csv", "t").endswith("correct the path, or download it")


def test_a_path_may_begin_with_a_tilde_and_seconds_have_a_decimal_comma(
    put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put("t;n\n1700000000,25;1\n1700000001,5;2\n")
    monkeypatch.setenv("HOME", str(path.parent))
    points = series.read(f"~/{path.name}", "t", unit="s").take(2)
    assert points == [(0, {"n": "1"}), (1250, {"n": "2"})]


def test_a_csv_that_a_spreadsheet_saved_is_read(put: Any) -> None:
    path = put(b'\xef\xbb\xbfwhen,n\r\n1,"a\r\nb"\r\n\r\n2,\r\n')
    assert series.read(str(path), "when", unit="s").take(9) == [
        (0, {"n": "a\r\nb"}),
        (1000, {"n": ""}),
    ]
    wide = put("t,a\n2026-01-01,café\n".encode("utf-16"))
    assert series.read(wide, "t", encoding="utf-16").take(9) == [(0, {"a": "café"})]


def test_a_csv_that_changes_afterwards_is_still_checked(put: Any) -> None:
    replay = series.read(path := put("when,n\n1,1\n"), "when", unit="s")
    put("when,n\n1,1\n2,2,2\n")
    with pytest.raises(InputError, match="has 3 values"):
        replay.take(9)
    path.unlink()
    with pytest.raises(InputError, match="can't be read"):
        replay.take(9)


TIMES = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in (0, 1)]
POINTS = [(0.0, {"n": 1, "x": 0.5, "s": "é"}), (1000.0, {"n": 2, "x": "", "s": ""})]
COLUMNS: dict[str, list[Any]] = {"t": TIMES, "n": [1, 2], "x": [0.5, None], "s": ["é", None]}


def frames() -> dict[str, Any]:
    """Return one table in every form that a program may hold it."""
    return {
        "pandas": pd.DataFrame(COLUMNS),
        "pandas of objects": pd.DataFrame(COLUMNS, dtype=object),
        "polars": pl.DataFrame(COLUMNS),
        "Arrow": pa.table(COLUMNS),
        "dicts": [
            dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)
        ],
        "an index": pd.DataFrame(COLUMNS).set_index("t"),
        "rows left out": pd.DataFrame({k: [v[0], *v] for k, v in COLUMNS.items()}).iloc[1:],
    }


@pytest.mark.parametrize("kind", frames())
def test_a_missing_value_is_an_empty_text_in_every_table(kind: str) -> None:
    assert series.read(frames()[kind], "t").take(9) == POINTS


def test_an_index_needs_no_name() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.date_range("2026", periods=2, freq="D"))
    assert series.read(frame).take(9) == [(0, {"n": 1}), (DAY, {"n": 2})]
    assert series.read(pd.DataFrame({"n": [1]}, index=[date(2026, 1, 1)])).take(9) == [
        (0, {"n": 1})
    ]
    assert "time= is missing" in refused(pd.DataFrame({"n": [1]}))
    levels = frame.set_index("n", append=True)
    assert "reset_index()" in refused(levels)


@pytest.mark.parametrize("kind", ["pandas", "polars", "dicts"])
def test_spans_of_time_are_times(kind: str) -> None:
    spans = [timedelta(seconds=5), timedelta(days=1, seconds=5, microseconds=1)]
    rows: Any = {"t": spans, "n": [1, 2]}
    tables: dict[str, Any] = {
        "pandas": lambda: pd.DataFrame(rows).set_index("t"),
        "polars": lambda: pl.DataFrame(rows),
        "dicts": lambda: [{"t": span, "n": n} for n, span in enumerate(spans, 1)],
    }
    points = [(0, {"n": 1}), (86_400_000.001, {"n": 2})]
    assert series.read(tables[kind](), "t").take(9) == points
    assert "earlier than the row above" in refused([{"t": one, "n": 1} for one in spans[::-1]], "t")


def test_parquet_is_read_as_its_frame(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pd.DataFrame(COLUMNS).to_parquet(path)
    assert series.read(path, "t").take(9) == POINTS
    path.write_bytes(path.read_bytes()[:100])
    assert "can't be read" in refused(path, "t")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, ""),
        (math.nan, ""),
        (pd.NA, ""),
        (pd.NaT, ""),
        (np.float32("nan"), ""),
        (True, "true"),
        (np.False_, "false"),
        ([1, "é"], '[1, "é"]'),
        ({"b": None, "c": True}, '{"b": null, "c": true}'),
        ((1, np.int64(2)), "[1, 2]"),
        (np.array([[1.5], [2.0]]), "[[1.5], [2.0]]"),
        (pd.Timestamp("2026-01-01", tz="UTC"), "2026-01-01 00:00:00+00:00"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (b"\xff", b"\xff"),
        (2**70, 2**70),
        (Decimal("sNaN"), ""),
    ],
    ids=repr,
)
def test_each_value_is_stored_by_one_rule(value: Any, stored: Any) -> None:
    rows = [{"t": 1, "a": value}]
    assert series.read(rows, "t", unit="s").take(9) == [(0, {"a": stored})]
    frame = pd.DataFrame({"t": [1], "a": pd.Series([value], dtype=object)})
    assert series.read(frame, "t", unit="s").take(9) == [(0, {"a": stored})]


@pytest.mark.parametrize("value", [{1, 2}, [math.nan], [datetime(2026, 1, 1)], {1: {2, 3}}])
def test_a_collection_without_json_is_refused(value: Any) -> None:
    message = refused([{"t": 1, "a": 1}, {"t": 2, "a": value}], "t", unit="s")
    assert message.startswith("row 1, column 'a': ")
    assert "can't be JSON" in message


def test_what_cannot_be_stored_is_refused_at_the_call() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("\ud800", 10**5000, deep):
        rows = [{"t": 1, "a": "x"}, {"t": 2, "a": value}]
        assert refused(rows, "t", unit="s").startswith("row 1, column 'a': ")


def test_columns_may_be_numbers_but_not_a_text_and_a_number_of_one_name() -> None:
    rows = [{0: "2026-01-01", 1: 5}]
    assert series.read(rows, time=0).take(1) == [(0, {"1": 5})]
    assert "there is no column '7'" in refused(rows, 7)
    assert "row 0 has two columns of one name" in refused([{"t": 1, "1": 2, 1: 3}], "t")


def test_values_may_be_long_and_json_may_be_utf_16(put: Any) -> None:
    long = "x\n" * 500_000
    assert series.read(put(f't,n\n1,"{long}"\n'), "t", unit="s").take(1) == [(0, {"n": long})]
    for text in ('{"t": 1, "a": "é"}\n', '[{"t": 1, "a": "é"}]'):
        path = put(text.encode("utf-16"))
        assert series.read(path, "t", unit="s", encoding="utf-16").take(1) == [(0, {"a": "é"})]


def test_a_table_is_replayed_as_it_was() -> None:
    frame, rows = pd.DataFrame({"t": [1, 2], "a": [1, 2]}), [{"t": 1, "a": 1}, {"t": 2, "a": 2}]
    replays = [series.read(one, "t", unit="s") for one in (frame, rows, iter(rows))]
    frame["b"] = 3
    frame.loc[0, "a"] = rows[0]["a"] = 9
    for replay in replays:
        assert replay.take(3) == replay.take(3) == [(0.0, {"a": 1}), (1000.0, {"a": 2})]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers()), max_size=9))
def test_sorting_keeps_the_order_of_equal_times(pairs: list[tuple[int, int]]) -> None:
    rows = [{"t": t, "n": n} for t, n in pairs]
    ordered = sorted(rows, key=lambda row: row["t"])
    replay = series.read(rows, "t", unit="ms", sort=True).take(9) if rows else []
    assert [fields["n"] for _, fields in replay] == [row["n"] for row in ordered]
    assert [at_ms for at_ms, _ in replay] == [row["t"] - ordered[0]["t"] for row in ordered]


def test_local_times_of_an_hour_that_comes_twice_go_on_with_their_zone() -> None:
    times = [f"2026-10-25 0{time}" for time in ("1:50", "2:20", "2:50", "2:10", "2:40", "3:00")]
    rows = [{"t": time, "n": n} for n, time in enumerate(times)]
    minutes = [at / 60_000 for at in series.read(rows, "t", tz="Europe/Zurich").times()]
    assert minutes == [0, 30, 60, 80, 110, 130]
    in_order = [(minute, n) for n, minute in enumerate(minutes)]
    assert "sort=True" in refused(rows[::-1], "t", tz="Europe/Zurich")
    for some in (rows, rows[::-1]):  # in the order of time, from the first or from the last
        replay = series.read(some, "t", tz="Europe/Zurich", sort=True).take(9)
        assert [(at / 60_000, row["n"]) for at, row in replay] == in_order
    mixed = [rows[3], rows[0], *rows[4:], *rows[1:3]]
    message = refused(mixed, "t", tz="Europe/Zurich", sort=True)
    assert message.startswith("row 0: '2026-10-25 02:10' comes twice in its zone")
    assert "write the times with their offset" in message
    offsets = [dict(row, t=f"{row['t']}+0{2 if row['n'] < 3 else 1}:00") for row in mixed]
    replay = series.read(offsets, "t", tz="Europe/Zurich", sort=True)
    assert [(at / 60_000, row["n"]) for at, row in replay] == in_order


def test_local_times_in_no_order_are_sorted_where_none_comes_twice() -> None:
    times = ("2026-10-25 03:10", "2026-03-29 02:30", "2026-10-25 01:10", "2026-03-29 03:10")
    rows = [{"t": time, "n": n} for n, time in enumerate(times)]
    replay = series.read(rows, "t", tz="Europe/Zurich", sort=True).take(9)
    assert [row["n"] for _, row in replay] == [3, 1, 2, 0], "02:30 was skipped: it is 03:30"
    assert replay[-1][0] - replay[-2][0] == 3 * 3_600_000


@settings(deadline=None)
@given(
    st.integers(10**9, 2 * 10**9),
    st.lists(st.integers(0, 10**12), min_size=1, max_size=5).map(sorted),
)
def test_every_unit_says_the_same_time(start_s: int, offsets_us: list[int]) -> None:
    micros = [start_s * 10**6 + offset for offset in offsets_us]
    texts = {
        "us": [str(one) for one in micros],
        "ns": [one * 1000 for one in micros],
        "ms": [f"{one // 1000}.{one % 1000:03d}" for one in micros],
        "s": [f"{one // 10**6}.{one % 10**6:06d}" for one in micros],
        None: [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=one) for one in micros],
    }
    expected = [(one - micros[0]) / 1000 for one in micros]
    for unit, values in texts.items():
        rows = [{"t": value, "n": 1} for value in values]
        replay = series.read(rows, "t", unit=unit, keep_time=True)
        assert replay.began_ms == micros[0] // 1000
        firsts = replay.times()
        assert [at - firsts[0] for at in firsts] == pytest.approx(expected, abs=1e-3)


def kept(*times_ms: int, name: str = "n") -> Series:
    rows = [{"t": at, name: at} for at in times_ms]
    return series.read(rows, "t", unit="ms", keep_time=True)


def test_two_files_that_keep_their_times_merge_by_them() -> None:
    merged = kept(1000, 3000).merge(kept(2000, 3000, name="m"), kept(500, name="l"))
    assert [(str(one), *fields) for one, fields in merged.entries()] == [
        ("500-0", "l"),
        ("1000-0", "n"),
        ("2000-0", "m"),
        ("3000-0", "n"),
        ("3000-1", "m"),
    ]
    with pytest.raises(InputError, match="keep_time=True, or none"):
        kept(1).merge(series.orders())
    with pytest.raises(InputError, match=r"series\.read\(\.\.\., keep_time=True\)"):
        series.orders().entries()


def test_entries_keep_their_times_in_bulk_and_in_a_run(redis: redis_py.Redis, key: str) -> None:
    first, second = kept(2000, 3000, 3000), kept(1500, 9000)
    Stream(redis, f"{key}:bulk").add_many(first.merge(second).entries())
    run = Scenario(redis)
    run.produce(f"{key}:run", first)
    run.produce(f"{key}:run", second)
    history = run.run()
    ids = [
        [str(one.id) for one in Stream(redis, f"{key}:{how}").range()] for how in ("bulk", "run")
    ]
    assert ids[0] == ids[1] == ["1500-0", "2000-0", "3000-0", "3000-1", "9000-0"]
    assert (history.samples[0].time_ms, history.samples[-1].length) == (1500, 5)
    with pytest.raises(InputError, match="before the first run"):
        run.produce(f"{key}:run", first)


def test_data_that_keep_their_times_play_live_from_the_first_of_them(
    redis: redis_py.Redis, key: str, until: Any
) -> None:
    with Scenario(redis) as live:
        live.produce(key, kept(5_000_000, 5_000_050))
        live.produce(key, kept(5_000_020))
        live.start()
        until(lambda: Stream(redis, key).length() == 3)


def test_a_run_without_seconds_goes_to_the_end_and_its_samples_cover_it(
    redis: redis_py.Redis, key: str
) -> None:
    days = [{"day": date(2024, 1, 1) + timedelta(days=n), "n": n} for n in range(366)]
    year = Scenario(redis)
    year.produce(key, series.read(days, "day", keep_time=True))
    year.group(key, "clerk", service_ms=3_600_000)
    history = year.run()
    assert [fields.fields["n"] for fields in Stream(redis, key).range(count=2)] == ["0", "1"]
    assert Stream(redis, key).length() == 366
    samples = history.samples
    assert samples[0].time_ms == datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000
    assert samples[-1].time_ms >= datetime(2024, 12, 31, tzinfo=UTC).timestamp() * 1000
    assert samples[-1].n == len(samples), "nothing was dropped"
    assert len(samples) > 500
    (clerk,) = year.summary().groups
    assert clerk.acknowledged >= 365
    with pytest.raises(InputError, match="no series goes on: give run"):
        year.run()


def test_a_short_run_without_seconds_keeps_its_interval(redis: redis_py.Redis, key: str) -> None:
    shop = Scenario(redis)
    shop.produce(key, series.constant(rate_hz=10).limit(21))
    shop.producers[0].rate = 2
    assert shop.run().samples[-1].length == 21
    assert shop.sample_every_ms == 100
    assert shop.clock.env.now == 1100


@pytest.mark.parametrize("points", [series.orders(), (one for one in [(0, {"a": 1})])])
def test_a_run_to_the_end_of_what_may_not_end_is_refused(
    redis: redis_py.Redis, key: str, points: Any
) -> None:
    shop = Scenario(redis)
    with pytest.raises(InputError, match="no series goes on"):
        shop.watch(key).run()
    shop.produce(key, points)
    with pytest.raises(InputError, match=r"give run\(\) its seconds, or end the series with limit"):
        shop.run()
    assert shop.run(seconds=1).samples


def test_json_of_a_field_is_json(put: Any) -> None:
    ((_, fields), *_rest) = series.read(put(GITHUB, "events.jsonl"), "created_at").take(2)
    assert json.loads(str(fields["payload"])) == {"ref": "é"}


def test_parquet_without_its_extra_says_how_to_install_it(put: Any) -> None:
    program = (
        "import sys; sys.modules['pyarrow'] = sys.modules['pandas'] = None\n"
        "from streamviz import series; series.read(sys.argv[1], 't')"
    )
    path = put(b"PAR1...", "data.parquet")
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert "needs pandas and pyarrow: pip install '.[parquet]'" in done.stderr


class Bare:
    """Something without a text of its own."""


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (memoryview(b"\x00\xff"), b"\x00\xff"),  # what a database driver returns for bytes
        (bytearray(b"x"), b"x"),
        (np.datetime64("NaT"), ""),
        (np.timedelta64("NaT"), ""),
        (np.datetime64("2026-03"), "2026-03"),
        (1j, "1j"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ],
)
def test_a_value_is_kept_as_what_it_holds(
    redis: redis_py.Redis, key: str, value: object, kept: object
) -> None:
    ((_, fields),) = series.read([{"t": 0, "v": value}], "t", unit="s").take(2)
    assert fields == {"v": kept}
    Stream(redis, key).add(fields)
    ((_, stored),) = redis.xrange(key)
    assert stored == {b"v": kept if isinstance(kept, bytes) else str(kept).encode()}


@pytest.mark.parametrize("value", [Bare(), iter(()), range(3), len])
def test_a_value_without_a_text_of_its_own_is_refused(value: object) -> None:
    message = refused([{"t": 0, "v": value}], "t", unit="s")
    kind = type(value).__name__
    assert message.startswith(f"row 0, column 'v': a {kind} has no text of its own: convert it")


def test_times_of_numpy_are_exact_to_the_nanosecond_as_those_of_pandas_are() -> None:
    texts = ["2026-03-01T00:00:00.123456789", "2026-03-01T00:00:00.123456790"]
    for kind in (lambda one: np.datetime64(one, "ns"), pd.Timestamp):
        rows = [{"t": kind(one), "n": 1} for one in texts]
        replay = series.read(rows, "t", keep_time=True)
        assert (replay.began_ms, replay.times()) == (1772323200123, [0.456789, 0.45679])
    for text in ("2026", "2026-01", "2026-01-01", "2026-01-01T00"):
        replay = series.read([{"t": np.datetime64(text), "n": 1}], "t", keep_time=True)
        assert replay.began_ms == 1767225600000
    assert "has no time" in refused([{"t": np.datetime64("NaT"), "n": 1}], "t")
    assert "years 1 and 9999" in refused([{"t": np.datetime64(10**4, "Y"), "n": 1}], "t")
