"""Draw an SVG of ours with Pillow, for animations, several times as fast as a full rasteriser.

Only those elements are drawn that `streamviz.plots.svg` and `streamviz.export.images` write. Each
text is drawn by the rasteriser, once, so that letters look as they do in a still picture.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from itertools import pairwise
from math import cos, hypot, pi, sin
from typing import Any, NamedTuple

from streamviz.export.raster import font_path, png

Point = tuple[float, float]


class Place(NamedTuple):
    """Where an element is drawn: how many pixels its unit has, and where its origin is."""

    scale: float
    left: float
    top: float


_FINE = 2  # lines are drawn twice as large, and made smaller: that smooths their edges
_COMMAND = re.compile("([MLlHhVvaZ])([^MLlHhVvaZ]*)")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_IN_FONT = re.compile("[ -\u024f–—‘’“”…−]*")
_ROTATED = re.compile(r"translate\((\S+) (\S+)\) rotate\(-90\)")


def paint(svg: str, size: tuple[int, int]) -> Any:
    """Return an SVG of ours, which has a background, as an RGB image of this size in pixels."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE))
    ink = ImageDraw.Draw(image, "RGBA")
    elements = list(_placed(ET.fromstring(svg), {}, (0.0, 0.0, *size)))
    for node, style, place in elements:
        fine = Place(*(_FINE * one for one in place))
        if node.tag == "rect":
            _rectangle(ink, style, fine)
        elif node.tag == "path":
            _path(ink, style, fine)
    image = image.reduce(_FINE)
    ink = ImageDraw.Draw(image)
    for node, style, place in elements:
        if node.tag == "text" and node.text:
            _write(ink, image, node, style, place)
    return image


def _placed(
    node: Any, inherited: dict[str, str], box: tuple[float, float, float, float]
) -> Iterator[tuple[Any, dict[str, str], Place]]:
    """Yield each element of an svg element, with its style and its place."""
    style = inherited | {
        key: node.attrib[key] for key in ("fill", "font-size") if key in node.attrib
    }
    left, top, wide, high = box
    _, _, own_wide, own_high = map(float, node.attrib["viewBox"].split())
    scale = min(wide / own_wide, high / own_high)
    left, top = left + (wide - own_wide * scale) / 2, top + (high - own_high * scale) / 2
    for child in node:
        child.tag = child.tag.rpartition("}")[2]
        if child.tag == "svg":
            x, y, w, h = (float(child.attrib[key]) * scale for key in ("x", "y", "width", "height"))
            yield from _placed(child, style, (left + x, top + y, w, h))
        else:
            yield child, style | child.attrib, Place(scale, left, top)


def _rectangle(ink: Any, style: dict[str, str], place: Place) -> None:
    x, y, wide, high = (float(style.get(key, 0)) for key in ("x", "y", "width", "height"))
    if "stroke-dasharray" in style:
        _path(ink, style | {"d": f"M{x} {y}h{wide}v{high}h{-wide}Z", "fill": "none"}, place)
        return
    scale, left, top = place
    left, top = left + x * scale, top + y * scale
    box = (left, top, left + wide * scale - 1, top + high * scale - 1)
    if box[2] < box[0] or box[3] < box[1]:
        return
    stroke = style.get("stroke")
    fill = None if style.get("fill") == "none" else _colour(style["fill"], style, "fill")
    outline = _colour(stroke, style, "stroke") if stroke else None
    radius = float(style.get("rx", 0)) * scale
    ink.rounded_rectangle(box, radius, fill, outline, _width(style, scale) if stroke else 1)


def _path(ink: Any, style: dict[str, str], place: Place) -> None:
    scale, left, top = place
    fill, stroke = style.get("fill", "none"), style.get("stroke")
    dashes = [float(one) * scale for one in style.get("stroke-dasharray", "").split()]
    for points in _subpaths(style["d"]):
        placed = [(left + x * scale, top + y * scale) for x, y in points]
        if fill != "none" and len(placed) > 2:
            ink.polygon(placed, fill=_colour(fill, style, "fill"))
        if stroke and len(placed) > 1:
            colour, width = _colour(stroke, style, "stroke"), _width(style, scale)
            for piece in _dashes(placed, dashes) if dashes else [placed]:
                ink.line(piece, fill=colour, width=width)


def _subpaths(data: str) -> Iterator[list[Point]]:
    """Yield the corners of each part of a path's data; a circle is two arcs, and has 16."""
    points: list[Point] = []
    for command, text in _COMMAND.findall(data):
        numbers = [float(one) for one in _NUMBER.findall(text)]
        x, y = points[-1] if points else (0.0, 0.0)
        if command == "M" and points:
            yield points
            points = []
        if command in "ML":
            points += zip(numbers[::2], numbers[1::2], strict=True)
        elif command == "l":
            for right, down in zip(numbers[::2], numbers[1::2], strict=True):
                x, y = x + right, y + down
                points.append((x, y))
        elif command == "a":
            points += _half_circle(x, y, numbers[0], numbers[5])
            points.append((x + numbers[5], y + numbers[6]))
        elif command == "Z":
            points.append(points[0])
        else:
            (n,) = numbers
            points.append({"H": (n, y), "h": (x + n, y), "V": (x, n), "v": (x, y + n)}[command])
    if points:
        yield points


def _half_circle(x: float, y: float, radius: float, across: float) -> list[Point]:
    radius = radius if across > 0 else -radius
    turns = [n * pi / 8 for n in range(7, 0, -1)]
    return [(x + across / 2 + cos(one) * radius, y + sin(one) * radius) for one in turns]


def _dashes(points: list[Point], pattern: list[float]) -> Iterator[list[Point]]:
    index, left = 0, pattern[0]
    piece = [points[0]]
    for (x, y), (end_x, end_y) in pairwise(points):
        long = hypot(end_x - x, end_y - y)
        done = 0.0
        while long - done > left:
            done += left
            corner = (x + (end_x - x) * done / long, y + (end_y - y) * done / long)
            if index % 2 == 0:
                yield [*piece, corner]
            index += 1
            piece, left = [corner], pattern[index % len(pattern)]
        left -= long - done
        piece.append((end_x, end_y))
    if index % 2 == 0 and len(piece) > 1:
        yield piece


def _width(style: dict[str, str], scale: float) -> int:
    return max(1, round(float(style.get("stroke-width", 1)) * scale))


def _colour(colour: str, style: dict[str, str], kind: str) -> tuple[int, ...]:
    opacity = float(style.get("opacity", 1)) * float(style.get(f"{kind}-opacity", 1))
    if colour.startswith("rgba("):
        *channels, own = colour[5:-1].split(",")
        return (*map(int, channels), round(255 * float(own) * opacity))
    return (*(int(colour[at : at + 2], 16) for at in (1, 3, 5)), round(255 * opacity))


def _write(ink: Any, image: Any, node: Any, style: dict[str, str], place: Place) -> None:
    """Draw a text whose letters are in the font, or a picture of it by the rasteriser."""
    turned = _ROTATED.match(style.get("transform", ""))
    x, y = map(float, turned.groups() if turned else (style.get("x", 0), style.get("y", 0)))
    at = (place.left + x * place.scale, place.top + y * place.scale)
    anchor, weight = style.get("text-anchor", "start"), int(style.get("font-weight", 400))
    size = round(float(style["font-size"]) * place.scale, 1)
    if not turned and _IN_FONT.fullmatch(node.text):
        font = _font(font_path(), size, weight)
        ink.text(
            at,
            node.text,
            style["fill"],
            font,
            anchor=f"{anchor[0].replace('e', 'r').replace('s', 'l')}s",
        )
        return
    sprite = _sprite(node.text, size, weight, style["fill"], anchor)
    sprite = sprite.rotate(90, expand=True) if turned else sprite
    corner = [round(middle - length / 2) for middle, length in zip(at, sprite.size, strict=True)]
    image.paste(sprite, tuple(corner), sprite)


@lru_cache(maxsize=64)
def _font(path: str, size: float, weight: int) -> Any:
    from PIL import ImageFont

    font = ImageFont.truetype(path, size)
    font.set_variation_by_axes([weight, 100])
    return font


@lru_cache(maxsize=256)
def _sprite(text: str, size: float, weight: int, colour: str, anchor: str) -> Any:
    """Return a text as a picture whose middle is where the text is anchored."""
    from PIL import Image

    wide, high = 2 * round(len(text) * size * 1.1 + 4), 2 * round(size * 1.3 + 2)
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{wide}' height='{high}'>"
        f"<text x='{wide / 2}' y='{high / 2}' font-size='{size}' font-weight='{weight}' "
        f"fill='{colour}' text-anchor='{anchor}'>{escape(text)}</text></svg>"
    )
    return Image.open(io.BytesIO(png(svg, (wide, high)))).convert("RGBA")
