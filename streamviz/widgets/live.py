"""The live widget: plots that grow while the kernel works, and a picture when it is gone.

What stands in the notebook is a picture in a placeholder. In the browser, `live.js` mounts the
live plots into it; saved, converted or reopened without a kernel, the picture is still there.
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

from streamviz.client.command_log import CommandLog
from streamviz.client.entry_id import EntryId
from streamviz.errors import HandlerError, InputError, StreamVizError
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.observation.timeline import entry_timeline
from streamviz.plots.figure import Delta, Figure, Plot, clean
from streamviz.plots.svg import render
from streamviz.simulation.scenario import Scenario
from streamviz.simulation.steps import Steps
from streamviz.widgets import output_cells
from streamviz.widgets.bundle import bundle, plotly_js
from streamviz.widgets.controls import control, controls_of
from streamviz.widgets.fallback import picture

_HERE = Path(__file__).parent / "static"
_FRONT_ENDS = ("JPY_SESSION_NAME", "VSCODE_PID", "STREAMVIZ_LIVE")
_NONCE = secrets.token_hex(4)
_NUMBER = count(1)
_PICTURE_EVERY_S = 10.0
_AHEAD = 16  # frames on their way; the browser grants as many as it drew, eight at a time


class Live(anywidget.AnyWidget):
    """One or more plots of a source, live.

    The kernel sends one message a frame, with only what is new, and never more than a few frames
    ahead of what the browser has drawn; a slow browser slows the plots, and nothing else.

    Parameters
    ----------
    source : Scenario, Steps or History
        What to show. A new scenario starts on the wall clock when it is displayed; steps wait for
        their button; a history is shown as it is.
    plots : sequence of Plot
        Which pictures.
    stream : str, optional
        Which of the scenario's streams; without it, the first.
    controls : bool
        Whether to show buttons and sliders for a scenario.
    commands : bool
        Whether to show the commands that a scenario sends, and what they change. That costs two
        more round trips a command. Steps show them always.

    Raises
    ------
    InputError
        If the source is neither, or has no such stream, or there are no plots.
    """

    _esm: Path | str = bundle("live.js")
    _css: Path | str = _HERE / "live.css"
    _most_rows = 20  # commands of a frame at most, and of the saved picture
    _bare = False  # whether there is something to show without plots, too
    place = traitlets.Unicode().tag(sync=True)
    spare = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        source: Scenario | Steps | History,
        plots: Sequence[Plot],
        *,
        stream: str | None = None,
        controls: bool = False,
        commands: bool = False,
    ) -> None:
        history = _history(source, stream)
        chosen = tuple(plots) if isinstance(plots, Sequence) else ()
        if not (chosen or self._bare) or not all(isinstance(plot, Plot) for plot in chosen):
            raise InputError(f"plots={plots!r}: give a list of plots, for example [GroupLag()]")
        number = next(_NUMBER)
        self._spare = f"plot-{number}"
        in_browser = any(name in os.environ for name in _FRONT_ENDS)
        super().__init__(
            place=f"{_NONCE}-{number}" if in_browser else self._spare, spare=self._spare
        )
        self.plots = chosen
        self.history = history
        self.scenario = source if isinstance(source, Scenario) else None
        self.steps = source if isinstance(source, Steps) else None
        self.controls = controls and self.scenario is not None
        self.commands = _log(source, commands)
        self._drawn: list[tuple[int, Any]] = []  # for each plot: last sample, identity
        self._credit = 0  # frames that may be sent before the browser says that it drew some
        self._told = ""
        self._told_rows = 0
        self._handle: Any = None
        self._pictured_s = 0.0
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {', '.join(plot.title for plot in self.plots)}>"

    def stop(self) -> None:
        """Stop the scenario, and leave the picture of its last state."""
        if self.scenario is not None:
            self.scenario.stop()
            if self._frame in self.scenario.on_sample:
                self.scenario.on_sample.remove(self._frame)
                self.scenario.clock.on_change.remove(self._changed)
            if self.commands is not None:
                self.commands.stop()
        self._frame(force=True)
        self._refresh()

    def update(self) -> None:
        """Show what the history has learned since, if the browser is ready for a frame.

        A scenario does this by itself; it is for a history that you append to.
        """
        self._frame()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        shown = display(self._bundle(self.place), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._handle = shown
        output_cells.shows(self)
        if self.scenario is not None and not self.scenario.ran:
            if self._frame not in self.scenario.on_sample:
                self.scenario.on_sample.append(self._frame)
                self.scenario.clock.on_change.append(self._changed)
            if self.commands is not None:
                self.commands.start()
            if self.scenario.state == "new":
                self.scenario.start()

    def _bundle(self, place: str) -> dict[str, str]:
        figures = self._locked(lambda: [plot.static_figure(self.history) for plot in self.plots])
        log = list(self.commands)[-self._most_rows :] if self.commands is not None else []
        return {
            "text/html": picture(place, self._images(figures), log),
            "text/plain": "\n".join([*self._words(figures), *map(str, log)]),
        }

    def _words(self, figures: list[Figure]) -> list[str]:
        """Return a line for each picture: what it shows."""
        return [f"{f['layout']['title']['text']}: {f['summary']}" for f in figures]

    def _images(self, figures: list[Figure]) -> list[tuple[str, str, int]]:
        """Return for each picture its words, its SVG and how wide it may be, in pixels."""
        return [(figure["summary"], render(figure), 900) for figure in figures]

    def _refresh(self) -> None:
        """Replace the saved picture with one of now; the live plots stay where they are."""
        if self._handle is not None:
            self._pictured_s = time.monotonic()
            self._handle.update(self._bundle(self._spare), raw=True)

    def _changed(self) -> None:
        """Show that the clock has begun, pauses or has stopped, whoever made it do so."""
        self._frame(force=True)
        if self._status()["state"] != "running":
            self._refresh()

    def _locked(self, action: Callable[[], Any]) -> Any:
        if self.scenario is None or self.scenario.state == "stopped":
            return action()  # nothing moves any more; a handler may still hang in there
        return self.scenario.clock.do(action)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        try:
            self._obey(content if isinstance(content, dict) else {})
        except HandlerError as error:
            self._tell("problem", {"text": str(error)})

    def _obey(self, content: dict[str, Any]) -> None:
        kind = content.get("type")
        if kind == "plotly":
            self.send({"type": "plotly"}, buffers=[plotly_js()])
        elif kind == "hello":
            self._locked(self._whole)
            self._refresh()
        elif kind == "grant":
            self._credit = min(_AHEAD, self._credit + int(content.get("frames", 0)))
        elif kind == "story":
            self._tell_story(content)
        elif kind == "gone":
            self.stop()
            self.close()
        elif kind == "control" and (driven := self.scenario or self.steps):
            self._control(driven, content)

    def _tell_story(self, wish: dict[str, Any]) -> None:
        which: Any = wish.get("id")
        try:
            entry_id = EntryId.parse(which)
        except InputError:
            return  # what was hovered over is no entry
        told = self._locked(lambda: entry_timeline(self._seen(wish), entry_id))
        self._tell("story", {"id": str(entry_id), "text": clean(". ".join(told) + ".")})

    def _seen(self, _wish: dict[str, Any]) -> History:
        """Return what was seen at the moment that a story is asked for."""
        return self.history

    def _control(self, driven: Scenario | Steps, content: dict[str, Any]) -> None:
        try:
            control(driven, content)
        except StreamVizError as error:
            self._tell("problem", {"text": str(error)})
        self._frame(force=True)
        if self.steps is not None:
            self._refresh()

    def _whole(self) -> None:
        figures = [plot.figure(self.history) for plot in self.plots]
        self._drawn = [
            (figure["n"], plot.structure_key(self.history))
            for figure, plot in zip(figures, self.plots, strict=True)
        ]
        driven = self.steps or (self.scenario if self.controls else None)
        panel = controls_of(driven) if driven is not None else None
        self._told = json.dumps(self._status())
        self._credit = _AHEAD
        self._told_rows = 0
        whole = {"figures": figures, "panel": panel, "status": self._status()}
        self._tell("figures", whole | {"rows": self._rows()})

    def _frame(self, _sample: Sample | None = None, *, force: bool = False) -> None:
        """Send what is new, if the browser keeps up."""
        if not self._drawn or not (self._credit or force):
            return
        self._locked(self._send_frame)
        if time.monotonic() - self._pictured_s > _PICTURE_EVERY_S:
            self._refresh()

    def _send_frame(self) -> None:
        last = self.history.last
        deltas = []
        if last is not None and any(n != last.n for n, _ in self._drawn):
            for i, (plot, (since, identity)) in enumerate(
                zip(self.plots, self._drawn, strict=True)
            ):
                delta = plot.delta(self.history, since, identity)
                if "full" in delta:
                    identity = plot.structure_key(self.history)
                self._drawn[i] = (delta["n"], identity)
                deltas.append(delta)
        message: dict[str, Any] = {"deltas": deltas, "x": _shared_times(deltas)}
        status = self._status()
        told = json.dumps(status)
        if told != self._told:
            self._told, message["status"] = told, status
        if rows := self._rows():
            message["rows"] = rows
        if len(message) > 2 or deltas:
            self._credit = max(0, self._credit - 1)
            self._tell("frame", message)

    def _tell(self, kind: str, content: dict[str, Any]) -> None:
        """Send something as text in a buffer: Jupyter would walk through every number of it."""
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        self.send({"type": kind}, buffers=[text.encode()])

    def _rows(self) -> list[list[Any]]:
        """Return the newest commands that were not told yet."""
        if self.commands is None:
            return []
        new, self._told_rows = (
            self.commands.since(self._told_rows)[-self._most_rows :],
            self.commands.count,
        )
        return [[one.call, one.command, one.reply, one.changes] for one in new]

    def _status(self) -> dict[str, Any]:
        last = self.history.last
        scenario = self.scenario
        if self.steps is not None:
            state = "done" if self.steps.done else "steps"
            return {"state": state, "trouble": "", "error": "", "place": self.steps.index}
        error = scenario.error if scenario is not None else None
        return {
            "state": "done" if scenario is None or scenario.ran else scenario.state,
            "trouble": last.trouble if last is not None else "",
            "error": str(error) if error is not None else "",
            "workers": []
            if scenario is None or not self.controls
            else [
                [group.name, worker.name, worker.alive]
                for group in scenario.groups.values()
                for worker in group.consumers.values()
            ],
        }


def _shared_times(deltas: list[Delta]) -> list[float]:
    """Take the times out of the deltas that show the same ones as the first, and return them."""
    times: list[float] = deltas[0].get("x", []) if deltas else []
    for delta in deltas:
        if delta.get("x") == times:
            del delta["x"]
    return times


def _log(source: Scenario | Steps | History, commands: bool) -> CommandLog | None:
    if isinstance(source, Steps):
        return source.log
    return CommandLog(source.client) if commands and isinstance(source, Scenario) else None


def _history(source: Scenario | Steps | History, stream: str | None) -> History:
    if isinstance(source, History):
        return source
    if isinstance(source, Steps):
        return source.history
    if not isinstance(source, Scenario):
        raise InputError(
            f"{type(source).__name__} can't be shown: give a Scenario, Steps or a History"
        )
    if stream is None:
        return source.history
    if not isinstance(stream, str) or stream not in source.histories:
        raise InputError(f"{stream!r} is no stream of {source!r}: choose one of its streams")
    return source.histories[stream]
