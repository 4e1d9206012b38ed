"""A drawing of the worker of notebook 04: first what it left pending, and then what is new."""

from __future__ import annotations

from html import escape

from exercises.picture import Picture
from streamviz.plots.parts import COLOURS, GREY, RED, TEXT_COLOURS, on_background

_WIDTH, _HEIGHT = 720, 292
_HIGH = 44  # of a box
_READ, _HANDLE, _ACK = (130, 200), (400, 90), (560, 110)  # where a box begins, and its width
_TOP, _LOW = 40, 174  # the tops of the two rows
_WORDS = (
    "start or restart: read my own pending entries (0), handle each and acknowledge it; when none "
    "is left, read new entries (>), handle each and acknowledge it; after a crash in between, the "
    "entry is still pending, and the next start reads it again"
)


def worker_loop() -> Picture:
    """Draw how a worker reads, handles and acknowledges, and what a crash in between does."""
    ink = TEXT_COLOURS["light"]
    start = f"<circle cx='50' cy='{_TOP + _HIGH / 2:g}' r='6' fill='{ink}'/>"
    parts = [start, _text(50, _TOP - 8, "start"), _text(50, _TOP + 50, "or restart")]
    parts += [_arrow(f"M56 {_TOP + 22}H{_READ[0] - 4}")]
    for top, what, after in (
        (_TOP, "read my own pending entries", "XREADGROUP … 0"),
        (_LOW, "read new entries, or wait", "XREADGROUP … >"),
    ):
        middle = top + _HIGH // 2
        parts += [
            _box(_READ, top, what, after, COLOURS[0]),
            _box(_HANDLE, top, "handle", "", COLOURS[0]),
            _box(_ACK, top, "acknowledge", "XACK", COLOURS[0]),
            _arrow(f"M{sum(_READ)} {middle}H{_HANDLE[0] - 4}"),
            _text((sum(_READ) + _HANDLE[0]) // 2, middle - 6, "an entry"),
            _arrow(f"M{sum(_HANDLE)} {middle}H{_ACK[0] - 4}"),
            f"<path d='M{sum(_HANDLE) + 29} {top + 8}l12 28m0 -28l-12 28' "
            f"stroke='{RED}' stroke-width='2'/>",
            _arrow(f"M{_ACK[0] + 55} {top}V{top - 18}H{_READ[0] + 100}V{top - 4}"),
        ]
    parts += [
        _arrow(f"M{_READ[0] + 60} {_TOP + _HIGH}V{_LOW - 4}"),
        f"<text x='{_READ[0] + 52}' y='{(_TOP + _HIGH + _LOW) // 2 + 4}' "
        "text-anchor='end'>none left</text>",
        f"<path d='M400 258l10 20m0 -20l-10 20' stroke='{RED}' stroke-width='2'/>",
        f"<text x='420' y='266' fill='{RED}'>a crash here: the entry is still pending,</text>",
        f"<text x='420' y='282' fill='{RED}'>and the next start reads it again</text>",
    ]
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='{ink}'>"
        f"<title>The loop of a worker</title><desc>{escape(_WORDS)}</desc>{_MARKER}"
        f"{''.join(parts)}</svg>"
    )
    return Picture(on_background(svg, "light"), _WORDS)


_MARKER = (
    "<defs><marker id='worker-tip' viewBox='0 0 8 8' refX='4' refY='4' markerWidth='7' "
    f"markerHeight='7' orient='auto'><path d='M0 0L8 4L0 8Z' fill='{GREY}'/></marker></defs>"
)


def _text(x: int, y: int, words: str) -> str:
    return f"<text x='{x}' y='{y}' text-anchor='middle'>{escape(words)}</text>"


def _arrow(path: str) -> str:
    return (
        f"<path d='{path}' fill='none' stroke='{GREY}' stroke-width='1.5' "
        "marker-end='url(#worker-tip)'/>"
    )


def _box(place: tuple[int, int], top: int, what: str, command: str, line: str) -> str:
    left, wide = place
    middle = left + wide // 2
    words = (
        _text(middle, top + 19, what) + f"<text x='{middle}' y='{top + 35}' text-anchor='middle' "
        f"font-family='monospace' font-size='11'>{escape(command)}</text>"
        if command
        else _text(middle, top + 27, what)
    )
    return (
        f"<rect x='{left}' y='{top}' width='{wide}' height='{_HIGH}' rx='5' fill='{line}' "
        f"fill-opacity='.15' stroke='{line}'/>{words}"
    )
