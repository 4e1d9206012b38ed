"""The live widget, and the boards made of it."""

from streamviz.widgets.board import Board
from streamviz.widgets.dashboard import (
    Dashboard,
    ack_progress,
    cursors,
    group_lag,
    partition_lanes,
    pending_age,
    side_by_side,
    stream_map,
    swim_lanes,
    trim_sawtooth,
    watch,
)
from streamviz.widgets.live import Live
from streamviz.widgets.player import Player, replay

__all__ = [
    "Board",
    "Dashboard",
    "Live",
    "Player",
    "ack_progress",
    "cursors",
    "group_lag",
    "partition_lanes",
    "pending_age",
    "replay",
    "side_by_side",
    "stream_map",
    "swim_lanes",
    "trim_sawtooth",
    "watch",
]
