"""Put a widget's pictures into the outputs of its cell, and stop the cell's earlier widgets.

Without its kernel, ipywidgets can't show the content of a box or an Output widget. So the cell gets
the pictures as a separate output, which `live.css` hides while a widget in the same cell is live.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import ipywidgets
from ipywidgets.widgets.widget import _instances


class ShownWidget(Protocol):
    """A displayed widget with pictures."""

    def show_pictures(self) -> None:
        """Add the pictures to the outputs of the running cell."""

    def stop(self) -> None:
        """Stop the source that it shows."""

    def close(self) -> None:
        """Close its connection to the browser."""


_CELLS: WeakKeyDictionary[ShownWidget, tuple[str, str]] = WeakKeyDictionary()


def follow_boxes() -> None:
    """From now on, show the pictures of the widgets in each box that a cell shows."""
    ipython, _ = _running_cell()
    if ipython is not None:
        ipython.display_formatter.mimebundle_formatter.for_type(ipywidgets.Box, _bundle)


def follow_output(widget: ShownWidget) -> None:
    """After the running cell, show the pictures of a widget that goes into an Output widget."""
    ipython, request = _running_cell()
    header = request.get("header", {})
    outputs = [one for one in _instances.values() if isinstance(one, ipywidgets.Output)]
    captured = any(one.msg_id and one.msg_id == header.get("msg_id") for one in outputs)
    if not captured or header.get("msg_type") != "execute_request":
        return

    def after(_result: object) -> None:
        ipython.events.unregister("post_run_cell", after)
        widget.show_pictures()

    ipython.events.register("post_run_cell", after)


def stop_earlier_runs(widget: ShownWidget) -> None:
    """Stop and close the widgets that earlier runs of the running cell have displayed.

    The browser reports a missing placeholder, too, but a reloaded page no longer knows about it.
    """
    _, request = _running_cell()
    cell = request.get("metadata", {}).get("cellId", "")
    run = request.get("header", {}).get("msg_id", "")
    if not cell:  # the front end sends none
        return
    for other, (other_cell, other_run) in list(_CELLS.items()):
        if other_cell == cell and other_run != run and other is not widget:
            del _CELLS[other]
            other.stop()
            other.close()
    _CELLS[widget] = cell, run


def _running_cell() -> tuple[Any, dict[str, Any]]:
    """Return IPython and the message that runs the cell; None and nothing outside a notebook."""
    from IPython import get_ipython

    ipython: Any = get_ipython()
    return ipython, getattr(ipython, "get_parent", dict)()


def _bundle(box: Any) -> Any:
    for widget in _shown_widgets(box):
        widget.show_pictures()
    return box._repr_mimebundle_()


def _shown_widgets(widget: Any) -> Iterator[ShownWidget]:
    if hasattr(widget, "show_pictures"):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from _shown_widgets(child)
