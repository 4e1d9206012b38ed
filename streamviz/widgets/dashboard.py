"""The dashboard: the flow, and strips of lag and oldest pending entry, with controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from streamviz.client.hidden_values import FieldsShown, is_hidden
from streamviz.errors import InputError, check_type, is_number
from streamviz.observation.history import History
from streamviz.observation.observer_client import observer_client
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.patterns.partitions import Partitions
from streamviz.plots import (
    AckProgress,
    Cursors,
    Flow,
    GroupLag,
    PartitionLanes,
    PendingAge,
    Plot,
    SideBySide,
    StreamMap,
    Strips,
    SwimLanes,
    TrimSawtooth,
    default_plots,
)
from streamviz.simulation.scenario import Scenario
from streamviz.simulation.steps import Steps
from streamviz.widgets.live import Live


class Dashboard(Live):
    """A dashboard of one stream: several plots, controls, and the commands that are sent.

    Parameters
    ----------
    source : Scenario, Steps or History
        What to show. A new scenario starts on the wall clock when the dashboard is displayed. A
        history, or a scenario that has run on the virtual clock, is shown as it is. Steps wait for
        their button.
    stream : str, optional
        The stream of the scenario to show; by default its first.
    plots : sequence of Plot, optional
        From `streamviz.plots`; by default `Flow` and `Strips`, and for steps `StreamMap` alone.
    controls : bool
        Whether to show buttons and sliders.
    commands : bool
        Whether to show the commands that a scenario sends, with their replies and changes. This
        costs two more round trips per command. Steps always show their commands.
    fields : {"show", "hide"}
        Whether the values of entries' fields may be shown. ``"hide"`` also takes them out of the
        source: from now on, its samples have only the fields' names and sizes.

    Examples
    --------
    >>> from streamviz import Scenario, connect, series
    >>> shop = Scenario(connect())
    >>> _ = shop.produce("doctest:shop", series.orders(rate_hz=5))
    >>> Dashboard(shop.run(seconds=1))
    <Dashboard of Flow, Entries waiting and oldest pending>
    """

    def __init__(
        self,
        source: Scenario | Steps | History,
        *,
        stream: str | None = None,
        plots: Sequence[Plot] | None = None,
        controls: bool = True,
        commands: bool = False,
        fields: FieldsShown = "show",
    ) -> None:
        if plots is None:
            plots = (StreamMap(),) if isinstance(source, Steps) else default_plots()
        check_type("commands", commands, bool, "True or False")
        if is_hidden(fields) and isinstance(source, Scenario | Steps | History):
            source.hide_fields()
        super().__init__(source, plots, stream=stream, controls=controls, commands=commands)


def watch(
    client: Any,
    stream: str = "",
    *,
    rate_hz: float = 10.0,
    readers: str | None = None,
    fields: FieldsShown = "show",
) -> Dashboard:
    """Show a stream of another program, live, without writing to it.

    Parameters
    ----------
    client : redis.Redis, redis.cluster.RedisCluster, or one of asyncio or of valkey-py
        Says where to connect, and as which user. The connections are the dashboard's own, with
        short time-outs; CLIENT LIST shows them as ``streamviz-observer``. To show all parts of a
        partitioned stream, give its `Partitions` instead.
    stream : str
        The stream's key, which need not exist yet. Leave it out with `Partitions`.
    rate_hz : float
        Samples per second, at most 100. Each is one round trip (XINFO, XPENDING, XREVRANGE).
    readers : str, optional
        The key of a hash in which plain readers store their positions, as `HashOffset` does. The
        dashboard then shows their positions, too.
    fields : {"show", "hide"}
        Whether samples have the values of entries' fields, or only their names and sizes. The
        plots of this package never show values; a plot of your own can.
    """
    if not (is_number(rate_hz) and 0 < rate_hz <= 100):
        raise InputError(f"rate_hz={rate_hz!r}: give samples per second, above 0 and at most 100")
    if isinstance(client, Partitions):
        own = observer_client(client.client)
        source = Scenario(own, sample_every_ms=1000 / rate_hz, fields=fields).watch(client)
        return Dashboard(source, plots=(PartitionLanes(), GroupLag(), AckProgress(), PendingAge()))
    client = observer_client(client)
    source = Scenario(client, sample_every_ms=1000 / rate_hz, fields=fields)
    source.watch(stream, readers=readers)
    plots = None if readers is None else (Flow(), Cursors(), Strips())
    return Dashboard(source, plots=plots)


def flow(source: Scenario | History, *, stream: str | None = None) -> Live:
    """Show entries on their way to each group's consumers; see `streamviz.plots.Flow`."""
    return Live(source, [Flow()], stream=stream)


def stream_map(source: Scenario | History, *, stream: str | None = None) -> Live:
    """Show the stream map alone; see `streamviz.plots.StreamMap`."""
    return Live(source, [StreamMap()], stream=stream)


def group_lag(
    source: Scenario | History,
    *,
    unit: Literal["entries", "seconds"] = "entries",
    stream: str | None = None,
) -> Live:
    """Show the groups' lag alone, in entries or seconds; see `streamviz.plots.GroupLag`."""
    return Live(source, [GroupLag(unit)], stream=stream)


def ack_progress(
    source: Scenario | History, *, group: str | None = None, stream: str | None = None
) -> Live:
    """Show the ack progress alone, of all groups or one; see `streamviz.plots.AckProgress`."""
    return Live(source, [AckProgress(group)], stream=stream)


def pending_age(source: Scenario | History, *, stream: str | None = None) -> Live:
    """Show the age of each group's oldest pending entry; see `streamviz.plots.PendingAge`."""
    return Live(source, [PendingAge()], stream=stream)


def swim_lanes(
    source: Scenario | History, *, group: str | None = None, stream: str | None = None
) -> Live:
    """Show the entries that each consumer holds, in lanes; see `streamviz.plots.SwimLanes`."""
    return Live(source, [SwimLanes(group)], stream=stream)


def trim_sawtooth(
    source: Scenario | History,
    *,
    maxlen: int | None = None,
    beside: Literal["nodes", "memory"] = "nodes",
    stream: str | None = None,
) -> Live:
    """Show a stream's length and its nodes or memory; see `streamviz.plots.TrimSawtooth`."""
    return Live(source, [TrimSawtooth(maxlen, beside=beside)], stream=stream)


def partition_lanes(
    source: Scenario | History, *, group: str | None = None, stream: str | None = None
) -> Live:
    """Show the parts of a stream, each with its node and a group's lag.

    Parameters
    ----------
    source : Scenario or History
        A scenario that watches `Partitions`, or the samples of a `PartitionObserver`. To show such
        samples live, append them to the history, and call `update` after each of them.
    group : str, optional
        The group whose lag to show; by default the first. See `streamviz.plots.PartitionLanes`.
    stream : str, optional
        The name of the partitions in the scenario; by default its first stream.
    """
    lanes = Live(source, [PartitionLanes(group)], stream=stream)
    newest = lanes.history.newest
    if newest is not None and not isinstance(newest, PartitionedSample):
        raise InputError(f"{newest.stream!r} has no parts: watch(Partitions(...)) to show some")
    return lanes


def cursors(source: Scenario | History, *, stream: str | None = None) -> Live:
    """Show how far each reader and each group has read; see `streamviz.plots.Cursors`."""
    return Live(source, [Cursors()], stream=stream)


def side_by_side(source: Scenario | History, *, stream: str | None = None) -> Live:
    """Show what each reader and subscriber received, and when; see `streamviz.plots.SideBySide`."""
    return Live(source, [SideBySide()], stream=stream)
