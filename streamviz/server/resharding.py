"""Move a slot from one node of a cluster to another while it is in use, step by step.

First the target is set to take the slot (IMPORTING), and the source to give it away (MIGRATING).
From then on the source answers for the keys that it still has, and redirects other requests to the
target (ASK). Then the keys move: each key, such as a stream with its groups and pending entries,
moves whole and in one step (MIGRATE). At the end every node learns the slot's new owner (NODE).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import redis

from streamviz.client.arguments import whole_number
from streamviz.client.cluster import SLOTS
from streamviz.client.cluster_nodes import ClusterView
from streamviz.client.connection import Connection
from streamviz.client.resp import Arg
from streamviz.errors import InputError, ServerError, ServerUnreachable, StreamVizError

_MIGRATE_TIMEOUT_MS = 10_000
_AGREE_TIMEOUT_S = 10.0


def move_slot_steps(
    slot: int,
    source: redis.Redis,
    target: redis.Redis,
    others: Sequence[redis.Redis] = (),
    *,
    batch: int = 1,
) -> Iterator[str]:
    """Move one slot, 0 to 16,383; each iteration does one step, and yields what was done.

    That is ``"importing"``, ``"migrating"``, ``"3 keys moved"`` or ``"settled"``. You can stop
    between two steps: the cluster keeps working with a half-moved slot. After a ServerError,
    nothing is lost: call this function again to continue the move.

    Parameters
    ----------
    source, target : redis.Redis
        Clients of the two nodes themselves, not of the cluster. InputError if the source does not
        own the slot.
    others : sequence of redis.Redis
        Clients of other nodes to tell at once; the remaining nodes learn of it by gossip.
    batch : int
        The number of keys to move in one step. The source is blocked meanwhile, so 1 is best for
        large keys such as streams.
    """
    if type(slot) is not int or not 0 <= slot < SLOTS:
        raise InputError(f"slot={slot!r}: give a whole number from 0 to {SLOTS - 1:,}")
    whole_number("batch", batch, 1)
    here, there = Connection(source), Connection(target)
    source_id, target_id = (one.call("CLUSTER", "MYID").decode() for one in (here, there))
    if source_id == target_id:
        raise InputError(f"source and target of slot {slot} are the same node: give two nodes")
    if slot_owner(here, slot) != source_id:
        raise InputError(f"the source does not own slot {slot}: find its owner in CLUSTER SHARDS")
    there.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
    yield "importing"
    here.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
    yield "migrating"
    while keys := here.call("CLUSTER", "GETKEYSINSLOT", slot, batch):
        _migrate(here, target, keys)
        yield f"{len(keys)} key{'s' * (len(keys) > 1)} moved"
    _announce(slot, target_id, here, there, [Connection(client) for client in others])
    yield "settled"


def slot_owner(connection: Connection, slot: int) -> str | None:
    """Return the ID of the node that owns a slot, as one node sees it (CLUSTER NODES, 3.0)."""
    return ClusterView(connection.call("CLUSTER", "NODES")).holders.get(slot)


def _announce(
    slot: int, target_id: str, here: Connection, there: Connection, others: Sequence[Connection]
) -> None:
    reached = []
    for connection in (there, here, *others):  # the new owner first: the slot is always served
        try:
            connection.call("CLUSTER", "SETSLOT", slot, "NODE", target_id)
            reached.append(connection)
        except ServerUnreachable:
            if connection in (there, here):
                raise  # any other node learns of it by gossip when it is back
    _wait_for_agreement(slot, target_id, reached)


def _wait_for_agreement(slot: int, target_id: str, connections: Sequence[Connection]) -> None:
    """Wait until every node knows the slot's new owner and that owner's newest epoch.

    Nodes rank claims to a slot by the owner's epoch. A node that does not know the newest epoch
    accepts the slot under an older one, so an earlier claim of the previous owner can take it
    away again, and the keys added in between would be deleted. So the slot must not move again
    before every node knows.
    """
    deadline = time.monotonic() + _AGREE_TIMEOUT_S
    while True:
        views = [ClusterView(connection.call("CLUSTER", "NODES")) for connection in connections]
        epochs = {view.epochs.get(target_id) for view in views}
        if len(epochs) == 1 and {view.holders.get(slot) for view in views} == {target_id}:
            return
        if time.monotonic() > deadline:
            raise ServerError(
                f"slot {slot} was moved, but after {_AGREE_TIMEOUT_S:g} s the nodes do not agree "
                "on its owner: wait until they do (CLUSTER NODES) before you move it again"
            )
        time.sleep(0.005)


def _migrate(here: Connection, target: redis.Redis, keys: list[bytes]) -> None:
    options = target.connection_pool.connection_kwargs
    auth: list[Arg] = []
    if password := options.get("password"):
        user = options.get("username")
        auth = ["AUTH2", user, password] if user else ["AUTH", password]
    address: list[Arg] = [options["host"], options["port"], "", 0, _MIGRATE_TIMEOUT_MS]
    # REPLACE: a copy left by an interrupted attempt has never been served
    try:
        here.call("MIGRATE", *address, "REPLACE", *auth, "KEYS", *keys)
    except ServerUnreachable:
        raise
    except StreamVizError as error:
        raise ServerError(
            f"a key could not be moved: {error}. It is still on the source and served there; check "
            "that the target runs, then move the slot again to continue"
        ) from error
