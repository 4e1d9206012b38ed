"""A value in a few letters, for an error's text."""

from __future__ import annotations

import reprlib
from typing import Any

_LETTERS = 60
_BRIEF = reprlib.Repr()
_BRIEF.maxstring = 4 * _LETTERS  # it would leave out the middle; we leave out the end


def brief(value: Any) -> str:
    """Return what a value looks like, at most 60 letters of it, however large or deep it is.

    `repr` fails on what is nested too deeply, and of a large value it writes all.
    """
    return _BRIEF.repr(value)[:_LETTERS]
