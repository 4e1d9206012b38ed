"""What the nodes of a cluster say to a client while a slot moves, for notebook 12."""

from __future__ import annotations

from collections.abc import Iterator

import redis
from redis.exceptions import MovedError

from exercises.bars import Part, bars
from exercises.picture import Picture
from streamviz.server import EmbeddedCluster

Said = list[tuple[str, dict[str, str]]]


def replies(cluster: EmbeddedCluster, key: str) -> dict[str, str]:
    """Return what each node says to a client that asks it for a key: an answer, ASK or MOVED."""
    return {node.name: _reply(node.server.client(), key) for node in cluster.nodes}


def with_replies(
    cluster: EmbeddedCluster, key: str, steps: Iterator[str]
) -> tuple[Iterator[str], Said]:
    """Return the steps of a move, and a list that gets each step with the `replies` after it."""
    said: Said = []

    def noted() -> Iterator[str]:
        for step in steps:
            said.append((step, replies(cluster, key)))
            yield step
        raise LookupError("every step of the move is taken: to see them again, start at the top")

    return noted(), said


def replies_picture(said: Said, *nodes: str) -> Picture:
    """Draw what some nodes said after each step."""
    rows = {"after": [step for step, _ in said]}
    rows |= {node: [words[node] for _, words in said] for node in nodes}
    return bars({row: [Part(1, word) for word in words] for row, words in rows.items()})


def _reply(client: redis.Redis, key: str) -> str:
    try:
        client.xlen(key)
    except redis.ResponseError as error:
        client.close()
        return "says MOVED" if isinstance(error, MovedError) else "says ASK"
    client.close()
    return "answers"
