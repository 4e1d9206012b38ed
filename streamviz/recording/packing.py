"""How values travel to a page: as JSON without spaces, which is compressed where it can be."""

from __future__ import annotations

import gzip
import json
from typing import Any


def pack(thing: Any, level: int = 6) -> bytes:
    """Return a value as compressed JSON."""
    return gzip.compress(dumps(thing).encode("ascii"), level, mtime=0)


def dumps(thing: Any) -> str:
    """Return a value as JSON without spaces."""
    return json.dumps(thing, separators=(",", ":"), allow_nan=False)
