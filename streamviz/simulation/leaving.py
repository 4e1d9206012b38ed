"""Delete a consumer that leaves its group, and lose nothing."""

from __future__ import annotations

from collections.abc import Collection

from streamviz.client.groups import ConsumerGroup
from streamviz.errors import InputError


def delete_consumer(groups: Collection[ConsumerGroup], name: str) -> None:
    """Delete a consumer from its group on each of its streams (XGROUP DELCONSUMER).

    InputError if it holds entries: deleting it would drop them.
    """
    held = sum(group.pending().consumers.get(name, 0) for group in groups)
    if held:
        entries = f"{held} pending {'entry' if held == 1 else 'entries'}"
        raise InputError(
            f"{name} holds {entries}, which XGROUP DELCONSUMER would drop: revive it, or let "
            "another consumer claim them, and then remove it"
        )
    for group in groups:
        group.delete_consumer(name)
