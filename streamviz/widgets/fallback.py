"""The saved output of a widget: pictures in a placeholder, shown without a kernel."""

from __future__ import annotations

import html
from urllib.parse import quote

_SVG_SAFE = " ='/:;,.()-+!*&@$?"


def placeholder(element_id: str, images: list[tuple[str, str, int]], footer: str = "") -> str:
    """Return the HTML that a widget leaves in its output.

    Parameters
    ----------
    element_id : str
        The ID by which the browser finds the placeholder.
    images : list of (str, str, int)
        The alt text, the SVG and the largest width in pixels of each picture.
    footer : str
        HTML to put below the pictures.
    """
    pictures = "".join(
        f'<img alt="{html.escape(alt)}" style="display:block;width:100%;'
        f'max-width:{width}px" src="data:image/svg+xml,{quote(svg, safe=_SVG_SAFE)}">'
        for alt, svg, width in images
    )
    return f'<div class="streamviz" data-streamviz="{element_id}">{pictures}{footer}</div>'
