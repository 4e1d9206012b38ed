"""The static picture: well-formed, the same bytes every time, only shapes and text."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from plots.histories import EDGES, HOSTILE, PLOTS, each_plot, gone, group, history, sample

from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError
from streamviz.observation.sample import Sample
from streamviz.plots import AckProgress, GroupLag, Plot, SideBySide, StreamMap
from streamviz.plots.drawing import still
from streamviz.plots.figure import Figure
from streamviz.plots.svg import render
from streamviz.plots.svg_shapes import shape
from streamviz.plots.svg_words import Rule
from streamviz.plots.texts import clean, fit, label, lines
from streamviz.plots.traces import COLOURS, GREY, LABEL_MARGIN, step_lines

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {f"{SVG}{tag}" for tag in ("svg", "title", "desc", "text", "path", "rect")}


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.encode("utf-8"))


def words(svg: str) -> list[str]:
    return [node.text or "" for node in parse(svg).iter(f"{SVG}text")]


def coloured(svg: str, colour: str) -> list[str]:
    """Return the path data of everything in that colour."""
    nodes = parse(svg).iter(f"{SVG}path")
    return [node.get("d", "") for node in nodes if colour in (node.get("stroke"), node.get("fill"))]


@each_plot
@pytest.mark.parametrize("samples", EDGES.values(), ids=EDGES.keys())
def test_every_picture_is_well_formed_and_holds_only_shapes_and_text(
    plot: Plot, samples: list[Sample]
) -> None:
    figure = plot.figure(history(*samples))
    svg = render(figure)
    root = parse(svg)
    assert {node.tag for node in root.iter()} <= ALLOWED
    attributes = {name for node in root.iter() for name in node.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    title = str(root.findtext(f"{SVG}title"))
    assert title.startswith(plot.title) or plot.title.startswith(title)
    assert root.findtext(f"{SVG}desc") == figure["summary"]
    for path in root.iter(f"{SVG}path"):
        numbers = re.findall(r"[a-z]+", re.sub(r"[MmLlHhVvAaZz]|e-?\d", " ", path.get("d", "")))
        assert not numbers, "nan and inf are not coordinates"


@each_plot
def test_the_same_history_gives_the_same_bytes(plot: Plot) -> None:
    def picture() -> str:
        samples = [sample(n, group("g", n), ids=[EntryId(n)], length=n) for n in range(1, 50)]
        return render(plot.figure(history(*samples)))

    assert picture() == picture()
    assert len(picture()) > 300


def test_where_nothing_is_to_be_seen_the_picture_says_so_and_has_no_axes() -> None:
    drawn = words(render(StreamMap().figure(history(gone(1)))))
    assert drawn == ["Stream map", "stream is gone"]
    assert words(render(AckProgress().figure(history(sample(1))))) == [
        "Ack progress",
        "no consumer group yet",
    ]
    assert (
        len(words(render(StreamMap().figure(history(sample(1, group("g"), ids=[EntryId(5)])))))) > 4
    )


def test_panels_with_one_scale_have_it_in_both_directions() -> None:
    one, two = EntryId(1100), EntryId(1200)
    got = {"a": [two], "b": [one, two]}
    seen = history(sample(1, ids=[one, two], readers={"a": two, "b": two}, got=got), sample(9))
    figure = SideBySide().figure(seen)
    missed = [trace["x"] for trace in figure["data"] if trace["name"].endswith("missed")]
    assert [len(x) for x in missed] == [1, 0], "only the first panel has a mark at the far right"
    places = [re.findall(r"M([\d.]+) ", path) for path in coloured(render(figure), COLOURS[0])]
    (first,), (_, second) = sorted(places, key=len)
    left, right = (figure["layout"][name]["domain"][0] for name in ("xaxis", "xaxis2"))
    assert float(second) - float(first) == pytest.approx((right - left) * 650, abs=1)


def test_hostile_names_are_text() -> None:
    names = sorted(HOSTILE)
    samples = [sample(n, *(group(name, n) for name in names), length=n) for n in (1, 2)]
    lanes = words(render(StreamMap().figure(history(*samples))))
    for name in HOSTILE:
        shown = clean(name)
        cut = [lane.removesuffix("…") for lane in lanes if lane.endswith("…")]
        assert shown in lanes or any(len(one) > 3 and shown.startswith(one) for one in cut)
    titles = words(render(AckProgress("<b>bold</b>").figure(history(*samples))))
    assert "\u2002<b>bold</b>: 2 waiting" in titles


def test_a_name_is_cut_where_its_room_ends_in_any_script() -> None:
    names = {"abcdefghijklnopq": "abcdefghijklnopq", "abcdefghijklmnopq": "abcdefghijklmno…"}
    names |= {"注文処理注文処理": "注文処理注文処理", "注文処理注文処理班": "注文処理注文処…"}
    names["a注文処理注文処理班"] = "a注文処理注文処…"
    for name, shown in names.items():
        samples = [sample(n, group(name, n), length=n) for n in (1, 2)]
        svg = render(StreamMap().figure(history(*samples)))
        assert shown in words(svg)
        at = next(one for one in ElementTree.fromstring(svg).iter() if one.text == shown)
        assert at.get("text-anchor") == "end"
        assert float(at.get("x", 0)) > 99, "its start is in the picture"


def test_a_long_text_is_cut_in_one_go() -> None:
    """To measure it anew for each letter would take hours."""
    assert label("m" * 10**6, 30) == f"{'m' * 19}…"
    assert fit(100, 10, "W" * 10**6) == f"{'W' * 4}…"
    assert lines(100, 10, "ab " * 10**6) == ["ab ab ab", "ab ab ab …"]


def test_every_trace_is_drawn() -> None:
    samples = [
        sample(
            n,
            *(group(name, n, cursor=EntryId(n), pending=1) for name in "abc"),
            ids=[EntryId(n)],
            length=n,
            added=n + 1,
            first=EntryId(1),
            events=["something"] if n == 5 else [],
        )
        for n in range(1, 10)
    ]
    seen = history(*samples)
    lag = render(GroupLag().figure(seen))
    for colour in COLOURS[:3]:
        assert coloured(lag, colour), "a line for each group"
        assert coloured(render(StreamMap().figure(seen)), colour), "a lane for each group"
    assert coloured(lag, GREY), "the event's hairline"
    assert "something" in words(lag)
    assert {"a 9", "b 9", "c 9"} <= set(words(lag)), "a name at each line's end"
    progress = parse(render(AckProgress().figure(seen)))
    assert sum(1 for node in progress.iter() if "rgba" in node.get("fill", "")) == 9


def test_a_flat_line_is_drawn_up_to_a_gap_and_not_across_it() -> None:
    known, lost = group("g", 5), group("g", None, verdict="unknown", behind_ms=None)
    samples = [sample(n, lost if 10 <= n < 15 else known) for n in range(20)]
    drawn = coloured(render(GroupLag().figure(history(*samples))), COLOURS[0])
    (line,) = [path for path in drawn if "v" in path]
    pieces = [piece for piece in line.split("M") if piece]
    widths = [sum(map(float, re.findall(r"h([\d.]+)", piece))) for piece in pieces]
    starts = [float(piece.split()[0]) for piece in pieces]
    step = (720 - 56 - LABEL_MARGIN + 2) / 19
    assert widths == pytest.approx([9 * step, 4 * step], abs=1)
    assert starts == pytest.approx([56, 56 + 15 * step], abs=1)


def test_a_band_is_not_filled_across_a_gap() -> None:
    known, lost = group("g", 2, acked=7), group("g", 2, gone=7, acked=None)
    samples = [sample(n, lost if n == 5 else known, length=9) for n in range(10)]
    svg = parse(render(AckProgress().figure(history(*samples))))
    bands = [node.get("d", "") for node in svg.iter() if "rgba" in node.get("fill", "")]
    assert sorted(band.count("Z") for band in bands) == [2, 2, 2]


def test_a_legend_that_does_not_fit_says_how_many_are_missing() -> None:
    seen = history(sample(1, *(group(f"consumer-group-{i:02}") for i in range(30))))
    figure = GroupLag().figure(seen)
    svg = render(
        figure | {"layout": figure["layout"] | {"showlegend": True}, "data": figure["data"][:30]}
    )
    (more,) = [text for text in words(svg) if "more" in text]
    listed = [text for text in words(svg) if text.startswith("consumer-group")]
    assert listed
    assert more == f"and {12 - len(listed)} more", "of 30 groups, the plot shows 12"
    title_end = 56 + 8 * len("Group lag")
    assert all(float(x) > title_end for x in re.findall(r"x='([\d.-]+)' y='20'>[ca]", svg))


def test_names_without_room_at_the_end_are_counted() -> None:
    seen = history(sample(1, *(group(f"g{i:02}", i) for i in range(30))))
    shown = [text for text in words(render(GroupLag().figure(seen))) if text.startswith("g")]
    assert len(shown) == 12
    assert f"all 30: {sum(range(30))}" in words(render(GroupLag().figure(seen)))
    assert {f"g{i} {i}" for i in range(19, 30)} < {*shown}, "the largest first"


def test_steps_smaller_than_a_pixel_take_no_bytes() -> None:
    few = [sample(n, group("g", n % 7)) for n in range(100)]
    many = [sample(n, group("g", n % 7)) for n in range(20_000)]
    sizes = [len(render(GroupLag().figure(history(*one, limit=20_000)))) for one in (few, many)]
    assert sizes[1] < 15 * sizes[0]


@pytest.mark.parametrize("plot", [PLOTS["stream_map"], PLOTS["group_lag"]])
def test_a_picture_without_groups_is_drawn_empty(plot: Plot) -> None:
    for samples in ([], [sample(1)], [gone(1)]):
        root = parse(render(plot.figure(history(*samples))))
        colours = {node.get("stroke") for node in root.iter(f"{SVG}path")} - {None}
        assert colours <= {GREY}


def test_a_trace_and_a_layout_may_leave_out_what_plotly_chooses() -> None:
    layout = {"title": {"text": "Own"}, "meta": {}}
    bare = {"type": "scatter", "x": [0, 1], "y": [1, 2]}
    dots = bare | {"mode": "markers", "name": "dots"}
    picture = render({"data": [bare, dots], "layout": layout, "summary": "two"})
    assert "<path d='M56.0" in picture
    assert "trace 0" in picture


def test_the_numbers_of_millions_of_entries_are_whole() -> None:
    seen = history(*(sample(n, group("a", 12_345_678), length=30_000_000) for n in (1, 2)))
    texts = words(render(GroupLag().figure(seen)))
    assert {"10M", "a 12,345,678"} < {*texts}
    assert "…" not in "".join(texts)


@pytest.mark.parametrize("symbol", ["circle", "square", "diamond", "cross", "x"])
def test_a_marker_is_around_its_point(symbol: str) -> None:
    data = shape(symbol, 50.0, 20.0, 4.0)
    start, *arcs = re.findall(r"[Ma][^Ma]*", data)
    if symbol == "circle":  # two half circles: to the right, and back
        assert start == "M46.0 20.0"
        assert [one.split()[-2:] for one in arcs] == [["8", "0"], ["-8", "0"]]
        return
    corners = [tuple(map(float, one.split())) for one in data.strip("MZ").split("L")]
    for place, middle in enumerate((50.0, 20.0)):
        sides = [corner[place] for corner in corners]
        assert (min(sides) + max(sides)) / 2 == pytest.approx(middle, abs=0.06)


def test_overlapping_lines_show_as_bands_of_one_width() -> None:
    widths = [one["line"]["width"] for one in step_lines("abcd")]
    assert widths == [8.5, 6.5, 4.5, 2.5], "the last one, on top, is as thin as a single line"
    crowd = [one["line"]["width"] for one in step_lines("abcdefghijkl")]
    assert crowd[0] <= 11, "the widest one, too, is a line and no area"
    assert step_lines("a")[0]["line"]["width"] == 2.5


def test_no_grid_line_goes_through_words() -> None:
    rule = Rule(50, 400, 100, "stroke='#888888'")
    assert rule.around([]) == "<path d='M50.0 100.0H400.0' stroke='#888888'/>"
    boxes = [(200, 90, 260, 104), (20, 95, 60, 110), (300, 40, 350, 90), (390, 99, 500, 101)]
    assert "d='M60.0 100.0H200.0M260.0 100.0H390.0'" in rule.around(boxes)
    assert rule.around([(0, 0, 900, 200)]) == ""
    samples = [sample(n, group("g", 40 - n), length=40, added=40) for n in range(1, 39)]
    picture = render(AckProgress().figure(history(*samples)))
    (box,) = [
        (float(x), float(y))
        for x, y, text in re.findall(r"<text x='([\d.]+)' y='([\d.]+)'[^>]*>([^<]+)<", picture)
        if "acknowledged" in text
    ]
    lines = re.findall(r"<path d='M([\d.]+) ([\d.]+)H([\d.]+)' stroke='#888888'", picture)
    assert lines
    assert not [
        one for one in lines if float(one[0]) < box[0] + 9 and box[1] - 10 < float(one[1]) < box[1]
    ]


def test_an_axis_has_no_numbers_in_the_room_for_words_above_its_values() -> None:
    samples = [sample(n, group("g", n), events=["a note"][: n == 30]) for n in range(1, 62)]
    picture = render(GroupLag().figure(history(*samples)))
    numbers = re.findall(r"text-anchor='end'>(\d+)<", picture)
    assert numbers == ["0", "20", "40", "60"], "and no 80"
    assert "a note" in picture


def own(values: list[Any], kind: str = "scatter", axis: str = "linear", **more: Any) -> Figure:
    trace = {"type": kind, "x": list(range(len(values))), "y": values} | more
    layout = {"title": {"text": "Own"}, "meta": {}, "yaxis": {"type": axis}}
    return {"data": [trace], "layout": layout, "summary": "own", "n": 1}


def tops(figure: Figure) -> list[float]:
    """Return how high the bars of a picture are, in pixels."""
    (fill,) = (one for one in coloured(render(figure), COLOURS[0]) if "Z" in one)
    steps = [re.findall(r"l(-?[\d.]+) (-?[\d.]+)", one) for one in fill.split("Z")[:-1]]
    return [-float(up) for (_, up), _, _ in steps]


def test_bars_of_an_own_plot_are_as_high_as_their_values() -> None:
    one, two, four = tops(own([1, 2, 4], "bar"))
    assert (two / one, four / one) == (pytest.approx(2, abs=0.02), pytest.approx(4, abs=0.02))
    figure = own([1, None, 4], "bar")
    figure["data"].append(figure["data"][0] | {"y": [2, 3, 2]})
    firsts, seconds_ = (
        [float(x) for x in re.findall(r"M([\d.]+) ", one)]
        for colour in COLOURS[:2]
        for one in coloured(render(figure), colour)
        if "Z" in one
    )
    assert (len(firsts), len(seconds_)) == (2, 3)
    assert firsts[0] < seconds_[0] < seconds_[1] < firsts[1] < seconds_[2]


def test_a_logarithmic_axis_has_powers_of_ten() -> None:
    figure = own([1, 10, 1000, 0, None], axis="log")
    assert {"1", "10", "100", "1,000"} < {*words(render(figure))}
    (path,) = (one for one in coloured(render(figure), COLOURS[0]) if one.count("l") == 2)
    (_, one), (_, two) = re.findall(r"l(-?[\d.]+) (-?[\d.]+)", path)
    assert float(two) / float(one) == pytest.approx(2, abs=0.02)
    low, high = tops(own([0.1, 100], "bar", "log"))
    assert (low, high > 100) == (0, True), "they stand on the axis"


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (own([1], "pie"), "can't draw the trace type 'pie': use scatter"),
        (own([1], axis="category"), "can't draw the yaxis type 'category'"),
        (own([1, 2], "bar", orientation="h"), "horizontal bars: leave orientation out"),
        (own([1.0, "abc"]), "can't place 'abc' on the y axis: give numbers below 1e300"),
        (own([1, 10**400]), "can't place so large a number on the y axis"),
        (own([-1e308, 1e308]), "can't place so large a number on the y axis"),
    ],
)
def test_what_a_picture_cannot_show_is_told_in_its_place(figure: Figure, message: str) -> None:
    with pytest.raises(InputError, match=message):
        render(figure)
    picture, problem = still(figure, background="light")
    assert message in problem
    assert "Own" in words(picture)
    assert message.split()[0] in " ".join(words(picture))
