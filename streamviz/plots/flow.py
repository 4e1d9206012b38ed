"""The flow: entries on their way over the stream to each group's consumers, and away.

Other plots are axes with traces. This one is a scene. Its figure has two traces:

- the tape: for each of the newest entries its number since the stream began (``y``, from 1) and
  its ID (``customdata``); ``x`` is 0;
- the scene: ``meta``, which plotly leaves alone, has what `Flow.scene` returns.

`layout["meta"]["flow"]` makes the drawing code draw a scene, and has the sizes and the words of
`streamviz.plots.flow_constants`. `streamviz.plots.flow_shapes` says where everything stands, and
the browser's `flow_shapes.js` does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamviz.observation.accounting import account_for
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots.figure import Delta, Figure, Plot
from streamviz.plots.flow_constants import CONSTANTS, UNCLEAR
from streamviz.plots.flow_finding import finding
from streamviz.plots.flow_parts import groups_words
from streamviz.plots.flow_scene import MAX_TAPE, scene_of
from streamviz.plots.texts import clean, entries_text, group_text, no_data_text
from streamviz.plots.traces import Trace
from streamviz.plots.worst_groups import all_groups_text, shown_groups


class Flow(Plot):
    """Entries on their way: from a producer onto the stream, to each group's consumers, and away.

    The stream is a tape with its newest entry at the right, one square for each entry. Each group
    has a lane below it: a line as far as the group's cursor, the last-delivered ID, then open
    squares for the entries that wait. Below the lane stands a box for each consumer, with the
    entries that it holds. A bar shows the outcomes of all entries that were ever added.

    Everything is derived from samples, so the flow shows any stream. An entry that was delivered
    and acknowledged between two samples passes without stopping at a consumer. At more than 12
    entries per second a square stands for several entries, and the picture says for how many.
    """

    title = "Flow"

    def structure_key(self, history: History) -> Any:
        return None

    def traces(self, history: History) -> list[Trace]:
        """Return the tape and the scene."""
        tape = {"type": "scatter", "mode": "markers", "name": "entries"}
        return [tape, {"type": "scatter", "name": "scene", "x": [], "y": []}]

    def layout(self, history: History) -> dict[str, Any]:
        return {"meta": {"flow": CONSTANTS}, "showlegend": False}

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        return []

    def new_points(self, samples: Sequence[Sample], history: History) -> list[Trace]:
        """Return the new entries, at most `MAX_TAPE`."""
        numbers: list[int] = []
        for sample in samples:
            first = max(1, sample.entries_added - len(sample.entries) + 1)
            numbers += range(first, first + len(sample.entries))
        entries = [entry for sample in samples for entry in sample.entries]
        ids = [str(entry.id) for entry in entries[-MAX_TAPE:]]
        return [{"x": [0] * len(ids), "y": numbers[-MAX_TAPE:], "customdata": ids}]

    def window_sizes(self, history: History) -> list[int]:
        return [min(history.entry_count, MAX_TAPE)]

    def current_state(self, history: History) -> list[Trace]:
        """Return the scene."""
        return [{"meta": self.scene(history)}]

    def delta(self, history: History, since: int, structure_key: Any, words: bool = True) -> Delta:
        """Return what is new, as `Plot.delta` does, and what left since the last frame drawn."""
        delta = super().delta(history, since, structure_key, words)
        if delta.get("set") and history.samples[-1].n - since > 1:  # samples were left out
            delta["set"] = {1: {"meta": scene_of(history, since)}}
        return delta

    def summary(self, history: History) -> str:
        last = history.newest
        if last is None or last.trouble:
            return no_data_text(history)
        names = shown_groups(history)
        groups = [_words(last, group) for group in last.groups if group.name in names]
        ids = f", from {last.first_id} to {last.last_id}" if last.length else ""
        of_all = all_groups_text(history)
        total = len(history.group_names)
        shown = groups_words(f"{of_all} waiting", len(groups), total) if of_all else []
        parts = [f"{entries_text(last.length)} in the stream{ids}", ", ".join(shown)]
        return f"{finding(history)}. {'; '.join(filter(None, [*parts, *groups]))}."

    def failure(self, text: str, history: History) -> Figure:
        """Return a flow that says why it can't be drawn, in place of its headline."""
        figure = super().failure(text, history)
        tape, scene = self.traces(history)
        scene["meta"] = {"headline": clean(text), "trouble": "", "groups": []}
        layout = figure["layout"]
        layout |= {"showlegend": False, "meta": layout["meta"] | {"flow": CONSTANTS}}
        return figure | {"data": [tape | {"x": [], "y": []}, scene]}

    def scene(self, history: History) -> dict[str, Any]:
        """Return what the picture shows of the newest sample; see `flow_scene.scene_of`."""
        return scene_of(history)


def _words(sample: Sample, group: GroupState) -> str:
    unclear = account_for(sample, group).unclear
    return group_text(group) + (f", {unclear:,} {UNCLEAR}" if unclear else "")
