"""The very bytes that go to the server, also of what no server here understands yet.

XNACK (8.8), MAXCOUNT and MAXSIZE (8.10) are newer than any server that the tests can get. So
their effect is not tested here; what is sent is compared with their documented form, word by
word, and the server's refusal must name the version. On a server that has them it must accept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from streamviz import Stream
from streamviz.client.stream import read_streams
from streamviz.errors import InputError, UnsupportedCommand
from streamviz.server.embedded import EmbeddedServer

Do = Callable[[Stream], Any]


class Recording(redis_py.UnixDomainSocketConnection):
    """The way to the real server, which also keeps what went over it."""

    sent: list[bytes]

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        self.sent.append(command if isinstance(command, bytes) else b"".join(command))
        super().send_packed_command(command, check_health)


@pytest.fixture
def sent() -> list[bytes]:
    return []


@pytest.fixture
def redis(server: EmbeddedServer, sent: list[bytes]) -> Iterator[redis_py.Redis]:
    kind = type("RecordingHere", (Recording,), {"sent": sent})
    pool = redis_py.ConnectionPool(connection_class=kind, path=server.url.removeprefix("unix://"))
    client = redis_py.Redis(connection_pool=pool)
    yield client
    client.close()


SENT: list[tuple[str, str, Do]] = [
    (
        "8.2",
        "XADD KEY NOMKSTREAM MINID ~ 5-0 LIMIT 9 ACKED 7-* f 1",
        lambda s: s.add(
            {"f": 1}, "7-*", create=False, minid="5", approximate=True, limit=9, refs="ACKED"
        ),
    ),
    ("8.2", "XTRIM KEY MAXLEN = 1 DELREF", lambda s: s.trim(maxlen=1, refs="DELREF")),
    ("8.2", "XDELEX KEY DELREF IDS 2 1-0 2-0", lambda s: s.delete_ex("1", "2-0", refs="DELREF")),
    ("8.2", "XACKDEL KEY g ACKED IDS 1 1-0", lambda s: s.group("g").ack_delete("1", refs="ACKED")),
    (
        "8.4",
        "XREADGROUP GROUP g c COUNT 2 BLOCK 1 CLAIM 60000 NOACK STREAMS KEY >",
        lambda s: s.group("g").consumer("c").read(2, block_ms=1, claim_idle_ms=60_000, noack=True),
    ),
    (
        "8.6",
        "XADD KEY NOMKSTREAM IDMP till 77 MAXLEN = 9 * f 1",
        lambda s: s.add({"f": 1}, create=False, idmp=("till", "77"), maxlen=9),
    ),
    ("8.6", "XADD KEY IDMPAUTO till * f 1", lambda s: s.add({"f": 1}, idmp_auto="till")),
    (
        "8.6",
        "XCFGSET KEY IDMP-DURATION 60 IDMP-MAXSIZE 7",
        lambda s: s.configure(idmp_duration_s=60, idmp_maxsize=7),
    ),
    ("8.8", "XNACK KEY g FAIL IDS 1 1-0", lambda s: s.group("g").nack("1-0")),
    (
        "8.8",
        "XNACK KEY g SILENT IDS 2 1-0 2-0",
        lambda s: s.group("g").nack("1-0", "2-0", mode="SILENT"),
    ),
    (
        "8.8",
        "XNACK KEY g FATAL IDS 1 1-0 RETRYCOUNT 3 FORCE",
        lambda s: s.group("g").nack("1-0", mode="FATAL", deliveries=3, force=True),
    ),
    (
        "8.10",
        "XREAD COUNT 2 MAXCOUNT 3 MAXSIZE 4096 BLOCK 1 STREAMS KEY 0-0",
        lambda s: read_streams(
            s.client, {s.key: "0"}, count=2, max_count=3, max_bytes=4096, block_ms=1
        ),
    ),
    (
        "8.10",
        "XREADGROUP GROUP g c COUNT 2 MAXCOUNT 3 MAXSIZE 4096 CLAIM 5 STREAMS KEY >",
        lambda s: s.group("g").consumer("c").read(2, max_count=3, max_bytes=4096, claim_idle_ms=5),
    ),
]


def resp(words: list[bytes]) -> bytes:
    """Return a command as the protocol has it: how many words, and each with its length."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


@pytest.mark.parametrize(("version", "words", "act"), SENT, ids=[words for _, words, _ in SENT])
def test_each_command_is_sent_in_its_documented_form(
    redis: redis_py.Redis, key: str, sent: list[bytes], version: str, words: str, act: Do
) -> None:
    stream = Stream(redis, key)
    stream.add({"f": 0}, "1-0")
    stream.group("g").create("0")
    expected = resp([key.encode() if word == "KEY" else word.encode() for word in words.split()])
    needs = tuple(map(int, version.split(".")))
    has = stream.connection.version.has(needs)
    sent.clear()
    if has:
        act(stream)
    else:
        name, needed = words.split()[0], re.escape(version)
        said = rf"{name} with these options needs Redis {needed}; this server is"
        with pytest.raises(UnsupportedCommand, match=said):
            act(stream)
    assert sent[0] == expected


def test_a_limit_in_all_is_not_less_than_that_from_each_stream(
    redis: redis_py.Redis, key: str, sent: list[bytes]
) -> None:
    with pytest.raises(InputError, match="max_count=2 in all is less than count=3"):
        read_streams(redis, {key: "0"}, count=3, max_count=2)
    with pytest.raises(InputError, match="max_count=2 in all is less than count=3"):
        Stream(redis, key).group("g").consumer("c").read(3, max_count=2)
    assert sent == []


def test_a_drained_page_is_acknowledged_in_the_round_trip_of_the_next_read(
    redis: redis_py.Redis, key: str, sent: list[bytes]
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 6))
    stream.group("g").create("0")
    sent.clear()
    assert len(list(stream.group("g").consumer("c").drain(2, pending_first=False))) == 5

    def words(text: str) -> bytes:
        return resp([key.encode() if word == "KEY" else word.encode() for word in text.split()])

    read = words("XREADGROUP GROUP g c COUNT 2 STREAMS KEY >")
    acks = ["", "XACK KEY g 1-0 2-0", "XACK KEY g 3-0 4-0", "XACK KEY g 5-0"]
    assert sent == [(words(ack) if ack else b"") + read for ack in acks]


def test_the_server_explains_its_subcommands(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    assert any(line.startswith("CREATECONSUMER") for line in stream.group("g").help())
    assert any(line.startswith("CONSUMERS") for line in stream.help())
