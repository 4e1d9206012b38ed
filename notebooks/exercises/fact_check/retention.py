"""Claims about what a stream keeps: for late readers, under a cap, and when the server dies."""

from __future__ import annotations

import redis

from exercises.fact_check.claims import Finding, judged
from exercises.fact_check.processes import fresh, listening
from exercises.pubsub_or_stream import after_a_kill, hear

SAFE = ("--appendonly", "yes", "--appendfsync", "always")
_MISSED = 10


def late_readers_get_it(client: redis.Redis, *, maxlen: int = 100) -> Finding:
    """Check that a stream still has missed messages, and pub/sub does not.

    Parameters
    ----------
    client : redis.Redis
        The server.
    maxlen : int
        The stream's cap.
    """
    heard, read = missed(client, maxlen)
    _, capped = missed(client, _MISSED // 2)
    return judged(
        "Missed messages are lost in pub/sub, but a stream still has them.",
        f"{_MISSED} entries arrive while a subscriber and a reader are away",
        f"the subscriber gets {heard} of them, the reader {read}",
        holds=heard == 0 and read == _MISSED,
        limits=f"with a cap of {_MISSED // 2}, the reader gets {capped} and no error",
    )


def missed(client: redis.Redis, maxlen: int) -> tuple[int, int]:
    """Return how many of ten missed entries a subscriber and a reader get when they return."""
    news = fresh(client, "missed")
    last = news.add({"n": 0}, id="1-0")
    for n in range(_MISSED):
        client.publish(news.key, str(n))
        news.add({"n": n}, id=f"{n + 2}-0", maxlen=maxlen)
    with listening(client, news.key) as listener:
        return len(hear(listener)), len(news.read(last or "0"))


def can_be_capped(client: redis.Redis, *, maxlen: int | None = 100) -> Finding:
    """Check that a stream can have a cap.

    Parameters
    ----------
    client : redis.Redis
        The server.
    maxlen : int, optional
        The cap; None for no cap.
    """
    lengths = []
    for name, approximate in (("exact", False), ("rough", maxlen is not None)):
        stream = fresh(client, name)
        for n in range(1, 251):
            stream.add({"n": n}, id=f"{n}-0", maxlen=maxlen, approximate=approximate)
        lengths.append(len(stream))
    exact, rough = lengths
    return judged(
        "You can limit how many entries a stream keeps.",
        "250 entries are added, with a cap of 100",
        f"{exact} are left",
        holds=exact == 100,
        limits=f"with `~`, the fast way, {rough} are left: it removes whole nodes only",
    )


def somewhat_durable(*config: str) -> Finding:
    """Check that a stream is somewhat durable: that it survives the death of its server.

    Parameters
    ----------
    *config : str
        The server's options; by default, a log that is written at each command.
    """
    kept = after_a_kill(*(config or SAFE)).entries
    bare = after_a_kill().entries
    return judged(
        "A stream is durable, to a degree.",
        "5 entries are added, then the server is killed (SIGKILL) and started again",
        f"{kept} of 5 are left",
        holds=kept == 5,
        limits=f"that was with a log on disk at each command; in memory only, {bare} of 5 are left",
    )
