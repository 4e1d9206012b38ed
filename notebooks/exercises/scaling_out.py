"""The exercises of notebook 12, and its demonstration of a busy day on a cluster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from exercises.bars import Part
from exercises.boxes import boxes
from exercises.hints import hinted, misfit
from exercises.picture import Picture
from exercises.redirections import replies as replies
from exercises.redirections import replies_picture as replies_picture
from exercises.redirections import with_replies as with_replies
from exercises.verdict import Verdict, grade
from streamviz.client import SLOTS, Client, Stream, slot_of
from streamviz.errors import CommandRefused
from streamviz.observation import History, PartitionObserver
from streamviz.patterns import Partitions
from streamviz.server import EmbeddedCluster
from streamviz.simulation import EPOCH_MS
from streamviz.widgets import Live, partition_lanes

Depot = list[tuple[Stream, Stream]] | Verdict

SHOPS = range(1, 7)
KINDS = ("stock", "orders")
_PARCELS = [(f"{n}-0", {"parcel": str(n)}) for n in range(1, 11)]
_HELD = ("1-0", "2-0", "3-0")
_TICK_MS = 100
_MOVE_AT = (40, 52, 64, 76)
_QUICK_FROM = 90


def busy_day(
    cluster: EmbeddedCluster, parts: Partitions, number: int, to: str, *, live: bool = False
) -> History:
    """Add orders and bill them while one partition moves to another node.

    The clerk of each partition bills one order every 100 ms, and three from second 9 on.

    Parameters
    ----------
    cluster : EmbeddedCluster
        The cluster.
    parts : Partitions
        The streams for the orders. They are emptied first, and moved to their original nodes. Each
        gets one consumer of the group ``billing``.
    number : int
        The number of the partition that moves.
    to : str
        The name of the node that the partition moves to.
    live : bool
        Draw while it runs, in about twelve seconds. Otherwise it runs at full speed.

    Returns
    -------
    History
        A sample for every 100 ms of virtual time.
    """
    _begin(cluster, parts)
    chance, history = Random(12), History()
    observer = PartitionObserver(parts, cluster.names)
    consumers = [group.consumer("clerk") for group in parts.create_group("billing")]
    steps = cluster.move_slot_steps(slot_of(parts.streams[number].key), to, batch=100)
    board = partition_lanes(history)
    for tick in range(120):
        now = EPOCH_MS + tick * _TICK_MS
        for _ in range(7):
            customer = f"customer-{chance.randrange(200)}"
            fields: dict[str, str | int] = {"customer": customer, "tick": tick}
            parts.add(customer, fields, f"{now}-*")
        for consumer in consumers:
            done = consumer.read(1 if tick < _QUICK_FROM else 3)
            if done:
                consumer.ack(*(entry.id for entry in done))
        events = [f"slot {slot_of(str(number))}: {next(steps)}"] if tick in _MOVE_AT else []
        history.append(observer.sample(now, events))
        if live:
            _draw(board, first=tick == 0)
    return history


def placed(cluster: EmbeddedCluster, parts: Partitions) -> dict[str, list[int]]:
    """Return the numbers of the partitions that each node holds now."""
    by_node: dict[str, list[int]] = {node.name: [] for node in cluster.nodes}
    for number, stream in enumerate(parts.streams):
        by_node[cluster.slot_owner(stream.key).name].append(number)
    return by_node


def parts_on_nodes(cluster: EmbeddedCluster, parts: Partitions) -> Picture:
    """Draw which partitions each node holds now."""
    held = placed(cluster, parts).items()
    return boxes({node: [f"partition {number}" for number in numbers] for node, numbers in held})


def kept(
    cluster: EmbeddedCluster, parts: Partitions, batch: Sequence[tuple[str, Mapping[str, object]]]
) -> dict[str, list[Part]]:
    """Return how many entries of a batch that was added twice are there, and how many are lost.

    The second time, the nodes are told apart: a partition whose node died is on its replica now.
    """
    there = Counter(
        (number, entry.fields["order"])
        for number, part in enumerate(parts.streams)
        for entry in part.range()
    )
    rows: dict[str, list[int]] = {
        "first time, confirmed": [],
        "second time, on node-1": [],
        "second time, on node-2": [],
    }
    first, on_1, on_2 = rows.values()
    for key, fields in batch:
        number = parts.number(key)
        copies = there[number, str(fields["order"])]
        first.append(min(copies, 1))
        stayed = cluster.slot_owner(parts.streams[number].key).name == "node-1"
        (on_1 if stayed else on_2).append(max(copies - 1, 0))
    return {
        row: [
            Part(sum(copies), f"{sum(copies)} there"),
            Part(copies.count(0), f"{copies.count(0)} lost", lost=True),
        ]
        for row, copies in rows.items()
    }


def new_depot(client: Client, name: Callable[[int, str], Any]) -> Depot:
    """Return each shop's two streams, empty, under the names that you choose.

    If one of them is not a name, return a hint instead.

    Parameters
    ----------
    client : redis.cluster.RedisCluster
        The cluster.
    name : function
        Takes a shop's number and ``"stock"`` or ``"orders"``, and returns the stream's key.
    """
    if hint := misfit(name, "shop", "kind"):
        return Verdict(False, hint)
    depot = []
    for shop in SHOPS:
        names = [name(shop, kind) for kind in KINDS]
        for one in names:
            if not isinstance(one, str) or not one:
                return Verdict(False, f"return the name of a stream as text, not {one!r}.")
        stock, orders = (Stream(client, one) for one in names)
        client.delete(stock.key)
        client.delete(orders.key)
        depot.append((stock, orders))
    return depot


@hinted("a key of the depot is not a stream. Start again with new_depot.")
def check_depot(cluster: EmbeddedCluster, depot: Depot) -> Verdict:
    """Grade exercise 1: a shop's two streams share a transaction, and no two shops share a slot."""
    if isinstance(depot, Verdict):
        return depot
    different = len({stream.key for pair in depot for stream in pair}) == len(SHOPS) * len(KINDS)
    if not different:
        return Verdict(False, "two streams have the same key. Use the shop and the kind.")
    try:
        for stock, orders in depot:
            both = [("XADD", one.key, "*", "item", "kettle") for one in (stock, orders)]
            stock.connection.transaction(both)
    except CommandRefused:
        return Verdict(
            False, "a shop's stock and orders are in two slots, so no transaction covers both."
        )
    holders = {cluster.slot_owner(stock.key).name for stock, _ in depot}
    shops_of: dict[int, list[str]] = {}
    for shop, (stock, _) in zip(SHOPS, depot, strict=True):
        shops_of.setdefault(slot_of(stock.key), []).append(str(shop))
    together = next((shops for shops in shops_of.values() if len(shops) > 1), [])
    braces = any(stream.key.count("{") > 1 for pair in depot for stream in pair)
    first = " Only the first pair of braces in a key counts." if braces else ""
    missing = [stream.key for pair in depot for stream in pair if not stream.length()]
    return grade(
        f"a shop's two streams change together, and the shops are on {len(holders)} nodes.",
        [
            (bool(missing), f"{len(missing)} streams did not get their entry."),
            (
                len(holders) == 1,
                f"all shops are on one node. Each shop needs its own hash tag.{first}",
            ),
            (
                bool(together),
                f"shops {' and '.join(together)} share a slot, so neither can move without the "
                f"other. Each shop needs its own hash tag.{first}",
            ),
        ],
    )


def new_parcels(cluster: EmbeddedCluster, client: Client) -> Partitions:
    """Return six partitions, spread over the nodes by CRC16, each with pending entries."""
    parts = Partitions(client, "parcels", 6)
    _begin(cluster, parts)
    groups = parts.create_group("vans")
    for group in groups:
        Stream(client, group.key).add_many(_PARCELS)
        group.consumer("van").read(len(_HELD))
    return parts


@hinted("a partition or its group is missing. Move slots, and delete nothing.")
def check_parcels(cluster: EmbeddedCluster, parts: Partitions) -> Verdict:
    """Grade exercise 2: two partitions on each node, with all parcels and all pending entries."""
    entries = [[(str(one.id), one.fields) for one in part.range()] for part in parts.streams]
    pending = [
        {str(one.id): one.consumer for one in group.pending_entries()}
        for group in parts.group("vans")
    ]
    cursors = {str(group.info().last_delivered_id) for group in parts.group("vans")}
    counts = {node: len(numbers) for node, numbers in placed(cluster, parts).items()}
    words = "now there are " + ", ".join(f"{count} on {node}" for node, count in counts.items())
    at_home = all(
        cluster.slot_owner(one.key).name == _home(cluster, one.key) for one in parts.streams
    )
    verdict = grade(
        "each node has two partitions, and all parcels and pending entries have moved along.",
        [
            (
                [len(part) for part in entries] != [10] * len(parts),
                "parcels are missing. Moving a slot loses none.",
            ),
            (
                any(part != _PARCELS for part in entries),
                "some parcels have other IDs or fields. Moving a slot changes none.",
            ),
            (
                any(held != dict.fromkeys(_HELD, "van") for held in pending),
                "pending parcels are missing or new. Moving a slot loses and adds none.",
            ),
            (
                cursors != {_HELD[-1]},
                "a group's cursor has moved. Moving a slot leaves the cursor as it was.",
            ),
            (
                at_home,
                f"{words}. {_no_move(cluster)}",
            ),
            (set(counts.values()) != {2}, f"{words}. Each node must have two."),
        ],
    )
    return replace(verdict, picture=parts_on_nodes(cluster, parts))


def _no_move(cluster: EmbeddedCluster) -> str:
    """Return a hint if no partition has moved: perhaps a slot with a similar name did."""
    if any(cluster.slot_owner(n) is not cluster.nodes[0] for n in range(6)):
        return "No partition has moved, but a slot did. A partition's number is not its slot."
    similar = ["parcels", *(f"parcels:{n}" for n in range(7))]
    if any(cluster.slot_owner(one).name != _home(cluster, one) for one in similar):
        return (
            "No partition has moved, but another slot did. Give `slot_of` the key of a partition, "
            "as it is, with its braces."
        )
    return "No partition has moved yet."


def _begin(cluster: EmbeddedCluster, parts: Partitions) -> None:
    """Empty the partitions, and move each one to the node that had its slot at first."""
    for stream in parts.streams:
        stream.client.delete(stream.key)
    to_their_places(cluster, parts)


def to_their_places(cluster: EmbeddedCluster, parts: Partitions) -> None:
    """Move each partition to the node that had its slot at first."""
    for stream in parts.streams:
        home = _home(cluster, stream.key)
        if cluster.slot_owner(stream.key).name != home:
            cluster.move_slot(slot_of(stream.key), home)


def _home(cluster: EmbeddedCluster, key: str) -> str:
    """Return the name of the node that had a key's slot at first."""
    return cluster.nodes[slot_of(key) * len(cluster.nodes) // SLOTS].name


def _draw(board: Live, *, first: bool) -> None:
    if first:
        from IPython.display import display

        display(board)  # type: ignore[no-untyped-call]
    board.update()
    time.sleep(_TICK_MS / 1000)
