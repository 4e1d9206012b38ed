"""The box of an entry that is no longer in the stream, in each picture of the course."""

from __future__ import annotations

from streamviz.plots.traces import RED


def crossed_out(x: float, y: float, wide: float, high: float) -> str:
    """Return the SVG of the box of an entry that is no longer in the stream."""
    return (
        f"<rect x='{x:g}' y='{y:g}' width='{wide:g}' height='{high:g}' rx='2' fill='none' "
        f"stroke='{RED}' stroke-dasharray='3 2'/>"
        f"<path d='M{x:g} {y + high:g}L{x + wide:g} {y:g}' stroke='{RED}'/>"
    )
