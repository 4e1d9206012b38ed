"""The widget of a running source, a scenario or steps, with controls and the commands sent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

import traitlets

from streamviz.client.command_log import CommandLog, LoggedCommand, table
from streamviz.errors import InputError, StreamVizError, no_such
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.drawing import check_groups, draw, draw_change
from streamviz.plots.figure import Delta, Figure, Plot
from streamviz.simulation.scenario import Scenario
from streamviz.simulation.steps import Steps
from streamviz.widgets.controls import control, controls_of
from streamviz.widgets.plot_widget import PlotWidget

_SUMMARISE_EVERY_S = 1.0


class Live(PlotWidget):
    """Plots of a source, live.

    Parameters
    ----------
    plots : sequence of Plot
        The plots to show, from top to bottom; one at least.
    source, stream, controls, commands
        As in `Dashboard`.

    Attributes
    ----------
    state : str
        The state of the source: ``"new"``, ``"running"``, ``"paused"``, ``"stopped"``,
        ``"steps"`` or ``"done"``. A trait; observers may be called in the scenario's thread.
    speed : float
        How fast the scenario runs; 2.0 is twice as fast. A trait.
    """

    state = traitlets.Unicode(read_only=True).tag(sync=True)
    speed = traitlets.Float(1.0).tag(sync=True)
    _max_rows = 20  # commands per frame, and in the saved output

    def __init__(
        self,
        source: Scenario | Steps | History,
        plots: Sequence[Plot],
        *,
        stream: str | None = None,
        controls: bool = False,
        commands: bool = False,
    ) -> None:
        super().__init__(_history_of(source, stream), plots)
        if not isinstance(source, Scenario) or source.ran:  # no other group will come
            check_groups(self.plots, self.history.group_names if self.history.newest else None)
        self.scenario = source if isinstance(source, Scenario) else None
        self.steps = source if isinstance(source, Steps) else None
        self.controls = controls and self.scenario is not None
        self.commands: CommandLog | None = None
        if self.steps is not None:
            self.commands = self.steps.log
        elif commands and self.scenario is not None:
            self.commands = CommandLog(self.scenario.client)
            self.commands.hides = self.scenario.context.hides
        self._sent: list[tuple[int, Any]] = []  # each plot's last sample and structure key
        self._sent_status = ""
        self._summarised_n = 0  # the sample whose summary was sent last
        self._rows_sent = 0
        self._started = False  # whether this widget started the scenario
        self._paused_by_us = False  # whether this widget paused it: its last view was closed
        self._follow_source()

    def stop(self) -> None:
        """Stop the scenario, draw its last state, and save its pictures in the notebook."""
        if self.scenario is not None:
            self.scenario.stop()
        self._unhook()
        self._follow_source()
        super().stop()

    def _start(self) -> None:
        if self.scenario is None or self.scenario.ran or self.scenario.state == "stopped":
            return
        if self._frame not in self.scenario.on_sample:
            self.scenario.on_sample.append(self._frame)
            self.scenario.clock.on_change.append(self._show_state)
            if self.commands is not None:
                self.commands.start()
        if self.scenario.state == "new" or (self._paused_by_us and self.scenario.state == "paused"):
            self._started = True
            self.scenario.start()
        self._paused_by_us = False

    def _last_view_closed(self) -> None:
        self._unhook()
        scenario = self.scenario
        if self._started and scenario and scenario.state == "running" and not scenario.on_sample:
            self._paused_by_us = True
            scenario.pause()
            self._follow_source()

    def _unhook(self) -> None:
        if self.scenario is None:
            return
        if self._frame in self.scenario.on_sample:
            self.scenario.on_sample.remove(self._frame)
            self.scenario.clock.on_change.remove(self._show_state)
        if self.commands is not None:
            self.commands.stop()

    def _show_state(self) -> None:
        """Show that the clock has started, paused or stopped, or changed its speed."""
        before = self.state
        self._follow_source()
        self._frame(force=True)
        if self.state not in (before, "running"):
            self._refresh()

    def _follow_source(self) -> None:
        """Set the traits that describe the source."""
        self.set_trait("state", self._status()["state"])
        if self.scenario is not None:
            self.speed = self.scenario.speed

    @traitlets.validate("speed")
    def _set_speed(self, proposal: Any) -> float:
        factor = float(proposal["value"])
        if self.scenario is None:
            raise InputError(f"speed={factor:g}: this widget shows no scenario that it can pace")
        if self.scenario.speed != factor:
            self.scenario.speed = factor
        return factor

    def _status(self) -> dict[str, Any]:
        """Return the state of the source, as the browser shows it below the plots."""
        if self.steps is not None:
            state = "done" if self.steps.done else "steps"
            return {"state": state, "trouble": "", "error": "", "step": self.steps.index}
        newest = self.history.newest
        trouble = newest.trouble if newest is not None else ""
        if self.scenario is None:
            return {"state": "done", "trouble": trouble, "error": "", "consumers": []}
        error = self.scenario.error
        groups = list(self.scenario.groups.values()) if self.controls else ()
        return {
            "state": "done" if self.scenario.ran else self.scenario.state,
            "trouble": self.scenario.clock.waiting or trouble or self.scenario.slowness,
            "error": str(error) if error is not None else "",
            "consumers": [
                [group.name, consumer.name, consumer.alive, consumer.slowdown]
                for group in groups
                for consumer in list(group.consumers.values())
                if not consumer.removed
            ],
        }

    def _greet(self, view: str) -> None:
        """Send a new view all that it shows, and the other views what they lack."""
        with self.history.lock:
            if len(self._views) > (view in self._views):
                self._send_frame(words=True)
            self._send_figures(view)

    def _send_figures(self, view: str) -> None:
        drawn = [draw(plot, self.history) for plot in self.plots]
        figures = [figure for figure, _ in drawn]
        self._sent = [(figure["n"], key) for figure, key in drawn]
        self._summarised_n = max((n for n, _ in self._sent), default=0)
        status = self._status()
        self._sent_status = json.dumps(status)
        self._rows_sent = 0
        content = {"figures": figures, "panel": self._panel(), "status": status}
        self._send_json("figures", content | {"rows": self._new_rows()}, view=view)

    def _frame(
        self, _sample: Sample | None = None, *, force: bool = False, words: bool = False
    ) -> None:
        """Send what is new, if the browser keeps up; the summary comes only with some frames."""
        if not self._sent or not (self._views if force else self._views.are_ready()):
            return
        due = time.monotonic() - self._summarised_s > _SUMMARISE_EVERY_S
        with self.history.lock:
            self._send_frame(words=words or force or due)
        if due:
            self._summarise()
        if time.monotonic() > self._refresh_at_s:
            self._refresh()

    def _send_frame(self, *, words: bool) -> None:
        deltas = self._new_deltas(words)
        message: dict[str, Any] = {"deltas": deltas, "x": _shared_times(deltas)}
        status = self._status()
        if (text := json.dumps(status)) != self._sent_status:
            self._sent_status, message["status"] = text, status
        if rows := self._new_rows():
            message["rows"] = rows
        if len(message) > 2 or deltas:
            self._views.count_frame()
            self._send_json("frame", message)

    def _new_deltas(self, words: bool) -> list[Delta]:
        """Return what is new in each plot; nothing if there is no new sample."""
        last, deltas = self.history.newest, []
        has_summaries = not words or last is None or self._summarised_n == last.n
        if last is None or (has_summaries and all(n == last.n for n, _ in self._sent)):
            return []
        self._summarised_n = last.n if words else self._summarised_n
        for i, (plot, (n, key)) in enumerate(zip(self.plots, self._sent, strict=True)):
            delta, key = draw_change(plot, self.history, n, key, words=words)
            self._sent[i] = (delta["n"], key)
            deltas.append(delta)
        return deltas

    def _panel(self) -> dict[str, Any] | None:
        """Return the buttons and sliders for the browser to build, if there are any."""
        source = self.steps or (self.scenario if self.controls else None)
        return controls_of(source) if source is not None else None

    def _handle_message(self, content: dict[str, Any]) -> None:
        source = self.scenario or self.steps
        if content.get("type") != "control" or source is None:
            super()._handle_message(content)
            return
        try:
            control(source, content)
        except StreamVizError as error:
            self._problem(error)
        self._follow_source()
        self._frame(force=True)
        if self.steps is not None:
            self._refresh()

    def _new_rows(self) -> list[list[Any]]:
        """Return the rows to add to the table of commands."""
        if self.commands is None:
            return []
        rows = self.commands.since(self._rows_sent)[-self._max_rows :]
        self._rows_sent = self.commands.count
        return [[one.call, one.command, one.reply, one.changes] for one in rows]

    def _newest_commands(self) -> list[LoggedCommand]:
        return [] if self.commands is None else list(self.commands)[-self._max_rows :]

    def _summaries(self, figures: list[Figure]) -> list[str]:
        return [*super()._summaries(figures), *map(str, self._newest_commands())]

    def _footer(self) -> str:
        commands = self._newest_commands()
        return table(commands) if commands else ""


def _history_of(source: Scenario | Steps | History, stream: str | None) -> History:
    if isinstance(source, History | Steps):
        history = source.history if isinstance(source, Steps) else source
        own = history.newest.stream if history.newest is not None else None
        if stream is not None and stream != own:
            raise InputError(f"stream={stream!r}: {source!r} has one stream, so leave it out")
        return history
    if not isinstance(source, Scenario):
        raise InputError(
            f"{type(source).__name__} can't be shown: give a Scenario, Steps or a History; "
            "for a stream of your own, call watch(client, name); for Partitions, watch(partitions)"
        )
    if stream is None:
        return source.history
    if not isinstance(stream, str) or stream not in source.histories:
        raise no_such_stream(stream, source.histories)
    return source.histories[stream]


def no_such_stream(stream: object, streams: Iterable[str]) -> InputError:
    """Return the error for a stream that a scenario does not have."""
    return no_such("stream", stream, streams, "none yet: call produce(), group() or watch()")


def _shared_times(deltas: list[Delta]) -> list[float]:
    """Take the times out of the deltas that share them with the first one, and return the times."""
    times: list[float] = deltas[0].get("x", []) if deltas else []
    for delta in deltas:
        if delta.get("x") == times:
            del delta["x"]
    return times
