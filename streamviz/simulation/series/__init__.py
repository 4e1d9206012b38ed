"""Time-indexed data. The same seed gives the same points on every machine.

A series is any iterable of pairs ``(at_ms, fields)``: a dict of fields, and its time in
milliseconds since the series began. Times never go back. A generated series never ends: use
`Series.limit` to end it.
"""

from streamviz.simulation.series.base import Fields, Point, Series
from streamviz.simulation.series.generators import (
    bursts,
    clickstream,
    constant,
    orders,
    poisson,
    random_walk,
    sensor,
    sine,
)
from streamviz.simulation.series.tables import read

__all__ = ["Fields", "Point", "Series", "bursts", "clickstream", "constant"]
__all__ += ["orders", "poisson", "random_walk", "read", "sensor", "sine"]
