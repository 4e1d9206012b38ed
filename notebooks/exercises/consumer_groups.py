"""The exercises of notebook 04: a group that starts now, and a dead consumer's pending entries."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, find_group, grade, stream_of
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream


def new_ledger(client: redis.Redis) -> Stream:
    """Return the stream ``ledger`` with five entries and without groups."""
    client.delete("ledger")
    ledger = Stream(client, "ledger")
    ledger.add_many({"entry": n} for n in range(5))
    return ledger


@hinted("`ledger` is not a stream: start again with new_ledger.")
def check_audit(ledger: Stream) -> Verdict:
    """Grade exercise 1: two new entries are waiting for the group ``audit``, and Redis knows it."""
    group = find_group(ledger, "audit")
    if group is None:
        return Verdict(False, "there is no group `audit` on the stream `ledger`.")
    return grade(
        "two entries are waiting for audit, and Redis reports it: it knows how many came before.",
        [
            (ledger.length() != 7, f"the ledger has {ledger.length()} entries: add exactly two."),
            (
                group.lag is None,
                "Redis reports a lag of NULL: it can't know how many entries come before `$`.",
            ),
            (group.lag != 2, f"Redis reports {group.lag} waiting entries; two should wait."),
        ],
    )


def new_crew(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``crew``: zoe holds three entries, max holds one, and none is waiting."""
    client.delete("crew", "crew:done")
    stream = Stream(client, "crew")
    stream.add_many({"task": n} for n in range(4))
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("zoe").read(count=3)
    crew.consumer("max").read(count=1)
    return crew


@hinted("the group `crew` is missing, or `crew:done` is not a list: start again with new_crew.")
def check_estate(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: zoe is deleted, and her tasks are done and acknowledged."""
    names = {consumer.name for consumer in crew.consumers()}
    task_of = {entry.id: entry.fields["task"] for entry in stream_of(crew).range()}
    pending = crew.pending_entries()
    pending_tasks = {task_of.get(one.id) for one in pending}
    done = read_list(stream_of(crew), "crew:done")
    hers = sum(one.consumer == "zoe" for one in pending)
    lost = len({"0", "1", "2"} - pending_tasks - set(done))
    undone = f"{lost} of her tasks are neither pending nor in the list `crew:done`."
    return grade(
        "zoe is deleted, and none of her tasks was lost.",
        [
            (len(task_of) != 4, f"the stream has {len(task_of)} entries: keep all four."),
            ("max" not in names, "max is no longer a consumer of the group."),
            (lost > 0 and "zoe" not in names, f"zoe is deleted, but {undone}"),
            (lost > 0, f"{undone} An acknowledgement alone does no work."),
            (hers > 0, f"zoe still holds {hers} entries."),
            ("zoe" in names, "zoe is still a consumer of the group."),
            (bool(pending), f"{len(pending)} entries are still pending."),
            (len(done) > len(set(done)), f"a task was done twice: `crew:done` holds {done}."),
            (
                not set(done) <= set(task_of.values()),
                f"`crew:done` holds {done}: it should hold only tasks.",
            ),
        ],
    )


def read_list(stream: Stream, key: str) -> list[str]:
    """Return a Redis list as text (LRANGE); empty if the key does not exist."""
    reply = stream.client.lrange(key, 0, -1)
    return [item.decode() if isinstance(item, bytes) else str(item) for item in reply]
