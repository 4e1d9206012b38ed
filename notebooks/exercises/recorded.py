"""What the cells of notebook 13 printed on a newer server, for readers whose server is older."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streamviz.client import Capabilities
from streamviz.errors import UnsupportedCommand

RECORDED_ON = "Redis 8.6"
PRINTED = {
    "the calls that bob gets": "[('1', 1), ('2', 1), ('3', 0), ('4', 0), ('5', 0)]\n",
    "eve waits": "call 1 woke eve within a second: True\n",
    "the same ID twice": "True 4\n",
    "another price": "price 5 in entry 4\n",
    "two customers": "1 cup of tea was sold\n",
    "an hour": "was: IdmpInfo(duration_s=100, maxsize=100, producers=1, ids=2, added=2, "
    "duplicates=3)\n"
    "now: IdmpInfo(duration_s=3600, maxsize=1000, producers=0, ids=0, added=2, duplicates=3)\n",
}
"""By what a cell shows: its whole output. A test compares it with that server's saved outputs."""
DOCUMENTED = {
    "give back": "1 entry is given back, and 2-0 is pending for no consumer",
    "four in all": "four entries in all, from the first streams",
    "one byte": "one entry, however small the limit",
}
"""By what a cell shows: what the documentation says of it. It ran on no server here."""


@contextmanager
def on_newer(can: Capabilities, feature: str, shows: str) -> Iterator[None]:
    """Run a block that needs a feature; without it, print what a newer server answered.

    Parameters
    ----------
    can : Capabilities
        What the server can do.
    feature : str
        The name of the feature.
    shows : str
        What the block shows: a key of `PRINTED` or `DOCUMENTED`.
    """
    if shows in PRINTED:
        answer = f"On {RECORDED_ON}, this cell printed:\n{PRINTED[shows]}"
    else:
        answer = f"By its documentation: {DOCUMENTED[shows]}.\n"
    try:
        yield
    except UnsupportedCommand:
        print(f"{can.missing(feature)} {answer}", end="")
