"""The exercises of notebook 04: a group that starts now, and a dead consumer's estate."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, find_group, grade, stream_of
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream


def new_ledger(client: redis.Redis) -> Stream:
    """Return the stream ``ledger`` with five entries and no group."""
    client.delete("ledger")
    ledger = Stream(client, "ledger")
    ledger.add_many({"entry": n} for n in range(5))
    return ledger


@hinted("`ledger` is no stream: begin with new_ledger again.")
def check_audit(ledger: Stream) -> Verdict:
    """Grade exercise 1: the group ``audit`` waits for the two new entries, and Redis knows it."""
    group = find_group(ledger, "audit")
    if group is None:
        return Verdict(False, "there is no group `audit` on the stream `ledger`.")
    return grade(
        "two entries wait for audit, and the server can tell: it knows how many lie before.",
        [
            (ledger.length() != 7, f"the ledger has {ledger.length()} entries: add just two."),
            (group.lag is None, "Redis says NULL for the lag: it can't know what lies before `$`."),
            (group.lag != 2, f"Redis says that {group.lag} entries wait; two should."),
        ],
    )


def new_crew(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``crew``: zoe holds three entries, max holds one, none waits."""
    client.delete("crew", "crew:done")
    stream = Stream(client, "crew")
    stream.add_many({"task": n} for n in range(4))
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("zoe").read(count=3)
    crew.consumer("max").read(count=1)
    return crew


@hinted("there is no group `crew` any more, or `crew:done` is no list: begin with new_crew again.")
def check_estate(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: zoe is gone, and what she held was done and acknowledged."""
    names = {consumer.name for consumer in crew.consumers()}
    task_of = {entry.id: entry.fields["task"] for entry in stream_of(crew).range()}
    pending = crew.pending_entries()
    held = {task_of.get(one.id) for one in pending}
    done = listed(stream_of(crew), "crew:done")
    hers = sum(one.consumer == "zoe" for one in pending)
    lost = len({"0", "1", "2"} - held - set(done))
    undone = f"{lost} of her tasks are in nobody's hands, and not in the list `crew:done`."
    return grade(
        "zoe is gone, and nothing that she held was lost.",
        [
            (len(task_of) != 4, f"the stream has {len(task_of)} entries: its four should stay."),
            ("max" not in names, "max is no consumer of the group any more."),
            (lost > 0 and "zoe" not in names, f"zoe is gone, and {undone}"),
            (lost > 0, f"{undone} An acknowledgement alone does no work."),
            (hers > 0, f"zoe still holds {hers} entries."),
            ("zoe" in names, "zoe is still a consumer of the group."),
            (bool(pending), f"{len(pending)} entries are still pending."),
            (len(done) > len(set(done)), f"a task was done twice: `crew:done` holds {done}."),
            (not set(done) <= set(task_of.values()), f"`crew:done` holds {done}: tasks alone."),
        ],
    )


def listed(stream: Stream, key: str) -> list[str]:
    """Return a list of Redis as text (LRANGE); what is not there is empty."""
    found = stream.client.lrange(key, 0, -1)
    return [one.decode() if isinstance(one, bytes) else str(one) for one in found]
