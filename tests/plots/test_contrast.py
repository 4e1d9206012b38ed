from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import redis as redis_py
from plots.histories import each_plot, group, history, sample, shop

import streamviz
from streamviz.export import to_still
from streamviz.plots import (
    AckProgress,
    Flow,
    GroupLag,
    PendingAge,
    Plot,
    StreamMap,
    SwimLanes,
    TrimSawtooth,
)
from streamviz.plots.contrast import (
    BACKGROUNDS,
    MIN_SHAPE_CONTRAST,
    MIN_TEXT_CONTRAST,
    SUBSTITUTES,
    TEXT_COLOURS,
    Background,
    contrast,
    for_background,
    shades,
    translucent,
)
from streamviz.plots.svg import render
from streamviz.plots.traces import COLOURS, GREY, RED
from streamviz.recording import save

COLOURS_JS = (Path(streamviz.__file__).parent / "widgets" / "static" / "colours.js").read_text(
    "utf-8"
)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_colour_and_the_text_have_enough_contrast(background: Background) -> None:
    for colour in (*COLOURS, GREY):
        shown = SUBSTITUTES[background].get(colour, colour)
        assert contrast(shown, BACKGROUNDS[background]) >= MIN_SHAPE_CONTRAST, colour
    assert contrast(TEXT_COLOURS[background], BACKGROUNDS[background]) >= MIN_TEXT_CONTRAST


@pytest.mark.parametrize("background", BACKGROUNDS.values())
def test_what_is_translucent_has_the_contrast_of_what_it_looks_like(background: str) -> None:
    assert contrast("#ff0000", background, 0.0) == 1
    assert contrast("#ff0000", background, 1.0) == contrast("#ff0000", background)
    below = int(background[1:3], 16)
    half = f"#{(255 + below) // 2:02x}" + f"{below // 2:02x}" * 2
    assert contrast("#ff0000", background, 0.5) == pytest.approx(contrast(half, background), 0.02)


def test_substitutes_keep_colours_distinct() -> None:
    for table in SUBSTITUTES.values():
        assert len({table.get(colour, colour) for colour in COLOURS}) == len(COLOURS)


def test_a_band_gets_the_substitute_of_its_line() -> None:
    band = {"line": {"color": COLOURS[0]}, "fillcolor": translucent(COLOURS[0], 0.3)}
    assert for_background([band], "light") == [band]
    (dark,) = for_background([band], "dark")
    assert dark["line"]["color"] == SUBSTITUTES["dark"][COLOURS[0]]
    assert dark["fillcolor"] == translucent(dark["line"]["color"], 0.3)


@each_plot
def test_each_figure_carries_what_replaces_its_colours_in_the_browser(plot: Plot) -> None:
    figure = plot.figure(history())
    found = figure["layout"]["meta"]["shades"]
    assert found == shades(figure["data"])
    for background, table in found.items():
        assert {*COLOURS, GREY, RED} <= table.keys()
        for shape, text, least in table.values():
            if shape.startswith("#"):  # and not an area
                assert contrast(shape, BACKGROUNDS[background], least) >= MIN_SHAPE_CONTRAST
                assert contrast(text, BACKGROUNDS[background]) >= MIN_TEXT_CONTRAST
                low = contrast(shape, BACKGROUNDS[background], least - 0.05)
                assert least == 0 or low < MIN_SHAPE_CONTRAST, "no further than it must be"


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_faint_lines_and_marks_are_seen_and_stay_fainter_than_others(
    background: Background,
) -> None:
    for one in (*COLOURS, GREY):
        given = [{"line": {"color": one}, "opacity": 0.4}, {"marker": {"color": one}}]
        line, mark = for_background(given, background)
        for shown, opacity in ((line["line"], line["opacity"]), (mark["marker"], 1)):
            assert contrast(shown["color"], BACKGROUNDS[background], opacity) >= MIN_SHAPE_CONTRAST
        assert line["opacity"] < 1


def test_a_plot_of_a_users_own_has_its_own_colours_replaced_or_keeps_them() -> None:
    named = [
        {"marker": {"color": ["red", "#abcdef"], "opacity": [0.1, 0.2]}},
        {"line": {"color": "red"}, "fillcolor": "pink", "opacity": 0.2},
        {"line": None, "marker": {"size": 3}},
        {"marker": {"color": "red", "opacity": None}, "textfont": {"size": 9}, "opacity": None},
        {"line": {"color": "red"}, "marker": {"color": "red", "opacity": (0.1,)}, "textfont": None},
    ]
    table = shades([*named, {"textfont": {"color": "#ffff00"}}])["light"]
    assert table["#ffff00"][1] != "#ffff00"
    assert table.keys() == {*COLOURS, GREY, RED, "#ffff00", "#abcdef"}
    assert for_background(named, "light") == named
    (black,) = for_background([{"marker": {"color": "#000000", "opacity": 0.6}}], "light")
    assert black["marker"]["opacity"] == 0.6


def test_the_browsers_text_has_enough_contrast() -> None:
    (inks,) = re.findall(r'const text = dark \? "(#\w{6})" : "(#\w{6})"', COLOURS_JS)
    for ink, background in zip(inks, ("dark", "light"), strict=True):
        assert contrast(ink, BACKGROUNDS[background]) >= MIN_TEXT_CONTRAST  # type: ignore[index]


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_the_text_around_a_plot_has_enough_contrast(background: Background) -> None:
    css = (Path(streamviz.__file__).parent / "widgets" / "static" / "live.css").read_text("utf-8")
    light, dark = re.findall(r"^\.streamviz-live(?:\[data-dark\])? \{(.*?)\}", css, re.M | re.S)
    found = dict(re.findall(r"--sv-(\w+): (#\w+);", light))
    if background == "dark":
        found |= dict(re.findall(r"--sv-(\w+): (#\w+);", dark))
    behind = re.sub(r"^#(.)(.)(.)$", r"#\1\1\2\2\3\3", found["ground"])
    assert behind == BACKGROUNDS[background]
    for name in ("text", "accent", "bad"):
        colour = re.sub(r"^#(.)(.)(.)$", r"#\1\1\2\2\3\3", found[name])
        assert contrast(colour, behind) >= MIN_TEXT_CONTRAST, name


def drawn(node: ElementTree.Element, fill: str = "") -> Iterator[tuple[str, str, float]]:
    """Yield the tag, the colour and the opacity of each part of a picture."""
    fill = node.get("fill", fill)
    tag = node.tag.rpartition("}")[2]
    opacity = float(node.get("opacity", 1))
    if tag == "text":
        yield tag, fill, opacity
    elif tag in ("path", "rect") and not node.get("stroke-opacity"):  # the grid only leads the eye
        paint = node.get("stroke", fill)
        if paint.startswith("#"):  # an area has a line around it
            yield tag, paint, opacity
    for child in node:
        yield from drawn(child, fill)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_part_of_a_static_picture_has_enough_contrast(
    redis: redis_py.Redis, key: str, tmp_path: Path, background: Background
) -> None:
    save(history(*shop(redis, key, seed=4, seconds=20)), tmp_path / "run.jsonl")
    plots = [
        *(Flow(), StreamMap(), GroupLag(), AckProgress()),
        *(PendingAge(), SwimLanes(), TrimSawtooth()),
    ]
    path = to_still(
        tmp_path / "run.jsonl",
        tmp_path / "run.svg",
        plots=plots,
        theme=background,
        caption="A shop",
    )
    root = ElementTree.fromstring(path.read_text("utf-8"))
    root.remove(root[0])  # the background itself
    parts = list(drawn(root))
    assert len([tag for tag, _, _ in parts if tag == "text"]) > 50
    assert len([tag for tag, _, _ in parts if tag == "path"]) > 20
    for tag, colour, opacity in parts:
        least = MIN_TEXT_CONTRAST if tag == "text" else MIN_SHAPE_CONTRAST
        ratio = contrast(colour, BACKGROUNDS[background], opacity)
        assert ratio >= least, (tag, colour, opacity, round(ratio, 2))


@pytest.mark.parametrize("background", ["light", "dark"])
def test_letters_in_every_colour_have_enough_contrast(background: Background) -> None:
    figure = GroupLag().figure(history(sample(1, *(group(f"g{i}", i) for i in range(8)))))
    shown = for_background(figure["data"], background)
    (letters,) = [trace["textfont"]["color"] for trace in shown if trace["name"] == "labels"]
    assert len(letters) >= 8
    assert all(contrast(one, BACKGROUNDS[background]) >= MIN_TEXT_CONTRAST for one in letters)
    svg = render(figure, background=background)
    fills = re.findall(r"<text[^>]* fill='(#[0-9A-Fa-f]{6})'", svg)
    assert len(fills) >= 8
    assert all(contrast(one, BACKGROUNDS[background]) >= MIN_TEXT_CONTRAST for one in fills)
