"""Which cell shows which board: a cell that runs again lets go what it showed before.

The browser says so, too, when it misses a board. But a page that was reloaded has forgotten it.
"""

from __future__ import annotations

from typing import Any, Protocol
from weakref import WeakKeyDictionary


class Shown(Protocol):
    """What a cell shows."""

    def stop(self) -> None:
        """End what moves it."""

    def close(self) -> None:
        """Be no widget any more."""


_CELLS: WeakKeyDictionary[Shown, tuple[str, str]] = WeakKeyDictionary()


def shows(board: Shown) -> None:
    """Remember that the running cell shows a board; what its earlier runs showed is let go."""
    cell, run = _running()
    if not cell:
        return
    for other, (where, when) in list(_CELLS.items()):
        if where == cell and when != run and other is not board:
            del _CELLS[other]
            other.stop()
            other.close()
    _CELLS[board] = cell, run


def _running() -> tuple[str, str]:
    """Return the ID of the running cell and of this run; empty where the front end tells none."""
    from IPython import get_ipython

    asked: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    return asked.get("metadata", {}).get("cellId", ""), asked.get("header", {}).get("msg_id", "")
