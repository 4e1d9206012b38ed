"""A worker: it reads orders as a consumer of a group, bills each one once, and acknowledges it.

    REDIS_URL=redis://localhost:6379 python worker.py orders billing billing-1

SIGTERM and Ctrl-C stop it after the order at hand. After a crash, start it again under the same
name: it begins with the order it had not acknowledged.
"""

import os
import signal
import sys
import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

STREAM, GROUP, NAME = sys.argv[1:]
client: Any = redis.Redis.from_url(
    os.environ.get("REDIS_URL", "redis://localhost:6379"),
    protocol=2,  # with 3, the reply to a read has another shape
    decode_responses=True,
    socket_timeout=5,  # seconds, longer than `block`: notice a server that hangs
    retry=Retry(NoBackoff(), 0),  # a read sent twice leaves the first one's entry pending
)
stopping = False


def stop(*_: object) -> None:
    """Finish the entry at hand, and then stop."""
    global stopping
    stopping = True


def handle(entry_id: str, fields: dict[str, str]) -> None:
    """Add an order to its customer's bill, and note its ID, in one transaction."""
    done = f"{STREAM}:{GROUP}:done:{entry_id}"

    def bill(transaction: Any) -> None:
        if not transaction.exists(done):
            transaction.multi()
            transaction.set(done, 1, ex=7 * 24 * 3600)
            transaction.hincrby(f"{STREAM}:bills", fields["customer"], fields["price"])

    client.transaction(bill, done)  # it begins again if `done` changes meanwhile


def work() -> None:
    """Handle my own pending entries first, and then new ones."""
    try:
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):  # the group exists already
            raise
    after = "0"
    while not stopping:
        reply = client.xreadgroup(GROUP, NAME, {STREAM: after}, count=1, block=1000)
        entries = reply[0][1] if reply else []
        for entry_id, fields in entries:
            if fields:  # an entry deleted while it was pending has none
                handle(entry_id, fields)
            client.xack(STREAM, GROUP, entry_id)
        if not entries:
            after = ">"  # nothing of mine is pending


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
while not stopping:
    try:
        work()
    except (redis.ConnectionError, redis.TimeoutError) as error:
        print(f"{NAME}: {error}. Trying again", file=sys.stderr, flush=True)
        time.sleep(0.5)
