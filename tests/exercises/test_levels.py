"""The picture of a reply has a box for each list and map, with its level."""

from __future__ import annotations

from typing import Any

import pytest
import redis as redis_py

from exercises.levels import depth, levels
from streamviz import EntryId, Stream
from streamviz.client.connection import Connection
from streamviz.client.models import Entry
from streamviz.server.embedded import EmbeddedServer

RAW = [[b"tea", [[b"5-9", [b"cup", b"oolong", b"price", b"4"]]]]]
TYPED = [Entry(EntryId(5, 9), {"cup": "oolong", "price": "4"})]


@pytest.mark.parametrize(
    ("value", "boxes"),
    [(RAW, [1, 2, 3, 4, 5]), (TYPED, [1, 2]), ([], []), ({"a": [1], "b": [2]}, [1, 2, 2])],
)
def test_each_list_and_map_is_a_box_on_its_level(value: Any, boxes: list[int]) -> None:
    svg = levels(value=value).svg
    numbers = [n for n in range(1, 9) for _ in range(svg.count(f">{n}</text>"))]
    assert numbers == boxes
    assert svg.count("fill-opacity='.07'") == len(boxes)


def test_what_is_marked_stands_out_and_only_that() -> None:
    assert levels(b"4", "4", raw=RAW, typed=TYPED).svg.count("fill-opacity='.45'") == 2
    assert levels([b"ann", b"2"], raw=[[b"ann", b"2"], [b"ben", 2]]).svg.count("'.45'") == 1
    assert levels(1, raw=[True, 1.0, b"1"]).svg.count("'.45'") == 0


def test_in_words_it_is_each_value_with_its_depth() -> None:
    assert (
        repr(levels(raw=RAW[0], none=[None])) == f"raw, 4 levels: {RAW[0]}\nnone, 1 level: [None]"
    )


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
def test_the_depth_counts_how_lists_and_maps_are_nested(value: Any, deep: int) -> None:
    assert depth(value) == deep


def test_a_real_reply_is_less_deep_in_resp3_and_least_if_it_is_typed(
    server: EmbeddedServer, redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add({"cup": "tea", "price": 2}, id="5-1")
    raw = {}
    for protocol in (2, 3):
        with server.client(protocol=protocol) as client:
            raw[protocol] = Connection(client).call("XREAD", "STREAMS", key, "0")
    assert [depth(value) for value in (raw[2], raw[3], stream.read("0"))] == [5, 4, 2]
