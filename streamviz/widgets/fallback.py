"""What stands in a saved notebook: pictures in a placeholder."""

from __future__ import annotations

import html
from collections.abc import Sequence
from urllib.parse import quote

from streamviz.client.command_log import LoggedCommand, table

_SVG_SAFE = " ='/:;,.()-+!*&@$?"


def picture(place: str, images: list[tuple[str, str, int]], log: Sequence[LoggedCommand]) -> str:
    """Return a placeholder for a live board, with pictures of its last state.

    Parameters
    ----------
    place : str
        The name by which the browser finds it.
    images : list of (str, str, int)
        For each picture its words, its SVG and how wide it may be, in pixels.
    log : sequence of Exchange
        Commands to show below.
    """
    shown = "".join(
        f'<img alt="{html.escape(words)}" style="display:block;width:100%;'
        f'max-width:{width}px" src="data:image/svg+xml,{quote(svg, safe=_SVG_SAFE)}">'
        for words, svg, width in images
    )
    rows = table(log) if log else ""
    return f'<div class="streamviz" data-streamviz="{place}">{shown}{rows}</div>'
