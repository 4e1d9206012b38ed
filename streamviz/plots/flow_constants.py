"""The sizes, the words and the paint of the flow.

They stand here alone: a flow's figure brings them to the browser's `flow_shapes.js`, once and not
with each frame.
"""

from __future__ import annotations

from typing import Any

from streamviz.plots.traces import GREY, RED

LEAST = 640  # pixels, as all sizes: a narrower picture has less room for words, and is not enlarged
PITCH = 15  # from one square to the next
SQUARE = 11  # a square's side
FILL = 4  # of a square that is just delivered; it is full when it is old
OLD_S = 5.0  # a pending entry of this age is red
GROUP, READER = 96, 22  # heights
MANY = 3  # groups; of more, each is lower, and a consumer's box has one line
LOW, LOWER = 14, 20  # by how much a low box is lower, and its group
BOX_W, BOX_MIN, BOX_H, BOX_GAP = 170, 100, 34, 8
HEADLINE, NAME, NOTE = 10.0, 8.0, 6.6  # the width of a letter, about
WIDE = 8.0  # of a digit, at most
SWATCH, LETTER = 22, 7  # widths: of a sample of a bar and the gaps beside it, and of a letter
UNCLEAR = "unaccounted for"
BAR = {  # the parts of a bar, as far as one can tell the oldest entries first
    "gone": "never delivered",
    "dropped": "dropped",
    "unknown": "unknown",
    "acked": "acknowledged",
    "pending": "pending",
    "waiting": "waiting",
}
STATES = {  # what a consumer does, from the longest to the shortest text
    "idle": ["holds nothing", "empty"],
    "busy": ["{n} pending", "{n}"],
    "dead idle": ["dead"],
    "dead busy": ["dead, holds {n}{age}", "dead, {n}{age}", "dead, {n}", "dead"],
}
SHOWN = "the worst {n}{of_total} groups are shown"
OWN = {"old": RED, "lost": RED, "bar-dropped": RED, "dead": GREY, "bar-gone": GREY}  # colours
OUTLINES: dict[str, dict[str, Any]] = {  # attributes of SVG, for what is not filled
    "waits": {"rx": 2, "stroke-width": 1.5},
    "box": {"rx": 6, "stroke-width": 1.2},
    "dead": {"rx": 6, "stroke-width": 1.2, "stroke-dasharray": "4 3"},
    "lost": {"rx": 2, "stroke-dasharray": "3 2"},
    "bin": {"rx": 2, "stroke-width": 1.2, "stroke-dasharray": "1 3"},
    "bar-waiting": {"stroke-width": 1},
    "bar-unknown": {"stroke-width": 1, "stroke-dasharray": "1 3"},
}
CORNERS = {"dot": 4, "line": 0, "bar-acked": 0, "bar-pending": 0, "bar-gone": 0, "bar-dropped": 0}

CONSTANTS: dict[str, Any] = {name: of for name, of in [*globals().items()] if name.isupper()}
"""All of them, by their names."""
