"""The exercises of notebook 04: a group that starts now, and a dead consumer's estate."""

from __future__ import annotations

import redis

from streamviz.course.verdict import Verdict, find_group, grade
from streamviz.groups import ConsumerGroup
from streamviz.streams import Stream


def new_ledger(client: redis.Redis) -> Stream:
    """Return the stream ``ledger`` with five entries and no group."""
    client.delete("ledger")
    ledger = Stream(client, "ledger")
    ledger.add_many({"entry": n} for n in range(5))
    return ledger


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
    client.delete("crew")
    stream = Stream(client, "crew")
    stream.add_many({"task": n} for n in range(4))
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("zoe").read(count=3)
    crew.consumer("max").read(count=1)
    return crew


def check_estate(crew: ConsumerGroup) -> Verdict:
    """Grade exercise 2: zoe is gone, and every entry she held was acknowledged by max."""
    names = {consumer.name for consumer in crew.consumers()}
    held = crew.pending().count
    done = crew.pending_entries(consumer="zoe") if "zoe" in names else []
    thrown_away = "zoe" not in names and held == 1
    return grade(
        "zoe is gone, and nothing that she held was lost.",
        [
            (bool(done), f"zoe still holds {len(done)} entries."),
            ("zoe" in names, "zoe is still a consumer of the group."),
            (thrown_away, "zoe is gone, and what she held went with her, unacknowledged."),
            (held > 0, f"{held} entries are still pending."),
        ],
    )
