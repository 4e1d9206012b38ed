"""Check the parts of a scenario's plan, before anything is created."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from streamviz.client.arguments import name_text
from streamviz.errors import InputError, check_type
from streamviz.simulation.checks import known, text
from streamviz.simulation.consumers import SimulatedGroup
from streamviz.simulation.ownership import RUNS_KEY
from streamviz.simulation.producer import Producer
from streamviz.simulation.readers import BaseReader
from streamviz.simulation.series import Series


def check_series(points: Iterable[Any], producers: Iterable[Producer]) -> None:
    """Check that this is a series, and not an iterator that another producer already reads."""
    Series.of(points)
    for producer in producers:
        if producer.points is points and iter(points) is points:
            raise InputError(
                f"{points!r} already makes the entries of {producer.stream!r}, and can be read "
                "only once: call its function again, or give a list or a Series"
            )


def check_stream_key(stream: Any) -> None:
    """Check that this is a key, and not the key of the hash with the marks of runs."""
    if name_text(stream, "a stream's key") == RUNS_KEY:
        raise InputError(f"{stream!r} is the hash that names what runs made: choose another key")


def stream_keys(stream: str | Sequence[str]) -> tuple[str, ...]:
    """Return the keys of one stream or of several."""
    keys = (stream,) if isinstance(stream, str) else stream
    check_type("stream", keys, (list, tuple), "a stream's key as text, or a list of keys")
    return tuple(keys)


def check_group_name(name: str, streams: Sequence[str], planned: Iterable[str]) -> None:
    """Check that this is a group's name, and that it is not swapped with the stream's key."""
    if name_text(name, "a group's name") in planned and not set(planned).intersection(streams):
        raise InputError(
            f"{name!r} is a stream of this scenario, and {streams[0]!r} is none: give the stream "
            f"first, group({name!r}, {streams[0]!r}). If the group is meant to have this name, "
            f"call watch({streams[0]!r}) before"
        )


def check_not_a_group(
    stream: str, groups: Mapping[str, SimulatedGroup], producers: Iterable[Producer]
) -> None:
    """Check that a stream's key is not the name of a group that was swapped with its stream's."""
    read = groups[stream].streams if isinstance(stream, str) and stream in groups else ()
    if read and not {one.stream for one in producers}.intersection(read):
        raise InputError(
            f"{stream!r} is a group of this scenario, which reads {read[0]!r}, where nothing is "
            f"produced: give the stream first, group({stream!r}, {read[0]!r}). If the group is "
            "meant to have this name, call produce() before group()"
        )


def check_reader(
    kind: type[BaseReader],
    stream: str,
    name: str,
    options: Mapping[str, Any],
    readers: Container[str],
) -> None:
    """Check the stream, the name and the options of a plain reader or a subscriber."""
    check_stream_key(stream)
    text("reader", name)
    known(f"an option of a {kind._random_stream.lower()}", options, kind._options)
    if name in readers:
        raise InputError(f"this scenario already has a reader {name!r}: choose another name")
