"""Sample many streams: those of one node in one round trip, and all nodes at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import redis

from streamviz.client.cluster import ClusterConnection
from streamviz.client.cluster_nodes import migrating_slots
from streamviz.client.node_pipeline import exchange, forget, moved, node_of
from streamviz.client.resp import Command, pack
from streamviz.errors import StreamVizError
from streamviz.observation.observer import Observer
from streamviz.observation.observer_client import TIMEOUT_S
from streamviz.observation.poll_sample import without_stream
from streamviz.observation.sample import Sample
from streamviz.observation.sample_deadline import sample_deadline
from streamviz.observation.snapshots import Steps

_NODES: Command = ("CLUSTER", "NODES")
_BROKEN = (redis.ConnectionError, redis.TimeoutError, OSError)
_MAX_NODES = 1000  # a cluster has no more
_ANSWER_S, _CONNECT_S = 0.05, 0.25  # what a node gets that was silent, and may be back
Answers = dict[int, Any]


@dataclass(slots=True)
class Visit:
    """The request to one node in one tick: the streams' numbers, and the result."""

    node: str
    numbers: list[int]
    samples: dict[int, Sample] = field(default_factory=dict)
    nodes: dict[int, str] = field(default_factory=dict)
    migrating: dict[int, str] = field(default_factory=dict)
    works: bool = True
    took_s: float = 0.0  # until the first replies were there


class NodePolls:
    """Samples many streams with a pipeline per node; a node that hangs does not stop the others.

    Each node is asked in a thread of its own. The first time that a node does not answer, a sample
    waits for it for a second. After that it waits only a moment: until the node answers again, its
    streams have a sample that says so. All observers have one client.
    """

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers
        self._connections = [observer.snapshots.connection for observer in observers]
        self._executor = ThreadPoolExecutor(_MAX_NODES, "streamviz-node")
        self._running: list[tuple[Visit, Future[None]]] = []
        self._silent: set[str] = set()  # the nodes that did not answer last time
        self.took_s = 0.0  # how long the slowest node took in the last poll

    @sample_deadline
    def poll(self, n: int, time_ms: int) -> list[tuple[Sample, str, Mapping[int, str]]]:
        """Return for each stream its sample, its node, and the slots that leave that node.

        The node is empty if it does not answer, and on a single server. A stream that was not asked
        has a sample with the number `n`.
        """
        self._drop_failed()
        busy = {number for visit, _ in self._running for number in visit.numbers}
        free = [number for number in range(len(self._observers)) if number not in busy]
        groups, errors = self._by_node(free)
        left_out = {number: str(error) for number, error in errors.items()}
        started = [Visit(node, numbers) for node, numbers in groups.items()]
        if len(started) == 1 and not self._running:
            self._visit(started[0], time_ms)
            done = started
        else:
            done = self._finished(started, time_ms)
        self.took_s = max((visit.took_s for visit in done), default=0.0)
        results = {}
        for visit in done:
            for number, sample in visit.samples.items():
                node = visit.nodes[number] if visit.works else ""
                results[number] = (sample, node, visit.migrating)
        for visit, _ in self._running:
            words = f"the server does not answer in time: {visit.node}. It hangs or is busy"
            left_out |= dict.fromkeys(visit.numbers, words)
        for number, trouble in left_out.items():
            stream = self._observers[number].stream
            results[number] = (without_stream(stream, n, time_ms, trouble, ()), "", {})
        return [results[number] for number in range(len(self._observers))]

    def _by_node(
        self, numbers: Iterable[int]
    ) -> tuple[dict[str, list[int]], dict[int, StreamVizError]]:
        """Return the streams of each node, and the errors of those whose node is not known."""
        groups: dict[str, list[int]] = {}
        errors: dict[int, StreamVizError] = {}
        for number in numbers:
            try:
                groups.setdefault(node_of(self._connections[number]), []).append(number)
            except StreamVizError as error:
                errors[number] = error
        return groups, errors

    def _drop_failed(self) -> None:
        """Forget the visits that failed since the last tick: their nodes may answer by now."""
        wait([future for _, future in self._running], _ANSWER_S)
        self._running = [
            (visit, future)
            for visit, future in self._running
            if visit.works or not future.done() or any(s.exists for s in visit.samples.values())
        ]

    def _finished(self, started: Sequence[Visit], time_ms: int) -> list[Visit]:
        """Start visits, wait for the nodes that answered last time, and return what has ended."""
        new = [(visit, self._executor.submit(self._visit, visit, time_ms)) for visit in started]
        wait([future for visit, future in new if visit.node not in self._silent], TIMEOUT_S)
        wait([future for visit, future in new if visit.node in self._silent], _CONNECT_S)
        visits = [*self._running, *new]
        self._running = [(visit, future) for visit, future in visits if not future.done()]
        done = [visit for visit, future in visits if future.done()]
        self._silent = {visit.node for visit, _ in self._running}
        self._silent |= {visit.node for visit in done if not visit.works}
        return done

    @sample_deadline
    def _visit(self, visit: Visit, time_ms: int) -> None:
        """Take the samples of one node's streams, in as many round trips as one of them needs."""
        steps = {number: self._observers[number].steps(time_ms) for number in visit.numbers}
        waiting = self._advanced(steps, dict.fromkeys(steps), visit)  # None starts each of them
        first = True
        while waiting:
            answers = self._round_trip(waiting, visit if first else None)
            first = False
            waiting = self._advanced(steps, answers, visit)
        with suppress(StreamVizError):  # a node that does not answer may have lost its slots
            for number in visit.numbers:
                visit.nodes[number] = node_of(self._connections[number]) or visit.node
        visit.nodes = dict.fromkeys(visit.numbers, visit.node) | visit.nodes

    @staticmethod
    def _advanced(
        steps: Mapping[int, Steps[Sample]], answers: Answers, visit: Visit
    ) -> dict[int, list[Command]]:
        """Hand the answers to the observers, and return what they ask next."""
        waiting = {}
        for number, answer in answers.items():
            try:
                if isinstance(answer, Exception):
                    broken = isinstance(answer.__cause__, _BROKEN)
                    visit.works = visit.works and not broken
                    waiting[number] = steps[number].throw(answer)
                else:
                    waiting[number] = steps[number].send(answer)
            except StopIteration as stop:
                visit.samples[number] = stop.value
        return waiting

    def _round_trip(self, requests: Mapping[int, list[Command]], visit: Visit | None) -> Answers:
        """Return the replies to each stream's commands, or the error instead of them.

        What has moved to other nodes is sent once more, in one round trip each. What is on the
        move, or cannot be asked in a pipeline, is sent alone.
        """
        answers, elsewhere, alone = self._pipeline(requests, visit)
        if elsewhere:
            forget(self._connections[number] for number in elsewhere)
            groups, errors = self._by_node(elsewhere)
            answers |= errors
            for numbers in groups.values():
                more, again, others = self._pipeline({n: requests[n] for n in numbers}, None)
                answers |= more
                alone += again + others
        return answers | self._one_by_one(alone, requests)

    def _pipeline(
        self, requests: Mapping[int, list[Command]], visit: Visit | None
    ) -> tuple[Answers, list[int], list[int]]:
        """Send the commands of one node's streams in one round trip.

        Return the answers, the streams that have moved to another node, and those to send alone.
        """
        connections = [self._connections[number] for number in requests]
        blocks = []
        for number, commands in requests.items():
            framed = self._observers[number].snapshots.framed(commands)
            blocks.append((b"".join(map(pack, framed)), len(framed)))
        first = connections[0]
        ask_nodes = visit is not None and isinstance(first, ClusterConnection)
        if ask_nodes:
            blocks.append((pack(_NODES), 1))
        began_s = time.monotonic()
        try:
            replies = exchange(connections, blocks)
        except Exception as error:
            return self._broken(requests, error)
        if visit is not None:
            visit.took_s = time.monotonic() - began_s
        if visit is not None and isinstance(first, ClusterConnection):
            (about_nodes,) = replies.pop()
            if isinstance(about_nodes, bytes):  # the user may lack the right to ask
                targets = migrating_slots(about_nodes)
                visit.migrating = {slot: first.name_of(targets[slot]) for slot in targets}
        answers: Answers = {}
        elsewhere, alone = [], []
        for number, raw in zip(requests, replies, strict=True):
            inner = self._observers[number].snapshots.unframed(raw)
            has_moved = moved(raw if inner is None else inner)
            down = [one for one in raw if isinstance(one, Exception) and "CLUSTERDOWN" in str(one)]
            if down:
                answers[number] = self._connections[number].explain(down[0], requests[number][0])
            elif has_moved:
                elsewhere.append(number)
            elif has_moved is False or inner is None:
                alone.append(number)
            else:
                explain = self._connections[number].explain_errors
                answers[number] = explain(inner, requests[number])
        return answers, elsewhere, alone

    def _broken(
        self, requests: Mapping[int, list[Command]], error: Exception
    ) -> tuple[Answers, list[int], list[int]]:
        """Return the error for each stream; or try alone what may have closed the connection."""
        first = next(iter(requests))
        unsure = self._observers[first].snapshots.works is None
        if unsure and not isinstance(error.__cause__, redis.TimeoutError):
            answer = self._one_by_one([first], requests)[first]
            if not isinstance(answer, Exception):
                return {first: answer}, [], [number for number in requests if number != first]
        return dict.fromkeys(requests, error), [], []

    def _one_by_one(self, numbers: Iterable[int], requests: Mapping[int, list[Command]]) -> Answers:
        answers: Answers = {}
        for number in numbers:
            try:
                answers[number] = self._observers[number].snapshots.send(requests[number])
            except Exception as error:
                answers[number] = error
        return answers
