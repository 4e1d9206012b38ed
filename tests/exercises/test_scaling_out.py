"""The checks of notebook 12 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis.cluster import RedisCluster
from slow import slow

from exercises import scaling_out as exercise
from streamviz.client.cluster import slot_of
from streamviz.client.stream import Stream
from streamviz.patterns.partitions import Partitions
from streamviz.plots import PartitionLanes
from streamviz.server.embedded_cluster import EmbeddedCluster

HOME = {"node-1": [3], "node-2": [1, 2, 5], "node-3": [0, 4]}


@pytest.fixture(autouse=True)
def _own_keys(cluster: EmbeddedCluster, nodes: RedisCluster) -> Iterator[None]:
    yield
    exercise.new_parcels(cluster, nodes)  # every slot is back at home
    for node in cluster.nodes:
        client = node.server.client()
        for key in client.scan_iter(count=1000):
            client.unlink(key)  # the cluster is the tests' own
        client.close()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (lambda shop, kind: f"{{depot}}:{shop}:{kind}", "one node"),
        (
            lambda shop, kind: f"{{depot}}:{{{shop}}}:{kind}",
            "Each shop needs its own hash tag. Only the first pair of braces in a key counts.",
        ),
        (lambda shop, kind: f"depot:{shop}:{kind}", "two slots"),
        slow(lambda shop, kind: f"depot:{shop}:{{{kind}}}", "two slots"),
        (lambda shop, kind: f"depot:{{{shop}}}", "the same key"),
        slow(lambda shop, kind: f"depot:{{{kind}}}", "the same key"),
        (lambda shop, kind: f"{{{shop % 2}}}:{shop}:{kind}", "shops 1 and 3 and 5 share a slot"),
        slow(lambda shop, kind: f"{{{max(shop, 2)}}}:{shop}:{kind}", "shops 1 and 2 share a slot"),
        slow(lambda shop, kind: None, "as text, not None"),
        slow(lambda shop, kind: b"depot", "as text, not b'depot'"),
        (lambda shop, kind: "" if shop == 6 else f"depot:{{{shop}}}:{kind}", "as text, not ''"),
        (lambda shop, kind: f"depot:{{{shop}}}:{kind}", ""),
        slow(lambda shop, kind: f"{{shop-{shop}}}:{kind}", ""),
    ],
)
def test_a_shops_streams_lie_together_and_the_shops_apart(
    cluster: EmbeddedCluster, nodes: RedisCluster, name: Callable[[int, str], Any], hint: str
) -> None:
    verdict = exercise.check_depot(cluster, exercise.new_depot(nodes, name))
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_a_check_can_run_twice_and_hints_if_a_key_is_not_a_stream(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    depot = exercise.new_depot(nodes, lambda shop, kind: f"depot:{{{shop}}}:{kind}")
    assert isinstance(depot, list)
    assert exercise.check_depot(cluster, depot).right
    assert exercise.check_depot(cluster, depot).right
    nodes.set(depot[0][0].key, "no stream")
    assert "Start again with new_depot" in repr(exercise.check_depot(cluster, depot))
    parcels = exercise.new_parcels(cluster, nodes)
    parcels.streams[0].group("vans").destroy()
    assert "is missing" in repr(exercise.check_parcels(cluster, parcels))


def move(cluster: EmbeddedCluster, parts: Partitions, number: int, to: str) -> None:
    cluster.move_slot(slot_of(parts.streams[number].key), to)


def test_each_node_shall_have_two_parts_with_all_that_is_in_them(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    parcels = exercise.new_parcels(cluster, nodes)
    assert exercise.placed(cluster, parcels) == HOME
    words = repr(exercise.check_parcels(cluster, parcels))
    assert "1 on node-1, 3 on node-2, 2 on node-3. No partition has moved yet." in words
    move(cluster, parcels, 0, "node-1")
    assert "2 on node-1, 3 on node-2, 1 on node-3" in repr(exercise.check_parcels(cluster, parcels))
    parcels = exercise.new_parcels(cluster, nodes)
    assert exercise.placed(cluster, parcels) == HOME, "one may always begin again"
    move(cluster, parcels, 2, "node-1")
    assert exercise.check_parcels(cluster, parcels).right


def test_the_number_of_a_partition_is_not_its_slot(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    parcels = exercise.new_parcels(cluster, nodes)
    cluster.move_slot(1, "node-3")
    assert "A partition's number is not its slot" in repr(exercise.check_parcels(cluster, parcels))
    cluster.move_slot(1, "node-1")
    without_braces = slot_of("parcels:2")
    home = cluster.slot_owner(without_braces).name
    cluster.move_slot(without_braces, "node-1" if home != "node-1" else "node-3")
    hint = repr(exercise.check_parcels(cluster, parcels))
    assert "another slot did. Give `slot_of` the key of a partition, as it is, with its" in hint
    cluster.move_slot(without_braces, home)
    move(cluster, parcels, 0, "node-2")
    words = repr(exercise.check_parcels(cluster, parcels))
    assert words.endswith(
        "now there are 1 on node-1, 4 on node-2, 1 on node-3. Each node must have two."
    )


def test_copying_by_hand_loses_pending_entries(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    parcels = exercise.new_parcels(cluster, nodes)
    stream = parcels.streams[1]
    entries = stream.range()
    nodes.delete(stream.key)
    assert "is missing" in repr(exercise.check_parcels(cluster, parcels))
    move(cluster, parcels, 1, "node-1")
    stream.group("vans").create("0", mkstream=True)
    assert "parcels are missing" in repr(exercise.check_parcels(cluster, parcels))
    for entry in entries:
        stream.add(entry.fields, entry.id)
    assert "pending parcels are missing" in repr(exercise.check_parcels(cluster, parcels))
    stream.group("vans").consumer("van").read(3)
    assert exercise.check_parcels(cluster, parcels).right, "nothing is lost any more"


def empty(part: Stream) -> None:
    part.add_many([{"parcel": 0}] * 10)


def renumbered(part: Stream) -> None:
    part.add_many((f"{n}-0", {"parcel": 0}) for n in range(1, 11))


def delivered_by_another(part: Stream) -> None:
    renumbered_rightly(part)
    part.group("vans").consumer("lorry").read(1)


def with_the_next_three(part: Stream) -> None:
    renumbered_rightly(part)
    van = part.group("vans").consumer("van")
    van.ack(*(entry.id for entry in van.read(3)))
    van.read(3)


def renumbered_rightly(part: Stream) -> None:
    part.add_many((f"{n}-0", {"parcel": n}) for n in range(1, 11))


def at_the_end(part: Stream) -> None:
    renumbered_rightly(part)
    part.group("vans").consumer("van").read(3)
    part.group("vans").set_id("$")


@pytest.mark.parametrize(
    ("fill", "hint"),
    [
        (empty, "some parcels have other IDs or fields"),
        slow(renumbered, "some parcels have other IDs or fields"),
        (with_the_next_three, "pending parcels are missing or new"),
        slow(delivered_by_another, "pending parcels are missing or new"),
        (at_the_end, "a group's cursor has moved"),
    ],
)
def test_a_copy_that_is_not_the_same_is_not_yet(
    cluster: EmbeddedCluster, nodes: RedisCluster, fill: Callable[[Stream], None], hint: str
) -> None:
    parcels = exercise.new_parcels(cluster, nodes)
    nodes.delete(parcels.streams[1].key)
    move(cluster, parcels, 1, "node-1")
    parcels.streams[1].group("vans").create("0", mkstream=True)
    fill(parcels.streams[1])
    verdict = exercise.check_parcels(cluster, parcels)
    assert not verdict.right
    assert hint in verdict.text


def test_the_appendix_begins_where_every_partition_was_at_first(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    parcels = exercise.new_parcels(cluster, nodes)
    move(cluster, parcels, 0, "node-1")
    move(cluster, parcels, 1, "node-3")
    assert exercise.check_parcels(cluster, parcels).right, "two moves are right as well"
    exercise.to_their_places(cluster, parcels)
    assert exercise.placed(cluster, parcels) == HOME
    assert [part.length() for part in parcels.streams] == [10] * 6


def test_the_busy_day_is_reproducible_and_the_move_does_not_disturb_it(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    words = []
    for _ in range(2):
        orders = Partitions(nodes, "test:day", 6)
        day = exercise.busy_day(cluster, orders, 5, "node-1")
        figure = PartitionLanes().figure(day)
        words.append((figure["summary"], [trace["y"] for trace in figure["data"]]))
        assert not [sample.trouble for sample in day.samples if sample.trouble]
        assert day.last is not None
        assert day.last.entries_added == 7 * 120
    assert words[0] == words[1]
    assert [str(event) for sample in day.samples for event in sample.events] == [
        f"slot {slot_of('5')}: {step}"
        for step in ("importing", "migrating", "1 key moved", "settled")
    ]


def test_what_each_node_says_of_a_key_on_the_move(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    parcels = exercise.new_parcels(cluster, nodes)
    key = parcels.streams[0].key
    moving = cluster.move_slot_steps(slot_of(key), "node-1", batch=100)
    steps, said = exercise.with_replies(cluster, key, moving)
    for _ in range(4):
        next(steps)
    with pytest.raises(LookupError, match="every step of the move is taken"):
        next(steps)
    assert [words["node-3"] for _, words in said] == [
        "answers",
        "answers",
        "says ASK",
        "says MOVED",
    ]
    assert [words["node-1"] for _, words in said] == ["says MOVED"] * 3 + ["answers"]
    shown = repr(exercise.replies_picture(said, "node-3"))
    assert shown.startswith("after: importing, migrating, 1 key moved, settled; node-3: answers, ")


def test_of_a_batch_that_was_added_twice_the_lost_copies_are_counted(
    cluster: EmbeddedCluster, nodes: RedisCluster
) -> None:
    parts = Partitions(nodes, "test:batch", 6)
    batch = [(f"customer-{n}", {"order": n}) for n in range(20)]
    parts.add_many(batch)
    on_1 = [row for row in batch if cluster.slot_owner(parts.of(row[0]).key).name == "node-1"]
    parts.add_many(on_1)
    found = {
        row: list(map(str, parts)) for row, parts in exercise.kept(cluster, parts, batch).items()
    }
    assert found["first time, confirmed"][0] == "20 there"
    assert found["second time, on node-1"][0] == f"{len(on_1)} there"
    assert found["second time, on node-2"][1] == f"{20 - len(on_1)} lost (crossed out)"
