"""A widget that connects to the browser when it is first shown, and leaves nothing when closed."""

from __future__ import annotations

import anywidget
import ipywidgets
import traitlets

from streamviz.widgets.cell_outputs import follow_boxes

_COMMON = {name for name in dir(anywidget.AnyWidget) if not name.startswith("_")}
_COMMON -= {"close", "layout", "observe", "unobserve"}  # what users need
_TRAITS = {*anywidget.AnyWidget.class_trait_names()}


class _OwnNames(type(anywidget.AnyWidget)):  # type: ignore[misc]
    """Lists our names, and those of a widget's fifty own names that a user needs.

    The others work, but would hide the few that are ours from completion and from `help`. The
    class lists each trait, because traitlets finds them by it.
    """

    def __dir__(cls) -> list[str]:
        return sorted({*super().__dir__()} - _COMMON | _TRAITS)


class LateWidget(anywidget.AnyWidget, metaclass=_OwnNames):
    """A widget that costs nothing until it is shown.

    ipywidgets connects a new widget at once, and keeps every connected one until it is closed.
    """

    _own_layout: ipywidgets.Layout | None = None

    @traitlets.default("layout")
    def _new_layout(self) -> ipywidgets.Layout:
        self._own_layout = ipywidgets.Layout()
        return self._own_layout

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__()} - _COMMON)

    def open(self) -> None:
        """Leave the connection to the browser closed until a view needs it."""

    @property
    def model_id(self) -> str:
        """The ID by which the browser knows the widget; the first use opens the connection."""
        if self.comm is None:
            super().open()
            follow_boxes()
        return str(self.comm.comm_id)

    def close(self) -> None:
        """Close the connection to the browser, and with it all views."""
        was_open = self.comm is not None
        super().close()
        if self._own_layout is not None:
            self._own_layout.close()
        if was_open:
            self._closed()

    def _closed(self) -> None:
        """Stop what only views need."""
