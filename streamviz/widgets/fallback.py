"""The saved output of a widget: pictures in a placeholder, shown without a kernel."""

from __future__ import annotations

import html
import secrets
from itertools import count
from urllib.parse import quote

from streamviz.client.progress import in_front_end

_NONCE = secrets.token_hex(4)
_NUMBER = count(1)
_SVG_SAFE = " ='/:;,.()-+!*&@$?"


def new_ids() -> tuple[str, str]:
    """Return the ID of a widget's placeholder in the browser, and that of the saved one."""
    number = next(_NUMBER)
    fallback_id = f"plot-{number}"
    # Outside a browser the output must be the same in every run. In a browser, two kernels
    # may serve one page, so their IDs must differ.
    return f"{_NONCE}-{number}" if in_front_end() else fallback_id, fallback_id


def placeholder(element_id: str, images: list[tuple[str, str, int]], footer: str = "") -> str:
    """Return the HTML that a widget leaves in its output: pictures, and below them a footer.

    A picture is its alt text, its SVG and its largest width in pixels. The browser
    finds the placeholder by its ID, which is empty if the widget is in a box.
    """
    pictures = "".join(
        f'<img alt="{html.escape(alt)}" style="display:block;width:100%;'
        f'max-width:{width}px" src="{data_uri(svg)}">'
        for alt, svg, width in images
    )
    kind = f'data-streamviz="{element_id}"' if element_id else "data-streamviz-box"
    return f'<div class="streamviz" {kind}>{pictures}{footer}</div>'


def data_uri(svg: str) -> str:
    """Return an SVG as the source of an image, for an attribute in double quotes."""
    return f"data:image/svg+xml,{quote(svg, safe=_SVG_SAFE)}"
