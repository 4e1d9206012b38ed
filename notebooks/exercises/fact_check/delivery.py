"""Claims about who gets an entry: processes, consumer groups, consumers, partitions."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import cycle
from typing import Any

import redis

from exercises.fact_check.claims import Finding, between, judged
from exercises.fact_check.partitions import NAMES, PARTS, at_partitions, kafka_is_here
from exercises.fact_check.processes import again, elsewhere, fresh, listening
from exercises.fact_check.scale import bytes_of
from exercises.pubsub_or_stream import hear
from streamviz import series
from streamviz.client.arguments import Fields
from streamviz.client.stream import Stream
from streamviz.simulation.scenario import Scenario

_PATIENCE_S = 5.0
_IN_2100 = "4102444800000-0"


def time_indexed(client: redis.Redis, *, ids: str = "*") -> Finding:
    """Check that entries carry their time from one process to another.

    Parameters
    ----------
    client : redis.Redis
        The server.
    ids : str
        The IDs that the other process gives, with ``{n}`` for a number.
    """
    times = fresh(client, "times")
    before = _now_ms(client)
    elsewhere(
        client,
        f"for n in range(1, 31): redis.xadd({times.key!r}, {{'n': n}}, id={ids!r}.format(n=n))",
    )
    after = _now_ms(client)
    found = times.range(str(before), str(after))
    own = times.add({"n": 31}, id=_IN_2100)
    return judged(
        "Entries bring their time along, from one process to another.",
        "another process adds 30 entries, this one asks for that stretch of time",
        f"{len(found)} of 30 found by their time",
        holds=len(found) == 30,
        limits=f"the time is the server's, and an ID of your own may say anything, such as {own}",
    )


def like_a_csv(client: redis.Redis, *, entries: int = 5000) -> Finding:
    """Check that a stream is like a CSV with a timestamp, in memory.

    Parameters
    ----------
    client : redis.Redis
        The server.
    entries : int
        How many rows are compared.
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
        f"{between(ratio, (0.5, 2))} bytes of memory for a byte of CSV",
        holds=ratio < 2,
        limits=f"there is no header: {len(columns)} sets of columns in one stream"
        if len(columns) > 1
        else "",
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
    given = 0
    for name in ("ann", "ben"):
        group = jobs.group("crew" if together else name)
        group.create("0", exist_ok=True)
        given += len(group.consumer(name).read(3 if together else None))
    return judged(
        "A stream's consumers can share its work, which pub/sub can't.",
        "6 jobs, for two subscribers and for two consumers",
        f"{heard} deliveries by pub/sub, {given} by the group",
        holds=given == 6 < heard,
    )


def each_group_gets_all(client: redis.Redis, *, start: str = "0") -> Finding:
    """Check that several groups can each eat the whole of one stream.

    Parameters
    ----------
    client : redis.Redis
        The server.
    start : str
        Where the last group begins.
    """
    given = _given(client, ["0", "0", start])
    return judged(
        "Several consumer groups can eat up one stream.",
        "12 entries, 3 groups",
        f"they get {', '.join(map(str, given))}",
        holds=given == [12, 12, 12],
        limits="a group that begins at `$` gets only what is added later: "
        f"{_given(client, ['$'])[0]} of these 12",
    )


def a_part_for_each_group(client: redis.Redis, *, groups: int = 3) -> Finding:
    """Check that the server decides which group gets which part of the data.

    Parameters
    ----------
    client : redis.Redis
        The server.
    groups : int
        How many groups ask for everything.
    """
    given = _given(client, ["0"] * groups)
    return judged(
        "Redis deals a stream's entries out among the consumer groups.",
        f"12 entries, {groups} group{'s' * (groups != 1)}",
        f"{' and '.join(map(str, given))} entries were given",
        holds=sum(given) == 12,
        limits="every group gets everything; within a group each entry goes to one consumer",
    )


def _given(client: redis.Redis, starts: Sequence[str]) -> list[int]:
    """Return how many of twelve entries each group is given that begins there."""
    news = fresh(client, "news")
    news.add_many((f"{n}-0", {"n": n}) for n in range(1, 13))
    found = []
    for n, start in enumerate(starts):
        group = news.group(f"group-{n}")
        group.create(start)
        found.append(len(group.consumer("one").read()))
    return found


def faster_gets_more(
    client: redis.Redis, *, quick_ms: float = 100, slow_ms: float = 300
) -> Finding:
    """Check that of two consumers the faster one gets more.

    Parameters
    ----------
    client : redis.Redis
        The server.
    quick_ms, slow_ms : float
        How long an entry takes each of them, in milliseconds.
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
        "Of two consumers, the faster one gets more.",
        f"{quick_ms:g} ms and {slow_ms:g} ms an entry, always enough to do",
        f"the quick one did {share:.0%}",
        holds=share > 0.6,
        limits="nobody decides it: who asks gets. When both wait, each gets in turn, "
        f"{' and '.join(map(str, idle.values()))} of {sum(idle.values())}",
    )


def while_both_wait(client: redis.Redis, *, entries: int = 12) -> dict[str, int]:
    """Return what two consumers get, one of them slow, if both wait whenever an entry comes."""
    calls = fresh(client, "calls")
    calls.group("desk").create("0", mkstream=True)
    got, done = {"quick": 0, "slow": 0}, threading.Event()

    def work(name: str, pause_s: float) -> None:
        with closing(again(client)) as own:
            consumer = Stream(own, calls.key).group("desk").consumer(name)
            while not done.is_set():
                found = consumer.read(1, block_ms=5000)
                got[name] += 0 if done.is_set() else len(found)
                time.sleep(pause_s)

    def blocked() -> int:
        told: Any = client.info("clients")
        return int(told["blocked_clients"])

    before, deadline = blocked(), time.monotonic() + _PATIENCE_S
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
    calls.add_many([{"n": "over"}, {"n": "over"}])  # one for each, to let it go
    for thread in threads:
        thread.join()
    return got


def who_joins_gets(
    client: redis.Redis,
    *,
    third_asks: bool = True,
    partitions: Mapping[str, Sequence[str]] | None = None,
) -> Finding:
    """Check that Redis hands out entries, where with partitions the clients share them out.

    Parameters
    ----------
    client : redis.Redis
        The server.
    third_asks : bool
        Whether the third consumer asks the group for work.
    partitions : mapping of str to sequence of str, optional
        What each of the three got at the partitions; without it, `at_partitions` is asked.
    """
    by_part = at_partitions(PARTS, NAMES) if partitions is None else partitions
    whole = fresh(client, "whole")
    orders = [customer for part in PARTS for customer in part]
    whole.add_many((f"{n}-0", {"customer": customer}) for n, customer in enumerate(orders, 1))
    group = whole.group("billing")
    group.create("0")
    dealt: dict[str, list[str]] = {name: [] for name in NAMES}
    for _, name in zip(orders, cycle(NAMES if third_asks else NAMES[:2]), strict=False):
        dealt[name] += [e.fields["customer"] for e in group.consumer(name).read(1)]
    idle, joined = min(map(len, by_part.values())), len(dealt["cy"])
    ran = (
        "The consumers were real, the broker was Tansu, which speaks Kafka's protocol"
        if kafka_is_here()
        else "No Kafka ran here, but a rule of ours: the extra `kafka` has a broker"
    )
    return judged(
        "With Kafka the clients share out partitions; with Redis the server hands out entries.",
        "12 orders for three consumers: from two partitions, and from one group of Redis",
        f"the third gets {idle} from the partitions, and {joined} from the group",
        holds=joined > 0 == idle,
        limits=f"{_split(by_part)} of 3 customers have two or more consumers with partitions, "
        f"and {_split(dealt)} of 3 in the group, where their order is lost. {ran}; and since 4.0 "
        "Kafka's brokers can share out, too",
    )


def _split(given: Mapping[str, Sequence[str]]) -> int:
    """Return how many customers more than one consumer works for."""
    served = Counter(customer for customers in given.values() for customer in set(customers))
    return sum(many > 1 for many in served.values())


def _now_ms(client: redis.Redis) -> int:
    told: Any = client.time()
    return int(told[0]) * 1000 + int(told[1]) // 1000
