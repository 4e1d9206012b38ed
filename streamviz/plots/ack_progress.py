"""Ack progress: how many entries were added, delivered and acknowledged, for each group."""

from __future__ import annotations

import math
from types import NoneType
from typing import Any

from streamviz.errors import check_type
from streamviz.observation.accounting import GroupAccounting, account_for
from streamviz.observation.events import shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.contrast import translucent
from streamviz.plots.figure import Plot
from streamviz.plots.panels import axes, axis, domain
from streamviz.plots.texts import label, no_data_text, number_text, words_alone
from streamviz.plots.traces import GREY, Trace, colour, end_labels, line, seconds
from streamviz.plots.worst_groups import shown_groups, worst_of_text

_BANDS = (  # each filled down to zero: filled between two lines, a gap would draw a diagonal
    ("acked", "acknowledged", 0.75),
    ("delivered", "delivered: the band below is pending", 0.45),
    ("added", "added: the band below is waiting", 0.25),
)
_OTHERWISE = (  # lines of their own, drawn only if there are any
    ("dropped", "dropped with deleted consumers, at most", "dash"),
    ("lost", "lost in failovers, at most", "longdash"),
    ("unclear", "not known whether acknowledged, dropped or never delivered", "dot"),
)
_LONG = ("acknowledged", "dropped or unclear", "lost in failovers")
_LINE = 0.09  # of the plot's height, from one number to the next
_IN_ROW = 4  # groups; more than these stand in several rows
_IN_ROWS = 3  # groups in each of several rows, with room for two short lines


class AckProgress(Plot):
    """Three lines for each group: acknowledged, delivered and added, with bands between them.

    The current numbers stand above, in the order of the bands: waiting, pending, acknowledged. If
    there are more than 12 groups, the plot shows those with the most waiting and pending entries.

    Entries below the first line are acknowledged, as far as samples show. Those between the first
    and the second line are pending, and those between the second and the third are waiting. Entries
    deleted before their delivery to the group are in no band. Separate lines show how many were
    dropped from the pending list, how many were lost in failovers, and how many left in an unknown
    way (see `GroupAccounting`).

    Parameters
    ----------
    group : str, optional
        Show only this group; without it, show all groups, or the twelve that are furthest behind.
    """

    title = "Ack progress"
    needs = "consumer groups"

    def __init__(self, group: str | None = None) -> None:
        check_type("group", group, (str, NoneType), "a consumer group's name as text, or None")
        self.group = group

    def structure_key(self, history: History) -> Any:
        return self._groups(history), self._kinds(history)

    def traces(self, history: History) -> list[Trace]:
        """Return for each group its bands and a line for what left otherwise, then its numbers."""
        traces: list[Trace] = []
        groups = self._groups(history)
        for index, (group, own) in enumerate(groups):
            for name, words, opacity in _BANDS:
                fill = {"fill": "tozeroy", "fillcolor": translucent(own, opacity)}
                traces.append(_line(name, words, own, "solid", group, index) | fill)
            for name, words, dash in self._kinds(history):
                traces.append(_line(name, words, GREY, dash, group, index))
        ends = [end_labels([own] * 6, **axes(index)) for index, (_, own) in enumerate(groups)]
        return [*traces, *ends]

    def layout(self, history: History) -> dict[str, Any]:
        names = shown_groups(history, self.group)
        if not names:
            return words_alone("no consumer group yet")
        columns, rows = _grid(len(names))
        layout: dict[str, Any] = {"showlegend": False}
        if columns > 2:  # where the picture is narrow
            layout["meta"] = {"shorter": {" acknowledged": " acked"}}
        if rows > 1:
            count = len(history.group_names)
            some = f", {len(names)} of {count} groups" if len(names) < count else ""
            words = f"{self.title}: waiting / pending / acknowledged / other{some}"
            layout["title"] = {"text": words, "x": 0, "xref": "paper"}
            layout["margin"] = {"l": 60, "r": 16, "t": 52, "b": 44}  # a title of two lines
        for index in range(len(names)):
            row, column = divmod(index, columns)
            y: dict[str, Any] = {"rangemode": "tozero", "anchor": axis("x", index)}
            y |= {"matches": "y"} if index else {}
            y |= {"showticklabels": False} if column else {"nticks": 6 if rows == 1 else 3}
            if rows > 1:
                y["domain"] = domain(rows - 1 - row, rows, 0.12)
            elif not index:
                y["title"] = {"text": "entries"}
            layout[axis("xaxis", index)] = {
                "domain": domain(column, columns),
                "anchor": axis("y", index),
                "title": {"text": "seconds" if row == rows - 1 else ""},
                **({"matches": "x"} if index else {}),
                **({"showticklabels": False} if row < rows - 1 else {}),
            }
            layout[axis("yaxis", index)] = y
        return layout

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return acknowledged, delivered, added and the rest for each group, None if unknown."""
        values: list[Any] = []
        kinds = self._kinds(history)
        for name in shown_groups(history, self.group):
            group = sample.find_group(name)
            if group is None:
                values += [None] * (len(_BANDS) + len(kinds))
                continue
            counts = account_for(sample, group)
            delivered = None if counts.acked is None else counts.acked + counts.pending
            is_certain = delivered is not None and counts.undelivered is not None
            total = delivered + counts.undelivered if is_certain else None  # type: ignore[operator]
            values += [counts.acked, delivered, total]
            values += [getattr(counts, kind) or None for kind, *_ in kinds]
        return values

    def current_state(self, history: History) -> list[Trace]:
        """Return each group's numbers, at the top left, where no band is."""
        last = history.newest
        texts: list[list[str]] = []
        names = shown_groups(history, self.group)
        columns, rows = _grid(len(names))
        for name in names:
            group = last.find_group(name) if last else None
            if last is None or last.exists is None or group is None:
                is_certain = last is None or last.exists is not None
                texts.append(["no such group now" if is_certain else "not known now"])
                continue
            counts = account_for(last, group)
            if rows > 1:
                texts.append([label(name, 14), _short_numbers(counts)])
            elif columns > 2:
                texts.append([label(name, 72 // columns), *_numbers(counts, short=True)])
            else:
                first, *others = _numbers(counts, short=False)
                texts.append([f"{label(name, 72 // columns)}: {first}", *others])
        high = _LINE * rows
        most = max((one.entries_added for one in history.samples), default=1) or 1
        top = most / max(0.2, 1 - high * max(map(len, texts), default=0))  # above all bands
        at = seconds(history.samples[0].time_ms, history) if last else 0
        return [
            {
                "x": [at] * len(words),
                "y": [round(top * (1 - high * i), 3) for i in range(len(words))],
                "text": [f"\u2002{one}" for one in words],
            }
            for words in texts
        ]

    def summary(self, history: History) -> str:
        last = history.newest
        if last is None or last.exists is None or not last.groups:
            return no_data_text(history) or "no consumer group yet"
        names = shown_groups(history, self.group)
        parts = [
            _words(one.name, account_for(last, one)) for one in last.groups if one.name in names
        ]
        groups = "; ".join(parts) if parts else f"no consumer group {self.group} now"
        more = worst_of_text(history) if self.group is None else ""
        return f"{number_text(last.entries_added)} added. {more}{groups}."

    def _groups(self, history: History) -> list[tuple[str, str]]:
        """Return each group that is shown, and its colour, which is the same in every plot."""
        names = shown_groups(history, self.group)
        order = names if self.group is None else history.group_names
        return [(name, colour(order.index(name))) for name in names]

    def _kinds(self, history: History) -> list[tuple[str, str, str]]:
        """Return the lines that some group needs now."""
        last, names = history.newest, shown_groups(history, self.group)
        groups = last.groups if last else ()
        accounts = [account_for(last, one) for one in groups if last and one.name in names]
        return [kind for kind in _OTHERWISE if any(getattr(one, kind[0]) for one in accounts)]


def _grid(count: int) -> tuple[int, int]:
    """Return in how many columns and rows the panels of groups stand."""
    columns = count if count <= _IN_ROW else _IN_ROWS
    return columns, math.ceil(count / columns) if count else 0


def _numbers(counts: GroupAccounting, *, short: bool) -> list[str]:
    """Return a line for each number; short ones fit beside other groups in a small picture."""
    acked, rest, lost = ("acknowledged", "other", "lost") if short else _LONG
    parts = [(counts.undelivered, "waiting"), (counts.pending, "pending"), (counts.acked, acked)]
    other = counts.dropped + (counts.unclear or 0)
    parts += [pair for pair in ((other, rest), (counts.lost, lost)) if pair[0]]
    number = _brief if short else number_text
    return [f"{'?' if one is None else number(one)} {words}" for one, words in parts]


def _brief(number: int) -> str:
    """Return a number for a small place: of a large one the first digits."""
    for least, one, letter in ((10**9, 10**9, "B"), (10**6, 10**6, "M"), (10**4, 10**3, "k")):
        if number >= least:
            tenths = number * 10 // one
            return f"{tenths / 10 if tenths < 100 else tenths // 10:,}{letter}"
    return f"{number:,}"


def _short_numbers(counts: GroupAccounting) -> str:
    """Return what waits, is pending and is acknowledged, in one line."""
    numbers = _numbers(counts, short=True)
    lost = [numbers.pop()] if counts.lost else []
    return ", ".join(["/".join(one.split()[0] for one in numbers), *lost])


def _line(name: str, words: str, own: str, dash: str, group: str, index: int) -> Trace:
    style = {"color": own, "dash": dash, "width": 2, "shape": "hv"}
    hover = f"{label(group)}<br>%{{y}} {words}<extra></extra>"
    return line(name, 0, line=style, hovertemplate=hover, **axes(index))


def _words(name: str, counts: GroupAccounting) -> str:
    parts = [f"{number_text(counts.acked)} acknowledged", f"{number_text(counts.pending)} pending"]
    parts.append(f"{number_text(counts.undelivered)} waiting")
    if counts.dropped:
        parts.append(f"up to {counts.dropped:,} dropped with deleted consumers")
    if counts.lost:
        parts.append(f"up to {counts.lost:,} lost in failovers")
    if counts.unclear:
        parts.append(f"{counts.unclear:,} left in a way that is not known")
    reason = f" ({counts.reason})" if counts.reason else ""
    return f"{shown_name(name)}: {', '.join(parts)}{reason}"
