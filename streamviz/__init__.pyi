from .client import CommandLog as CommandLog
from .client import EntryId as EntryId
from .client import Stream as Stream
from .errors import StreamVizError as StreamVizError
from .observation import History as History
from .observation import Observer as Observer
from .recording import load as load
from .recording import record as record
from .server import connect as connect
from .simulation import Scenario as Scenario
from .simulation import Steps as Steps
from .simulation import series as series
from .widgets import Dashboard as Dashboard
from .widgets import ack_progress as ack_progress
from .widgets import cursors as cursors
from .widgets import flow as flow
from .widgets import group_lag as group_lag
from .widgets import partition_lanes as partition_lanes
from .widgets import pending_age as pending_age
from .widgets import replay as replay
from .widgets import side_by_side as side_by_side
from .widgets import stream_map as stream_map
from .widgets import swim_lanes as swim_lanes
from .widgets import trim_sawtooth as trim_sawtooth
from .widgets import watch as watch

__version__: str
