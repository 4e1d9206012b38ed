"""The two counters whose difference is a lag, below the entries that they count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from exercises.picture import Picture
from streamviz.client import ConsumerGroup, Stream
from streamviz.plots.parts import (
    BACKGROUNDS,
    GREY,
    RED,
    TEXT_COLOURS,
    colour,
    columns,
    on_background,
)

_WIDTH, _LEFT, _PITCH, _GAP, _ROW, _BAR = 720, 140, 48, 4, 26, 16  # pixels
_ROOM = 1  # a counter may go this far beyond the last entry; what is more is cut
_LETTER = 6.8
WRONG = RED
_BLUE = colour(0)


@dataclass(frozen=True, slots=True)
class Counters:
    """A stream whose entries have the IDs 1-0, 2-0, … and one of its groups, as Redis reports them.

    Attributes
    ----------
    key, group : str
        The names of the stream and of the group.
    last, cursor : int
        The numbers of the last entry and of the last delivered one.
    left : frozenset of int
        The numbers of the entries that are in the stream.
    added, read, lag : int or None
        What Redis reports: `entries-added`, `entries-read` and `lag`.
    """

    key: str
    group: str
    last: int
    cursor: int
    left: frozenset[int]
    added: int
    read: int | None
    lag: int | None

    @property
    def waiting(self) -> int:
        """How many entries are after the cursor."""
        return sum(number > self.cursor for number in self.left)

    @property
    def result(self) -> str:
        """The lag, with the subtraction if it is one, and what is wrong with it."""
        if self.lag is None:
            text = "nil"
        elif self.read is not None and self.added - self.read == self.lag:
            text = f"{self.added} − {self.read} = {_signed(self.lag)}"
        else:
            text = _signed(self.lag)
        return text if self.lag == self.waiting else f"{text}, but {self.waiting} waiting"


def counters(group: ConsumerGroup) -> Picture:
    """Draw a stream's entries, a group's cursor, and what Redis reports as the group's lag.

    Where `entries-read` is right, its bar ends at the cursor. The lag's bar is hollow, as the
    entries that are waiting, and red if the lag is a wrong number. An entry that is no longer in
    the stream is crossed out, in grey if the group has read it, and in red if it was still waiting.

    Parameters
    ----------
    group : ConsumerGroup
        A group of a stream whose entries have the IDs 1-0, 2-0, ….
    """
    stream, info = Stream(group.connection.client, group.key), group.info()
    of_stream = stream.info()
    found = Counters(
        group.key,
        group.name,
        of_stream.last_generated_id.ms,
        info.last_delivered_id.ms,
        frozenset(entry.id.ms for entry in stream.range()),
        of_stream.entries_added or 0,
        info.entries_read,
        info.lag,
    )
    words = (
        f"{found.key}: {len(found.left)} of {found.last} entries; the cursor of {found.group} is "
        f"after {found.cursor}. entries-added {found.added}, entries-read "
        f"{'nil' if found.read is None else found.read}, lag {found.result}."
    )
    high = 5 * _ROW + 8
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {high}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='{TEXT_COLOURS['light']}'>"
        f"<title>Counters</title><desc>{escape(words)}</desc>{''.join(_parts(found))}</svg>"
    )
    return Picture(on_background(svg, "light"), words)


def _parts(found: Counters) -> Iterator[str]:
    wide = _PITCH - _GAP
    names = (found.key, f"cursor of {found.group}", "entries-added", "entries-read", "lag")
    for row, name in enumerate(names):
        yield f"<text x='16' y='{_y(row) + 12}' font-weight='600'>{escape(name)}</text>"
    at = _x(found.cursor, found.last) - _GAP / 2
    yield (
        f"<path d='M{at:g} {_y(1) + 8}V{_y(4) + _BAR}' stroke='{GREY}' stroke-dasharray='3 3'/>"
        f"<path d='M{_LEFT} {_y(1) + 8}H{at:g}' stroke='{_BLUE}' stroke-width='2'/>"
        f"<circle cx='{at:g}' cy='{_y(1) + 8}' r='4' fill='{_BLUE}'/>"
    )
    for number in range(1, found.last + 1):
        x, y = _x(number - 1, found.last), _y(0)
        if number in found.left:
            pale = "none" if number > found.cursor else _BLUE
            yield (
                f"<rect x='{x:g}' y='{y}' width='{wide}' height='{_BAR}' rx='2' fill='{pale}' "
                f"fill-opacity='.2' stroke='{_BLUE}' stroke-width='1.5'/>"
            )
        else:
            yield _crossed_out(x, y, wide, _BAR, RED if number > found.cursor else GREY)
        yield f"<text x='{x + wide / 2:g}' y='{y + 12}' text-anchor='middle'>{number}-0</text>"
    yield _bar(2, 0, found.added, found.last, GREY, str(found.added))
    read = "nil" if found.read is None else str(found.read)
    yield _bar(3, 0, found.read or 0, found.last, _BLUE, read)
    paint = _BLUE if found.lag in (None, found.waiting) else WRONG
    ends = (0, 0) if found.lag is None else (found.added - found.lag, found.added)
    yield _bar(4, *ends, found.last, paint, found.result, hollow=True)  # as what is waiting


def _bar(
    row: int, begin: int, end: int, last: int, paint: str, text: str, *, hollow: bool = False
) -> str:
    """Return a bar from one number of entries to another, and its text beside or in it."""
    left, right = sorted((_x(begin, last), _x(end, last)))
    right = max(left, right - _GAP)
    wide, ink = _LETTER * columns(text) + 10, WRONG if paint == WRONG else TEXT_COLOURS["light"]
    if right - left >= wide + 8:
        words = _words(row, left + 8, text, "start", ink)
    elif right + wide < _WIDTH:
        words = _words(row, right + 6, text, "start", ink)
    else:
        words = _words(row, left - 8, text, "end", ink)
    if right == left:
        return words
    cut = "stroke-dasharray='4 3'" if max(begin, end) > last + _ROOM else ""
    fill = "fill='none' stroke-width='1.5'" if hollow else f"fill='{paint}' fill-opacity='.2'"
    return (
        f"<rect x='{left:g}' y='{_y(row)}' width='{right - left:g}' height='{_BAR}' rx='2' "
        f"{fill} stroke='{paint}' {cut}/>{words}"
    )


def _words(row: int, x: float, text: str, anchor: str, ink: str) -> str:
    bold = " font-weight='600'" if ink == WRONG else ""
    return (
        f"<text x='{x:g}' y='{_y(row) + 12}' text-anchor='{anchor}' fill='{ink}'{bold} "
        f"paint-order='stroke' stroke-width='3' stroke-opacity='.7' "
        f"stroke='{BACKGROUNDS['light']}'>"
        f"{escape(text)}</text>"
    )


def _signed(number: int) -> str:
    return str(number).replace("-", "−")


def _x(number: int, last: int) -> float:
    """Return where the box of the entry after this many entries begins."""
    return _LEFT + _PITCH * max(0, min(number, last + _ROOM))


def _y(row: int) -> int:
    return 6 + _ROW * row


def _crossed_out(x: float, y: float, wide: float, high: float, ink: str) -> str:
    """Return the SVG of the box of an entry that is no longer in the stream."""
    return (
        f"<rect x='{x:g}' y='{y:g}' width='{wide:g}' height='{high:g}' rx='2' fill='none' "
        f"stroke='{ink}' stroke-dasharray='3 2'/>"
        f"<path d='M{x:g} {y + high:g}L{x + wide:g} {y:g}' stroke='{ink}'/>"
    )
