"""Words of a picture that have no room: none is lost without being counted."""

from __future__ import annotations

import random
import re
from itertools import combinations

import pytest

from streamviz.plots.svg_traces import Panel, draw_trace
from streamviz.plots.svg_words import Role, Word, spread, word
from streamviz.plots.traces import end_labels, end_texts

WIDE = ["b" * 40] * 9  # two have no room beside each other


def crowd(*texts: str, trace: str = "t", y: float = 50.0) -> list[Word]:
    """Return words of one trace, all at one point."""
    at = (100.0, y)
    return [
        word(
            f"<text x='{at[0]:.1f}' y='{at[1]:.1f}'>{text}</text>",
            at,
            text,
            "start",
            "point",
            trace,
            rest=int(text.split()[1]) if text.startswith("and ") else 0,
        )
        for text in texts
    ]


def shown(parts: list[Word], height: float) -> list[str]:
    found = [re.sub(r"<[^>]*>", "", one) for one in spread(parts, 400, height)]
    return [one for one in found if one]


def stands_for(text: str) -> int:
    """Return for how many texts a text stands."""
    more = re.fullmatch(r"(?:(\w+) )?and (\d+) more", text)
    return 1 if not more else int(more[2]) + bool(more[1])


@pytest.mark.parametrize("count", [1, 2, 3, 9, 30])
@pytest.mark.parametrize("height", [100.0, 400.0])
def test_each_text_is_shown_or_counted_by_one_of_its_trace(count: int, height: float) -> None:
    found = shown(crowd(*(f"crash{n}" for n in range(count))), height)
    assert sum(map(stands_for, found)) == count
    assert sum("more" in one for one in found) == (len(found) < count)


@pytest.mark.parametrize(
    ("texts", "total"),
    [
        (["and 4 more", "a", *WIDE], 14),
        ([*WIDE, "a", "and 4 more"], 14),
        (["and 4 more", *WIDE], 13),
        ([*WIDE, "and 4 more", "and 2 more"], 15),
    ],
)
def test_a_text_that_counts_others_goes_on_counting(texts: list[str], total: int) -> None:
    found = shown(crowd(*texts), 50)
    assert len(found) < len(texts)
    assert sum(map(stands_for, found)) == total


def test_a_count_that_is_the_only_text_counts_all() -> None:
    assert shown(crowd("and 4 more", *WIDE), 16) == ["and 13 more"]


def test_a_text_in_ones_own_words_is_one_text() -> None:
    assert shown(crowd("a and 4 more", *WIDE), 16) == ["a and 4 more and 9 more"]


def test_a_text_without_room_nearby_is_counted_though_there_is_room_far_away() -> None:
    wall = [point("x" * 41, 2, float(y), "fixed") for y in range(32, 200, 12)]
    found = placed([*wall, point("one", 50, 190, trace="t"), point("two", 50, 5, trace="t")])
    assert [text for text, *_ in found if "x" not in text] == ["two and 1 more"]


def test_texts_are_counted_by_their_own_trace_only() -> None:
    one = crowd(*["a"] * 9, trace="one", y=50)
    other = crowd(*["b"] * 7, trace="other", y=250)
    found = shown([*one, *other], 300)
    assert sum(stands_for(text) for text in found if text.startswith("a")) == 9
    assert sum(stands_for(text) for text in found if text.startswith("b")) == 7


@pytest.mark.parametrize("total", ["", "all 9"])
@pytest.mark.parametrize("gap", [0.05, 0.1, 0.25, 0.34])
def test_of_the_texts_at_the_ends_of_lines_the_smallest_share_one(gap: float, total: str) -> None:
    names = [f"g{n}" for n in range(9)]
    found = end_texts(5.0, names, [float(n) for n in range(9)], 10.0, gap, total)
    texts = [one for one in found["text"][:-1] if one]
    assert sum(map(stands_for, texts)) == len(names)
    assert len(texts) == min(len(names), int(1 / gap) - bool(total))
    named = [one for one in texts if "more" not in one]
    assert named == names[len(names) - len(named) :], "those with the largest values"
    assert found["text"][-1] == total
    shared = [(i, stands_for(one)) for i, one in enumerate(found["text"]) if "more" in one]
    assert shared == ([tuple(found["meta"]["rest"])] if "meta" in found else [])


def test_a_picture_counts_names_by_the_number_in_its_trace() -> None:
    ends = end_labels(["#000000"] * 9) | end_texts(5.0, [*"abcdefghi"], [0.0] * 9, 1.0, 0.34)
    panel = Panel(0, 100, 0, 100, (0, 5), (0, 1))
    words = [one for one in draw_trace(ends, panel) if isinstance(one, Word)]
    assert [one.rest for one in words] == [0, 8]


Placed = tuple[str, float, float, float, float]
SIZE = 300.0, 200.0


def placed(parts: list[Word]) -> list[Placed]:
    """Return the texts that are drawn, each with its box, by the letters' usual size."""
    found = []
    for one in spread(parts, *SIZE):
        x, y = (float(value) for value in re.findall(r"[xy]='([\d.-]+)'", one))
        text = re.sub(r"<[^>]*>", "", one)
        found.append((text, x, y - 11, x + 7.2 * len(text.partition(" and ")[0]), y + 3))
    return found


def point(text: str, x: float, y: float, role: Role = "point", trace: str = "") -> Word:
    element = f"<text x='{x:.1f}' y='{y:.1f}'>{text}</text>"
    return word(element, (x, y), text, "start", role, trace or text)


@pytest.mark.parametrize("seed", range(40))
def test_no_text_covers_another_or_leaves_the_picture(seed: int) -> None:
    rng = random.Random(seed)
    at = {
        f"name{n:02}": (round(rng.uniform(-30, 310), 1), round(rng.uniform(-10, 215), 1))
        for n in range(rng.randrange(1, 12))
    }
    found = placed([point(text, *where) for text, where in at.items()])
    assert found
    for text, left, top, right, bottom in found:
        assert left >= -0.1, text
        assert top >= -0.1, text
        assert right <= SIZE[0] + 0.1, text
        assert bottom <= SIZE[1] + 0.1, text
        x, y = at[text]
        into_x, into_y = min(max(x, 0), SIZE[0] - 43.2), min(max(y, 11), SIZE[1] - 3)
        assert abs(left - into_x) + abs(top + 11 - into_y) <= 3 * 14 + 0.2, f"{text} is far away"
    for one, other in combinations(found, 2):
        across = min(one[3], other[3]) - max(one[1], other[1])
        down = min(one[4], other[4]) - max(one[2], other[2])
        assert across <= 2.1 or down <= 2.1, (one, other)


@pytest.mark.parametrize(
    ("y", "moved_to"),
    [(100, 100), (111, 114), (89, 86), (112.5, 112.5), (87.5, 87.5)],
    ids=["itself", "below", "above", "it touches from below", "it touches from above"],
)
def test_a_text_moves_no_further_than_it_must(y: float, moved_to: float) -> None:
    """A text is 14 pixels high; two may touch by 2."""
    parts = [point("one", 50, 100, "fixed")] * (y != 100) + [point("two", 50, y)]
    *_, (text, left, top, _, _) = placed(parts)
    assert (text, left, round(top + 11, 1)) == ("two", 50, moved_to)


def test_a_text_moves_sideways_where_that_is_nearer() -> None:
    parts = [point("one", 50, 100, "fixed"), point("two", 65, 100), point("tri", 32, 100)]
    found = {text: (round(left, 1), top + 11) for text, left, top, _, _ in placed(parts)}
    assert found == {"one": (50, 100), "two": (71.6, 100), "tri": (28.4, 100)}


def test_a_text_that_must_not_move_comes_first_whatever_the_order() -> None:
    parts = [point("two", 52, 100), point("one", 50, 100, "fixed")]
    found = {text: (left, top + 11) for text, left, top, _, _ in placed(parts)}
    assert found["one"] == (50, 100)
    assert found["two"] != (52, 100)


def test_a_number_of_an_axis_has_no_other_place() -> None:
    parts = [
        point("one", 50, 100, "fixed"),
        point("20", 55, 101, "tick"),
        point("40", 55, 140, "tick"),
    ]
    assert [text for text, *_ in placed(parts)] == ["one", "40"]
