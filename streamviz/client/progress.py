"""A progress bar for calls of more than two seconds, shown only where a person can see it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from streamviz.errors import check_type

DELAY_S = 2.0
FRONT_ENDS = ("JPY_SESSION_NAME", "VSCODE_PID", "STREAMVIZ_LIVE")


def in_front_end() -> bool:
    """Tell whether a notebook runs in JupyterLab or the like, and not in nbclient or nbval."""
    return any(name in os.environ for name in FRONT_ENDS)


@contextmanager
def progress_bar(
    show: bool, what: str, total: float | None = None, unit: str = ""
) -> Iterator[Callable[[float], object]]:
    """Show a bar while the block runs, and yield a function that advances it by an amount.

    The bar appears only after `DELAY_S`, and only in a terminal or in a notebook's front end. It is
    removed at the end, so a saved notebook has none. `what` is a label of one or two words, and
    `unit` is what is counted. InputError if `show`, the ``progress=`` of the caller, is not a bool.
    """
    check_type("progress", show, bool, "True or False")
    place = _place() if show else None
    if place is None:
        yield lambda done: None
        return
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        monitor_interval = 0  # no thread

    unit = f" {unit}"
    options: dict[str, Any] = {"delay": DELAY_S, "leave": False, "file": place}
    if unit == " s":
        options["bar_format"] = "{l_bar}{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]"
    with Bar(desc=what, total=total, unit=unit, **options) as bar:
        yield bar.update


def _place() -> Any:
    """Return the file to draw a bar in, or None if no person would see it."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is not None:
        return _Output() if in_front_end() else None
    return sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None


class _Output:
    """A file whose last line is shown in an output of a notebook.

    Its first message and its last one have no data, so that neither a saved notebook nor nbval
    has the bar. The widget of tqdm.auto would stay in a saved notebook, and be dead there.
    """

    encoding = "utf-8"

    def __init__(self) -> None:
        self._shown: Any = None

    def write(self, text: str) -> None:
        """Show a line; one of blanks ends the bar."""
        from IPython import display

        line = text.strip()
        if self._shown is None:
            self._shown = os.urandom(8).hex()
            transient = {"display_id": self._shown}
            display.publish_display_data({}, transient=transient)  # type: ignore[no-untyped-call]
        data = {"text/plain": line} if line else {}
        display.update_display(data, raw=True, display_id=self._shown)  # type: ignore[no-untyped-call]

    def flush(self) -> None:
        """Do nothing: each line is sent at once."""
