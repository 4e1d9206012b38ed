"""Names, numbers and sentences, as plotly and screen readers take them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, takewhile
from textwrap import wrap
from typing import Any

from streamviz.observation.events import shown_name
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Lag

_UNPRINTABLE = re.compile("[^ -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_WORD = re.compile(r"(\S{200})\S+")


def clean(text: str) -> str:
    """Return a text that JSON and XML allow: "�" replaces what is not a character."""
    return _UNPRINTABLE.sub("�", text.replace("\n", " "))


def spoken(text: str) -> str:
    """Return a summary as it is read aloud; a word of hundreds of letters, such as a name, is cut.

    Otherwise the names of a stream could make every frame large.
    """
    return _LONG_WORD.sub(r"\1…", clean(text))


def escaped(text: str) -> str:
    """Return a text that plotly shows as it is: no tags, no templates, no formulas."""
    return html.escape(clean(text), quote=False).replace("%{", "&#37;{").replace("$", "&#36;")


@lru_cache(maxsize=1024)
def label(name: str | None, length: int = 30) -> str:
    """Return a name as plotly shows it.

    Parameters
    ----------
    name : str or None
        None means no consumer.
    length : int
        The greatest width, in letters; a wider name is cut.
    """
    return escaped(plain_label(name, length))


@lru_cache(maxsize=1024)
def plain_label(name: str | None, length: int = 30) -> str:
    """Return a name as `label` does, but as it is read aloud and not as plotly takes it."""
    return clean(shown_name(name and cut(name, length)))


def about_entry(entry: object, words: str, name: str | None) -> tuple[str, list[str]]:
    """Return a point's text, and its ``customdata``: the entry's ID, perhaps with plain text.

    The words have "{}" in the place of the name. The plain text is left out if it is the point's.
    """
    drawn, plain = label(name), plain_label(name)
    more = [words.format(plain)] if plain != drawn else []
    return words.format(drawn), [str(entry), *more]


def more_text(count: int) -> str:
    """Return the words for some names that have no room."""
    return f"and {count} more"


def columns(text: str) -> float:
    """Return the width of a text in letters.

    A wide letter counts as more than one; Chinese, Japanese and Korean letters and emoji count as
    two.
    """
    return sum(map(_width, text))


def cut(text: str, most: float) -> str:
    """Return a text; if it is wider than `most` letters, return its start."""
    if columns(text) <= most:
        return text
    # a name that is cut may be a UUID: digits are wide, and so is what stands for the rest
    each = (1.4 if "0" <= one <= "9" else _width(one) for one in text)
    widths = takewhile(lambda width: width < most, accumulate(each))
    return f"{text[: sum(1 for _ in widths)]}…"


def fit(room: float, letter: float, *options: str) -> str:
    """Return the first text that fits into `room` pixels; if none fits, cut the last one."""
    most = int(room / letter)
    for text in options:
        if columns(text) <= most:
            return text
    return cut(options[-1], most)


def lines(room: float, letter: float, text: str) -> list[str]:
    """Return a text in one or two lines; no line if it is empty."""
    most = int(room / letter)
    if columns(text) <= most:
        return [text] if text else []
    widths = takewhile(lambda width: width <= most, accumulate(map(_width, text)))
    end = text.rfind(" ", 0, sum(1 for _ in widths) + 1)
    first, rest = (text[:end], text[end + 1 :]) if end > 0 else ("", text)
    return [line for line in (first, fit(room, letter, rest)) if line]


def _width(letter: str) -> float:
    if letter > "\u2e7f" or letter in "MW":
        return 2
    return 1.5 if letter in "mw@%" else 1.25 if "A" <= letter <= "Z" else 1


def number_text(number: float | None) -> str:
    """Return a number for a sentence, with all its digits; None is an unknown number."""
    return "an unknown number" if number is None else f"{number:,}"


def entries_text(number: int) -> str:
    """Return a number of entries for a sentence."""
    return f"{number_text(number)} entr{'y' if number == 1 else 'ies'}"


def peaks_text(names: Sequence[str], rows: Iterable[Sequence[float | None]], unit: str) -> str:
    """Return a sentence with the largest value of each name; empty if all values are 0.

    Each row has a sample's values in the order of the names, None where a value is unknown.
    """
    columns = [[v for v in column if v is not None] for column in zip(*rows, strict=True)]
    peaks = {name: max(column) for name, column in zip(names, columns, strict=False) if column}
    if not any(peaks.values()):
        return ""
    parts = (f"{shown_name(name)} {round(peak, 1):,}" for name, peak in peaks.items())
    return f"At most: {', '.join(parts)} {unit}."


def lag_text(lag: Lag, behind: str = "") -> str:
    """Return how many entries wait and, if that is uncertain, why."""
    if lag.entries is None:
        return f"lag unknown, {lag.reason}"
    doubt = f" ({lag.verdict}: {lag.reason})" if lag.verdict != "exact" else ""
    return f"{lag.entries:,} waiting{behind}{doubt}"


def group_text(group: GroupState) -> str:
    """Return a group's name, and how many entries wait and are pending for it."""
    name = shown_name(group.name)
    return f"{name}: {number_text(group.lag.entries)} waiting, {group.pending:,} pending"


def no_data_text(history: History) -> str:
    """Return why a history has nothing to show; an empty text if it has something."""
    if history.newest is None:
        return "waiting for the first sample"
    return history.newest.trouble


def words_alone(text: str) -> dict[str, Any]:
    """Return a layout that has a text in place of axes and points."""
    words, hidden = note("<br>".join(map(escaped, wrap(text, 42)))), {"visible": False}
    return {"xaxis": hidden, "yaxis": hidden, "showlegend": False, "annotations": [words]}


def note(text: str, **more: Any) -> dict[str, Any]:
    """Return an annotation at the left of a plot, half-way up; `more` may put it elsewhere."""
    place = {"xref": "paper", "x": 0, "yref": "paper", "y": 0.5, "xanchor": "left"}
    return {"text": text, "align": "left", "showarrow": False, **place, **more}
