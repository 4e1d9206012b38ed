"""Show pages of temporary files in the browser."""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from shutil import rmtree
from typing import Any

from streamviz.export.files import HTML
from streamviz.export.formats import export


@contextmanager
def link_in_browser(url: str) -> Iterator[None]:
    """Open a link through a page that only this user can read, and which is then removed.

    All users can read the browser's arguments, and the link has a token.
    """
    with tempfile.TemporaryDirectory(prefix="streamviz-") as folder:
        page = Path(folder) / "watch.html"
        page.write_text(f'<meta http-equiv="refresh" content="0; url={escape(url)}">')
        webbrowser.open(page.as_uri())
        yield


def temporary_page(recording: Path, options: dict[str, Any]) -> Path:
    """Return a page that plays a recording, in a new folder; the errors are those of `export`."""
    folder = Path(tempfile.mkdtemp(prefix="streamviz-"))
    try:
        return export(recording, folder / f"{recording.stem}{HTML}", options)
    except BaseException:  # Ctrl-C, too
        rmtree(folder, ignore_errors=True)
        raise
