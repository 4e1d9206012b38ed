from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import warnings
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from plots.histories import group, history, sample
from recording.files import EMPTY, GROUP, HEADER, INDEX, block, grouped, lines_of, second, write

from streamviz import load
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.errors import InputError, RecordingError
from streamviz.export import to_still
from streamviz.observation.sample import Sample
from streamviz.plots import GroupLag, StreamMap
from streamviz.recording import Recording, save
from streamviz.recording import write as writing
from streamviz.recording.blocks import MAX_TEXT, pack_block
from streamviz.recording.format import MAX_LINE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl.gz"


@pytest.fixture
def good(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Write a recording of four blocks, and return them."""
    monkeypatch.setattr(writing, "BLOCK_LINES", 2)
    held = [PendingEntry(EntryId(5), "ann", 3, 1)]
    samples = [sample(n, group("g", n, oldest=held), ids=[EntryId(n)]) for n in range(1, 7)]
    save(history(*samples), path)
    recording = Recording(path)
    blocks = [one.block for one in recording.track().blocks]
    data = path.read_bytes()
    starts = [data.find(HEADER[:10], 1), *(one.end for one in blocks)]
    assert len(blocks) == 3
    return [data[: starts[0]], *(data[a:b] for a, b in pairwise(starts))]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty: nothing was recorded"),
        ("\n\n", "is empty"),
        ("n,time\n1,2\n", "is not a recording: its first line must be"),
        ("[1]\n", "is not a recording"),
        ("\x00\xff\n", "is not a recording"),
        ('{"nbformat": 4}\n', "is not a recording"),
        ('{"streamviz": "1"}\n', "is not a recording"),
        ('{"streamviz": true}\n', "is not a recording"),
        ('{"streamviz": 3}\n', "of version 3, and this streamviz reads version 2: install a newer"),
        ('{"streamviz": 2', "is not a recording"),
        ('{"streamviz": 1}', "of version 1, of an older streamviz.*record it again$"),
        (f'{{"streamviz": {"[" * 1000}{"]" * 1000}}}\n', "is not a recording"),
    ],
)
def test_what_is_not_a_recording_is_refused(
    path: Path, text: str, says: str, compressed: bool
) -> None:
    data = text.encode("latin-1")
    path.write_bytes(gzip.compress(data) if compressed else data)
    with pytest.raises(RecordingError, match=says):
        load(path)


def test_a_recordings_text_without_its_index_is_refused(path: Path, good: list[bytes]) -> None:
    text = gzip.decompress(b"".join(good))
    path.write_bytes(text)
    with pytest.raises(RecordingError, match="text without its index"):
        load(path)
    path.write_bytes(gzip.compress(text))
    with pytest.raises(RecordingError, match="block 1: it starts with"):
        load(path)


def test_a_file_that_does_not_exist_is_named(path: Path) -> None:
    with pytest.raises(RecordingError, match=r"run.jsonl.gz can't be read: No such file"):
        load(path)


def test_what_is_not_a_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    places = [tmp_path / "pipe", tmp_path, *filter(Path.exists, [Path("/dev/zero")])]
    for place in places:
        with pytest.raises(RecordingError, match=rf"{place} can't be read: it is not a regular"):
            Recording(place)


def test_nothing_but_a_header_is_a_history_without_samples(path: Path) -> None:
    path.write_bytes(HEADER)
    assert len(load(path)) == 0
    assert repr(Recording(path)) == "<Recording of nothing: 0 s>"


def read(path: Path) -> tuple[tuple[Sample, ...], list[str]]:
    """Return a recording's samples, and the warnings."""
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        samples = load(path).samples
    return samples, [str(one.message) for one in messages]


def test_wherever_a_crash_cuts_it_all_but_the_last_block_is_there(
    path: Path, good: list[bytes]
) -> None:
    samples, messages = read(path)
    assert not messages
    data, ends = b"".join(good), [len(b"".join(good[:count])) for count in range(1, 5)]
    for cut in range(ends[0], len(data)):
        path.write_bytes(data[:cut])
        complete = sum(end <= cut for end in ends) - 1
        found, messages = read(path)
        assert found == samples[: 2 * complete]
        if cut in ends:
            assert not messages
        else:
            assert len(messages) == 1
            assert f"block {complete + 2}: it" in messages[0]
            assert messages[0].endswith("this last block is left out")
    assert len(data) - ends[0] > 900


def test_a_file_whose_only_block_is_broken_is_no_empty_recording(
    path: Path, good: list[bytes]
) -> None:
    for cut in range(1, len(good[0])):
        path.write_bytes(good[0][:cut])
        with pytest.raises(RecordingError, match=re.escape(str(path))):
            read(path)
    for at in range(len(good[0])):
        changed = bytearray(good[0])
        changed[at] ^= 0x55
        path.write_bytes(bytes(changed))
        with pytest.raises(RecordingError, match=re.escape(str(path))):
            read(path)


@pytest.mark.parametrize("filler", [b"\x00", b"\xff"])
def test_a_last_block_that_was_not_written_whole_is_left_out(
    path: Path, good: list[bytes], filler: bytes
) -> None:
    samples, _ = read(path)
    last = good[3]
    for kept in range(0, len(last) - 8, 7):
        path.write_bytes(b"".join(good[:3]) + last[:kept] + filler * (len(last) - kept))
        found, (message,) = read(path)
        assert found == samples[:4]
        assert "block 4: " in message


def test_a_byte_changed_in_the_middle_is_never_read_as_another_sample(
    path: Path, good: list[bytes]
) -> None:
    samples, _ = read(path)
    refused = 0
    for at in range(len(good[1])):
        changed = bytearray(good[1])
        changed[at] ^= 0x55
        path.write_bytes(good[0] + bytes(changed) + good[2] + good[3])
        with pytest.raises(RecordingError, match=rf"{path}, block [23]: .*: restore the file"):
            read(path)
        refused += 1
    assert refused > 300
    path.write_bytes(b"".join(good))
    assert read(path) == (samples, [])


def test_blocks_in_another_order_are_named(path: Path, good: list[bytes]) -> None:
    for order in ((0, 2, 1, 3), (0, 1, 1, 3)):
        path.write_bytes(b"".join(good[at] for at in order))
        with pytest.raises(RecordingError, match=r"block 3: its index is wrong: sample 1 at .* ms"):
            load(path)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("7", "the line is 7: give an object"),
        ("[]", r"the line is \[\]: give an object"),
        ('{"n":2,"time_ms":1100}', "stream is missing: restore the line"),
        (json.dumps({key: EMPTY[key] for key in EMPTY if key != "n"}), "n is missing"),
        (second(n="2"), "n is '2'"),
        (second(n=True), "n is True"),
        (second(time_ms=1100.5), "time_ms is 1100.5"),
        (second(stream=7), "stream is 7: give text"),
        (second(lenght=3), "the line has the key 'lenght': remove it"),
        (second(length="3"), "length is '3'"),
        (second(length=-3), "length is -3: give a whole number, 0 to "),
        (second(exists=1), "exists is 1: give true or false"),
        (second(last_id="soon"), "last_id is 'soon': give an entry ID"),
        (second(last_id=5), "last_id is 5"),
        (second(last_id=f"{2**64}-0"), "last_id is '18446744073709551616-0'"),
        (second(entries=[1.5]), r"entries\[\] is 1.5: give an entry ID"),
        (second(entries=["-900-0"]), r"entries\[\] is '-900-0'"),
        (second(entries={}), "entries is {}: give a list"),
        (second(events="gone"), "events is 'gone'"),
        (second(events=[1]), r"events\[\] is 1: give an object"),
        (second(events=[{}]), r"events\[\].kind is missing"),
        (second(events=[{"kind": "slept"}]), r"events\[\].kind is 'slept': give one of killed, "),
        (second(events=[{"kind": "killed", "count": -1}]), r"events\[\].count is -1"),
        (second(events=[{"kind": "claimed", "owners": [1]}]), r"owners\[\] is 1: give text"),
        (second(readers={"ann": {"position": 7}}), r"readers\['ann'\].position is 7"),
        (second(groups=[]), r"groups is \[\]"),
        (grouped(gone=[]), r"groups\['g'\].gone is \[\]"),
        (second(groups={"g": 7}), r"groups\['g'\] is 7"),
        (second(groups={"g": None}), r"groups\['g'\] is None"),
        (second(groups={"a": GROUP, "g": {"lag": 1}}), r"groups\['g'\].last_delivered_id is miss"),
        (grouped(lag=3), r"groups\['g'\].lag is 3: give an object"),
        (grouped(lag=GROUP["lag"] | {"entries": "x"}), r"lag.entries is 'x'"),  # type: ignore[operator]
        (grouped(lag=GROUP["lag"] | {"verdict": "sure"}), "verdict is 'sure': give one of exact"),  # type: ignore[operator]
        (grouped(lag=GROUP["lag"] | {"verdict": ["exact"]}), "verdict is "),  # type: ignore[operator]
        (grouped(left=[0]), r"groups\['g'\] has the key 'left'"),
        (grouped(oldest=[["1-0", "a", 1]]), r"oldest\[\] is .*: give \[id, consumer, idle_ms, d"),
        (grouped(oldest=[["1-0", 7, 1, 1]]), r"oldest\[\].consumer is 7: give text"),
        (grouped(oldest=[["1-0", "a", 1, -1]]), r"oldest\[\].deliveries is -1"),
        (grouped(consumers=[["a", 1, 2]]), r"consumers\[\] is \['a', 1, 2\]: give \[name, "),
        (grouped(consumers={}), "consumers is {}"),
        (grouped(consumers=[["a", 1, 2, "3"]]), r"consumers\[\].inactive_ms is '3'"),
        ('{"n":2,"time_ms":1100,,}', "it breaks off, or was edited, near"),
        ('{"n":2,"time_ms":11', "it breaks off, or was edited, near"),
        ("", "it breaks off, or was edited, near ''"),
        ("\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), "it breaks off, or was edi"),
        (second(n=3), "sample 3 of 's' at 1100 ms has 0 entries, but the index says"),
        (second(time_ms=1101), "sample 2 of 's' at 1101 ms has 0"),
        (second(stream="t"), "sample 2 of 't' at 1100 ms has 0"),
        (second(entries=["5-0"]), "sample 2 of 's' at 1100 ms has 1 entries"),
    ],
)
def test_an_edit_by_hand_is_named_by_line_and_value(path: Path, line: str, says: str) -> None:
    with pytest.raises(RecordingError, match=rf"run\.jsonl\.gz, line 3: {says}|line 3: .*{says}"):
        load(write(path, line))


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ("7", "the line is 7: give an object"),
        ("{", "it breaks off, or was edited, near"),
        ("[" * 100_000, "it is nested too deeply"),
        ({}, "stream is missing"),
        (INDEX | {"stream": None}, "stream is None: give text"),
        (INDEX | {"samples": 2}, "samples is 2"),
        (INDEX | {"samples": []}, r"samples is \[\]: a block has one sample at least"),
        (INDEX | {"samples": [[1, 1000]]}, r"samples\[\] is \[1, 1000\]: give \[n, time_ms, ent"),
        (INDEX | {"samples": [[1, 1000, -1]]}, r"samples\[\].entries is -1"),
        (INDEX | {"samples": [[1, "1", 0]]}, r"samples\[\].time_ms is '1'"),
        (INDEX | {"samples": [[1, 1, 0], [1, 1, 0]]}, "sample 1 at 1 ms comes after sample 1 at"),
        (INDEX | {"samples": [[1, 9, 0], [2, 8, 0]]}, "sample 2 at 8 ms comes after sample 1 at 9"),
        (INDEX | {"events": {}}, "events is {}"),
        (INDEX | {"events": [{"place": 0, "event": 1}]}, r"events\[\].event is 1: give an object"),
        (INDEX | {"events": [{"place": 2, "event": {"kind": "killed"}}]}, "place is 2: the block"),
        (INDEX | {"claims": [{"place": -1, "event": {"kind": "killed"}}]}, "place is -1"),
        (INDEX | {"groups": [1]}, r"groups\[\] is 1"),
        (INDEX | {"more": 1}, "has the key 'more'"),
        ({"captions": [{"caption": "x", "at_s": -1}]}, "at_s=-1"),
        ({"captions": [{"caption": 7}]}, "7 is not a caption"),
        ({"captions": [7]}, "7 is not a caption: give an object"),
        ({"captions": 7}, "the line has the key 'captions'"),
    ],
)
def test_a_wrong_index_is_named_by_block_and_value(path: Path, index: Any, says: str) -> None:
    with pytest.raises(RecordingError, match=rf"gz, block 2: its index is wrong: .*{says}"):
        Recording(write(path, second(), index))


def test_an_index_of_other_samples_is_refused(path: Path) -> None:
    write(path, second(), INDEX | {"samples": [[1, 1000, 0], [2, 1100, 0], [3, 1200, 0]]})
    assert len(Recording(path).track()) == 3
    with pytest.raises(RecordingError, match="block 2: it has 2 lines, but its index has 3: rest"):
        load(path)


BIG = [2**64, -(2**64), 10**40, int("9" * 400)]
big = pytest.mark.parametrize("number", BIG, ids=["2^64", "-2^64", "1e40", "1e400"])


@big
@pytest.mark.parametrize("key", ["n", "time_ms", "length", "missed", "nodes", "memory_bytes"])
def test_a_number_that_redis_cannot_count_to_is_refused(path: Path, key: str, number: int) -> None:
    write(path, second(**{key: number}))
    with pytest.raises(RecordingError, match=rf"line 3: {key} is -?\d+…?: give .*whole number"):
        load(path)


@big
@pytest.mark.parametrize("key", ["lag", "behind_ms", "pending", "gone", "entries_read"])
def test_nor_is_it_in_a_group(path: Path, key: str, number: int) -> None:
    changes: dict[str, Any] = {key: number}
    if key in ("lag", "behind_ms"):
        changes = {"lag": GROUP["lag"] | {"entries" if key == "lag" else key: number}}  # type: ignore[operator]
    for one in (
        changes,
        {"consumers": [["a", 1, number, 0]]},
        {"consumers": [["a", 1, 1, number]]},
        {"oldest": [["0-1", "a", number, 1]]},
        {"oldest": [["0-1", "a", 1, number]]},
    ):
        with pytest.raises(RecordingError, match=r"line 3: groups\['g'\]\.[][.\w]+ is -?\d+"):
            load(write(path, grouped(**one)))


@big
def test_nor_is_it_in_an_index(path: Path, number: int) -> None:
    for row in ([1, 1000, number], [1, number, 0], [number, 1000, 0]):
        with pytest.raises(RecordingError, match=r"block 2: .*samples\[\]\.\w+ is -?\d+"):
            Recording(write(path, second(), INDEX | {"samples": [row]}))


def test_the_largest_numbers_come_back_and_can_be_drawn(path: Path) -> None:
    top = 2**64 - 1
    lag = {"entries": top, "verdict": "exact", "reason": "", "behind_ms": top}
    index = INDEX | {"samples": [[1, 1000, 0], [top, top, 0]], "groups": ["g"]}
    line = second(n=top, time_ms=top, length=top, groups={"g": GROUP | {"lag": lag}})
    write(path, line, index)
    assert load(path).samples[1].length == top
    still = path.parent / "run.svg"
    assert to_still(path, still, plots=[GroupLag(), StreamMap()]).exists()
    with pytest.raises(RecordingError, match="length is nan"):
        load(write(path, second(length=float("nan"))))
    with pytest.raises(RecordingError, match="length is inf"):
        load(write(path, second(length=float("inf"))))


@pytest.mark.parametrize("depth", [200, 900, 2_000, 100_000])
def test_what_is_nested_too_deeply_is_named_by_its_line(path: Path, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    for line in (
        second(events=1).replace('"events": 1', f'"events": {deep}'),
        grouped(oldest=1).replace('"oldest": 1', f'"oldest": {deep}'),
    ):
        assert deep in line
        with pytest.raises(RecordingError, match="line 3: "):
            load(write(path, line))


def test_what_would_fill_the_memory_is_refused(path: Path) -> None:
    with pytest.raises(RecordingError, match=r"line 3: it has 8,388,\d+ bytes, and may have 8,388"):
        load(write(path, second(trouble="x" * MAX_LINE)))
    bomb = zlib.compress(b"[" * (MAX_TEXT + 1))
    head, tail = block(json.dumps(EMPTY), second()), b"\x00" * 8
    own = zlib.compress(json.dumps(INDEX).encode())
    at = head.index(own)
    for kind in ("index", "text"):
        deflate = zlib.compressobj(wbits=-15)
        text = deflate.compress(b"[" * (MAX_TEXT + 1)) + deflate.flush() if kind == "text" else b""
        index = own if kind == "text" else bomb
        body = (text or head[at + len(own) : -8]) + tail
        extra = 9 + len(index)
        start = head[:10] + extra.to_bytes(2, "little") + b"SV" + (extra - 4).to_bytes(2, "little")
        length = len(start) + 5 + len(index) + len(body)
        member = start + length.to_bytes(4, "little") + b"\x00" + index + body
        path.write_bytes(HEADER + member + block(json.dumps(EMPTY), index=INDEX | {"stream": "t"}))
        with pytest.raises(RecordingError, match=f"block 2: its {kind} is too long"):
            load(path)
    with pytest.raises(RecordingError, match=r"a block of 16,777,217 bytes is too long"):
        pack_block(b"x" * (MAX_TEXT + 1), b"{}")


@pytest.mark.parametrize("length", [0, 27, 2**24, 2**32 - 1])
def test_a_length_that_cannot_be_is_refused(path: Path, good: list[bytes], length: int) -> None:
    changed = good[1][:16] + length.to_bytes(4, "little") + good[1][20:]
    path.write_bytes(good[0] + changed + good[2])
    with pytest.raises(RecordingError, match=r"block 2: it.*: restore the file"):
        Recording(path)


WRITER = """
import sys
from streamviz import Scenario, connect, record, series
shop = Scenario(connect())
shop.produce("s", series.constant(rate_hz=200))
shop.group("s", "g", service_ms=1)
record(shop, sys.argv[1])
shop.on_sample.append(lambda sample: print(sample.n, sample.time_ms, flush=True))
shop.start()
sys.stdin.read()
shop.stop()
"""


def test_a_process_killed_while_it_records_loses_a_second_at_most(path: Path) -> None:
    with writer(path) as process:
        n = time_ms = 0
        while n < 28:
            n, time_ms = read_numbers(process)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load(path)
    assert found.last is not None
    assert found.last.time_ms >= time_ms - 1000
    assert [one.n for one in found.samples] == list(range(1, found.last.n + 1))
    assert found.last.n > 10


def test_a_process_that_ends_without_closing_loses_nothing(path: Path) -> None:
    with writer(path) as process:
        while (numbers := read_numbers(process))[0] < 8:
            pass
        assert process.stdin is not None
        process.stdin.close()
        assert process.stdout is not None
        n = max([numbers[0], *(int(line.split()[0]) for line in process.stdout)])
        assert process.wait(10) == 0
    assert load(path).samples[-1].n == n


def writer(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "REDIS_URL"},
        text=True,
    )


def read_numbers(process: subprocess.Popen[str]) -> tuple[int, int]:
    assert process.stdout is not None
    n, time_ms = process.stdout.readline().split()
    return int(n), int(time_ms)


def test_hostile_names_are_data(path: Path) -> None:
    from plots.histories import EDGES, HOSTILE

    save(history(*EDGES["hostile names"]), path)
    assert gzip.decompress(path.read_bytes()).isascii()
    assert all(lines_of(path))
    assert set(load(path).group_names) == set(HOSTILE)
    assert Recording(path).track().groups == tuple(HOSTILE)


def test_a_place_that_is_not_there_is_refused(path: Path, good: list[bytes]) -> None:
    assert len(good) == 4
    for place in (6, 60, -1):
        with pytest.raises(InputError, match=f"has 6 samples: there is no {place}"):
            Recording(path).chosen(None, [0, place])
