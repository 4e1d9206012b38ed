"""The widget that shows plots of a history, with saved pictures for when the kernel is gone.

The notebook's output holds the pictures in a placeholder. In the browser, `live.js` mounts the
live plots into the placeholder. Saved, converted or reopened without a kernel, the notebook still
has the pictures.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import traitlets

from streamviz.client.entry_id import EntryId
from streamviz.errors import HandlerError, InputError
from streamviz.observation.history import History
from streamviz.observation.timeline import entry_timeline
from streamviz.plots.drawing import check_plots, draw, summary_of
from streamviz.plots.figure import Figure, Plot
from streamviz.plots.svg import render_saved
from streamviz.plots.texts import clean
from streamviz.recording.format import pack
from streamviz.widgets.assets import plotly_js, script, stylesheet
from streamviz.widgets.cell_outputs import follow_output, stop_earlier_runs
from streamviz.widgets.fallback import new_ids, placeholder
from streamviz.widgets.late_widget import LateWidget
from streamviz.widgets.plotly_figure import plotly_figure
from streamviz.widgets.views import Views

_REFRESH_EVERY_S, _REFRESH_REST = 10.0, 400  # or this many times what the pictures took, if longer


class PlotWidget(LateWidget):
    """Plots of a history, in any number of views: a cell's own output, a box, a tab.

    The kernel sends one message per frame, with only what is new, and is never more than 24 frames
    ahead of a view. A slow browser slows the plots and nothing else. The connection to the browser
    opens when the widget is first shown.

    Attributes
    ----------
    selected : str
        The ID of the entry that is chosen in the browser or here, or empty. A trait.
    summary : str
        What the plots show, in words, with one line per plot. It is of the last `update`, and at
        most a second old while a view is open. A trait.
    """

    _esm = script("live.js")
    _css = stylesheet("live.css")  # for a path, anywidget would keep every widget alive
    _plots_optional = False  # whether a subclass has something to show without plots
    mount_id = traitlets.Unicode().tag(sync=True)
    fallback_id = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)
    summary = traitlets.Unicode(read_only=True).tag(sync=True)

    def __init__(self, history: History, plots: Sequence[Plot]) -> None:
        self.history = history  # marimo reads the traits while the widget is made
        self.plots = () if self._plots_optional and not plots else check_plots(plots)
        self._views = Views()
        self._handles: list[tuple[Any, str]] = []  # of saved pictures, and their placeholder's ID
        self._refresh_at_s = self._summarised_s = 0.0
        mount_id, fallback_id = new_ids()
        super().__init__(mount_id=mount_id, fallback_id=fallback_id)
        self.on_msg(self._receive)

    @traitlets.default("summary")
    def _summary(self) -> str:
        with self.history.lock:
            return "\n".join(f"{p.title}: {summary_of(p, self.history)}" for p in self.plots)

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> str:
        return str(EntryId.parse(proposal["value"])) if proposal["value"] else ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {', '.join(plot.title for plot in self.plots)}>"

    def stop(self) -> None:
        """Draw the last state, and save its pictures in the notebook."""
        self._frame(force=True)
        self._summarise()
        self._refresh()

    def update(self) -> None:
        """Show the samples that the history has gained, if the browser is ready for a frame.

        Call this after you append to a history. A running scenario does it by itself. `summary`
        changes without a view, too, so a label may be linked to it.
        """
        self._frame(words=True)
        self._summarise()

    def _greet(self, view: str) -> None:
        """Send a new view all that it shows."""

    def _frame(self, *, force: bool = False, words: bool = False) -> None:
        """Send what is new."""

    @property
    def figure(self) -> Any:
        """The plots as they are now, as a `plotly.graph_objects.Figure` of your own."""
        with self.history.lock:
            return plotly_figure([draw(plot, self.history)[0] for plot in self.plots])

    def _start(self) -> None:
        """Begin to follow the source: the widget is shown."""

    def _closed(self) -> None:
        self._views.clear()
        self._last_view_closed()

    def _last_view_closed(self) -> None:
        """Stop following the source: the last view was closed, and another may open later."""

    def _summaries(self, figures: list[Figure]) -> list[str]:
        """Return the lines of the output in plain text: one per plot."""
        pairs = zip(self.plots, figures, strict=True)
        return [f"{plot.title}: {figure['summary']}" for plot, figure in pairs]

    def _images(self, figures: list[Figure]) -> list[tuple[str, str, int]]:
        """Return for each saved picture its alt text, its SVG and its largest width in pixels."""
        return [(figure["summary"], render_saved(figure), 900) for figure in figures]

    def _footer(self) -> str:
        """Return HTML to save below the pictures."""
        return ""

    def _history_at(self, _request: dict[str, Any]) -> History:
        """Return the history as of the moment that a request is about."""
        return self.history

    def show_pictures(self, element_id: str = "", saved_id: str = "") -> None:
        """Add the pictures to the outputs of the running cell, and keep them up to date there."""
        from IPython.display import display

        output = self._mimebundle(element_id)
        handle = display(output, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._handles += [(handle, saved_id)] if handle is not None else []

    def _ipython_display_(self) -> None:
        assert self.model_id  # the browser must know the widget before its placeholder
        self.show_pictures(self.mount_id, self.fallback_id)
        stop_earlier_runs(self)
        follow_output(self)
        self._start()  # no page says hello if the notebook runs without a browser

    def _mimebundle(self, element_id: str) -> dict[str, str]:
        with self.history.lock:
            figures = [draw(plot, self.history, static=True)[0] for plot in self.plots]
        return {
            "text/html": placeholder(element_id, self._images(figures), self._footer()),
            "text/plain": "\n".join(self._summaries(figures)),
        }

    def _refresh(self) -> None:
        """Replace the saved pictures with current ones; the live plots stay where they are."""
        if self._handles:
            began_s = time.monotonic()
            outputs = {key: self._mimebundle(key) for key in {key for _, key in self._handles}}
            took_s = time.monotonic() - began_s
            self._refresh_at_s = began_s + max(_REFRESH_EVERY_S, _REFRESH_REST * took_s)
            for handle, saved_id in self._handles:
                handle.update(outputs[saved_id], raw=True)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        try:
            self._handle_message(content if isinstance(content, dict) else {})
        except HandlerError as error:
            self._problem(error)

    def _handle_message(self, content: dict[str, Any]) -> None:
        kind, view = content.get("type"), str(content.get("view", ""))
        if kind == "plotly":
            self.send({"type": "plotly"}, buffers=[plotly_js()])
        elif kind == "hello" or (kind == "grant" and view not in self._views):
            self._start()
            self._greet(view)
            self._views.add(view)
            self._refresh()
        elif kind == "grant" and type(frames := content.get("frames")) is int:
            self._views.grant(view, frames)
        elif kind == "timeline":
            self._send_timeline(content)
        elif kind in ("bye", "gone") and self._views.remove(view):
            if kind == "bye":
                self._last_view_closed()
            else:  # gone from its cell's output
                self.stop()
                self.close()

    def _send_timeline(self, request: dict[str, Any]) -> None:
        entry: Any = request.get("id")
        try:
            entry_id = EntryId.parse(entry)
        except InputError:
            return  # the pointer is not over an entry
        with self.history.lock:
            steps = entry_timeline(self._history_at(request), entry_id)
        self._send_json("timeline", {"id": str(entry_id), "text": clean(". ".join(steps) + ".")})

    def _summarise(self) -> None:
        self._summarised_s = time.monotonic()
        self.set_trait("summary", self._summary())

    def _problem(self, error: Exception) -> None:
        self._send_json("problem", {"text": str(error)})

    def _send_json(self, kind: str, content: dict[str, Any], **head: str) -> None:
        """Send packed text in a buffer: Jupyter would walk through each number of a message."""
        self.send({"type": kind, **head}, buffers=[pack(content, 1)])
