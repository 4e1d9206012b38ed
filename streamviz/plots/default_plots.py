"""The plots to show by default."""

from __future__ import annotations

from streamviz.plots.figure import Plot
from streamviz.plots.flow import Flow
from streamviz.plots.strips import Strips


def default_plots() -> tuple[Plot, ...]:
    """Return new plots for a dashboard, a replay or an exported file."""
    return Flow(), Strips()
