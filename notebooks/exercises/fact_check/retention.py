"""Claims about what a stream keeps: for late readers, under a cap, and when the server dies."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

import redis

from exercises.boxes import Lost, boxes
from exercises.fact_check.claims import Finding, judged
from exercises.fact_check.processes import fresh, listening
from exercises.picture import Picture
from exercises.pubsub_or_stream import after_a_kill, hear
from streamviz.client import Stream
from streamviz.server import EmbeddedServer, free_port

SAFE = ("--appendonly", "yes", "--appendfsync", "always")
_MISSED = 10
_DEFAULT_SNAPSHOTS = "3600 1 300 100 60 10000"  # Redis's own, since 7.0


def late_readers_get_it(
    client: redis.Redis, *, maxlen: int = 100, remembers: bool = True
) -> Finding:
    """Check that a stream still has missed messages, and pub/sub does not.

    Parameters
    ----------
    client : redis.Redis
        The server.
    maxlen : int
        The stream's cap.
    remembers : bool
        Whether the reader has kept its position; if not, it reads from ``$``.
    """
    heard, read = missed(client, maxlen, remembers=remembers)
    _, capped = missed(client, _MISSED // 2, remembers=remembers)
    return judged(
        "Missed messages are lost in pub/sub. A stream's reader gets them, up to its cap.",
        f"{_MISSED} entries arrive while a subscriber and a reader are away",
        f"the subscriber gets {heard} of them, the reader {read}",
        holds=heard == 0 and read == min(_MISSED, maxlen),
        limits=f"with a cap of {_MISSED // 2}, the reader gets {capped} and no error",
        said="If you miss a publication for some reason, it's still available in the stream, with "
        "limits",
    )


def missed(client: redis.Redis, maxlen: int, *, remembers: bool = True) -> tuple[int, int]:
    """Return how many of ten missed entries a subscriber and a reader get when they return."""
    news = fresh(client, "missed")
    last = news.add({"n": 0}, id="1-0")
    for n in range(_MISSED):
        client.publish(news.key, str(n))
        news.add({"n": n}, id=f"{n + 2}-0", maxlen=maxlen)
    with listening(client, news.key) as listener:
        return len(hear(listener)), len(news.read(last or "0") if remembers else news.read("$"))


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
        said="a stream can have a cap on the amount of messages allowed to accumulate",
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
    snapshots = after_a_kill("--save", _DEFAULT_SNAPSHOTS).entries
    return judged(
        "A stream survives the death of its server.",
        "5 entries are added, then the server is killed (SIGKILL) and started again",
        f"{kept} of 5 are left",
        holds=kept == 5,
        only_within=True,
        limits="that was with each command logged to disk (appendfsync always). With the default "
        f"snapshots alone, {snapshots} of 5 are left, and in memory only, {bare}. A process was "
        "killed, and the power did not fail",
        said="Redis Streams are somewhat durable",
    )


@dataclass(frozen=True, slots=True)
class Failover:
    """The entries that a replica has when its primary has died and it is promoted.

    Attributes
    ----------
    confirmed, unconfirmed : int
        How many entries WAIT reported as received by the replica, and how many it did not.
    kept : int
        How many entries the replica has after its promotion.
    picture : Picture, optional
        What was answered, what was confirmed, and what is left.
    """

    confirmed: int
    unconfirmed: int
    kept: int
    picture: Picture | None = field(default=None, compare=False, repr=False)


def after_a_failover(*, connected: int = 5, cut_off: int = 5) -> Failover:
    """Let a primary die while its replica is cut off, promote the replica, and count.

    Parameters
    ----------
    connected, cut_off : int
        How many entries the primary adds before and after the replica loses its connection.
    """
    password = "embedded"  # of two servers on loopback that end with this call
    at_once = ("--repl-diskless-sync-delay", "0")
    with ExitStack() as stack:
        primary = stack.enter_context(EmbeddedServer(port=0, password=password, config=at_once))
        port = primary.url.rpartition(":")[2]
        follow = ("--replicaof", "127.0.0.1", port, "--masterauth", password)
        replica = stack.enter_context(EmbeddedServer(port=0, password=password, config=follow))
        client, heir = primary.client(), replica.client()
        stack.callback(client.close)
        stack.callback(heir.close)
        jobs = Stream(client, "jobs")
        confirmed = _added_and_confirmed(jobs, range(1, connected + 1), timeout_ms=4000)
        heir.replicaof("127.0.0.1", free_port())  # no server is there
        rest = range(connected + 1, connected + cut_off + 1)
        unconfirmed = cut_off - _added_and_confirmed(jobs, rest, timeout_ms=50)
        primary.stop()
        heir.replicaof("NO", "ONE")
        left = [int(entry.fields["job"]) for entry in Stream(heir, "jobs").range()]
        picture = boxes(
            {
                "XADD answered": range(1, connected + cut_off + 1),
                "WAIT confirmed": range(1, confirmed + 1),
                "on the new primary": [
                    n if n in left else Lost(n) for n in range(1, connected + cut_off + 1)
                ],
            },
            colours=[0, 0, 0],
        )
        return Failover(confirmed, unconfirmed, len(left), picture)


def _added_and_confirmed(jobs: Stream, numbers: range, timeout_ms: int) -> int:
    """Add entries, and return how many of them a replica has received (WAIT)."""
    jobs.add_many({"job": n} for n in numbers)
    return len(numbers) if jobs.connection.call("WAIT", 1, timeout_ms) else 0
