"""Turn a sample into one line of JSON, and back.

The keys are the fields of `streamviz.observation.Sample` and of the records in it, so that a new
field needs no code here.

- A missing key stands for the field's default.
- An ID is text, ``"<ms>-<seq>"``. An entry is its ID: a recording holds no values.
- Groups and readers are objects by name.
- A consumer and a pending entry are lists of their fields' values, in the fields' order.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

from streamviz.errors import RecordingError
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import Sample
from streamviz.observation.sample_size import without_entries
from streamviz.recording.codec import object_codec

MAX_LINE = 2**23  # bytes

dumps = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode
"""Return a value as JSON without spaces."""


def write_line(sample: Sample) -> bytes:
    """Return a sample as a line of JSON, with its end."""
    return f"{dump(sample)}\n".encode("ascii")


def read_line(line: bytes, *, bare: bool = False) -> Sample:
    """Return a line's sample; with `bare`, count its entries as missed instead of reading them.

    RecordingError if it is not a sample's line; the message names the key and the value.
    """
    if len(line) > MAX_LINE:
        raise RecordingError(f"it has {len(line):,} bytes, and may have {MAX_LINE:,}")
    row = parse(line)
    entries = row.get("entries") if bare and type(row) is dict else None
    if type(entries) is list:
        row = row | {"entries": []}
    whole = type(row) is dict and "partitions" in row
    sample: Sample = object_codec(PartitionedSample if whole else Sample).read(row)
    if bare:
        sample = without_entries(sample)
    return replace(sample, missed=sample.missed + len(entries)) if entries else sample


def pack(thing: Any, level: int = 6) -> bytes:
    """Return a value as compressed JSON, as it travels to a page."""
    return gzip.compress(dumps(thing).encode("ascii"), level, mtime=0)


def dump(record: Any) -> str:
    """Return a dataclass's record as JSON."""
    return dumps(object_codec(record.__class__).write(record))


def parse(text: bytes) -> Any:
    """Return what a text in JSON stands for, or raise a RecordingError."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise RecordingError("it is nested too deeply: restore the line") from error
    except ValueError as error:
        at = getattr(error, "pos", 0)
        near = text[max(0, at - 20) : at + 20].decode("utf-8", "replace").strip()
        raise RecordingError(
            f"it breaks off, or was edited, near {near!r}: restore the line"
        ) from error
