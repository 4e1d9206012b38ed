"""Stop a widget when the cell that displayed it runs again.

The browser reports a missing placeholder, too, but a reloaded page no longer knows about it.
"""

from __future__ import annotations

from typing import Any, Protocol
from weakref import WeakKeyDictionary


class Widget(Protocol):
    """A displayed widget."""

    def stop(self) -> None:
        """Stop the source that it shows."""

    def close(self) -> None:
        """Close its connection to the browser."""


_CELLS: WeakKeyDictionary[Widget, tuple[str, str]] = WeakKeyDictionary()


def register(widget: Widget) -> None:
    """Record that the running cell displays a widget; stop and close those of its earlier runs."""
    cell, run = _running_cell()
    if not cell:
        return
    for other, (other_cell, other_run) in list(_CELLS.items()):
        if other_cell == cell and other_run != run and other is not widget:
            del _CELLS[other]
            other.stop()
            other.close()
    _CELLS[widget] = cell, run


def _running_cell() -> tuple[str, str]:
    """Return the IDs of the running cell and of this run; empty if the front end sends none."""
    from IPython import get_ipython

    request: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    return request.get("metadata", {}).get("cellId", ""), request.get("header", {}).get(
        "msg_id", ""
    )
