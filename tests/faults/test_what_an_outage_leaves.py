"""While a server does not answer, nothing is known; afterwards, the timeline goes on as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis as redis_py
from frozen import frozen

from streamviz import Observer
from streamviz.client.entry_id import EntryId
from streamviz.observation import entry_timeline
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.partition_sample import PartitionState, sum_partitions
from streamviz.observation.timeline import seconds_to_recover
from streamviz.plots import Flow, PendingAge, SwimLanes, TrimSawtooth
from streamviz.recording import load, save
from streamviz.server.embedded import EmbeddedServer

START_MS = 10**12
TRUTH = {EntryId(one): "a" for one in (1, 2, 3)}  # what is pending in each stream, and for whom


def filled(client: redis_py.Redis, key: str) -> None:
    """Add 4 entries, of which a consumer holds the first 3."""
    for n in range(1, 5):
        client.xadd(key, {"n": n}, id=f"{n}-0")
    client.xgroup_create(key, "g", "0")
    client.xreadgroup("g", "a", {key: ">"}, count=3)


def pending(client: redis_py.Redis, key: str) -> dict[EntryId, str]:
    rows = client.xpending_range(key, "g", "-", "+", 10)
    return {EntryId.parse(one["message_id"].decode()): one["consumer"].decode() for one in rows}


@pytest.fixture
def servers() -> Iterator[list[EmbeddedServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(EmbeddedServer(port=0)) for _ in range(2)]


def held(history: History) -> list[tuple[EntryId, str, int, str]]:
    rows = history.deliveries("g")
    return [(one.id, one.consumer, one.since_ms - START_MS, one.end) for one in rows]


def test_what_was_held_is_held_since_then_and_nothing_is_told_of_the_meantime(
    servers: list[EmbeddedServer], tmp_path: Path
) -> None:
    client, history = servers[0].client(), History()
    filled(client, "s")
    client.xdel("s", "4-0")
    observer = Observer(client, "s")

    def take(second: float, *events: Event) -> None:
        history.append(observer.sample(START_MS + int(1000 * second), events))

    take(0)
    take(1, Event("killed", "a", "g", 3))
    take(2)
    before = held(history)
    assert before == [(one, "a", 0, "pending") for one in TRUTH]
    with frozen(servers[0]):
        take(3)
    assert history.last.exists is None
    assert held(history) == before
    timeline = entry_timeline(history, EntryId(1))
    assert timeline[1] == "g: held by a from 0.0 s"
    assert timeline[-1].startswith("not known at 3.0 s: the server does not answer")
    assert entry_timeline(history, EntryId(4))[-2] == "deleted by 0.0 s"
    assert seconds_to_recover(history, "g", "a") is None
    take(4)
    take(20)
    assert pending(client, "s") == TRUTH
    assert held(history) == before
    assert entry_timeline(history, EntryId(1))[1:] == ["g: held by a from 0.0 s"]
    assert entry_timeline(history, EntryId(4))[-1] == "deleted by 0.0 s"
    assert seconds_to_recover(history, "g", "a") is None
    assert Flow().scene(history)["headline"] == "a is dead and holds 3 entries for 20 s"
    client.xack("s", "g", "1-0", "2-0", "3-0")
    take(21)
    assert pending(client, "s") == {}
    # 4-0 was deleted, so it is not certain that 1-0 was not: XAUTOCLAIM would have dropped it
    assert {one[2:] for one in held(history)} == {(0, "acked or dropped")}
    assert seconds_to_recover(history, "g", "a") == 20
    save(history, tmp_path / "outage.jsonl.gz")
    again = load(tmp_path / "outage.jsonl.gz")
    assert [one.exists for one in again.samples] == [one.exists for one in history.samples]
    assert held(again) == held(history)


def test_a_death_during_the_outage_is_measured_from_what_was_held_before(
    servers: list[EmbeddedServer],
) -> None:
    client, history = servers[0].client(), History()
    filled(client, "s")
    observer = Observer(client, "s")
    history.append(observer.sample(START_MS))
    with frozen(servers[0]):
        history.append(observer.sample(START_MS + 1000, [Event("killed", "a", "g", 3)]))
    client.xclaim("s", "g", "b", 0, ["1-0"])
    history.append(observer.sample(START_MS + 2000))
    assert seconds_to_recover(history, "g", "a") is None
    client.xack("s", "g", "2-0", "3-0")
    history.append(observer.sample(START_MS + 3000))
    assert pending(client, "s") == {EntryId(1): "b"}
    assert seconds_to_recover(history, "g", "a") is None, "b still holds one of them"
    client.xack("s", "g", "1-0")
    history.append(observer.sample(START_MS + 4000))
    assert seconds_to_recover(history, "g", "a") == 3


@pytest.fixture
def parts(servers: list[EmbeddedServer]) -> Callable[[int], History]:
    """Fill a part on each of two servers; return how to sample both, at a second."""
    observers, history = [], History()
    for number, server in enumerate(servers):
        filled(server.client(), f"s:{number}")
        observers.append(Observer(server.client(), f"s:{number}"))

    def take(second: int) -> History:
        at_ms, n = START_MS + 1000 * second, len(history) + 1
        states = [
            PartitionState(number, number, f"node-{number}", "", one.sample(at_ms))
            for number, one in enumerate(observers)
        ]
        history.append(sum_partitions("s", n, at_ms, states))
        return history

    return take


def test_what_a_part_holds_that_does_not_answer_is_neither_acked_nor_dropped(
    servers: list[EmbeddedServer], parts: Callable[[int], History]
) -> None:
    parts(0)
    before = held(parts(1))
    assert before == [(one, "a", 0, "pending") for one in TRUTH for _ in servers]
    with frozen(servers[1]):
        history = parts(2)
    assert history.last.exists is None
    assert held(history) == before
    assert Flow().scene(history)["groups"][0]["left"] == []
    assert entry_timeline(history, EntryId(2))[1:-1] == ["g: held by a from 0.0 s"] * 2
    frame = history.to_frame()
    numbers = ["length", "entries_added", "pending", "dropped", "acked", "consumers"]
    assert frame.iloc[-1][numbers].isna().all(), "no sum is known"
    assert list(frame["pending"])[:2] == [6, 6]
    assert TrimSawtooth().sampled_values(history.last, history)[0] is None
    assert PendingAge().sampled_values(history.last, history) == [None]
    assert SwimLanes().summary(history) == history.last.trouble
    history = parts(3)
    assert [pending(one.client(), f"s:{n}") for n, one in enumerate(servers)] == [TRUTH, TRUTH]
    assert held(history) == before
    servers[1].client().xack("s:1", "g", "2-0")
    history = parts(4)
    ended = (EntryId(2), "a", 0, "acked")
    assert held(history) == [ended, *(one for i, one in enumerate(before) if i != 2)]


def test_a_part_that_is_deleted_ends_nothing(
    servers: list[EmbeddedServer], parts: Callable[[int], History]
) -> None:
    parts(0)
    servers[1].client().delete("s:1")
    history = parts(1)
    assert history.last.exists is True
    assert held(history) == [(one, "a", 0, "pending") for one in TRUTH], "of the other part"


def test_no_rate_is_made_of_an_outage_or_of_a_stream_that_is_renamed_into_place(
    servers: list[EmbeddedServer],
) -> None:
    client, history = servers[0].client(), History()
    with client.pipeline() as many:
        for n in range(1, 20_001):
            many.xadd("s", {"n": n}, id=f"{n}-0")
        many.execute()
    client.xgroup_create("s", "g", "$")
    observer = Observer(client, "s")
    said = set()
    for second in range(20):
        if second == 3:
            with frozen(servers[0]):
                history.append(observer.sample(START_MS + 3000))
            continue
        history.append(observer.sample(START_MS + 1000 * second))
        scene = Flow().scene(history)
        said.add((scene["rate"], scene["every"]))
    assert history.last.entries_added == history.samples[0].entries_added == 20_000
    assert said == {("", 1), ("0.0/s", 1)}
    late, observer = History(), Observer(client, "late")
    late.append(observer.sample(START_MS))
    client.rename("s", "late")
    for second in (1, 2, 3):
        late.append(observer.sample(START_MS + 1000 * second))
    assert Flow().scene(late)["rate"] == "0.0/s"
