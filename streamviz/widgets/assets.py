"""The files that a browser needs: bundled JavaScript, style sheets and plotly.js."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files
from pathlib import Path

from streamviz.errors import StreamVizError

_STATIC = Path(__file__).parent / "static"


@cache
def script(path: str | Path) -> str:
    """Return a bundle that esbuild has made.

    Parameters
    ----------
    path : str or Path
        The bundle: a name such as ``"live.js"`` for one of the package's own, or a full path.

    Raises
    ------
    StreamVizError
        If the bundle has not been built.
    """
    file = _STATIC / "dist" / path
    try:
        return file.read_text("utf-8")
    except FileNotFoundError as error:
        raise StreamVizError(
            f"{file} is missing, because the JavaScript has not been built: "
            "run `make js` in the repository, or install streamviz again"
        ) from error


def stylesheet(*paths: str | Path) -> str:
    """Return style sheets in one text, in order; a name is one of this folder's."""
    return "\n".join((_STATIC / path).read_text("utf-8") for path in paths)


@cache
def plotly_js() -> bytes:
    """Return plotly.js of the installed package, compressed with gzip."""
    source = files("plotly") / "package_data" / "plotly.min.js"
    return gzip.compress(source.read_bytes(), 6, mtime=0)
