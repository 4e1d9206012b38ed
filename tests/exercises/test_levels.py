"""The picture of a reply has a box for each list and map, with its level."""

from __future__ import annotations

from typing import Any

import pytest

from exercises.levels import levels
from streamviz import EntryId
from streamviz.client.models import Entry

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
