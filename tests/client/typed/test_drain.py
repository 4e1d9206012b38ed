"""Consumer.drain: every entry is handled, and only what was handled is acknowledged."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
import redis as redis_py
from client.typed.conftest import one_client
from redis.cluster import RedisCluster

from streamviz import CommandLog, Stream
from streamviz.client.cluster import slot_of
from streamviz.client.consumers import Consumer
from streamviz.client.entry_id import EntryId
from streamviz.client.groups import ConsumerGroup
from streamviz.errors import InputError, NoSuchGroup, ServerAuthError, ServerUnreachable
from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster

Until = Callable[..., None]
TEN = list(range(1, 11))

READER = """
import sys
from streamviz import Stream, connect

url, key, die_at, ahead = sys.argv[1:]
client = connect(url)
for entry in Stream(client, key).group("g").consumer("a").drain(4, read_ahead=ahead == "True"):
    client.execute_command("RPUSH", key + ":done", entry.id.ms)
    if str(entry.id.ms) == die_at:
        print("here", flush=True)
        sys.stdin.read()
"""


DIES = """
import os, signal, sys
from streamviz import Stream, connect
from streamviz.client import transport

url, key, place, nth, ahead = sys.argv[1:]
calls = 0

def watch(frame, event, argument):
    global calls
    if event == "call" and frame.f_code is getattr(transport, place).__code__:
        calls += 1
        if calls == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(watch)
client = connect(url, client_name="doomed")
for entry in Stream(client, key).group("g").consumer("a").drain(2, read_ahead=ahead == "True"):
    print(entry.id.ms, flush=True)
"""

either_way = pytest.mark.parametrize("ahead", [False, True], ids=["page by page", "read ahead"])


@pytest.fixture
def group(redis: redis_py.Redis, key: str) -> ConsumerGroup:
    return ten_in(Stream(redis, key))


@pytest.fixture
def a(group: ConsumerGroup) -> Consumer:
    return group.consumer("a")


def ten_in(stream: Stream) -> ConsumerGroup:
    stream.add_many((f"{n}-0", {"n": n}) for n in TEN)
    group = stream.group("g")
    group.create("0")
    return group


def pending(group: ConsumerGroup) -> list[int]:
    return [one.id.ms for one in group.pending_entries()]


def delivered(last: int, ahead: bool) -> int:
    """Return the last entry that is delivered while an entry is handled, four a page."""
    return min(10, (last + 3) // 4 * 4 + (4 if ahead else 0))


@either_way
@pytest.mark.parametrize("count", [1, 3, 5, 10, 100])
def test_all_entries_come_in_order_and_are_acknowledged(
    a: Consumer, group: ConsumerGroup, count: int, ahead: bool
) -> None:
    found = [(entry.id.ms, entry.fields) for entry in a.drain(count, read_ahead=ahead)]
    assert found == [(n, {"n": str(n)}) for n in TEN]
    assert pending(group) == []
    assert group.info().last_delivered_id == EntryId(10)
    assert list(a.drain(count)) == []


def test_a_page_is_acknowledged_with_the_next_read_and_not_before(
    a: Consumer, group: ConsumerGroup
) -> None:
    still = [(entry.id.ms, pending(group)) for entry in a.drain(4)]
    pages = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert still == [(n, page) for page in pages for n in page]


def test_the_next_page_is_read_while_one_is_handled(a: Consumer, group: ConsumerGroup) -> None:
    still = {entry.id.ms: pending(group) for entry in a.drain(4, read_ahead=True)}
    assert still[4] == TEN[:8]
    assert still[5][:4] in (TEN[:4], TEN[4:8])  # the server is acknowledging the first page
    assert still[8] == TEN[4:]
    assert still[10] in (TEN[4:], TEN[8:])


@either_way
def test_the_log_has_each_command(redis: redis_py.Redis, a: Consumer, ahead: bool) -> None:
    with CommandLog(redis) as log:
        assert len(list(a.drain(4, pending_first=False, read_ahead=ahead))) == 10
    names = [one.command.split()[0] for one in log]
    assert names == ["XREADGROUP", *["XACK", "XREADGROUP"] * 3]
    assert log[1].command.endswith(" g 1-0 2-0 3-0 4-0")
    assert "a.drain(4, pending_first=False, read_ahead=ahead)" in log[1].call


@either_way
@pytest.mark.parametrize("last", [1, 3, 4, 5, 8, 10])
def test_a_loop_that_is_left_early_gets_its_last_entry_again(
    a: Consumer, group: ConsumerGroup, last: int, ahead: bool, until: Until
) -> None:
    for entry in a.drain(4, read_ahead=ahead):
        if entry.id.ms == last:
            break
    until(lambda: pending(group) == list(range(last, delivered(last, ahead) + 1)))
    assert [entry.id.ms for entry in a.drain(4, read_ahead=ahead)] == list(range(last, 11))
    assert pending(group) == []


@either_way
@pytest.mark.parametrize("last", [1, 4, 6, 10])
def test_an_entry_whose_handler_raises_stays_pending(
    a: Consumer, group: ConsumerGroup, last: int, ahead: bool
) -> None:
    def handle(n: int) -> None:
        if n == last:
            raise LookupError(n)

    def work() -> None:
        for entry in a.drain(4, read_ahead=ahead):
            handle(entry.id.ms)

    with pytest.raises(LookupError):
        work()
    assert pending(group)[0] == last
    assert [entry.id.ms for entry in a.drain(4)] == list(range(last, 11))


@one_client
@either_way
@pytest.mark.parametrize("die_at", [1, 3, 4, 5, 8, 10])
def test_a_kill_at_any_entry_loses_none(
    redis: redis_py.Redis,
    server: EmbeddedServer,
    group: ConsumerGroup,
    key: str,
    die_at: int,
    ahead: bool,
    until: Until,
) -> None:
    command = [sys.executable, "-c", READER, server.url, key]
    with subprocess.Popen(
        [*command, str(die_at), str(ahead)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    page_start = (die_at - 1) // 4 * 4 + 1
    until(lambda: pending(group) == list(range(page_start, delivered(die_at, ahead) + 1)))
    assert [entry.id.ms for entry in group.consumer("a").drain(4)] == list(range(page_start, 11))
    done = [int(one) for one in redis.lrange(f"{key}:done", 0, -1)]
    assert done == list(range(1, die_at + 1))
    assert pending(group) == []


@one_client
@either_way
@pytest.mark.parametrize("nth", [2, 4])
@pytest.mark.parametrize("place", ["send", "receive"])
def test_a_kill_between_two_pages_loses_none(
    redis: redis_py.Redis,
    server: EmbeddedServer,
    group: ConsumerGroup,
    key: str,
    place: str,
    nth: int,
    ahead: bool,
    until: Until,
) -> None:
    arguments = [server.url, key, place, str(nth), str(ahead)]
    process = subprocess.run([sys.executable, "-c", DIES, *arguments], stdout=subprocess.PIPE)
    assert process.returncode == -signal.SIGKILL
    done = list(map(int, process.stdout.split()))
    assert done == TEN[: len(done)]
    # then the server has run all that it sent
    until(lambda: all(one["name"] != "doomed" for one in redis.client_list()))
    left = pending(group)
    assert len(left) <= (4 if ahead else 2)
    again = [entry.id.ms for entry in group.consumer("a").drain(4)]
    assert again[0] <= len(done) + 1
    assert again == TEN[again[0] - 1 :]
    assert pending(group) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_at_most_two_pages_are_pending(a: Consumer, group: ConsumerGroup, count: int) -> None:
    sizes = [len(pending(group)) for _ in a.drain(count, read_ahead=True)]
    assert len(sizes) == 10
    assert max(sizes) == 2 * count


def test_a_check_of_the_connection_takes_no_page_for_its_answer(
    server: EmbeddedServer, group: ConsumerGroup, key: str
) -> None:
    client = server.client(health_check_interval=1e-9)
    entries = Stream(client, key).group("g").consumer("a").drain(2, read_ahead=True)
    assert [entry.id.ms for entry in entries] == TEN
    client.close()
    assert pending(group) == []


def test_another_consumers_entries_are_left_to_it(a: Consumer, group: ConsumerGroup) -> None:
    group.consumer("b").read(3)
    assert [entry.id.ms for entry in a.drain(2)] == TEN[3:]
    assert pending(group) == TEN[:3]


@either_way
def test_own_pending_entries_come_first_or_not_at_all(
    a: Consumer, group: ConsumerGroup, ahead: bool
) -> None:
    a.read(5)
    new = a.drain(2, pending_first=False, read_ahead=ahead)
    assert [entry.id.ms for entry in new] == TEN[5:]
    assert pending(group) == TEN[:5]
    assert [entry.id.ms for entry in a.drain(2, read_ahead=ahead)] == TEN[:5]
    assert pending(group) == []


@either_way
def test_deleted_pending_entries_are_passed_over_and_stay_pending(
    a: Consumer, group: ConsumerGroup, redis: redis_py.Redis, key: str, ahead: bool
) -> None:
    a.read(8)
    Stream(redis, key).delete("1", "2", "4", "5", "6", "8")
    assert [entry.id.ms for entry in a.drain(2, read_ahead=ahead)] == [3, 7, 9, 10]
    assert pending(group) == [1, 2, 4, 5, 6, 8]


@either_way
def test_a_wait_gets_new_entries_and_ends_without(
    a: Consumer, group: ConsumerGroup, redis: redis_py.Redis, key: str, until: Until, ahead: bool
) -> None:
    found: list[int] = []

    def work() -> None:
        found.extend(entry.id.ms for entry in a.drain(4, block_ms=1500, read_ahead=ahead))

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: group.pending().count == 0 and group.info().last_delivered_id == EntryId(10))
    Stream(redis, key).add({"n": 11}, "11-0")
    until(lambda: group.info().last_delivered_id == EntryId(11) and group.pending().count == 0)
    thread.join(20)
    assert found == [*TEN, 11]


@pytest.mark.parametrize(
    "bad",
    [
        *({"count": value} for value in (0, -1, 1.5, True, "1", None)),
        *({"block_ms": value} for value in (-1, 0.5, True)),
        *({"read_ahead": value} for value in (1, "yes", None)),
    ],
    ids=repr,
)
def test_a_bad_argument_is_refused_at_the_call(a: Consumer, bad: dict[str, int]) -> None:
    with pytest.raises(InputError, match=repr(*bad.values())):
        a.drain(**bad)


@pytest.mark.parametrize("pending_first", [True, False])
def test_without_its_group_it_says_what_to_do(
    redis: redis_py.Redis, key: str, pending_first: bool
) -> None:
    with pytest.raises(NoSuchGroup, match="Create the group"):
        list(Stream(redis, key).group("g").consumer("a").drain(pending_first=pending_first))


@either_way
def test_a_group_that_goes_meanwhile_ends_the_loop(
    a: Consumer, group: ConsumerGroup, ahead: bool
) -> None:
    entries = a.drain(4, read_ahead=ahead)
    assert next(entries).id.ms == 1
    group.destroy()
    with pytest.raises(NoSuchGroup):
        list(entries)


@either_way
def test_a_refused_acknowledgement_is_an_error(
    redis: redis_py.Redis, server: EmbeddedServer, group: ConsumerGroup, key: str, ahead: bool
) -> None:
    allowed = ["+xreadgroup", "+info", "+select", "+client", "+hello"]
    redis.acl_setuser("reader", enabled=True, passwords=["+p"], keys="*", commands=allowed)
    try:
        client = server.client(username="reader", password="p")
        entries = Stream(client, key).group("g").consumer("a").drain(4, read_ahead=ahead)
        assert [next(entries).id.ms for _ in range(4)] == TEN[:4]
        with pytest.raises(ServerAuthError, match="XACK is not allowed"):
            list(entries)
        client.close()
    finally:
        redis.acl_deluser("reader")
    assert pending(group)[:4] == TEN[:4]


@either_way
def test_after_a_lost_connection_the_next_loop_continues(
    redis: redis_py.Redis, server: EmbeddedServer, group: ConsumerGroup, key: str, ahead: bool
) -> None:
    client = server.client(client_name="drained")
    entries = Stream(client, key).group("g").consumer("a").drain(4, read_ahead=ahead)
    handled = [next(entries).id.ms for _ in range(4)]
    for one in redis.client_list():
        if one["name"] == "drained":
            redis.client_kill_filter(_id=one["id"])
    try:
        handled += [entry.id.ms for entry in entries]
    except ServerUnreachable:
        handled += [entry.id.ms for entry in group.consumer("a").drain(4)]
    client.close()
    assert set(handled) == set(TEN)
    assert pending(group) == []


@one_client
@either_way
@pytest.mark.parametrize("block_ms", [None, 50])
def test_it_follows_a_slot_on_the_move(
    redis: redis_py.Redis,
    nodes: RedisCluster,
    cluster: EmbeddedCluster,
    key: str,
    block_ms: int | None,
    ahead: bool,
) -> None:
    stream = Stream(nodes, key)
    group = ten_in(stream)
    home = cluster.slot_owner(key)
    target = next(node.name for node in cluster.nodes if node is not home)
    handled = []
    for entry in group.consumer("a").drain(2, block_ms=block_ms, read_ahead=ahead):
        handled.append(entry.id.ms)
        if entry.id.ms == 3:
            cluster.move_slot(slot_of(key), target)
    assert handled == TEN
    assert pending(group) == []
    nodes.delete(key)
