"""Values side by side: what is shown is what there is, and nothing of it is code."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
import redis as redis_py
from plots.histories import HOSTILE, U64

from streamviz import Stream
from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.errors import InputError
from streamviz.plots import Columns
from streamviz.plots.reply_columns import depth, lines
from streamviz.plots.texts import clean
from streamviz.server.embedded import EmbeddedServer

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "title", "desc", "text", "path"}


@pytest.mark.parametrize(
    ("value", "deep"),
    [
        (1, 0),
        (b"tea", 0),
        ([], 1),
        ({}, 1),
        ([1, [2, [3]]], 3),
        ({"a": {"b": [1]}}, 3),
        ((1, [2]), 2),
        ([[], [[[]]]], 4),
    ],
)
def test_the_depth_counts_what_lies_in_each_other(value: Any, deep: int) -> None:
    assert depth(value) == deep


def test_a_real_reply_gets_less_deep_from_column_to_column(
    server: EmbeddedServer, redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add({"cup": "tea", "price": 2}, id="5-1")
    raw = {}
    for protocol in (2, 3):
        with server.client(protocol=protocol) as client:
            raw[f"resp{protocol}"] = Connection(client).call("XREAD", "STREAMS", key, "0")
    typed = stream.read("0")
    assert [depth(value) for value in (raw["resp2"], raw["resp3"], typed)] == [5, 4, 2]
    board = Columns(**raw, typed=typed)
    assert repr(board).startswith("resp2, 5 deep: [[b'")
    assert "typed, 2 deep: [Entry(id=EntryId('5-1'), fields={'cup': 'tea'" in repr(board)


def test_what_is_too_long_for_a_line_has_its_parts_below() -> None:
    assert list(lines([EntryId(U64, U64)])) == ["[", f"  {EntryId(U64, U64)!r},", "]"]
    entry = Entry(EntryId(998), {"cup": "oolong", "milk": "no, thanks"})
    assert list(lines({"short": [1, 2]})) == ["{'short': [1, 2]}"]
    assert list(lines([entry, b"x" * 40])) == [
        "[",
        "  Entry(",
        "    id=EntryId('998-0'),",
        "    fields={",
        "      'cup': 'oolong',",
        "      'milk': 'no, thanks',",
        "    },",
        "  ),",
        f"  b'{'x' * 40}',",
        "]",
    ]


def words(board: Columns) -> list[str]:
    return [node.text or "" for node in drawn(board).iter(f"{SVG}text")]


def drawn(board: Columns) -> ElementTree.Element:
    return ElementTree.fromstring(board._repr_svg_().encode("utf-8"))


def test_the_picture_has_every_column_and_line_and_says_so_in_words() -> None:
    board = Columns(raw=[[b"tea", [b"x" * 30]], [b"cup"]], typed={"cup": 1})
    assert words(board) == [
        "raw,\xa03\xa0deep",
        *(line.replace(" ", "\xa0") for line in lines(board.columns["raw"])),
        "typed,\xa01\xa0deep",
        "{'cup':\xa01}",
    ]
    tree = drawn(board)
    assert tree.findtext(f"{SVG}title") == "raw, 3 deep; typed, 1 deep."
    assert tree.findtext(f"{SVG}desc") == repr(board)
    assert len(list(tree.iter(f"{SVG}path"))) == 2
    assert board._repr_svg_() == board._repr_svg_()


def test_a_line_that_is_too_long_is_cut_in_the_picture_only() -> None:
    board = Columns(**dict.fromkeys("abc", b"x" * 99))
    assert all(len(line) <= 30 for line in words(board))
    assert sum(line.endswith("…") for line in words(board)) == 3
    assert repr(board).count("x" * 99) == 3


def test_what_is_hostile_is_shown_as_text() -> None:
    for name in HOSTILE:
        board = Columns(**{name: [name, {name: name}]})
        assert {node.tag.removeprefix(SVG) for node in drawn(board).iter()} == SHAPES
        assert words(board)[0].startswith(clean(name).replace(" ", "\xa0"))
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", repr(board))
        repr(board).encode("utf-8")


def test_no_column_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing to show"):
        Columns()
