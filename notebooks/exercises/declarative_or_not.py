"""Notebook 11: exercises on a library's gaps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from exercises.desk import check_desk
from exercises.echo import (
    ASKED,
    CALLS,
    NOTED,
    SAID,
    check_echo,
    clean_up,
    serve,
)
from go_game.variants.benchmark import Measurement

__all__ = [
    "ASKED",
    "CALLS",
    "NOTED",
    "SAID",
    "calls_of",
    "check_desk",
    "check_echo",
    "clean_up",
    "ratio",
    "serve",
]


def ratio(measurements: list[Measurement], figure: str, of: str, to: str) -> float:
    """Return a figure of one style divided by the same figure of another."""
    by_style = {one.style: getattr(one, figure) for one in measurements}
    return float(by_style[of] / by_style[to])


def calls_of(work: Callable[[], object]) -> int:
    """Return the number of Python function calls that some work makes, after a warm-up."""
    work()
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
