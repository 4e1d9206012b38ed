"""Draw the flow as a static SVG."""

from __future__ import annotations

from html import escape
from typing import Any

from streamviz.plots.contrast import SUBSTITUTES, TEXT_COLOUR, TEXT_COLOURS, Background
from streamviz.plots.figure import Figure, clean
from streamviz.plots.flow_shapes import Shape, flow_shapes

RED = "#D1242F"
_FONT = "font-family='system-ui,sans-serif'"
_TEXTS = {
    "headline": "font-size='17' font-weight='600'",
    "name": "font-size='13' font-weight='600'",
    "label": "font-size='12'",
    "note": "font-size='12' opacity='.8'",
}
_STROKES = {"waits": "1.5", "held": "1.5", "old": "1.5", "box": "1.2", "dead": "1.2"}
_OPACITY = {"bar-pending": ".65", "bar-waiting": ".35", "bar-gone": ".18", "entry": ".55"}


def render_flow(figure: Figure, width: int, background: Background | None) -> str:
    """Return a flow's figure as SVG, as high as its groups need."""
    height, shapes = flow_shapes(figure["data"][1]["scene"], width)
    text = TEXT_COLOURS[background] if background else TEXT_COLOUR
    substitutes = SUBSTITUTES[background] if background else {}
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"role='img' {_FONT} font-size='12' fill='{text}'>",
        f"<title>Flow</title><desc>{escape(clean(figure['summary']))}</desc>",
        *(_draw(shape, substitutes) for shape in shapes),
    ]
    return "".join(parts) + "</svg>"


def _draw(shape: Shape, substitutes: dict[str, str]) -> str:
    kind, colour = shape["kind"], shape.get("colour")
    colour = substitutes.get(colour or "", colour)
    if "text" in shape:
        fill = f" fill='{colour}'" if colour else ""
        anchor = f" text-anchor='{shape['anchor']}'" if shape["anchor"] != "start" else ""
        return (
            f"<text x='{shape['x']}' y='{shape['y']}' {_TEXTS[kind]}{fill}{anchor}>"
            f"{escape(clean(shape['text']))}</text>"
        )
    box = "x='{x}' y='{y}' width='{w}' height='{h}'".format_map(shape)
    return f"<rect {box} {_paint(kind, colour)}/>"


def _paint(kind: str, colour: Any) -> str:
    if kind == "dead":
        return "rx='6' fill='none' stroke='#888888' stroke-width='1.2' stroke-dasharray='4 3'"
    if kind == "old":
        return f"rx='3' fill='{RED}'"
    if kind in ("waits", "box"):
        corner = 6 if kind == "box" else 2
        return f"rx='{corner}' fill='none' stroke='{colour}' stroke-width='{_STROKES[kind]}'"
    opacity = f" fill-opacity='{_OPACITY[kind]}'" if kind in _OPACITY else ""
    corner = 4 if kind == "dot" else 2
    return f"rx='{corner}' fill='{colour}'{opacity}"
