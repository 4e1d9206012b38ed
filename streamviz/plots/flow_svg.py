"""Draw the flow as a static SVG."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from streamviz.plots.contrast import SUBSTITUTES, TEXT_COLOUR, TEXT_COLOURS, Background
from streamviz.plots.figure import Figure
from streamviz.plots.flow_constants import CORNERS, LEAST, OUTLINES, OWN
from streamviz.plots.flow_parts import Shape
from streamviz.plots.flow_shapes import flow_shapes
from streamviz.plots.texts import clean
from streamviz.plots.traces import RED

_FONT = "font-family='system-ui,sans-serif'"
_TEXTS = {
    "headline": "font-size='17' font-weight='600'",
    "name": "font-size='13' font-weight='600'",
    "inside": "font-size='11'",
}


def render_flow(
    figure: Figure, width: int, height: int | None, background: Background | None
) -> str:
    """Return a flow's figure as SVG; without a height, as high as its groups need."""
    scene = figure["data"][1]["meta"]
    high, shapes = flow_shapes(scene, width)
    if height is not None:
        low = high > height
        high = flow_shapes(scene, width, low=low)[0]
        scale = min(height / high, max(1.0, width / LEAST))
        width = round(width / scale)
        high, shapes = flow_shapes(scene, width, low=low)
    return drawn(shapes, (width, high), figure["summary"], background)


def drawn(
    shapes: Iterable[Shape],
    size: tuple[int, int],
    summary: str,
    background: Background | None = None,
) -> str:
    """Return shapes as SVG of a width and a height, with a summary for screen readers."""
    text = TEXT_COLOURS[background] if background else TEXT_COLOUR
    substitutes = SUBSTITUTES[background] if background else {}
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {size[0]} {size[1]}' "
        f"role='img' {_FONT} font-size='12' fill='{text}'>",
        f"<title>Flow</title><desc>{escape(clean(summary))}</desc>",
        *(_draw(shape, substitutes) for shape in shapes if shape.get("text") != ""),
    ]
    return "".join(parts) + "</svg>"


def _draw(shape: Shape, substitutes: dict[str, str]) -> str:
    if "text" in shape:
        style = _TEXTS.get(shape["kind"], "")
        anchor = f" text-anchor='{shape['anchor']}'" if shape["anchor"] != "start" else ""
        words = escape(clean(shape["text"]))
        return f"<text x='{shape['x']}' y='{shape['y']}' {style}{anchor}>{words}</text>"
    colour = str(substitutes.get(shape["colour"], shape["colour"]))
    box = "x='{x}' y='{y}' width='{w}' height='{h}'".format_map(shape)
    cross = "<path d='M{x} {low}L{right} {y}' stroke='{red}'/>" if shape["kind"] == "lost" else ""
    ends = {"low": shape["y"] + shape["h"], "right": shape["x"] + shape["w"], "red": RED}
    return f"<rect {box} {_paint(shape['kind'], colour)}/>" + cross.format_map(shape | ends)


def _paint(kind: str, colour: str) -> str:
    colour = OWN.get(kind, colour)
    if kind in OUTLINES:
        outline = " ".join(f"{name}='{value}'" for name, value in OUTLINES[kind].items())
        return f"fill='none' stroke='{colour}' {outline}"
    if kind == "labelled":
        return f"fill='{colour}' fill-opacity='.2' stroke='{colour}' rx='2'"
    pale = " fill-opacity='.3'" if kind == "held" else ""
    return f"rx='{CORNERS.get(kind, 2)}' fill='{colour}'{pale}"
