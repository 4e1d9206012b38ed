from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from plots.histories import group, history, sample

from streamviz import load
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.errors import RecordingError
from streamviz.export import to_still
from streamviz.plots import GroupLag, StreamMap
from streamviz.recording import Recording, save

HEADER = '{"streamviz": 2}\n'
FIRST = '{"n":1,"time_ms":1000,"stream":"s","whole":true}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


@pytest.fixture
def good(path: Path) -> list[str]:
    """Write a recording, and return its lines."""
    held = [PendingEntry(EntryId(5), "ann", 3, 1)]
    save(
        history(*(sample(n, group("g", n, oldest=held), ids=[EntryId(n)]) for n in range(1, 6))),
        path,
    )
    return path.read_text("ascii").splitlines(keepends=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty: nothing was recorded"),
        ("\n\n", "is empty"),
        ("n,time\n1,2\n", "is no recording: its first line must be"),
        ("[1]\n", "is no recording"),
        ("\x00\xff\n", "is no recording"),
        ('{"nbformat": 4}\n', "is no recording"),
        ('{"streamviz": "1"}\n', "is no recording"),
        ('{"streamviz": true}\n', "is no recording"),
        ('{"streamviz": 3}\n', "of version 3, and this streamviz reads version 2: install a newer"),
        ('{"streamviz": 2', "is no recording"),
        ('{"streamviz": 1}', "of version 1, of an older streamviz.*record it again"),
    ],
)
def test_what_is_no_recording_is_refused(path: Path, text: str, says: str) -> None:
    path.write_text(text, "latin-1")
    with pytest.raises(RecordingError, match=says):
        load(path)


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(RecordingError, match=r"run.jsonl can't be read: No such file"):
        load(path)


def test_nothing_but_a_header_is_a_history_without_samples(path: Path) -> None:
    path.write_text(HEADER)
    assert len(load(path)) == 0
    assert repr(Recording(path)) == "<Recording of nothing: 0 s>"


def test_wherever_a_crash_cuts_it_all_but_the_last_line_is_there(
    path: Path, good: list[str]
) -> None:
    whole = "".join(good)
    samples = load(path).samples
    tried = 0
    for cut in range(len(good[0]) + 1, len(whole)):
        path.write_text(whole[:cut])
        complete = whole[:cut].count("\n") - 1
        ends = whole[cut - 1] == "\n" or whole[cut] == "\n"  # a line is whole without its end
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = load(path).samples
        tried += 1
        if ends:
            assert not said
            assert len(found) >= complete
        else:
            assert f"line {complete + 2}, the last one, is left out" in str(said[0].message)
            assert len(found) == complete
        assert found == samples[: len(found)]
    assert tried > 300


def test_a_line_broken_in_the_middle_is_named(path: Path, good: list[str]) -> None:
    path.write_text("".join([*good[:3], good[3][:25] + "\n", *good[4:]]))
    with pytest.raises(RecordingError, match=r"line 4: it breaks off, or was edited, near"):
        load(path)


def test_blank_lines_and_a_missing_end_of_line_do_no_harm(path: Path, good: list[str]) -> None:
    samples = load(path).samples
    path.write_text("\n".join(good).rstrip("\n"))
    assert load(path).samples == samples


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("7", "7 is no sample: give an object"),
        ('{"time_ms":1100}', "n is missing"),
        ('{"n":"2","time_ms":1100}', "n is '2'"),
        ('{"n":true,"time_ms":1100}', "n is True"),
        ('{"n":2,"time_ms":1100.5}', "time_ms is 1100.5"),
        ('{"n":1,"time_ms":1100}', "sample 1 at 1100 ms comes after sample 1"),
        ('{"n":2,"time_ms":900}', "sample 2 at 900 ms comes after"),
        ('{"n":2,"time_ms":1100,"stream":7}', "stream is 7"),
        ('{"n":2,"time_ms":1100,"stream":"t"}', "the first line of 't' must be \"whole\""),
        ('{"n":2,"time_ms":1100,"lenght":3}', "'lenght' is no key of a sample"),
        ('{"n":2,"time_ms":1100,"length":"3"}', "length is '3'"),
        ('{"n":2,"time_ms":1100,"length":-3}', "length is -3: give a whole number, 0 to "),
        ('{"n":2,"time_ms":1100,"exists":1}', "exists is 1: give true or false"),
        ('{"n":2,"time_ms":1100,"last_id":"soon"}', "'soon' is not an entry ID"),
        ('{"n":2,"time_ms":1100,"last_id":5}', "last_id is 5"),
        ('{"n":2,"time_ms":1100,"entries":[1.5]}', "1.5 is no ID"),
        ('{"n":2,"time_ms":1100,"entries":[-2000]}', "ms=-900 is not part of an entry ID"),
        ('{"n":2,"time_ms":1100,"entries":{}}', "entries is {}"),
        ('{"n":2,"time_ms":1100,"events":"gone"}', "events is 'gone'"),
        ('{"n":2,"time_ms":1100,"events":[1]}', "1 is not an event"),
        ('{"n":2,"time_ms":1100,"groups":[]}', r"groups is \[\]"),
        ('{"n":2,"time_ms":1100,"groups":{"g":{"gone":[]}}}', "gone is "),
        ('{"n":2,"time_ms":1100,"groups":{"g":7}}', "the group 'g' is 7"),
        ('{"n":2,"time_ms":1100,"groups":{"g":null}}', "the group 'g' goes, and there was none"),
        ('{"n":2,"time_ms":1100,"groups":{"g":{"lag":"x"}}}', "lag is 'x'"),
        ('{"n":2,"time_ms":1100,"groups":{"g":{"verdict":"sure"}}}', "verdict is 'sure'"),
        ('{"n":2,"time_ms":1100,"groups":{"g":{"verdict":["exact"]}}}', "verdict is "),
        (
            '{"n":2,"time_ms":1100,"groups":{"g":{"left":[0]}}}',
            "the place 0 left the oldest of 'g'",
        ),
        ('{"n":2,"time_ms":1100,"groups":{"g":{"oldest":[["a",1]]}}}', "the oldest of 'g' has "),
        ('{"n":2,"time_ms":1100,"groups":{"g":{"consumers":{"a":[1,2]}}}}', "consumer 'a' is"),
        ('{"n":2,"time_ms":1100,"groups":{"g":{"consumers":[]}}}', r"consumers is \[\]"),
        ('{"n":2,"time_ms":1100,"groups":{"g":{"claimed":{"a":{"b":-1}}}}}', "claimed is "),
        ('{"caption":"x","at_s":-1}', "at_s=-1"),
        ('{"caption":7}', "7 is no caption"),
    ],
)
def test_an_edit_by_hand_is_named_by_line_and_value(path: Path, line: str, says: str) -> None:
    path.write_text(f"{HEADER}{FIRST}{line}\n")
    with pytest.raises(RecordingError, match=rf"run\.jsonl, line 3: .*{says}"):
        load(path)


BIG = [2**64, -(2**64), 10**40, int("9" * 400)]
GROUP = '{{"n":2,"time_ms":1100,"groups":{{"g":{{{}}}}}}}'


@pytest.mark.parametrize("number", BIG, ids=["2^64", "-2^64", "1e40", "1e400"])
@pytest.mark.parametrize(
    "line",
    [
        '{{"n":{},"time_ms":1100}}',
        '{{"n":2,"time_ms":{}}}',
        '{{"n":2,"time_ms":1100,"length":{}}}',
        '{{"n":2,"time_ms":1100,"aged":{}}}',
        '{{"n":2,"time_ms":1100,"memory_bytes":{}}}',
    ],
)
def test_a_number_that_redis_cannot_count_to_is_refused(path: Path, line: str, number: int) -> None:
    path.write_text(f"{HEADER}{FIRST}{line.format(number)}\n")
    with pytest.raises(RecordingError, match=r"line 3: \w+ is -?\d+…?: give .*whole number"):
        load(path)


@pytest.mark.parametrize("number", BIG, ids=["2^64", "-2^64", "1e40", "1e400"])
@pytest.mark.parametrize("key", ["lag", "behind_ms", "pending", "gone", "entries_read"])
def test_nor_is_it_in_a_group(path: Path, key: str, number: int) -> None:
    row = {"n": 2, "time_ms": 1100, "groups": {"g": {key: number}}}
    path.write_text(f"{HEADER}{FIRST}{json.dumps(row)}\n")
    with pytest.raises(RecordingError, match=rf"line 3: {key} is "):
        load(path)
    for told in ({"consumers": {"a": [1, number, 0]}}, {"oldest": [["a", number, 1, 0]]}):
        path.write_text(f"{HEADER}{FIRST}{json.dumps(row | {'groups': {'g': told}})}\n")
        with pytest.raises(RecordingError, match="line 3: the "):
            load(path)


def test_the_largest_numbers_come_back_and_can_be_drawn(path: Path) -> None:
    top = 2**64 - 1
    row = {"n": top, "time_ms": top, "length": top, "groups": {"g": {"lag": top}}}
    path.write_text(f"{HEADER}{FIRST}{json.dumps(row)}\n")
    assert load(path).samples[1].length == top
    assert to_still(path, path.with_suffix(".svg"), plots=[GroupLag(), StreamMap()]).exists()
    path.write_text(f'{HEADER}{FIRST}{{"n":2,"time_ms":1100,"length":NaN}}\n')
    with pytest.raises(RecordingError, match="length is nan"):
        load(path)


@pytest.mark.parametrize("depth", [200, 900, 2_000, 100_000])
def test_what_is_nested_too_deeply_is_named_by_its_line(path: Path, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    for line in (f'{{"n":2,"time_ms":1100,"events":{deep}}}', GROUP.format(f'"oldest":{deep}')):
        path.write_text(f'{HEADER}{FIRST}{line}\n{{"n":3,"time_ms":1200}}\n')
        with pytest.raises(RecordingError, match="line 3: "):
            load(path)
    path.write_text(f'{{"streamviz": {deep}}}\n')
    with pytest.raises(RecordingError, match="is no recording"):
        load(path)


@pytest.mark.parametrize(
    "list_", ['"left":[0,,1]', '"left":[0', '"oldest":[["a",1,1,01]]', '"oldest":[["a",1,1,-]]']
)
def test_a_list_broken_inside_a_group_is_named_by_its_line(path: Path, list_: str) -> None:
    line = GROUP.format(list_)
    path.write_text(f'{HEADER}{FIRST}{line}\n{{"n":3,"time_ms":1200}}\n')
    with pytest.raises(RecordingError, match=r"line 3: it breaks off, or was edited, near"):
        load(path)


WRITER = """
import sys
from streamviz import Scenario, connect, record, series
shop = Scenario(connect())
shop.produce("s", series.constant(rate_hz=200))
shop.group("s", "g", service_ms=1)
record(shop, sys.argv[1])
shop.on_sample.append(lambda sample: print(sample.n, flush=True))
shop.start()
sys.stdin.read()
"""


def test_a_process_killed_while_it_records_loses_one_line_at_most(path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        seen = 0
        while seen < 8:
            seen = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load(path)
    assert found.last is not None
    assert found.last.n >= seen
    assert [one.n for one in found.samples] == list(range(1, found.last.n + 1))


def test_hostile_names_are_data(path: Path) -> None:
    from plots.histories import EDGES, HOSTILE

    save(history(*EDGES["hostile names"]), path)
    text: Any = path.read_bytes()
    assert text.isascii()
    assert all(json.loads(line) for line in text.splitlines())
    assert set(load(path).group_names) == set(HOSTILE)
