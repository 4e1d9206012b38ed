"""The widget that shows plots of a history, with saved pictures for when the kernel is gone.

The notebook's output holds the pictures in a placeholder. In the browser, `live.js` mounts the
live plots into the placeholder. Saved, converted or reopened without a kernel, the notebook still
has the pictures.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from streamviz.client.entry_id import EntryId
from streamviz.errors import HandlerError, InputError
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.observation.timeline import entry_timeline
from streamviz.plots.figure import Delta, Figure, Plot, clean
from streamviz.plots.svg import render
from streamviz.widgets import output_cells
from streamviz.widgets.assets import plotly_js, script
from streamviz.widgets.fallback import placeholder

_FRONT_ENDS = ("JPY_SESSION_NAME", "VSCODE_PID", "STREAMVIZ_LIVE")
_NONCE = secrets.token_hex(4)
_NUMBER = count(1)
_REFRESH_EVERY_S = 10.0
_FRAMES_AHEAD = 16  # sent but not drawn; the browser grants more as it draws, eight at a time


class PlotWidget(anywidget.AnyWidget):
    """Plots of a history.

    The kernel sends one message per frame, with only what is new, and is never more than 16
    frames ahead of the browser. A slow browser slows the plots and nothing else.

    Parameters
    ----------
    history : History
        The samples to show.
    plots : sequence of Plot
        The plots to show, from top to bottom.

    Raises
    ------
    InputError
        If there are no plots, or one of them is not a plot.
    """

    _esm: Path | str = script("live.js")
    _css: Path | str = Path(__file__).parent / "static" / "live.css"
    _plots_optional = False  # whether a subclass has something to show without plots
    mount_id = traitlets.Unicode().tag(sync=True)
    fallback_id = traitlets.Unicode().tag(sync=True)

    def __init__(self, history: History, plots: Sequence[Plot]) -> None:
        chosen = tuple(plots) if isinstance(plots, Sequence) else ()
        enough = bool(chosen) or self._plots_optional
        if not enough or not all(isinstance(plot, Plot) for plot in chosen):
            raise InputError(f"plots={plots!r}: give a list of plots, for example [GroupLag()]")
        number = next(_NUMBER)
        # Outside a browser the output must be the same in every run. In a browser, two kernels
        # may serve one page, so their IDs must differ.
        fallback_id = f"plot-{number}"
        in_browser = any(name in os.environ for name in _FRONT_ENDS)
        mount_id = f"{_NONCE}-{number}" if in_browser else fallback_id
        super().__init__(mount_id=mount_id, fallback_id=fallback_id)
        self.history = history
        self.plots = chosen
        self._sent: list[
            tuple[int, Any]
        ] = []  # for each plot: its last sample and its structure key
        self._sent_status = ""
        self._credit = 0  # frames that may be sent before the browser grants more
        self._figures_due = False  # whether a page waits for its first figures
        self._handle: Any = None
        self._refreshed_s = 0.0
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {', '.join(plot.title for plot in self.plots)}>"

    def stop(self) -> None:
        """Draw the last state, and save its pictures in the notebook."""
        self._frame(force=True)
        self._refresh()

    def update(self) -> None:
        """Show the samples that the history has gained, if the browser is ready for a frame.

        Call this after you append to a history. A running scenario does it by itself.
        """
        self._frame()

    def _start(self) -> None:
        """Begin to follow the source; the widget is on the page now."""

    def _locked(self, action: Callable[[], Any]) -> Any:
        """Run an action while no sample can be added, and return its result."""
        return action()

    def _status(self) -> dict[str, Any]:
        """Return the state of the source, as the browser shows it below the plots."""
        trouble = self.history.last.trouble if self.history.last is not None else ""
        return {"state": "done", "trouble": trouble, "error": "", "workers": []}

    def _panel(self) -> dict[str, Any] | None:
        """Return the buttons and sliders for the browser to build, if there are any."""
        return None

    def _new_rows(self) -> list[list[Any]]:
        """Return the rows to add to the table of commands."""
        return []

    def _restart(self) -> None:
        """Forget what was sent: a new page starts without it."""

    def _summaries(self, figures: list[Figure]) -> list[str]:
        """Return the lines of the output in plain text: one per plot."""
        return [f"{f['layout']['title']['text']}: {f['summary']}" for f in figures]

    def _images(self, figures: list[Figure]) -> list[tuple[str, str, int]]:
        """Return for each saved picture its alt text, its SVG and its largest width in pixels."""
        return [(figure["summary"], render(figure), 900) for figure in figures]

    def _footer(self) -> str:
        """Return HTML to save below the pictures."""
        return ""

    def _history_at(self, _request: dict[str, Any]) -> History:
        """Return the history as of the moment that a request is about."""
        return self.history

    def _ipython_display_(self) -> None:
        from IPython.display import display

        output = self._mimebundle(self.mount_id)
        self._handle = display(output, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        output_cells.register(self)
        self._start()

    def _mimebundle(self, element_id: str) -> dict[str, str]:
        figures = self._locked(lambda: [plot.static_figure(self.history) for plot in self.plots])
        return {
            "text/html": placeholder(element_id, self._images(figures), self._footer()),
            "text/plain": "\n".join(self._summaries(figures)),
        }

    def _refresh(self) -> None:
        """Replace the saved pictures with current ones; the live plots stay where they are."""
        if self._handle is not None:
            self._refreshed_s = time.monotonic()
            self._handle.update(self._mimebundle(self.fallback_id), raw=True)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        try:
            self._handle_message(content if isinstance(content, dict) else {})
        except HandlerError as error:
            self._problem(error)

    def _handle_message(self, content: dict[str, Any]) -> None:
        kind = content.get("type")
        if kind == "plotly":
            self.send({"type": "plotly"}, buffers=[plotly_js()])
        elif kind == "hello":
            self._figures_due = True  # if the clock is busy now, the next frame sends them
            self._locked(self._send_due_figures)
            self._refresh()
        elif kind == "grant":
            self._credit = min(_FRAMES_AHEAD, self._credit + int(content.get("frames", 0)))
        elif kind == "story":
            self._send_story(content)
        elif kind == "gone":
            self.stop()
            self.close()

    def _send_story(self, request: dict[str, Any]) -> None:
        entry: Any = request.get("id")
        try:
            entry_id = EntryId.parse(entry)
        except InputError:
            return  # the pointer is not over an entry
        steps = self._locked(lambda: entry_timeline(self._history_at(request), entry_id))
        self._send_json("story", {"id": str(entry_id), "text": clean(". ".join(steps) + ".")})

    def _send_due_figures(self) -> None:
        self._figures_due = False
        self._send_figures()

    def _send_figures(self) -> None:
        figures = [plot.figure(self.history) for plot in self.plots]
        self._sent = [
            (figure["n"], plot.structure_key(self.history))
            for figure, plot in zip(figures, self.plots, strict=True)
        ]
        status = self._status()
        self._sent_status = json.dumps(status)
        self._credit = _FRAMES_AHEAD
        self._restart()
        content = {"figures": figures, "panel": self._panel(), "status": status}
        self._send_json("figures", content | {"rows": self._new_rows()})

    def _frame(self, _sample: Sample | None = None, *, force: bool = False) -> None:
        """Send what is new, if the browser keeps up."""
        if self._figures_due:
            self._locked(self._send_due_figures)
        if not self._sent or not (self._credit or force):
            return
        self._locked(self._send_frame)
        if time.monotonic() - self._refreshed_s > _REFRESH_EVERY_S:
            self._refresh()

    def _send_frame(self) -> None:
        deltas = self._new_deltas()
        message: dict[str, Any] = {"deltas": deltas, "x": _shared_times(deltas)}
        status = self._status()
        text = json.dumps(status)
        if text != self._sent_status:
            self._sent_status, message["status"] = text, status
        if rows := self._new_rows():
            message["rows"] = rows
        if len(message) > 2 or deltas:
            self._credit = max(0, self._credit - 1)
            self._send_json("frame", message)

    def _new_deltas(self) -> list[Delta]:
        """Return what is new in each plot; nothing if there is no new sample."""
        last = self.history.last
        if last is None or all(n == last.n for n, _ in self._sent):
            return []
        deltas = []
        for i, (plot, (n, key)) in enumerate(zip(self.plots, self._sent, strict=True)):
            delta = plot.delta(self.history, n, key)
            if "full" in delta:
                key = plot.structure_key(self.history)
            self._sent[i] = (delta["n"], key)
            deltas.append(delta)
        return deltas

    def _problem(self, error: Exception) -> None:
        self._send_json("problem", {"text": str(error)})

    def _send_json(self, kind: str, content: dict[str, Any]) -> None:
        """Send text in a buffer, because Jupyter would walk through each number of a message."""
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        self.send({"type": kind}, buffers=[text.encode()])


def _shared_times(deltas: list[Delta]) -> list[float]:
    """Take the times out of the deltas that show the same ones as the first, and return them."""
    times: list[float] = deltas[0].get("x", []) if deltas else []
    for delta in deltas:
        if delta.get("x") == times:
            del delta["x"]
    return times
