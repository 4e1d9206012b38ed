"""Offset stores: what a reader still knows after a kill, and which entries it handles again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest
import redis as redis_py
from slow import slow_but

from streamviz import EntryId, Stream
from streamviz.errors import (
    CommandRefused,
    InputError,
    NoSuchStream,
    OffsetError,
    ServerAuthError,
    WrongType,
)
from streamviz.patterns.follow import follow, follow_streams, read_in_order
from streamviz.patterns.offsets import (
    FileOffset,
    HashOffset,
    MemoryOffset,
    Offset,
    TransactionOffset,
)
from streamviz.server.embedded import EmbeddedServer

KINDS = ["file", "hash", "transaction"]

READER = """
import os, signal, sys
from streamviz import Stream, connect
from streamviz.patterns.follow import follow
from streamviz.patterns.offsets import FileOffset, HashOffset, TransactionOffset

url, prefix, kind, path, die_at = sys.argv[1:]
client = connect(url)
offset = {
    "file": lambda: FileOffset(path),
    "hash": lambda: HashOffset(client, prefix + "readers", "ann"),
    "transaction": lambda: TransactionOffset(client, prefix + "readers", "ann"),
}[kind]()
for entry in follow(Stream(client, prefix + "stream"), offset, count=7):
    done = ("RPUSH", prefix + "done", str(entry.id))
    offset.queue(*done) if kind == "transaction" else client.execute_command(*done)
    if str(entry.id) == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
"""

Run = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def run(server: EmbeddedServer, prefix: str, tmp_path: Path) -> Iterator[Run]:
    started: list[subprocess.Popen[bytes]] = []

    def start(kind: str, die_at: str = "") -> subprocess.Popen[bytes]:
        path = str(tmp_path / "position")
        command = [sys.executable, "-c", READER, server.url, prefix, kind, path, die_at]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def offset_stores(client: redis_py.Redis, prefix: str, folder: Path) -> dict[str, Offset]:
    return {
        "memory": MemoryOffset(),
        "file": FileOffset(folder / "position"),
        "hash": HashOffset(client, f"{prefix}readers", "ann"),
        "transaction": TransactionOffset(client, f"{prefix}readers", "bob"),
    }


def filled(client: redis_py.Redis, key: str, many: int = 10) -> Stream:
    stream = Stream(client, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, many + 1))
    return stream


@pytest.mark.parametrize("kind", ["memory", *KINDS])
def test_each_store_resumes_after_the_saved_position(
    redis: redis_py.Redis, prefix: str, key: str, tmp_path: Path, kind: str
) -> None:
    offset = offset_stores(redis, prefix, tmp_path)[kind]
    stream = filled(redis, key)
    assert offset.load() is None
    assert [entry.id.ms for entry in islice(follow(stream, offset, count=3), 5)] == [1, 2, 3, 4, 5]
    assert offset.load() == EntryId(4), "the loop stopped while it was handling entry 5"
    assert [entry.id.ms for entry in follow(stream, offset, count=3)] == [5, 6, 7, 8, 9, 10]
    assert list(follow(stream, offset)) == []
    stream.add({"n": 11}, id="10-1")
    assert [str(entry.id) for entry in follow(stream, offset)] == ["10-1"]


@pytest.mark.parametrize("kind", ["file", "hash", "transaction"])
def test_another_store_at_the_same_place_loads_the_position(
    redis: redis_py.Redis, prefix: str, tmp_path: Path, kind: str
) -> None:
    first = offset_stores(redis, prefix, tmp_path)[kind]
    first.load()
    first.save(EntryId.MAX)
    assert offset_stores(redis, prefix, tmp_path)[kind].load() == EntryId.MAX


def test_memory_starts_at_the_given_position_and_each_object_has_its_own() -> None:
    offset = MemoryOffset("5-1")
    assert offset.load() == EntryId(5, 1)
    offset.save(EntryId(6))
    assert (offset.load(), MemoryOffset().load()) == (EntryId(6), None)
    with pytest.raises(InputError, match="not an entry ID"):
        MemoryOffset("$")


@pytest.mark.parametrize("kind", slow_but("transaction", of=KINDS))
def test_a_kill_at_any_moment_loses_no_entry(
    redis: redis_py.Redis, prefix: str, key: str, run: Run, until: Callable[..., None], kind: str
) -> None:
    many = 3000
    filled(redis, key, many)
    chance, kills = random.Random(kind), 0
    targets = [*sorted(chance.sample(range(1, many - 1500), 5)), many]
    for target in targets:
        process = run(kind)
        if target == many:
            assert process.wait(30) == 0, process.stderr and process.stderr.read()
            break
        until(lambda due=target: redis.llen(f"{prefix}done") >= due, 20)
        process.send_signal(signal.SIGKILL)
        kills += process.wait(10) == -signal.SIGKILL
    assert kills == 5, "each reader was killed in the middle of its work"
    done = [EntryId.parse(one).ms for one in redis.lrange(f"{prefix}done", 0, -1)]
    assert set(done) == set(range(1, many + 1)), "no entry is lost"
    twice = [ms for ms, times in Counter(done).items() if times > 1]
    assert len(twice) <= (0 if kind == "transaction" else kills), "at most one entry for each kill"
    if kind == "transaction":
        assert done == sorted(done)


@pytest.mark.parametrize(("kind", "times"), [("file", 2), ("hash", 2), ("transaction", 1)])
def test_after_a_kill_between_result_and_position_only_the_transaction_does_not_repeat(
    redis: redis_py.Redis, prefix: str, key: str, run: Run, kind: str, times: int
) -> None:
    filled(redis, key, 20)
    assert run(kind, die_at="10-0").wait(20) == -signal.SIGKILL
    assert run(kind).wait(20) == 0
    done = Counter(redis.lrange(f"{prefix}done", 0, -1))
    assert done.pop(b"10-0") == times
    assert len(done) == 19
    assert set(done.values()) == {1}


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"abc", b"5-", b"5-1 6-1", b"\x00" * 8, b"-1", b"99999999999999999999"]
)
def test_a_corrupt_file_is_never_taken_for_the_beginning(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "position"
    path.write_bytes(content)
    with pytest.raises(OffsetError, match="not an entry ID: put back the last ID") as caught:
        FileOffset(path).load()
    assert "position" in str(caught.value)
    assert path.read_bytes() == content


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    offset = FileOffset(tmp_path / "position")
    offset.save(EntryId(1, 2))
    assert offset.path.read_text() == "1-2\n"
    assert [path.name for path in tmp_path.iterdir()] == ["position"]
    for trouble in (FileOffset(tmp_path / "no" / "such"), FileOffset(tmp_path)):
        with pytest.raises(OffsetError, match="can't be written"):
            trouble.save(EntryId(1))
    assert [path.name for path in tmp_path.iterdir()] == ["position"], "no temporary file is left"
    with pytest.raises(OffsetError, match="can't be read"):
        FileOffset(tmp_path).load()


def test_a_link_still_names_its_file_and_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    real, link = tmp_path / "far" / "real", tmp_path / "link"
    real.parent.mkdir()
    link.symlink_to(real)
    FileOffset(link).save(EntryId(1))
    assert real.read_text() == "1-0\n", "a link to a file that is not there yet"
    for mode in (0o644, 0o640, 0o600):
        real.chmod(mode)
        FileOffset(link).save(EntryId(mode))
        assert link.readlink() == real
        assert (FileOffset(real).load(), real.stat().st_mode & 0o777) == (EntryId(mode), mode)
    assert os.listdir(tmp_path / "far") == ["real"]


@pytest.mark.parametrize("kind", ["file", "hash"])
def test_a_load_during_saves_returns_a_whole_id(
    redis: redis_py.Redis, prefix: str, tmp_path: Path, kind: str
) -> None:
    ids = {EntryId(n, 10**n) for n in range(1, 7)}

    enough = threading.Event()

    def write(mine: EntryId) -> None:
        offset = offset_stores(redis, prefix, tmp_path)[kind]
        while not enough.is_set():
            offset.save(mine)

    writers = [threading.Thread(target=write, args=[one]) for one in ids]
    for writer in writers:
        writer.start()
    offset, seen = offset_stores(redis, prefix, tmp_path)[kind], Counter[EntryId | None]()
    deadline = time.monotonic() + 30
    while (seen.total() < 500 or len(seen) < 3) and time.monotonic() < deadline:
        seen[offset.load()] += 1
    enough.set()
    for writer in writers:
        writer.join(10)
    assert seen.keys() - {None} <= ids
    assert len(seen) >= 3
    assert offset.load() in ids
    assert len(os.listdir(tmp_path)) == (kind == "file")


def test_readers_under_one_name_cannot_both_count_an_entry(
    redis: redis_py.Redis, prefix: str, key: str
) -> None:
    stream, total = filled(redis, key, 300), f"{prefix}sum"
    trouble = []

    def add_up() -> None:
        offset = TransactionOffset(redis, f"{prefix}readers", "ann")
        try:
            for entry in follow(stream, offset, count=10):
                offset.queue("INCRBY", total, entry.fields["n"])
        except OffsetError as error:
            trouble.append(str(error))

    readers = [threading.Thread(target=add_up) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    add_up()
    assert int(redis.get(total) or 0) == 300 * 301 // 2
    assert all("another reader is using this name" in words for words in trouble)


def test_a_reader_whose_position_was_changed_does_nothing_and_raises(
    redis: redis_py.Redis, prefix: str
) -> None:
    slow, quick = (TransactionOffset(redis, f"{prefix}readers", "ann") for _ in range(2))
    for offset, mine in ((slow, "slow"), (quick, "quick")):
        assert offset.load() is None
        offset.queue("SET", f"{prefix}winner", mine)
    quick.save(EntryId(1))
    with pytest.raises(
        OffsetError,
        match=r"position of 'ann' in .* has changed \(expected none\): another reader",
    ):
        slow.save(EntryId(1))
    assert redis.get(f"{prefix}winner") == b"quick"


def test_readers_of_one_hash_do_not_interfere(redis: redis_py.Redis, prefix: str, key: str) -> None:
    stream = filled(redis, key, 100)

    def add_up(name: str) -> None:
        offset = TransactionOffset(redis, f"{prefix}readers", name)
        for entry in follow(stream, offset, count=10):
            offset.queue("HINCRBY", f"{prefix}sums", name, entry.fields["n"])

    readers = [threading.Thread(target=add_up, args=[name]) for name in "abcd"]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    assert set(redis.hgetall(f"{prefix}sums").values()) == {b"5050"}
    assert redis.hgetall(f"{prefix}readers") == dict.fromkeys([b"a", b"b", b"c", b"d"], b"100-0")


def test_a_refused_result_leaves_the_position_where_it_was(
    redis: redis_py.Redis, prefix: str
) -> None:
    redis.set(f"{prefix}text", "not a list")
    offset = TransactionOffset(redis, f"{prefix}readers", "ann")
    assert offset.load() is None
    offset.queue("RPUSH", f"{prefix}text", "x")
    with pytest.raises(WrongType, match="another type than RPUSH works on"):
        offset.save(EntryId(1))
    assert offset.load() is None
    offset.save(EntryId(1))
    for wrong, error in ((("RPUSH", f"{prefix}text", "x"), WrongType), (("NOPE",), CommandRefused)):
        offset.queue(*wrong)
        with pytest.raises(error):
            offset.save(EntryId(2))
        assert HashOffset(redis, f"{prefix}readers", "ann").load() == EntryId(1)
    offset.queue("SET", f"{prefix}done", "x")
    assert offset.load() == EntryId(1)
    offset.save(EntryId(3))
    assert not redis.exists(f"{prefix}done"), "load() drops the queued commands"
    with pytest.raises(InputError, match="no command"):
        offset.queue()


@pytest.mark.parametrize(
    "command", ["MULTI", b"exec", "Discard", "WATCH", "RESET", "QUIT", "SUBSCRIBE", "MONITOR"]
)
def test_what_would_end_the_transaction_is_not_queued(
    redis: redis_py.Redis, prefix: str, command: str | bytes
) -> None:
    offset = TransactionOffset(redis, f"{prefix}readers", "ann")
    offset.queue("SET", f"{prefix}done", "x")
    with pytest.raises(InputError, match="can't be queued, because save"):
        offset.queue(command, f"{prefix}done")
    assert not redis.exists(f"{prefix}done", f"{prefix}readers")
    offset.save(EntryId(1))
    assert redis.get(f"{prefix}done") == b"x"
    assert redis.hgetall(f"{prefix}readers") == {b"ann": b"1-0"}


def test_without_permission_to_watch_nothing_is_saved(
    redis: redis_py.Redis, server: EmbeddedServer, prefix: str
) -> None:
    redis.execute_command("ACL", "SETUSER", "blind", "on", ">pw", "~*", "+@all", "-watch")
    blind = server.client(username="blind", password="pw")
    offset = TransactionOffset(blind, f"{prefix}readers", "ann")
    assert offset.load() is None
    offset.queue("SET", f"{prefix}done", "x")
    with pytest.raises(ServerAuthError, match="WATCH is not allowed"):
        offset.save(EntryId(1))
    assert not redis.exists(f"{prefix}done", f"{prefix}readers")
    blind.close()
    redis.execute_command("ACL", "DELUSER", "blind")


@pytest.mark.parametrize("make", [HashOffset, TransactionOffset])
def test_a_key_that_is_not_a_hash_or_a_field_that_is_not_an_id_is_named(
    redis: redis_py.Redis, prefix: str, make: type[HashOffset]
) -> None:
    key = f"{prefix}readers"
    redis.hset(key, "ann", "yesterday")
    with pytest.raises(OffsetError, match=r"'ann' in '.*readers' holds b'yesterday'"):
        make(redis, key, "ann").load()
    make(redis, key, "ann").forget()
    assert make(redis, key, "ann").load() is None
    redis.set(key, "text")
    with pytest.raises(WrongType, match="HGET"):
        make(redis, key, "ann").load()
    with pytest.raises(WrongType):
        make(redis, key, "ann").save(EntryId(1))
    with pytest.raises(InputError, match="reader=''"):
        make(redis, key, "")
    with pytest.raises(InputError, match="not a Redis client"):
        make("localhost", key, "ann")  # type: ignore[arg-type]


def test_a_loop_that_raises_gets_its_entry_again(redis: redis_py.Redis, key: str) -> None:
    stream, offset, seen = filled(redis, key, 4), MemoryOffset(), []
    with suppress(ZeroDivisionError):
        for entry in follow(stream, offset):
            seen.append(entry.id.ms)
            1 / (entry.id.ms - 3)
    seen += [entry.id.ms for entry in follow(stream, offset)]
    assert seen == [1, 2, 3, 3, 4]


def test_a_dollar_is_resolved_once_and_saved(redis: redis_py.Redis, key: str) -> None:
    stream, offset = filled(redis, key, 3), MemoryOffset()
    assert list(follow(stream, offset, start="$")) == []
    assert offset.load() == EntryId(3), (
        "saved even without a new entry, so it does not move on silently"
    )
    stream.add({"n": 4}, id="4-0")
    assert [entry.id.ms for entry in follow(stream, offset, start="$")] == [4]


def test_a_missing_and_an_empty_stream_are_followed_once_they_have_entries(
    redis: redis_py.Redis, key: str
) -> None:
    stream, early, late = Stream(redis, key), MemoryOffset(), MemoryOffset()
    assert list(follow(stream, early)) == []
    assert list(follow(stream, late, start="$")) == []
    assert (early.load(), late.load()) == (None, EntryId.ZERO)
    stream.add({"n": 1}, id="5-0")
    stream.delete("5-0")
    assert list(follow(stream, late)) == []
    stream.add({"n": 2}, id="6-0")
    for offset in (early, late):
        assert [entry.id.ms for entry in follow(stream, offset)] == [6]


@pytest.mark.parametrize("start", ["+", "*", "five", "(5-0"])
def test_an_invalid_start_is_refused(redis: redis_py.Redis, key: str, start: str) -> None:
    with pytest.raises(InputError, match="not an entry ID"):
        list(follow(filled(redis, key), MemoryOffset(), start=start))


def test_a_stream_recreated_with_smaller_ids_raises(redis: redis_py.Redis, key: str) -> None:
    stream, offset = filled(redis, key, 9), MemoryOffset()
    reader = follow(stream, offset)
    assert len(list(islice(reader, 9))) == 9
    stream.client.delete(key)
    filled(redis, key, 3)
    with pytest.raises(OffsetError, match="9-0 lies beyond 3-0, the last ID"):
        next(reader)
    with pytest.raises(OffsetError, match="deleted and recreated"):
        list(follow(stream, offset))
    offset.save(EntryId.ZERO)
    assert len(list(follow(stream, offset))) == 3


def test_an_endless_wait_notices_a_recreated_stream(
    redis: redis_py.Redis, key: str, until: Callable[..., None]
) -> None:
    stream, seen, trouble = filled(redis, key, 9), [], []

    def read() -> None:
        try:
            seen.extend(entry.id.ms for entry in follow(stream, MemoryOffset(), block_ms=0))
        except OffsetError as error:
            trouble.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    until(lambda: len(seen) == 9)
    stream.add({"n": 10}, id="10-0")
    until(lambda: seen[-1] == 10)
    redis.delete(key)
    filled(redis, key, 3)
    until(lambda: trouble, 10)
    assert "10-0 lies beyond 3-0" in trouble[0]


def test_a_wait_lasts_as_long_as_block_ms(
    redis: redis_py.Redis, server: EmbeddedServer, key: str, until: Callable[..., None]
) -> None:
    stream, found = Stream(redis, key), list[int]()

    def work() -> None:
        found.extend(entry.id.ms for entry in follow(stream, MemoryOffset(), block_ms=1500))

    waiting = threading.Thread(target=work)
    waiting.start()
    with server.client() as other:
        until(lambda: [one for one in other.client_list() if one["cmd"] == "xread"])
        Stream(other, key).add({"n": 1}, "1-0")
    waiting.join(20)
    assert found == [1]
    with pytest.raises(InputError, match="block_ms=-1"):
        list(follow(stream, MemoryOffset(), block_ms=-1))


@pytest.mark.parametrize("count", [1, 2, 3, 100])
def test_two_streams_are_read_in_order_of_time_whatever_the_page_size(
    redis: redis_py.Redis, prefix: str, count: int
) -> None:
    keys = [f"{prefix}dense", f"{prefix}sparse", f"{prefix}none"]
    for key, times in zip(keys, (range(1, 41), (5, 17, 39, 60, 61), ()), strict=True):
        Stream(redis, key).add_many((f"{ms}-0", {"n": ms}) for ms in times)
    offsets = {key: MemoryOffset() for key in keys}
    seen = list(islice(follow_streams(redis, offsets, count=count), 20))
    seen += list(follow_streams(redis, offsets, count=count))[1:]
    assert [(entry.id.ms, key) for key, entry in seen] == sorted(
        [(n, keys[0]) for n in range(1, 41)] + [(n, keys[1]) for n in (5, 17, 39, 60, 61)]
    )
    assert [offset.load() for offset in offsets.values()] == [EntryId(40), EntryId(61), None]


def test_a_page_leaves_entries_that_another_stream_may_still_precede(
    redis: redis_py.Redis, prefix: str
) -> None:
    dense, sparse = (Stream(redis, f"{prefix}{name}") for name in ("dense", "sparse"))
    dense.add_many((f"{n}-0", {"n": n}) for n in range(1, 10))
    sparse.add({"n": 7}, id="7-0")
    after = {dense.key: "0", sparse.key: "0"}
    page = read_in_order(redis, after, count=5)
    assert [entry.id.ms for _, entry in page] == [1, 2, 3, 4, 5]


def test_reading_without_a_stream_is_refused(redis: redis_py.Redis, key: str) -> None:
    with pytest.raises(InputError, match="names no stream"):
        list(follow_streams(redis, {}))
    with pytest.raises(NoSuchStream):
        Stream(redis, key).info()
