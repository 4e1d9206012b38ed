"""Parts for plots and pictures of your own: the colours, labels and traces of this package's plots.

They have a module of their own, because `streamviz.plots` names plots only. What is not here, a
plot or a picture outside the package should not need.
"""

from streamviz.plots.contrast import BACKGROUNDS, SUBSTITUTES, TEXT_COLOUR, TEXT_COLOURS
from streamviz.plots.event_lines import EVENT_AXIS, event_lines, event_points, headroom
from streamviz.plots.figure import Figure
from streamviz.plots.svg import on_background, render_saved
from streamviz.plots.texts import clean, columns, escaped, label, no_data_text, number_text
from streamviz.plots.traces import (
    COLOURS,
    GREY,
    LABEL_MARGIN,
    RED,
    Trace,
    colour,
    end_labels,
    end_texts,
    line,
    marks,
    seconds,
    step_lines,
)

__all__ = ["BACKGROUNDS", "COLOURS", "EVENT_AXIS", "GREY", "LABEL_MARGIN", "RED", "SUBSTITUTES"]
__all__ += ["TEXT_COLOUR", "TEXT_COLOURS", "Figure", "Trace", "clean", "colour", "columns"]
__all__ += ["end_labels", "end_texts", "escaped", "event_lines", "event_points", "headroom"]
__all__ += ["label", "line", "marks", "no_data_text", "number_text", "on_background"]
__all__ += ["render_saved", "seconds", "step_lines"]
