"""Pictures of the boards that stand in boxes and Output widgets, for the saved notebook.

What ipywidgets shows is gone without its kernel. So the cell gets the pictures as an output of
their own, which `live.css` hides while a board in the same cell is live.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import ipywidgets
from ipywidgets.widgets.widget import _instances


class Board(Protocol):
    """A widget with pictures."""

    def show_pictures(self) -> None:
        """Add the pictures to the outputs of the running cell."""


def follow_boxes() -> None:
    """From now on, show the pictures of the boards in each box that a cell shows."""
    from IPython import get_ipython

    ipython: Any = get_ipython()
    if ipython is not None:
        ipython.display_formatter.mimebundle_formatter.for_type(ipywidgets.Box, _bundle)


def follow_output(board: Board) -> None:
    """After the running cell, show the pictures of a board that goes into an Output widget."""
    from IPython import get_ipython

    ipython: Any = get_ipython()
    request: dict[str, Any] = getattr(ipython, "get_parent", dict)()
    header = request.get("header", {})
    outputs = [one for one in _instances.values() if isinstance(one, ipywidgets.Output)]
    captured = any(one.msg_id and one.msg_id == header.get("msg_id") for one in outputs)
    if not captured or header.get("msg_type") != "execute_request":
        return

    def after(_result: object) -> None:
        ipython.events.unregister("post_run_cell", after)
        board.show_pictures()

    ipython.events.register("post_run_cell", after)


def _bundle(box: Any) -> Any:
    for board in _boards(box):
        board.show_pictures()
    return box._repr_mimebundle_()


def _boards(widget: Any) -> Iterator[Board]:
    if hasattr(widget, "show_pictures"):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from _boards(child)
