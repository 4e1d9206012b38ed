"""Six nodes, three of them replicas: a fault is met by a dashboard, a scenario, parts, a recording.

At the end of each, the accounts of all four are compared with a full count in Redis.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from slow import slow_but

from streamviz import EntryId, Scenario, Stream, load, record, replay, series, watch
from streamviz.client.cluster import slot_of
from streamviz.errors import ServerUnreachable
from streamviz.observation.accounting import account_for
from streamviz.observation.partition_observer import PartitionObserver
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import Sample
from streamviz.patterns.partitions import Partitions
from streamviz.plots import PartitionLanes
from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster, Node, embedded_cluster
from streamviz.server.program import find_program

pytestmark = pytest.mark.timeout(180)
Until = Callable[..., None]
COUNT = 12
PEOPLE = [f"customer-{n}" for n in range(120)]


@pytest.fixture(scope="module")
def six(server: EmbeddedServer) -> Iterator[EmbeddedCluster]:
    with embedded_cluster(3, replicas=True, program=server.program) as running:
        for node in (*running.nodes, *running.replicas):  # no replica takes over by itself
            with closing(node.server.client()) as admin:
                admin.config_set("cluster-node-timeout", 60_000)
        yield running


class Doors:
    """A dashboard of all parts, its recording, an observer, a scenario on the node of a fault."""

    def __init__(self, six: EmbeddedCluster, path: Path, until: Until, undo: ExitStack) -> None:
        self.cluster, self.until = six, until
        self.client = undo.enter_context(closing(six.client(socket_timeout=1)))
        self.victim, self.replica = next(
            (node, replica)
            for node, replica in zip(six.nodes, six.replicas, strict=True)
            if node.server.running and owns_slots(six, node)
        )
        self.parts = Partitions(self.client, f"test:{uuid.uuid4().hex[:8]}", COUNT)
        self.groups = self.parts.create_group("bill")
        self.on_victim = [s for s in self.parts.streams if six.slot_owner(s.key) is self.victim]
        assert 0 < len(self.on_victim) < COUNT
        self.dashboard = undo.enter_context(closing(watch(self.parts, rate_hz=10)))
        undo.callback(self.dashboard.stop)  # close() leaves its scenario running
        assert self.dashboard.scenario is not None
        self.recorder = undo.enter_context(record(self.dashboard.scenario, path))
        self.observer = PartitionObserver(self.parts, six.names)
        self.added: list[EntryId] = []  # by the scenario, and acknowledged to it
        self.shop = undo.enter_context(Scenario(self.client, allow_writes=True))
        self.key = f"{self.parts.name}:shop:{self.on_victim[0].key[-3:]}"
        self.shop.produce(self.key, series.constant(rate_hz=100))
        self.shop.group(self.key, "ship", consumers=2, service_ms=5)
        self.shop.context.on_added.append(lambda _, entry_id, __: self.added.append(entry_id))
        self.dashboard.scenario.start()
        self.shop.start()
        self.fed = 0
        self.feed()
        for group in self.groups:
            consumer = group.consumer("ann")
            if entries := consumer.read(6):
                group.ack(*(entry.id for entry in entries[:3]))
        self.feed()
        until(lambda: self.seen() == self.fed, 20)

    def feed(self) -> None:
        counts = self.parts.add_many((who, {"who": who}) for who in PEOPLE)
        self.fed += sum(counts)

    def seen(self) -> int:
        newest = self.dashboard.history.newest
        return newest.length if newest and not newest.trouble else -1

    def works_on(self) -> None:
        """Wait until the scenario adds, and hands out what it adds now."""
        before = len(self.added)
        self.until(lambda: len(self.added) > before + 20, 30)
        newest = self.added[-1]
        cursor = Stream(self.client, self.key).group("ship").info
        self.until(lambda: cursor().last_delivered_id >= newest, 30)

    def in_sync(self) -> None:
        """Wait until the replica has all that the parts have got."""
        assert self.on_victim[0].add({"n": 1}, wait=1, wait_ms=20_000).replicas == 1
        self.fed += 1

    def compare_with_a_full_count(self, lost: int = 0) -> None:
        """Compare each door with a full count in Redis."""
        self.shop.pause()
        present = sum(len(stream.range()) for stream in self.parts.streams)
        assert present == self.fed - lost
        self.until(lambda: self.seen() == present, 20)
        self.until(lambda: not self.observer.sample().trouble, 20)
        self.recorder.close()
        seen = {
            "dashboard": self.dashboard.history.last,
            "recording": load(self.recorder.path).last,
            "observer": self.observer.sample(),
        }
        for door, sample in seen.items():
            assert isinstance(sample, PartitionedSample), door
            assert sample.trouble == "", door
            for state, group in zip(sample.partitions, self.groups, strict=True):
                compare(state.sample, self.parts.streams[state.number], group)
            assert sample.lost == lost or door == "observer", door
        lanes = replay(self.recorder.path, plots=[PartitionLanes()]).figure
        assert str(COUNT - 1) in str(lanes.layout)
        self.compare_the_scenario()

    def compare_the_scenario(self) -> None:
        self.shop.summary()  # takes a sample
        stream = Stream(self.client, self.key)
        sample = self.shop.history.last
        assert sample.trouble == ""
        compare(sample, stream, stream.group("ship"))
        present = {entry.id for entry in stream.range()}
        missing = [one for one in self.added if one not in present]
        assert len(missing) >= sample.lost
        account = account_for(sample, sample.group("ship"))
        known = (account.undelivered, account.pending, account.acked, account.dropped, account.gone)
        assert account.added == sum(one or 0 for one in known) + account.lost + (
            account.unclear or 0
        )
        assert account.lost == sample.lost

    def kinds(self) -> set[str]:
        """Return the kinds of events on the dashboard."""
        samples = self.dashboard.history.samples
        return {event.kind for one in samples for event in one.events}

    def missing(self) -> int:
        """Return how many acknowledged entries of the scenario are gone."""
        present = {entry.id for entry in Stream(self.client, self.key).range()}
        return sum(one not in present for one in self.added)


def owns_slots(cluster: EmbeddedCluster, node: Node) -> bool:
    return any(cluster.slot_owner(slot) is node for slot in (0, 6000, 12_000))


def compare(sample: Sample, stream: Stream, group: Any) -> None:
    """Compare a sample with what is in Redis."""
    entries, state, cursor = stream.range(), sample.group(group.name), group.info()
    waiting = [entry for entry in entries if entry.id > cursor.last_delivered_id]
    assert sample.length == len(entries)
    assert (state.lag.entries, state.lag.verdict) == (len(waiting), "exact")
    assert state.pending == len(group.pending_entries(count=10_000))


def a_move_by_setslot(doors: Doors) -> int:
    """Move slots there and back in all steps; each key moves by MIGRATE, as every server can."""
    there = doors.cluster.slot_owner(12_000 if doors.victim is doors.cluster.nodes[0] else 0)
    for node in (there, doors.victim):
        for stream in doors.on_victim[:2]:
            for _ in doors.cluster.move_slot_steps(slot_of(stream.key), node.name):
                doors.feed()
    return 0


def an_atomic_move(doors: Doors) -> int:
    """Move slots there and back, all at once."""
    there = doors.cluster.slot_owner(12_000 if doors.victim is doors.cluster.nodes[0] else 0)
    slots = [slot_of(stream.key) for stream in doors.on_victim[:2]]
    for source, target in ((doors.victim, there), (there, doors.victim)):
        move_at_once(slots, source, target)

        def is_done(target: Node = target) -> bool:
            doors.feed()
            return {doors.cluster.slot_owner(slot) for slot in slots} == {target}

        doors.until(is_done, 30)
    return 0


def move_at_once(slots: list[int], source: Node, target: Node) -> None:
    """Let the target take slots (Redis 8.4), or the source give them away (Valkey 9.0)."""
    spans = [number for slot in slots for number in (slot, slot)]
    with closing(target.server.client()) as there, closing(source.server.client()) as here:
        if "valkey" in source.server.program:
            to = ("NODE", there.execute_command("CLUSTER", "MYID"))
            here.execute_command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *spans, *to)
        else:
            there.execute_command("CLUSTER", "MIGRATION", "IMPORT", *spans)


def a_hung_node(doors: Doors) -> int:
    with closing(doors.victim.server.client()) as admin:
        process = admin.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        doors.until(lambda: "does not answer in time" in doors.dashboard.history.last.trouble, 20)
        others = [s for s in doors.parts.streams if s not in doors.on_victim]
        others[0].add({"who": "still here"})
        doors.fed += 1
    finally:
        os.kill(process, signal.SIGCONT)
    with closing(doors.victim.server.client()) as admin:
        admin.ping()
    assert doors.observer.sample().trouble == ""
    return 0


def a_killed_primary(doors: Doors) -> int:
    doors.in_sync()
    doors.victim.server.stop()
    keys = {stream.key for stream in doors.on_victim}
    elsewhere = sum(doors.parts.of(who).key not in keys for who in PEOPLE)
    with pytest.raises(ServerUnreachable, match=f"; {elsewhere} rows were added"):
        doors.feed()
    doors.fed += elsewhere
    doors.until(lambda: "does not answer" in doors.dashboard.history.last.trouble, 20)
    doors.cluster.take_over(doors.replica.name)
    return 0


def a_replica_cut_off_first(doors: Doors) -> int:
    doors.in_sync()
    doors.cluster.cut_off(doors.replica.name)
    before = doors.fed
    lost = sum(stream.add_many({"n": n} for n in range(10)) for stream in doors.on_victim)
    doors.fed = before + lost
    doors.until(lambda: doors.seen() == doors.fed, 20)
    doors.victim.server.stop()
    doors.cluster.take_over(doors.replica.name)
    doors.until(lambda: doors.missing() > 0, 20)
    return lost


def has_atomic_moves() -> bool:
    """Tell whether the server can move slots at once: Redis from 8.4, Valkey from 9.0."""
    program = os.environ.get("STREAMVIZ_TEST_SERVER") or find_program()
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"v=(\d+)\.(\d+)", said.stdout)
    assert found is not None
    return (int(found[1]), int(found[2])) >= (8, 4)


FAULTS = [
    *([an_atomic_move] if has_atomic_moves() else []),
    a_move_by_setslot,
    a_hung_node,
    a_killed_primary,
    a_replica_cut_off_first,
]


@pytest.mark.parametrize("fault", slow_but(a_replica_cut_off_first, of=FAULTS))
def test_all_doors_agree_with_a_full_count_after(
    six: EmbeddedCluster, until: Until, tmp_path: Path, fault: Callable[[Doors], int]
) -> None:
    with ExitStack() as undo:
        doors = Doors(six, tmp_path / "run.jsonl.gz", until, undo)
        doors.works_on()
        lost = fault(doors)
        doors.until(lambda: not doors.dashboard.history.last.trouble, 30)
        doors.feed()
        doors.works_on()
        doors.compare_with_a_full_count(lost)
        fails_over = fault in (a_killed_primary, a_replica_cut_off_first)
        assert doors.kinds() == ({"failed_over"} if fails_over else set())
        assert bool(doors.missing()) <= fails_over
