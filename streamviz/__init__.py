"""See Redis Streams work, live, on a real Redis."""

from importlib import import_module
from typing import Any

_FACE = {
    "commands": "CommandLog",
    "entry_id": "EntryId",
    "errors": "StreamVizError",
    "history": "History",
    "observer": "Observer",
    "recording": "load record",
    "scenario": "Scenario",
    "server": "connect",
    "steps": "Steps",
    "streams": "Stream",
    "widgets": "Dashboard ack_progress cursors group_lag partition_lanes pending_age "
    "replay side_by_side stream_map swim_lanes trim_sawtooth watch",
}
_ROOMS = {name: room for room, names in _FACE.items() for name in names.split()}
__all__ = sorted([*_ROOMS, "series"])  # their types stand in __init__.pyi


def __getattr__(name: str) -> Any:
    # Loaded when first used: importing streamviz starts nothing and takes no time.
    if name == "__version__":
        return import_module("importlib.metadata").version("streamviz")
    if name == "series":
        return import_module("streamviz.series")
    if name not in _ROOMS:
        raise AttributeError(f"module 'streamviz' has no attribute {name!r}")
    return getattr(import_module(f"streamviz.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return __all__
