"""The exercises of notebook 14: the memory of your entries, and the limits of a verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any

import redis

from exercises import journal, picture
from exercises.bounded import bounded
from exercises.boxes import Pale, boxes
from exercises.fact_check.processes import fresh
from exercises.fact_check.scale import GIB, bytes_of
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, deadline, refuse_long_blocks
from exercises.verdict import Verdict, count_of, find_group, grade, stream_of
from streamviz.client import ConsumerGroup, Stream

MY_ORDER: dict[str, str | int] = {
    "order_id": "A-1001",
    "customer": "ada",
    "item": "kettle",
    "price": 29,
}
Order = Mapping[str, str | int]
_SAMPLE, _CLOSE, _MOST_COMMANDS = 5000, 0.25, 30_000
_GB = 10**9 / GIB  # 0.931
_SURE = 0.004  # for the largest order, ways to measure agree so well; by the server's memory: 1.06
_OTHER_UNIT = 0.002  # at most, if the answer is no number of entries, or for a MiB
_FURTHER = re.compile(rb"\r\n\*\d")  # how each further command of a pipeline begins
_JOBS, _QUICK_ASKS, _ENOUGH = 12, 3, 7  # with 7 of the 12, slow has more
_PAIR = ("quick", "slow")


def check_fit(client: redis.Redis, per_gib: Callable[[Stream, Order], Any]) -> Verdict:
    """Grade exercise 1: ask your function about three orders, and measure 5000 entries of each.

    A difference of a quarter is accepted, because ways to measure differ. They agree about the
    largest order, by which a GB is told from a GiB. For each order, the function may send 30,000
    commands; each entry takes one.

    Parameters
    ----------
    client : redis.Redis
        The server.
    per_gib : callable
        Called with an empty stream and an order; it returns how many such entries fit in a GiB.
    """
    if hint := misfit(per_gib, "mine", "order"):
        return Verdict(False, hint)
    for order in (MY_ORDER, {"note": "x" * 10}, MY_ORDER | {"note": "x" * 700}):
        mine = fresh(client, "mine")
        try:
            with deadline():
                answer = per_gib(Stream(_limited(client), mine.key), order)
        except EndlessLoop as error:
            return Verdict(False, str(error))
        finally:
            client.unlink(mine.key)
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            return Verdict(False, f"return a number of entries, not {answer!r}.")
        scratch = fresh(client, "scratch")
        scratch.add_many([order] * _SAMPLE)
        ratio = answer / (GIB * _SAMPLE / bytes_of(scratch))
        client.unlink(scratch.key)
        if not (verdict := _grade_fit(ratio, len(order))).right:
            return verdict
    return _grade_unit(ratio)


def _limited(client: redis.Redis) -> redis.Redis:
    """Create a client of the same server that raises after this many commands, in pipelines too."""
    pool: Any = client.connection_pool
    left = [_MOST_COMMANDS]

    class Limited(pool.connection_class):  # type: ignore[misc]
        def send_packed_command(self, command: Any, *args: Any, **options: Any) -> None:
            sent = command if isinstance(command, bytes) else b"".join(command)
            refuse_long_blocks(sent)
            left[0] -= 1 + len(_FURTHER.findall(sent))
            if left[0] < 0:
                raise EndlessLoop(
                    f"more than {_MOST_COMMANDS:,} commands for one order. A few thousand entries "
                    "are enough."
                )
            super().send_packed_command(command, *args, **options)

    own = redis.ConnectionPool(connection_class=Limited, **pool.connection_kwargs)
    return redis.Redis.from_pool(own)


def _grade_fit(ratio: float, fields: int) -> Verdict:
    which = f"for an order with {count_of(fields, 'field')}, "
    return grade(
        "",
        [
            (
                ratio < _OTHER_UNIT,
                f"{which}far more fit, more than 500 times as many. Return the number of entries "
                "that fit into 2**30 bytes, and not the bytes of one.",
            ),
            (
                ratio < 1 - _CLOSE,
                f"{which}far more fit. Does your figure include the stream's fixed overhead, the "
                "field names in every entry (Redis stores them once per node), pending entries, "
                "deleted entries, another order's size, or memory that is not the stream's, such "
                "as buffers or objects of Python?",
            ),
            (
                not ratio <= 1 + _CLOSE,
                f"{which}fewer fit. The ID and each entry's overhead take bytes, too. Only entries "
                "that are still in the stream count, and not their fields. Count the bytes in "
                "memory (`DUMP` compresses them). And memory grows in steps, so measure thousands "
                "of entries.",
            ),
        ],
    )


def _grade_unit(ratio: float) -> Verdict:
    """Grade the unit by the ratio for the largest order."""
    return grade(
        "for orders of three sizes, that is correct to within a quarter.",
        [
            (
                abs(ratio / _GB - 1) < _SURE,
                "this number fits in a GB, which has 10**9 bytes. A GiB has 2**30, 7% more.",
            ),
            (
                abs(ratio * _GB - 1) < _SURE,
                "that is 7% too many, as if a GiB were 2**30 / 10**9 times as large as it is: it "
                "has 2**30 bytes, and `bytes_of` returns bytes.",
            ),
        ],
    )


def new_case(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``pair`` on ``fact:case``, with twelve jobs waiting.

    Its client raises after 300 commands.
    """
    case = fresh(client, "case")
    case.add_many((f"{n}-0", {"job": n}) for n in range(1, _JOBS + 1))
    case.group("pair").create("0")
    journal.start(client, case.key)
    picture.start(client, case.key)
    own = bounded(client, 300, "read without BLOCK, and end when nothing is left")
    return Stream(own, case.key).group("pair")


def take_turns(pair: ConsumerGroup, counts: Mapping[str, int]) -> None:
    """Let ``quick`` read three times for each read of ``slow``, until nothing is left.

    Parameters
    ----------
    pair : ConsumerGroup
        The group.
    counts : mapping of str to int
        The number of entries that each of the two asks for at a time (COUNT). Without a positive
        number for each, nothing happens.
    """
    if not isinstance(counts, Mapping) or not all(
        isinstance(counts.get(name), int) and counts[name] > 0 for name in _PAIR
    ):
        return
    for name in cycle(["quick"] * _QUICK_ASKS + ["slow"]):
        if not pair.consumer(name).read(counts[name]):
            return


def _shares(pair: ConsumerGroup) -> picture.Picture | None:
    """Draw which jobs each of the two holds, and which are waiting."""
    if find_group(stream_of(pair), pair.name) is None:
        return None
    owners = {one.id: one.consumer for one in pair.pending_entries()}
    rows: dict[str, list[object]] = {name: [] for name in (*_PAIR, "waiting")}
    for job in stream_of(pair).range(count=_JOBS):
        owner, label = owners.get(job.id), job.fields.get("job", "")
        rows.setdefault(owner or "waiting", []).append(label if owner else Pale(label))
    return boxes({name: jobs or [Pale("none")] for name, jobs in rows.items()})


@hinted("the stream of the case is missing. Start again with new_case.", shows=_shares)
def check_case(pair: ConsumerGroup) -> Verdict:
    """Grade exercise 2: ``slow`` holds more jobs than ``quick``, by the smallest COUNT for that."""
    if find_group(stream_of(pair), pair.name) is None:
        return Verdict(False, "the group is missing. Start again with new_case.")
    pending = pair.pending().consumers
    quick, slow = pending.get("quick", 0), pending.get("slow", 0)
    commands = _commands(pair)
    asked, late, most = _asked(commands)
    shortcut = journal.shortcut([commands], stream_of(pair).key)
    claimed = any(words[0] in ("XCLAIM", "XAUTOCLAIM") for words in commands)
    return grade(
        f"quick got {quick} and slow {slow}. A consumer that asks for many gets many, even if it "
        "is slow. With 6 they would get the same.",
        [
            (len(stream_of(pair)) != _JOBS, f"keep the {_JOBS} jobs, and add none."),
            (bool(shortcut), shortcut),
            (
                any(words[0] == "XACK" for words in commands),
                "acknowledge nothing here. The check counts what each of them holds.",
            ),
            (
                quick + slow < _JOBS,
                f"{count_of(_JOBS - quick - slow, 'job was', 'jobs were')} not delivered. Take "
                "turns, and give both `quick` and `slow` a COUNT of 1 or more.",
            ),
            (quick == 0, "quick got nothing. It must ask, too."),
            (claimed, "a claim moved jobs from one to the other. Let them only read."),
            (
                asked["quick"] < _QUICK_ASKS * asked["slow"],
                f"quick asked {count_of(asked['quick'], 'time')} and slow {asked['slow']}"
                f"{' while jobs were waiting' if late else ''}. But quick must ask three times for "
                "each time that slow asks, before nothing is left. take_turns does this.",
            ),
            (
                slow == quick,
                f"quick got {quick} and slow {slow}. That is the same, but not yet more.",
            ),
            (slow < quick, f"quick got {quick} and slow {slow}, as the claim says."),
            (
                slow > _ENOUGH or most["slow"] > _ENOUGH,
                f"quick got {quick} and slow {slow}. That is more, but a smaller COUNT is enough.",
            ),
            (
                most["quick"] > 1,
                f"quick asked for {most['quick']} jobs at a time. Leave its COUNT at 1.",
            ),
        ],
    )


def _commands(pair: ConsumerGroup) -> list[journal.Command]:
    """Return the commands about the case since it began; none if the server forbids MONITOR."""
    key = stream_of(pair).key
    steps = journal.stop(pair.connection.client, key) or ()
    commands = [command for step in steps for command in step if key in command]
    return [journal.Command([one[0].upper(), *one[1:]], one.time_ms) for one in commands]


def _asked(commands: list[journal.Command]) -> tuple[Counter[str], int, Counter[str]]:
    """Return how often each asked for new jobs while some were waiting, and how many asked later.

    The third is the largest COUNT of each. Only ``>`` asks for new jobs. Without COUNT, or with 0,
    one gets all.
    """
    asked, most = Counter[str](), Counter[str]()
    left, late = _JOBS, 0
    for words in commands:
        if words[0] == "XREADGROUP" and words[-1] == ">":
            upper = [word.upper() for word in words]
            count = int(words[upper.index("COUNT") + 1]) if "COUNT" in upper else 0
            asked[words[3]] += left > 0
            late += left == 0
            most[words[3]] = max(most[words[3]], count or _JOBS)
            left -= min(left, count or left)
    return asked, late, most
