"""Frames as compressed JSON, for a page that contains all of them."""

from __future__ import annotations

import gzip
import io
import math
from itertools import chain
from typing import Any

from streamviz.client.progress import progress_bar
from streamviz.errors import InputError
from streamviz.recording.format import dumps
from streamviz.recording.frames import Frames

MAX_PAGE = 6_000_000
"""Bytes of a page with one plot. Each further plot may add as much, less the size of plotly.js."""
_END = 50  # bytes that the end of the file may take


def compress_frames(
    frames: Frames, extra: dict[str, Any], page_bytes: int, *, progress: bool
) -> bytes:
    """Return all frames, and the other data that their page needs (`extra`), as compressed JSON.

    InputError if the page gets too large with its other bytes. It is raised as soon as that is
    clear, and names the span that fits.
    """
    metadata = frames.metadata()
    figures, deltas = frames.figures_and_deltas()
    segment = {"first": 0, "figures": figures, "deltas": []}
    limit = max(MAX_PAGE - page_bytes, 0) * len(frames.plots)
    buffer = io.BytesIO()
    last = len(frames) - 1
    bar = progress_bar(progress, "Packing", last + 1, "frames")
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file, bar as advance:
        start = dumps({**extra, "metadata": metadata, "segment": segment}).removesuffix("]}}")
        file.write(start.encode("ascii"))
        file.flush()
        fixed = _base64_size(buffer)
        for index, delta in enumerate(chain([None], deltas)):
            advance(1)
            if delta is not None:
                file.write(f"{',' if index > 1 else ''}{dumps(delta)}".encode("ascii"))
            if index % 50 and index < last:
                continue
            file.flush()
            size = _base64_size(buffer)
            if size > limit - _END:
                raise InputError(
                    _too_large(metadata["times"], index, page_bytes, fixed, size, limit)
                )
        file.write(b"]}}")
    return buffer.getvalue()


def _base64_size(buffer: io.BytesIO) -> float:
    return buffer.tell() * 4 / 3


def _too_large(
    times: list[float], index: int, page: float, fixed: float, size: float, limit: float
) -> str:
    """Return the message for frames that exceed the limit at an index, with the span that fits."""
    first, last = times[0], times[-1]
    per_second = max(size - fixed, 1) / max(times[index] - first, 0.001)
    total = page + fixed + per_second * (last - first)
    end_s = math.floor((first + 0.95 * max(limit - fixed, 0) / per_second) * 10) / 10
    return (
        f"{first:g} to {last:g} s of the recording would make a page of about {total / 1e6:.1f} "
        f"MB, but the limit is {(page + limit) / 1e6:.1f} MB: "
        + (f"end at {end_s:g} s (end_s, --end), " if end_s > first else "")
        + "start later, or choose other plots"
    )
