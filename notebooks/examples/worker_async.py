"""The worker of worker.py with redis.asyncio, for a handler that awaits something.

REDIS_URL=redis://localhost:6379 python worker_async.py orders billing billing-1
"""

import asyncio
import os
import signal
import sys
from typing import Any

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

STREAM, GROUP, NAME = sys.argv[1:]
client: Any = redis.Redis.from_url(
    os.environ.get("REDIS_URL", "redis://localhost:6379"),
    protocol=2,  # with 3, the reply to a read has another shape
    decode_responses=True,
    socket_timeout=5,  # seconds, longer than `block`: notice a server that hangs
    retry=Retry(NoBackoff(), 0),  # a read sent twice leaves the first one's entry pending
)
stopping = asyncio.Event()


async def handle(entry_id: str, fields: dict[str, str]) -> None:
    """Add an order to its customer's bill, and note its ID, in one transaction."""
    done = f"{STREAM}:{GROUP}:done:{entry_id}"

    async def bill(transaction: Any) -> None:
        if not await transaction.exists(done):
            transaction.multi()
            transaction.set(done, 1, ex=7 * 24 * 3600)
            transaction.hincrby(f"{STREAM}:bills", fields["customer"], fields["price"])

    await client.transaction(bill, done)  # it begins again if `done` changes meanwhile


async def work() -> None:
    """Handle my own pending entries first, and then new ones."""
    try:
        await client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):  # the group exists already
            raise
    after = "0"
    while not stopping.is_set():
        reply = await client.xreadgroup(GROUP, NAME, {STREAM: after}, count=1, block=1000)
        entries = reply[0][1] if reply else []
        for entry_id, fields in entries:
            if fields:  # an entry deleted while it was pending has none
                await handle(entry_id, fields)
            await client.xack(STREAM, GROUP, entry_id)
        if not entries:
            after = ">"  # nothing of mine is pending


async def main() -> None:
    """Work until SIGTERM or Ctrl-C, and finish the entry at hand; survive a lost connection."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    while not stopping.is_set():
        try:
            await work()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            print(f"{NAME}: {error}. Trying again", file=sys.stderr, flush=True)
            await asyncio.sleep(0.5)
    await client.aclose()


asyncio.run(main())
