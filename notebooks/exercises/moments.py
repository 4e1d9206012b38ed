"""A table of what a group holds, with a column for each moment: what has changed stands out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from exercises.verdict import stream_of
from streamviz.client import ConsumerGroup, EntryId
from streamviz.plots.parts import BACKGROUNDS, COLOURS, RED, SUBSTITUTES, TEXT_COLOURS

_WIDTH, _LEFT, _COLUMN, _ROW, _HEAD, _MOST = 720, 76, 90, 28, 34, 7
_HIGH, _EDGE = 22, 4  # a box's height, and the space at each side of it
_FAINT = "#6b6b6b"
_DAY_MS = 86_400_000
_LIGHT = SUBSTITUTES["light"]


@dataclass(frozen=True, slots=True)
class _Moment:
    """What Redis knew of each entry at one time."""

    title: str
    cursor: EntryId
    there: frozenset[EntryId]
    pending: dict[EntryId, tuple[str, int]]

    def state(self, entry_id: EntryId) -> str:
        """Return in words what Redis knows of an entry; empty if it wasn't added yet."""
        if held := self.pending.get(entry_id):
            gone = "" if entry_id in self.there else " (deleted)"
            return f"{held[0]} ×{held[1]}{gone}"
        if entry_id not in self.there:
            return "deleted" if entry_id <= self.cursor else ""
        return "not pending" if entry_id <= self.cursor else "waiting"


class Moments:
    """Which consumer holds each entry of a group, and how often it was delivered.

    A row is an entry, a column is a moment. The picture says only what Redis knows (XPENDING,
    XRANGE and XINFO GROUPS), so an acknowledged entry and a dropped one are both *not pending*.

    Parameters
    ----------
    group : ConsumerGroup
        The group of a stream with few entries.
    since : str
        The ID of the first entry that is shown.
    """

    def __init__(self, group: ConsumerGroup, since: str = "0") -> None:
        self._group = group
        self._since = EntryId.parse(since)
        self._moments: list[_Moment] = []

    def add(self, title: str) -> Moments:
        """Add a column for what Redis knows now; the last seven columns are shown."""
        there = frozenset(entry.id for entry in stream_of(self._group).range())
        pending = {
            held.id: (held.consumer, held.deliveries) for held in self._group.pending_entries()
        }
        cursor = self._group.info().last_delivered_id
        self._moments.append(_Moment(title, cursor, there, pending))
        return self

    def __repr__(self) -> str:
        rows = (
            f"{_name(one)} {', '.join(filter(None, self._states(one)))}" for one in self._entries()
        )
        titles = ", ".join(moment.title for moment in self._shown())
        return f"{titles}: {'; '.join(rows)}"

    def _repr_svg_(self) -> str:
        height = _HEAD + _ROW * len(self._entries()) + 6
        return (
            f"<svg style='background:{BACKGROUNDS['light']}' xmlns='http://www.w3.org/2000/svg' "
            f"viewBox='0 0 {_WIDTH} {height}' role='img' font-family='system-ui,sans-serif' "
            f"font-size='12' fill='{TEXT_COLOURS['light']}'><title>Pending entries</title>"
            f"<desc>{escape(repr(self))}</desc>{''.join(self._parts(height))}</svg>"
        )

    def _shown(self) -> list[_Moment]:
        return self._moments[-_MOST:]

    def _entries(self) -> list[EntryId]:
        """Return all entries that were in the stream or pending at a moment that is shown."""
        known = {one for moment in self._shown() for one in (*moment.there, *moment.pending)}
        return sorted(one for one in known if one >= self._since)

    def _states(self, entry_id: EntryId) -> list[str]:
        """Return a state for each moment; before the stream had the entry, an empty one."""
        states = [moment.state(entry_id) for moment in self._shown()]
        seen = [entry_id in moment.there or entry_id in moment.pending for moment in self._shown()]
        return ["" if n < seen.index(True) else one for n, one in enumerate(states)]

    def _parts(self, height: int) -> Iterator[str]:
        newest = _LEFT + _COLUMN * (len(self._shown()) - 1)
        yield (
            f"<rect x='{newest}' y='4' width='{_COLUMN}' height='{height - 8}' rx='4' "
            "fill='#f0f0f0'/>"
        )
        for n, moment in enumerate(self._shown()):
            middle = _LEFT + _COLUMN * n + _COLUMN / 2
            yield _text(middle, 22, moment.title, "font-weight='600' font-size='11'")
        for row, entry_id in enumerate(self._entries()):
            y = _HEAD + _ROW * row
            yield f"<text x='16' y='{y + 15}' font-weight='600'>{_name(entry_id)}</text>"
            for n, (moment, state) in enumerate(
                zip(self._shown(), self._states(entry_id), strict=True)
            ):
                holder = moment.pending.get(entry_id, ("", 0))[0]
                yield from self._cell(_LEFT + _COLUMN * n, y, state, holder)

    def _cell(self, x: int, y: int, state: str, holder: str) -> Iterator[str]:
        middle, wide = x + _COLUMN / 2, _COLUMN - 2 * _EDGE
        box = f"<rect x='{x + _EDGE}' y='{y}' width='{wide}' height='{_HIGH}' rx='3'"
        if not holder:
            if state == "waiting":
                yield f"{box} fill='none' stroke='{_FAINT}'/>"
            yield _text(middle, y + 15, state, f"fill='{_FAINT}'")
            return
        lost = state.endswith(" (deleted)")
        paint = RED if lost else self._colour(holder)
        dashes = " stroke-dasharray='3 2'" if lost else ""
        yield f"{box} fill='{paint}' fill-opacity='.2' stroke='{paint}'{dashes}/>"
        if lost:
            yield f"<path d='M{x + _EDGE} {y + _HIGH}l{wide} {-_HIGH}' stroke='{RED}'/>"
        yield _text(middle, y + 15, state.removesuffix(" (deleted)"))

    def _colour(self, holder: str) -> str:
        names: dict[str, None] = {}
        for moment in self._moments:
            names |= dict.fromkeys(moment.pending[one][0] for one in sorted(moment.pending))
        line = COLOURS[list(names).index(holder) % len(COLOURS)]
        return _LIGHT.get(line, line)


def _text(x: float, y: int, text: str, style: str = "") -> str:
    return f"<text x='{x:g}' y='{y}' text-anchor='middle' {style}>{escape(text)}</text>"


def _name(entry_id: EntryId) -> str:
    """Return an ID; those of the clock differ from run to run."""
    return "new ID" if abs(entry_id.ms - time.time() * 1000) < _DAY_MS else str(entry_id)
