"""The age of each group's oldest pending entry, in a lane of its own: no line covers another."""

from __future__ import annotations

from typing import Any

from streamviz.observation import DEATHS, GroupState, History, Sample
from streamviz.plots import Plot
from streamviz.plots.parts import GREY, Trace, label, line, marks, seconds

Points = dict[str, list[Any]]
_HIGH, _LEAST = 0.85, 0.3  # of a lane: how far its largest age reaches, and where words stand
_SOON_S = 0.5
_ENDS = ("claimed", "revived")


class AgeLanes(Plot):
    """A lane for each group: how old its oldest pending entry is, on one scale for all lanes.

    The age counts from when the entry was added. The largest age stands at its peak, with what
    ended it. A cross marks the crash of a consumer.
    """

    title = "Age of the oldest pending entry"
    needs = "consumer groups"

    def structure_key(self, history: History) -> Any:
        """Return the groups' names."""
        return history.group_names

    def traces(self, history: History) -> list[Trace]:
        """Return an area for each group, the largest ages, and the crashes."""
        areas = [
            line(label(name), lane, fill="toself", showlegend=False)
            for lane, name in enumerate(history.group_names)
        ]
        peaks: Trace = {"type": "scatter", "mode": "text", "name": "peaks", "x": [], "y": []}
        return [
            *areas,
            peaks | {"text": [], "textposition": [], "showlegend": False, "cliponaxis": False},
            marks("a consumer crashed", GREY, "x", 9, showlegend=False),
        ]

    def layout(self, history: History) -> dict[str, Any]:
        """Return the axes, with a lane for each group, the first at the top."""
        names = history.group_names
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {
                "tickvals": [-lane for lane in range(len(names))],
                "ticktext": [label(name, 12) for name in names],
                "range": [-len(names) + 0.75, 0.95],
            },
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: all is redrawn, because the scale grows."""
        return []

    def current_state(self, history: History) -> list[Trace]:
        """Return the points of all traces."""
        ages = {name: self._ages(history, name) for name in history.group_names}
        top = max((age for one in ages.values() for _, age in one), default=0) or 1
        areas, peaks, crashes = [], _points("text", "textposition"), _points()
        for lane, (name, points) in enumerate(ages.items()):
            areas.append(_area(points, -lane, _HIGH / top))
            at, age = max(points, key=_by_age, default=(0.0, 0.0))
            if age >= 1:
                end = self._end(history, name, at)
                still = end == "still pending"  # its words stand above the slope
                x, y = next(one for one in points if one[1] > age * 0.55) if still else (at, age)
                height = -lane + max(_HIGH * (0.75 * age if still else y) / top, _LEAST)
                _add(peaks, x, height, f"{age:.1f} s, {end}", "left" if still else "right")
            for sample in history.samples:
                if any(one.group == name and one.kind in DEATHS for one in sample.events):
                    at = seconds(sample.time_ms, history)
                    crashes["x"].append(at)
                    crashes["y"].append(-lane)
                    if not lane:
                        _add(peaks, at, _LEAST, "crash", "left")
        return [*areas, peaks, crashes]

    def summary(self, history: History) -> str:
        """Return each group's largest age, and what ended it."""
        parts = []
        for name in history.group_names:
            points = self._ages(history, name)
            at, age = max(points, key=_by_age, default=(0.0, 0.0))
            parts.append(f"{name} at most {age:.1f} s, {self._end(history, name, at)}")
        return f"{'; '.join(parts)}."

    def _ages(self, history: History, name: str) -> list[tuple[float, float]]:
        found = ((sample, sample.find_group(name)) for sample in history.samples)
        return [(seconds(one.time_ms, history), _age(one, group)) for one, group in found if group]

    def _end(self, history: History, name: str, at: float) -> str:
        """Return what ended the largest age."""
        last = history.newest
        if last and seconds(last.time_ms, history) - at < _SOON_S:
            return "still pending"
        for sample in history.samples:
            if abs(seconds(sample.time_ms, history) - at) < _SOON_S:
                for event in sample.events:
                    if event.group == name and event.kind in _ENDS:
                        return event.kind
        return "acknowledged"


def _by_age(point: tuple[float, float]) -> float:
    return point[1]


def _age(sample: Sample, group: GroupState) -> float:
    if not group.oldest:
        return 0.0
    return max(0, sample.time_ms - group.oldest[0].id.ms) / 1000


def _points(*more: str) -> Points:
    return {name: [] for name in ("x", "y", *more)}


def _add(texts: Points, x: float, y: float, text: str, side: str) -> None:
    for name, value in {"x": x, "y": y, "text": text, "textposition": f"middle {side}"}.items():
        texts[name].append(value)


def _area(points: list[tuple[float, float]], lane: int, scale: float) -> Points:
    """Return the outline of a lane's area, which ends where it began."""
    if not points:
        return {"x": [], "y": []}
    xs = [at for at, _ in points]
    ys = [round(lane + scale * age, 4) for _, age in points]
    return {"x": [*xs, xs[-1], xs[0]], "y": [*ys, lane, lane]}
