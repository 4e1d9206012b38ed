from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import redis as redis_py
from plots.histories import history, shop

import streamviz
from streamviz.export import to_still
from streamviz.plots import AckProgress, GroupLag, PendingAge, StreamMap, SwimLanes, TrimSawtooth
from streamviz.plots.contrast import GROUNDS, INKS, NEARER, READ, SEEN, Ground, contrast
from streamviz.plots.figure import COLOURS, GREY
from streamviz.recording import save

LIVE = (Path(streamviz.__file__).parent / "widgets" / "static" / "live.js").read_text("utf-8")


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_is_seen_and_every_letter_read(ground: Ground) -> None:
    for colour in (*COLOURS, GREY):
        shown = NEARER[ground].get(colour, colour)
        assert contrast(shown, GROUNDS[ground]) >= SEEN, colour
    assert contrast(INKS[ground], GROUNDS[ground]) >= READ


def test_colours_stay_apart() -> None:
    for nearer in NEARER.values():
        assert len({nearer.get(colour, colour) for colour in COLOURS}) == len(COLOURS)


def test_the_browser_has_the_same_palette() -> None:
    found = re.search(r"const NEARER = (\{.*?\n\});", LIVE, re.DOTALL)
    assert found
    plain = re.sub(r"(\w+): \{", r'"\1": {', found[1])
    assert json.loads(re.sub(r",(\s*\})", r"\1", plain)) == NEARER
    (inks,) = re.findall(r'const ink = dark \? "(#\w{6})" : "(#\w{6})"', LIVE)
    for ink, ground in zip(inks, ("dark", "light"), strict=True):
        assert contrast(ink, GROUNDS[ground]) >= READ  # type: ignore[index]


@pytest.mark.parametrize("ground", GROUNDS)
def test_the_words_around_a_plot_are_read(ground: Ground) -> None:
    css = (Path(streamviz.__file__).parent / "widgets" / "static" / "live.css").read_text("utf-8")
    light, dark = re.findall(r"^\.streamviz-live(?:\[data-dark\])? \{(.*?)\}", css, re.M | re.S)
    found = dict(re.findall(r"--sv-(\w+): (#\w+);", light))
    if ground == "dark":
        found |= dict(re.findall(r"--sv-(\w+): (#\w+);", dark))
    behind = re.sub(r"^#(.)(.)(.)$", r"#\1\1\2\2\3\3", found["ground"])
    assert behind == GROUNDS[ground]
    for name in ("text", "accent", "bad"):
        colour = re.sub(r"^#(.)(.)(.)$", r"#\1\1\2\2\3\3", found[name])
        assert contrast(colour, behind) >= READ, name


def drawn(node: ElementTree.Element, fill: str = "") -> Iterator[tuple[str, str, float]]:
    """Yield what each part of a picture is, in which colour, and how faint."""
    fill = node.get("fill", fill)
    tag = node.tag.rpartition("}")[2]
    opacity = float(node.get("opacity", 1))
    if tag == "text":
        yield tag, fill, opacity
    elif tag == "path" and not node.get("stroke-opacity"):  # the grid only leads the eye
        paint = node.get("stroke", fill)
        if paint.startswith("#"):  # an area has a line around it
            yield tag, paint, opacity
    for child in node:
        yield from drawn(child, fill)


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_still_is_seen_and_read_in_all_its_parts(
    redis: redis_py.Redis, key: str, tmp_path: Path, ground: Ground
) -> None:
    save(history(*shop(redis, key, seed=4, seconds=20)), tmp_path / "run.jsonl")
    plots = [StreamMap(), GroupLag(), AckProgress(), PendingAge(), SwimLanes(), TrimSawtooth()]
    path = to_still(
        tmp_path / "run.jsonl", tmp_path / "run.svg", plots=plots, theme=ground, caption="A shop"
    )
    parts = list(drawn(ElementTree.fromstring(path.read_text("utf-8"))))
    assert len([tag for tag, _, _ in parts if tag == "text"]) > 50
    assert len([tag for tag, _, _ in parts if tag == "path"]) > 20
    for tag, colour, opacity in parts:
        seen = contrast(colour, GROUNDS[ground], opacity)
        assert seen >= (READ if tag == "text" else SEEN), (tag, colour, opacity, round(seen, 2))
