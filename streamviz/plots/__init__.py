"""One module a plot: pure functions from a history to a figure, and to what is new in it."""

from streamviz.plots.ack_progress import AckProgress
from streamviz.plots.added import Added
from streamviz.plots.columns import Columns
from streamviz.plots.cursors import Cursors
from streamviz.plots.figure import Plot
from streamviz.plots.group_lag import GroupLag
from streamviz.plots.partitions import PartitionLanes
from streamviz.plots.pending_age import PendingAge
from streamviz.plots.side_by_side import SideBySide
from streamviz.plots.stream_map import StreamMap
from streamviz.plots.swim_lanes import SwimLanes
from streamviz.plots.trim_sawtooth import TrimSawtooth

__all__ = [
    "AckProgress",
    "Added",
    "Columns",
    "Cursors",
    "GroupLag",
    "PartitionLanes",
    "PendingAge",
    "Plot",
    "SideBySide",
    "StreamMap",
    "SwimLanes",
    "TrimSawtooth",
]
