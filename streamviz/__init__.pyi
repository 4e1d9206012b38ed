from streamviz import series as series
from streamviz.commands import CommandLog as CommandLog
from streamviz.entry_id import EntryId as EntryId
from streamviz.errors import StreamVizError as StreamVizError
from streamviz.history import History as History
from streamviz.observer import Observer as Observer
from streamviz.recording import load as load
from streamviz.recording import record as record
from streamviz.scenario import Scenario as Scenario
from streamviz.server import connect as connect
from streamviz.steps import Steps as Steps
from streamviz.streams import Stream as Stream
from streamviz.widgets import Dashboard as Dashboard
from streamviz.widgets import ack_progress as ack_progress
from streamviz.widgets import cursors as cursors
from streamviz.widgets import group_lag as group_lag
from streamviz.widgets import partition_lanes as partition_lanes
from streamviz.widgets import pending_age as pending_age
from streamviz.widgets import replay as replay
from streamviz.widgets import side_by_side as side_by_side
from streamviz.widgets import stream_map as stream_map
from streamviz.widgets import swim_lanes as swim_lanes
from streamviz.widgets import trim_sawtooth as trim_sawtooth
from streamviz.widgets import watch as watch

__version__: str
