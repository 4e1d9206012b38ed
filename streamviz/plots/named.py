"""The plots by their names on the command line: those of the package and a user's own."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

from streamviz import plots
from streamviz.errors import InputError, check_type, meant
from streamviz.plots.figure import Plot
from streamviz.plots.group_lag import GroupLag

_KINDS = (getattr(plots, name) for name in dir(plots))
PLOTS: dict[str, Callable[[], Plot]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower(): kind
    for kind in _KINDS
    if isinstance(kind, type) and issubclass(kind, Plot) and kind is not Plot
} | {"group-lag-seconds": lambda: GroupLag("seconds")}
"""The plots by the names that ``--plot`` takes: every public plot is there."""


def new_plot(name: str) -> Plot:
    """Return a new plot by its name: one of `PLOTS`, or ``module:Class`` for a user's own."""
    check_type("name", name, str, "a plot's name, or module:Class")
    if name in PLOTS:
        return PLOTS[name]()
    if ":" not in name:
        step = f"choose from {', '.join(PLOTS)}, or give your own as module:Class"
        raise InputError(f"no plot {name!r}: {meant(name, PLOTS, step)}")
    sys.path.insert(0, "")  # where the command is run, as with python -m
    try:
        plot: Any = resolve_name(name)()
    except Exception as error:
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        raise InputError(f"no plot {name!r}: {kind}{error}") from error
    finally:
        sys.path.remove("")
    if not isinstance(plot, Plot):
        raise InputError(f"no plot {name!r}: it is a {type(plot).__name__}, not a Plot")
    return plot
