"""What the player in a notebook and the one in a file have in common; no widget is needed for it.

So the command line, which shows no widgets, starts without ipywidgets.
"""

from __future__ import annotations

from typing import Any

from streamviz.errors import InputError, is_number

EMBED_FRAMES = "STREAMVIZ_EMBED_FRAMES"
"""With this environment variable, a displayed player puts all its frames into its output."""
MAX_FRAMES = 20_000  # that a page may hold


def player_options(speed: float, loop: bool, autoplay: bool) -> dict[str, Any]:
    """Return the options that ``Options`` of ``static/player.js`` names, for a widget or a file."""
    return {"speed": check_speed(speed), "loop": bool(loop), "autoplay": bool(autoplay)}


def check_speed(speed: float) -> float:
    """Return a speed relative to the recording; InputError if it is wrong."""
    if not (is_number(speed) and 0 < speed <= 1000):
        raise InputError(f"speed={speed!r}: give a number above 0, at most 1000")
    return float(speed)
