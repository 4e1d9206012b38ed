"""The files that a browser needs: bundled JavaScript, style sheets and plotly.js."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

from streamviz.errors import StreamVizError

_STATIC = Path(__file__).parent / "static"


@cache
def script(path: str | Path) -> str:
    """Return a bundle that esbuild has made: one of the package's own, or one of a full path.

    StreamVizError if the bundle has not been built.
    """
    return _built(path).decode("utf-8")


def stylesheet(*paths: str | Path) -> str:
    """Return style sheets in one text, in order; a name is one of this folder's."""
    return "\n".join((_STATIC / path).read_text("utf-8") for path in paths)


@cache
def plotly_js() -> bytes:
    """Return plotly.js with its basic traces (scatter, bar and pie), compressed with gzip."""
    return _built("plotly.js.gz")


@cache
def plotly_base64() -> str:
    """Return `plotly_js` in base64, for a page."""
    return base64.b64encode(plotly_js()).decode("ascii")


def _built(path: str | Path) -> bytes:
    file = _STATIC / "dist" / path
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise StreamVizError(
            f"{file} is missing, because the JavaScript has not been built: "
            "run `make js` in the repository, or install streamviz again"
        ) from error
