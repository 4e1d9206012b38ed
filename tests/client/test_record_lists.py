"""Lists of records as frames and as tables; what a notebook shows of them is safe and small."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
import redis as redis_py
from plots.histories import HOSTILE, group, history, sample

from streamviz import CommandLog, History, Stream
from streamviz.client.entry_id import EntryId
from streamviz.client.models import (
    Claimed,
    ConsumerInfo,
    Entry,
    FullGroup,
    FullPending,
    GroupInfo,
    IdmpInfo,
    PendingEntry,
    PendingSummary,
    StreamFull,
    StreamInfo,
)
from streamviz.client.records import Records
from streamviz.observation.events import Event
from streamviz.observation.sample import Lag
from streamviz.server.embedded import EmbeddedServer

ID = EntryId(1_767_225_600_000, 1)


class Table(HTMLParser):
    """The tags of a piece of HTML, its rows, and its other texts."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.said = ""
        self.open = 0
        self.feed(source)
        self.close()
        assert self.open == 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style"}
        self.tags.add(tag)
        self.open += 1
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.open -= 1
        self.within = tag

    def handle_data(self, data: str) -> None:
        self.said += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def shown(value: Any) -> Table:
    """Return what a notebook shows of a value, and check that it is safe and not too wide."""
    source = value._repr_html_()
    table = Table(source)
    assert table.tags <= {"div", "p", "table", "tr", "th", "td", "code"}
    assert table.said.isprintable()
    assert "\x1b" not in repr(value)
    assert all(one.isprintable() for one in repr(value).split("\n"))
    for row in table.rows:
        assert max(map(len, row)) <= (200 if len(row) == 2 else 41)
    assert all(len(row) <= 9 for row in table.rows)
    assert len(source) < 60_000
    return table


def records(text: str) -> list[Any]:
    """Return one record of each kind, with a text wherever it can have one."""
    entry = Entry(ID, {text: text, "b": text})
    twice = Entry(ID, {text: "2"}, 5, 1, ((text, "1"), (text, "2")))
    info = StreamInfo(1, 1, 2, 1, ID, None, 1, None, entry, twice, IdmpInfo(1, 2, 3, 4, 5, 6))
    crew = GroupInfo(text, 1, 1, ID, None, None)
    full = FullGroup(crew, (FullPending(ID, text, 5, 1),), {text: 1})
    return [
        *(entry, twice, info, crew, full),
        PendingEntry(ID, text, 5, 1),
        ConsumerInfo(text, 1, 5, None),
        PendingSummary(1, ID, ID, {text: 1}),
        Claimed(ID, (entry,), (ID,), (ID,)),
        StreamFull(info, (entry,), (full,)),
        Records(Entry, [entry, twice]),
        Records(PendingEntry, [PendingEntry(ID, text, 5, 1)]),
        Records(GroupInfo, [crew]),
        Lag(None, "unknown", text, None),
        Event("note", text, detail=text),
        sample(1, group(text, reason=text), events=[text], readers={text: ID}),
        history(sample(1, group(text, reason=text))),
        History(),
    ]


@pytest.mark.parametrize("text", [*HOSTILE, "n" * 10_000, "\x00" * 10_000, "\u202eabc"])
@pytest.mark.parametrize("place", range(18))
def test_whatever_its_texts_a_record_is_a_small_table(place: int, text: str) -> None:
    assert len(records(text)) == 18
    table = shown(records(text)[place])
    assert table.rows


def test_an_entry_shows_its_fields_in_order_and_repeated_ones() -> None:
    entry = Entry(EntryId(1), {"id": "b"}, repeated=(("id", "a"), ("id", "b")))
    assert shown(entry).rows == [["Entry", ""], ["id", "1-0"], ["id", "a"], ["id", "b"]]
    info = StreamInfo(1, 1, 2, 0, ID, None, 1, None, entry, None)
    assert ["first_entry", "id 1-0, id a, id b"] in shown(info).rows
    assert ["last_entry", "–"] in shown(info).rows


def test_a_cell_with_many_names_counts_those_that_it_leaves_out() -> None:
    summary = PendingSummary(50, ID, ID, {f"c{n}": 1 for n in range(50)})
    (cell,) = (row[1] for row in shown(summary).rows if row[0] == "consumers")
    assert cell.startswith("c0 1, c1 1, ")
    assert cell.endswith("c19 1, … and 30 more")


def test_the_largest_id_is_shown_whole() -> None:
    entry = Entry(EntryId.MAX, {"a": "b"})
    assert Records(ConsumerInfo)._repr_html_() is None, "it is shown as []"
    for value in (entry, Records(Entry, [entry]), Records(GroupInfo, [group_at(EntryId.MAX)])):
        assert str(EntryId.MAX) in shown(value).said


def group_at(cursor: EntryId) -> GroupInfo:
    return GroupInfo("g", 1, 1, cursor, None, None)


def test_a_long_list_shows_twenty_rows_and_counts_the_rest(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-1", {"n": n}) for n in range(1, 2001))
    table = shown(stream.range())
    assert [row[0] for row in table.rows] == ["id", *(f"{n}-1" for n in range(1, 21))]
    assert "… and 1,980 more" in table.said
    assert "more" not in shown(stream.range(count=20)).said
    wide: dict[str, str] = {f"field {n}": str(n) for n in range(500)}
    stream.add(wide, id="3000-1")
    last = shown(stream.reverse_range(count=1))
    assert last.rows[0] == ["id", *(f"field {n}" for n in range(7)), "… 493 more"]
    assert "… and 481 more" in shown(stream.reverse_range(count=1)[0]).said


def test_a_stream_and_a_group_show_their_numbers_and_no_log_has_the_questions(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    crew = stream.group("crew")
    with CommandLog(redis) as log:
        crew.create(mkstream=True)
        stream.add({"a": 1}, id="1-0")
        crew.consumer("ann").read()
        sent = len(log)
        tables = shown(stream), shown(crew)
        assert len(log) == sent == 3
    assert ["length", "1"] in tables[0].rows
    assert ["crew", "1", "1", "1-0", "1", "0"] in tables[0].rows
    assert ["pending", "1"] in tables[1].rows
    assert [row[:2] for row in tables[1].rows][-1] == ["ann", "1"]


def test_a_stream_that_cannot_be_asked_shows_why(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    assert "there is no stream" in shown(stream).said
    assert "there is no stream" in shown(stream.group("crew")).said
    stream.add({"a": 1})
    assert "has no group 'crew'" in shown(stream.group("crew")).said
    redis.set(f"{key}:text", "x")
    assert "another type" in shown(Stream(redis, f"{key}:text")).said


def test_a_stream_of_a_server_that_is_gone_shows_why() -> None:
    with EmbeddedServer() as server:
        client = server.client()
        stream = Stream(client, "orders")
    assert "does not answer" in shown(stream).said
    assert "does not answer" in shown(stream.group("crew")).said
    client.close()


@pytest.mark.parametrize("name", ["a\x1b[31m", "two\nlines", "\u202eabc"])
def test_the_log_of_commands_prints_no_control_characters(
    redis: redis_py.Redis, key: str, name: str
) -> None:
    stream = Stream(redis, key)
    with CommandLog(redis) as log:
        stream.group(name).create(mkstream=True)
        stream.add({name: name}, id="1-0")
        stream.group(name).consumer(name).read()
        with pytest.raises(Exception, match="refused"):
            stream.connection.call("XGROUP", name, key, name)
    assert len(log) == 4
    assert any("pending: 0 → 1" in change for one in log for change in one.changes)
    assert all(line.isprintable() for line in repr(log).split("\n"))
    assert all(one.changes == tuple(map(str.strip, one.changes)) for one in log)


# --- frames -------------------------------------------------------------------------------------


def values(column: Any) -> list[Any]:
    return [None if one is pd.NA or one is pd.NaT else one for one in column]


def test_entries_become_a_frame_with_a_column_for_each_field(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add({"id": 7, "price": 2.5}, id=ID)
    stream.add({"price": "3", "entry_id": "x", "time": "noon"}, id=ID.next())
    stream.connection.call("XADD", key, "1999999999999-0", "price", "1", "price", "4")
    frame = stream.range().to_frame()
    names = ["entry_id", "entry_time", "id", "price", "field_entry_id", "time"]
    assert list(frame.columns) == names
    ids: Any = redis.xrange(key)
    assert list(frame["entry_id"]) == [one.decode() for one, _ in ids]
    assert [one.timestamp() * 1000 for one in frame["entry_time"]] == [ID.ms, ID.ms, 1999999999999]
    assert values(frame["id"]) == ["7", None, None]
    assert frame["price"].astype(float).sum() == 9.5
    assert values(frame["time"]) == [None, "noon", None]


def test_ids_that_are_no_times_have_none(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many([("5-1", {"a": 1}), (EntryId.MAX, {"a": 2})])
    frame = stream.range().to_frame()
    assert list(frame["entry_id"]) == ["5-1", str(EntryId.MAX)]
    assert values(frame["entry_time"]) == [None, None]


def test_pending_entries_become_frames_that_a_full_count_confirms(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(100))
    crew = stream.group("crew")
    crew.create("0")
    for name, count in (("ann", 30), ("bob", 20), ("cid", 0)):
        crew.consumer(name).read(count or 1)
    crew.ack(*(one.id for one in stream.range(count=10)))
    counts = dict.fromkeys(("ann", "bob", "cid"), 0)
    rows: Any = redis.xpending_range(key, "crew", "-", "+", 1000)
    for one in rows:
        counts[one["consumer"].decode()] += 1
    summary, each = crew.pending().to_frame(), crew.pending_entries().to_frame()
    assert dict(zip(summary["consumer"], summary["pending"], strict=True)) == counts
    assert counts == {"ann": 20, "bob": 20, "cid": 1}
    assert list(each["entry_id"]) == [one["message_id"].decode() for one in rows]
    assert dict(each["consumer"].value_counts()) == counts
    joined = each.merge(stream.range().to_frame(), on="entry_id")
    assert list(joined["n"].astype(int)) == list(range(10, 51))
    members = crew.consumers().to_frame()
    assert dict(zip(members["name"], members["pending"], strict=True)) == counts
    (groups,) = stream.groups().to_frame().to_dict("records")
    assert (groups["pending"], groups["lag"], groups["consumers"]) == (41, 49, 3)


def test_without_rows_a_frame_has_the_same_columns(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    crew = stream.group("crew")
    crew.create("0", mkstream=True)

    asked: list[Callable[[], Any]] = [crew.pending, crew.pending_entries, crew.consumers]
    empty = [one().to_frame() for one in asked]
    assert [len(one) for one in empty] == [0, 0, 0]
    assert list(stream.range().to_frame().columns) == ["entry_id", "entry_time"]
    stream.add({"a": 1}, id=ID)
    crew.consumer("ann").read()
    for before, one in zip(empty, asked, strict=True):
        after = one().to_frame()
        assert len(after) == 1
        pd.testing.assert_series_equal(before.dtypes, after.dtypes)


def test_a_lag_that_the_server_does_not_know_is_missing(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(3))
    stream.group("late").create("$")
    stream.add({"n": 3})
    frame = stream.groups().to_frame()
    assert values(frame["lag"]) == [None]
    assert str(frame["lag"].dtype) == "Int64"
