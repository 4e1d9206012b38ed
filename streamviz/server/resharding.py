"""Moving a slot from one node of a cluster to another while it is in use, step by step.

The target says that it takes the slot (IMPORTING), the source that it gives it away (MIGRATING):
from then on the source answers for the keys that it still has, and sends everybody else to the
target (ASK). Then the keys go over, each one whole and in one step (MIGRATE), a stream with its
groups and all that is pending. At last every node is told who has the slot (NODE).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import redis

from streamviz.client.cluster import SLOTS
from streamviz.client.cluster_nodes import ClusterView
from streamviz.client.connection import Connection
from streamviz.client.resp import Arg
from streamviz.errors import InputError, ServerError, ServerUnreachable, StreamVizError

_MIGRATE_TIMEOUT_MS = 10_000
_AGREE_TIMEOUT_S = 10.0


def moving(
    slot: int,
    source: redis.Redis,
    target: redis.Redis,
    others: Sequence[redis.Redis] = (),
    *,
    batch: int = 1,
) -> Iterator[str]:
    """Move one slot, a step each time that the next one is asked for.

    Stop between two steps, and the cluster works on with a slot on the move. Begin again after an
    error, and the move goes on where it was.

    Parameters
    ----------
    slot : int
        0 to 16,383.
    source, target : redis.Redis
        Clients of the two nodes themselves, not of the cluster.
    others : sequence of redis.Redis
        Clients of other nodes that shall know at once; the rest hear of it by gossip.
    batch : int
        Keys that go over in one step. The source serves nobody while they do: for streams, which
        may be large, one is best.

    Yields
    ------
    str
        What was done: ``"importing"``, ``"migrating"``, ``"3 keys moved"``, ``"settled"``.

    Raises
    ------
    InputError
        If the slot is none, `batch` is less than 1, or the source does not hold the slot.
    ServerError
        If a node does not answer or refuses; the message says what to do. Nothing is lost.
    """
    if type(slot) is not int or not 0 <= slot < SLOTS:
        raise InputError(f"slot={slot!r}: give a whole number from 0 to {SLOTS - 1:,}")
    if type(batch) is not int or batch < 1:
        raise InputError(f"batch={batch!r}: give a whole number, 1 or more")
    here, there = Connection(source), Connection(target)
    source_id, target_id = (_own_id(connection) for connection in (here, there))
    if source_id == target_id:
        raise InputError(f"slot {slot} would go from a node to itself: give two nodes")
    if holder(here, slot) != source_id:
        raise InputError(f"slot {slot} is not the source's to give: ask CLUSTER SHARDS who has it")
    there.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
    yield "importing"
    here.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
    yield "migrating"
    while keys := here.call("CLUSTER", "GETKEYSINSLOT", slot, batch):
        _migrate(here, target, keys)
        yield f"{len(keys)} key{'s' * (len(keys) > 1)} moved"
    connections = [
        there,
        here,
        *map(Connection, others),
    ]  # the new holder first: somebody always serves it
    for connection in list(connections):
        try:
            connection.call("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        except ServerUnreachable:
            if connection in (there, here):
                raise
            connections.remove(connection)  # it will hear of it when it is back
    _agree(slot, target_id, connections)
    yield "settled"


def holder(connection: Connection, slot: int) -> str | None:
    """Return the ID of the node that holds a slot, as one node sees it (CLUSTER NODES)."""
    return ClusterView(connection.call("CLUSTER", "NODES")).holders.get(slot)


def _agree(slot: int, target_id: str, connections: Sequence[Connection]) -> None:
    """Wait until every node knows the new holder, and how new that news is.

    News of a slot counts by its holder's epoch. A node that does not know the newest one takes a
    slot under an older, and so may lose it again to what the last holder said before; the keys
    that came meanwhile would be deleted. So nobody moves a slot on before everybody knows.
    """
    deadline = time.monotonic() + _AGREE_TIMEOUT_S
    while True:
        views = [ClusterView(connection.call("CLUSTER", "NODES")) for connection in connections]
        epochs = {view.epochs.get(target_id) for view in views}
        if len(epochs) == 1 and {view.holders.get(slot) for view in views} == {target_id}:
            return
        if time.monotonic() > deadline:
            raise ServerError(
                f"slot {slot} was moved, and after {_AGREE_TIMEOUT_S:g} s the nodes do not agree "
                "on it: wait until they do (CLUSTER NODES) before you move it again"
            )
        time.sleep(0.005)


def _own_id(connection: Connection) -> str:
    return str(connection.call("CLUSTER", "MYID").decode())


def _migrate(here: Connection, target: redis.Redis, keys: list[bytes]) -> None:
    to = target.connection_pool.connection_kwargs
    secret: list[Arg] = []
    if to.get("password"):
        user = to.get("username")
        secret = ["AUTH2", user, to["password"]] if user else ["AUTH", to["password"]]
    # REPLACE: what an attempt that broke off has left there was never served to anybody
    options: list[Arg] = ["REPLACE", *secret, "KEYS", *keys]
    where: list[Arg] = [to["host"], to["port"], "", 0, _MIGRATE_TIMEOUT_MS]
    try:
        here.call("MIGRATE", *where, *options)
    except ServerUnreachable:
        raise
    except StreamVizError as error:
        raise ServerError(
            f"a key could not be moved: {error}. It is still where it was, and served; see whether "
            "the target runs, then move the slot again, and it goes on from here"
        ) from error
