"""One wrong digit in a reply is believed for one sample at most, whichever digit it is."""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections import Counter
from contextlib import closing

import pytest
import redis as redis_py
from proxy import Proxy
from slow import slow_but

from streamviz.client.connection import Connection
from streamviz.client.entry_id import EntryId
from streamviz.observation.observer import Observer
from streamviz.observation.observer_client import observer_client
from streamviz.observation.sample import Sample
from streamviz.server.embedded import EmbeddedServer

KEY = "s"
GROUPS = ("from the start", "without a counter", "at the end", "with a counter")
LIMITS = {"max_entries": 3, "max_pending": 5, "count_up_to": 3}
NUMBER = re.compile(rb"(?<=:)\d+(?=\r\n)|(?<=\r\n)\d+-\d+(?=\r\n)")


class Misread:
    """Changes one digit of one number in the replies, if told which number."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.seen = 0
        self.changed = 0

    def __call__(self, data: bytes) -> bytes:
        if self.number is None:
            return data
        spots = list(NUMBER.finditer(data))
        which, self.seen = self.number - self.seen, self.seen + len(spots)
        if not 0 <= which < len(spots):
            return data
        end = spots[which].end() - 1
        at = end if spots[which].group().isdigit() else end - 2  # an ID's milliseconds
        self.changed += 1
        return data[:at] + b"5814729063"[data[at] - 48 :][:1] + data[at + 1 :]


class Shop:
    """A stream with groups at which something happens all the time."""

    def __init__(self, client: redis_py.Redis, seed: int) -> None:
        self.client, self.ms, self.die = client, 0, random.Random(seed)
        self.acked: Counter[str] = Counter()
        client.delete(KEY)
        self.add(60)
        twentieth = client.xrange(KEY, count=20)[-1][0]
        cursors = {"from the start": ("0", None), "without a counter": ("40-0", None)}
        cursors |= {"at the end": ("$", None), "with a counter": (twentieth, 20)}
        for group, (cursor, read) in cursors.items():
            client.xgroup_create(KEY, group, cursor, entries_read=read)
            client.xreadgroup(group, "c", {KEY: ">"}, count=5)

    def add(self, count: int) -> None:
        for _ in range(count):
            self.ms += self.die.choice((1, 1, 7))
            self.client.xadd(KEY, {"f": "v"}, f"{self.ms}-0")

    def work(self) -> None:
        self.add(self.die.choice((0, 1, 4)))
        for group in GROUPS:
            if self.die.random() < 0.5:
                self.client.xreadgroup(group, "c", {KEY: ">"}, count=self.die.choice((1, 4)))
            rows = self.client.xpending_range(KEY, group, "-", "+", self.die.choice((1, 3)))
            if rows and self.die.random() < 0.5:
                ids = [row["message_id"] for row in rows]
                self.acked[group] += self.client.xack(KEY, group, *ids)

    def check(self, sample: Sample, acked: Counter[str]) -> list[str]:
        """Check what a sample is sure of, and return its verdicts."""
        assert sample.trouble == ""
        reply = Connection(self.client).call("XRANGE", KEY, "-", "+")
        ids = [EntryId.parse(entry[0]) for entry in reply]
        for group in sample.groups:
            waiting = len(ids) - bisect_right(ids, group.last_delivered_id)
            if group.lag.verdict == "exact":
                assert group.lag.entries == waiting, group
            assert group.acked is not None
            assert group.acked <= acked[group.name], group
        return [group.lag.verdict for group in sample.groups]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", slow_but(1, of=[1, 3, 7]))
@pytest.mark.parametrize("wrong_sample", slow_but(2, of=[1, 2, 3]))
def test_a_wrong_digit_is_forgotten_in_the_next_sample(
    upstream: EmbeddedServer, wrong_sample: int, seed: int
) -> None:
    misread = Misread()
    with closing(upstream.client()) as direct:
        options = direct.connection_pool.connection_kwargs
        with (
            Proxy(options["port"], reply=misread) as proxy,
            closing(redis_py.Redis(port=proxy.port, password=options["password"])) as client,
        ):
            number = 0
            own = observer_client(client)
            while number == misread.changed:  # the number before was there
                if number % 30 == 0:
                    shop = Shop(direct, seed)  # else it would grow
                observer, before = Observer(own, KEY, **LIMITS), shop.acked.copy()
                for _ in range(1, wrong_sample):
                    observer.sample()
                    shop.work()
                misread.number, misread.seen = number, 0
                observer.sample()
                misread.number = None
                for _ in range(3):
                    shop.work()
                    verdicts = shop.check(observer.sample(), shop.acked - before)
                assert verdicts == ["exact"] * len(GROUPS)
                number += 1
            own.close()
    assert number > 80, "each number of a sample was wrong once"
