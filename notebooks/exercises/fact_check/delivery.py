"""Claims about the delivery of entries: to processes, groups, consumers and partitions."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import cycle
from typing import Any

import redis

from exercises.fact_check.claims import Finding, between, judged
from exercises.fact_check.partitions import NAMES, ORDERS, PARTS, at_partitions, setup, split
from exercises.fact_check.processes import again, elsewhere, fresh, listening
from exercises.fact_check.scale import bytes_of
from exercises.pubsub_or_stream import hear
from streamviz import series
from streamviz.client import Fields, Stream
from streamviz.simulation import Scenario

_TIMEOUT_S = 5.0
_IN_2100 = "4102444800000-0"


def time_indexed(client: redis.Redis, *, ids: str = "*") -> Finding:
    """Check that entries carry their time from one process to another.

    Parameters
    ----------
    client : redis.Redis
        The server.
    ids : str
        The IDs that the other process sets, with ``{n}`` for a number.
    """
    times = fresh(client, "times")
    before = _now_ms(client)
    elsewhere(
        client,
        f"for n in range(1, 31): client.xadd({times.key!r}, {{'n': n}}, id={ids!r}.format(n=n))",
    )
    after = _now_ms(client)
    entries = times.range(str(before), str(after))
    own = times.add({"n": 31}, id=_IN_2100)
    return judged(
        "Unless you set their IDs, entries carry their time from one process to another.",
        "another process adds 30 entries, and this one reads that range of time",
        f"{len(entries)} of 30 found by their time",
        holds=len(entries) == 30,
        limits=f"the time is the server's, and an ID of your own can be any time, such as {own}",
        said="a way to communicate time-indexed data among processes",
    )


def like_a_csv(client: redis.Redis, *, entries: int = 5000) -> Finding:
    """Check that a stream is like a CSV file with a timestamp, in memory.

    Parameters
    ----------
    client : redis.Redis
        The server.
    entries : int
        The number of rows to compare.
    """
    table, text = fresh(client, "table"), io.StringIO()
    rows: list[Fields] = [
        {"customer": f"customer-{n % 997}", "total": str(n % 100)} for n in range(entries)
    ]
    table.add_many((f"{n}-0", row) for n, row in enumerate(rows, 1767225600000))
    writer = csv.writer(text)
    writer.writerows([str(entry.id), *entry.fields.values()] for entry in table.range())
    ratio = bytes_of(table) / len(text.getvalue())
    table.add({"other": "columns"})
    columns = {tuple(entry.fields) for entry in table.reverse_range(count=2)}
    return judged(
        "A stream is a table with the time in front, like a CSV file, but in memory.",
        "the same rows as CSV and as entries, then a row with other columns",
        f"{between(ratio, (0.5, 2))} bytes of memory per byte of CSV",
        holds=ratio < 2,
        limits=f"a stream has no header: this one has {len(columns)} sets of columns"
        if len(columns) > 1
        else "",
        said="each stream is a CSV with a timestamp, flowing through memory",
    )


def beyond_pubsub(client: redis.Redis, *, together: bool = True) -> Finding:
    """Check that a group can share work, which pub/sub cannot.

    Parameters
    ----------
    client : redis.Redis
        The server.
    together : bool
        Whether both consumers are in one group, or each in its own.
    """
    jobs = fresh(client, "jobs")
    with listening(client, jobs.key) as ann, listening(client, jobs.key) as ben:
        hear(ann), hear(ben)
        for n in range(1, 7):
            client.publish(jobs.key, str(n))
            jobs.add({"n": n}, id=f"{n}-0")
        heard = len(hear(ann)) + len(hear(ben))
    delivered = 0
    for name in ("ann", "ben"):
        group = jobs.group("crew" if together else name)
        group.create("0", exist_ok=True)
        delivered += len(group.consumer(name).read(3 if together else None))
    return judged(
        "A stream's consumers can share its work, which pub/sub can't.",
        "6 jobs, for two subscribers and for two consumers",
        f"{heard} deliveries by pub/sub, {delivered} by the group",
        holds=delivered == 6 < heard,
        said="functionality that's more advanced than basic pub/sub",
    )


def each_group_gets_all(client: redis.Redis, *, start: str = "0") -> Finding:
    """Check that several groups can each read a whole stream.

    Parameters
    ----------
    client : redis.Redis
        The server.
    start : str
        The ID at which the last group starts.
    """
    counts = _delivered(client, ["0", "0", start])
    return judged(
        "Several consumer groups can each read a whole stream.",
        "12 entries, 3 groups",
        f"they get {', '.join(map(str, counts))}",
        holds=counts == [12, 12, 12],
        limits="a group that starts at `$` gets only later entries: "
        f"{_delivered(client, ['$'])[0]} of these 12",
        said="you can have multiple consumer groups eat up a single stream",
    )


def a_part_for_each_group(client: redis.Redis, *, groups: int = 3) -> Finding:
    """Check that the server decides which group gets which part of the data.

    Parameters
    ----------
    client : redis.Redis
        The server.
    groups : int
        The number of groups; each asks for everything.
    """
    counts = _delivered(client, ["0"] * groups)
    return judged(
        "Redis divides a stream's entries among the consumer groups.",
        f"12 entries, {groups} group{'s' * (groups != 1)}",
        f"{' and '.join(map(str, counts))} entries were delivered",
        holds=sum(counts) == 12,
        limits="every group gets everything; within a group, each entry goes to one consumer",
        said="the server decides which consumer group gets which slice of data",
    )


def _delivered(client: redis.Redis, starts: Sequence[str]) -> list[int]:
    """Return how many of twelve entries each group gets, given the IDs at which they start."""
    news = fresh(client, "news")
    news.add_many((f"{n}-0", {"n": n}) for n in range(1, 13))
    counts = []
    for n, start in enumerate(starts):
        group = news.group(f"group-{n}")
        group.create(start)
        counts.append(len(group.consumer("one").read()))
    return counts


def faster_gets_more(
    client: redis.Redis, *, quick_ms: float = 100, slow_ms: float = 300
) -> Finding:
    """Check that the faster of two consumers gets more entries.

    Parameters
    ----------
    client : redis.Redis
        The server.
    quick_ms, slow_ms : float
        The time that each takes to handle an entry, in milliseconds.
    """
    key = fresh(client, "race").key
    race = Scenario(client, seed=1)
    can_do_hz = 1000 / quick_ms + 1000 / slow_ms
    race.produce(key, series.constant(rate_hz=1.5 * can_do_hz))
    pair = race.group(key, "pair", consumers=0)
    pair.add_consumer("quick", service_ms=quick_ms)
    pair.add_consumer("slow", service_ms=slow_ms)
    race.run(seconds=30)
    handled = {name: one.handled for name, one in pair.consumers.items()}
    share = handled["quick"] / sum(handled.values())
    idle = while_both_wait(client)
    return judged(
        "Of two consumers, the faster one gets more entries.",
        f"{quick_ms:g} ms and {slow_ms:g} ms per entry, with entries always waiting",
        f"the quick one did {share:.0%}",
        holds=share > 0.6,
        only_within=True,
        limits="Redis does not measure speed: it delivers to the consumer that asks. When both "
        "wait, they take turns, and get "
        f"{' and '.join(map(str, idle.values()))} of {sum(idle.values())}",
        said="even if one consumer happens to be faster than the others, Redis will rationally "
        "distribute the data",
    )


def while_both_wait(client: redis.Redis, *, entries: int = 12) -> dict[str, int]:
    """Return what a quick and a slow consumer get if both wait whenever an entry is added."""
    calls = fresh(client, "calls")
    calls.group("desk").create("0", mkstream=True)
    counts, done = {"quick": 0, "slow": 0}, threading.Event()

    def work(name: str, pause_s: float) -> None:
        with closing(again(client)) as own:
            consumer = Stream(own, calls.key).group("desk").consumer(name)
            while not done.is_set():
                entries_read = consumer.read(1, block_ms=5000)
                counts[name] += 0 if done.is_set() else len(entries_read)
                time.sleep(pause_s)

    def blocked() -> int:
        info: Any = client.info("clients")
        return int(info["blocked_clients"])

    before, deadline = blocked(), time.monotonic() + _TIMEOUT_S
    threads = [
        threading.Thread(target=work, args=("quick", 0.0)),
        threading.Thread(target=work, args=("slow", 0.005)),
    ]
    for thread in threads:
        thread.start()
    for n in range(1, entries + 2):
        while blocked() < before + 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        if n <= entries:
            calls.add({"n": n}, id=f"{n}-0")
    done.set()
    calls.add_many([{"n": "over"}, {"n": "over"}])  # one for each, to end its blocking read
    for thread in threads:
        thread.join()
    return counts


def who_joins_gets(
    client: redis.Redis,
    *,
    third_asks: bool = True,
    partitions: Mapping[str, Sequence[str]] | None = None,
) -> Finding:
    """Check that the server assigns entries in Redis, and the clients assign partitions in Kafka.

    Parameters
    ----------
    client : redis.Redis
        The server.
    third_asks : bool
        Whether the third consumer asks the group for work.
    partitions : mapping of str to sequence of str, optional
        What each of the three got from the partitions; by default, the result of `at_partitions`.
    """
    by_part = at_partitions(PARTS, NAMES) if partitions is None else partitions
    whole = fresh(client, "whole")
    whole.add_many((f"{n}-0", {"customer": customer}) for n, customer in enumerate(ORDERS, 1))
    group = whole.group("billing")
    group.create("0")
    by_consumer: dict[str, list[str]] = {name: [] for name in NAMES}
    for _, name in zip(ORDERS, cycle(NAMES if third_asks else NAMES[:2]), strict=False):
        by_consumer[name] += [e.fields["customer"] for e in group.consumer(name).read(1)]
    idle, joined = min(map(len, by_part.values())), len(by_consumer["cy"])
    return judged(
        "In Kafka, the clients divide the partitions; in Redis, the server delivers the entries.",
        "12 orders for three consumers: from two partitions, and from one Redis group",
        f"the third gets {idle} from the partitions, and {joined} from the group",
        holds=joined > 0 == idle,
        only_within=True,
        limits="true of the classic protocol, the default. In a newer one, which you choose with "
        "`group.protocol`, a broker assigns the partitions, since Kafka 4.0, and for Kafka "
        f"Streams since 4.2. With partitions, {split(by_part)} of 3 customers have their orders "
        f"split among consumers; in the group, {split(by_consumer)} of 3 do, and their order is "
        f"lost. {setup()}. These numbers don't show who divides: that is from Kafka's "
        "documentation",
        said="Kafka Streams apps coordinate data partitioning on the client side, while in Redis "
        "Streams, the server decides",
    )


def _now_ms(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000
