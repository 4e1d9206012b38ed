"""Histories for the tests of plots: made up, or run on a real server."""

from __future__ import annotations

import html
import re
from collections.abc import Generator, Iterable, Iterator
from random import Random
from typing import Any, Literal

import plotly.graph_objects as go
import pytest
import redis as redis_py
from hypothesis import strategies as st

from streamviz import Scenario, Stream, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry, PendingEntry
from streamviz.observation.events import Event, events_of
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Lag, ReaderState, Sample
from streamviz.plots import (
    AckProgress,
    Cursors,
    Flow,
    GroupLag,
    PartitionLanes,
    PendingAge,
    Plot,
    SideBySide,
    StreamMap,
    Strips,
    SwimLanes,
    TrimSawtooth,
)
from streamviz.plots.figure import Figure
from streamviz.plots.traces import Trace

U64 = 2**64 - 1
ONE = EntryId(1)
PLOTS: dict[str, Plot] = {
    "flow": Flow(),
    "strips": Strips(),
    "stream_map": StreamMap(),
    "group_lag": GroupLag(),
    "group_lag_seconds": GroupLag("seconds"),
    "pending_age": PendingAge(),
    "trim_sawtooth": TrimSawtooth(),
    "trim_sawtooth_memory": TrimSawtooth(300, beside="memory"),
    "partitions": PartitionLanes(),
    "cursors": Cursors(),
    "swim_lanes": SwimLanes(),
    "swim_lanes_of_one": SwimLanes("billing"),
    "side_by_side": SideBySide(),
    "ack_progress": AckProgress(),
    "ack_progress_of_one": AckProgress("billing"),
}
each_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS.keys())
HOSTILE = [
    "<b>bold</b>",
    "<img src=x onerror=alert(1)>",
    "</text></svg><script>alert(1)</script>",
    "&lt;b&gt; &amp; \"'",
    "two\nlines\tand\x00\x1b[31m",
    "not UTF-8: \udcff\udcfe",
    "👩🏽‍🚀 ünï 队列",
    "%{x} and $\\frac{1}{2}$",
    "a name that goes on and on and <b>on</b> and on and on",
    "\ufffe\uffff",
]


def group(
    name: str,
    waiting: int | None = 0,
    *,
    cursor: EntryId = ONE,
    verdict: Literal["exact", "plausible", "suspect", "unknown"] = "exact",
    reason: str = "",
    behind_ms: int | None = 0,
    pending: int = 0,
    oldest: Iterable[PendingEntry] = (),
    gone: int | None = 0,
    acked: int | None = 0,
    dropped: int = 0,
) -> GroupState:
    lag = Lag(waiting, verdict, reason, behind_ms)
    return GroupState(name, cursor, None, lag, pending, (), tuple(oldest), gone, acked, dropped)


def sample(
    n: int,
    *groups: GroupState,
    time_ms: int | None = None,
    exists: bool = True,
    trouble: str = "",
    length: int = 0,
    added: int | None = None,
    first: EntryId = EntryId.ZERO,
    ids: Iterable[EntryId] = (),
    events: Iterable[Event | str] = (),
    readers: dict[str, EntryId] | None = None,
    got: dict[str, list[EntryId]] | None = None,
    fields: dict[str, str] | None = None,
    nodes: int = 0,
    memory_bytes: int | None = None,
) -> Sample:
    entries = tuple(Entry(one, fields or {}) for one in ids)
    last = entries[-1].id if entries else EntryId.ZERO
    when = 1000 + 100 * n if time_ms is None else time_ms
    total = length if added is None else added
    about = (first, last, EntryId.ZERO, entries, 0, tuple(groups), events_of(events))
    cursors = tuple(
        ReaderState(name, at, tuple((got or {}).get(name, ())))
        for name, at in sorted((readers or {}).items())
    )
    held = (nodes, memory_bytes, cursors)
    return Sample("s", n, when, exists, trouble, length, total, *about, *held)


def gone(n: int, **more: Any) -> Sample:
    return sample(n, exists=False, trouble="stream is gone", **more)


def history(*samples: Sample, limit: int = 1000, max_entries: int = 5000) -> History:
    found = History(limit, max_entries=max_entries)
    for one in samples:
        found.append(one)
    return found


@st.composite
def rough_samples(draw: st.DrawFn) -> list[Sample]:
    """Draw samples of a rough life: groups come and go, lags get lost, the key vanishes.

    Hypothesis draws the number of samples and a die for each. Drawing each number of a sample
    took ten times as long as the tests themselves.
    """
    found = []
    time_ms, ms, added = draw(st.sampled_from([5, 1_767_225_600_000])), 0, 0
    for n in range(1, draw(st.integers(2, 25)) + 1):
        die = Random(draw(DICE))
        time_ms += die.choice([0, 1, 100, 100, 350])
        kinds: list[Event | str] = [Event("killed", "ann"), HOSTILE[0]]
        events = die.choices(kinds, k=die.randint(0, 2))
        if not die.randint(0, 9):
            added = ms = 0
            found.append(gone(n, time_ms=time_ms, events=events))
            continue
        ids = []
        for _ in range(die.randint(0, 3)):
            ms += die.choice([1, 40, die.randint(1, 40)])
            ids.append(EntryId(ms, die.choice([0, 0, 1, 3, 9, U64])))
        added += len(ids)
        length = some(die, added)
        groups = [a_group(die, name, ms, added) for name in die.sample(NAMES, die.randint(0, 3))]
        first = EntryId(max(1, ms - 30)) if length else EntryId.ZERO
        readers = {
            name: EntryId(some(die, ms + 5)) for name in die.sample(NAMES, die.randint(0, 2))
        }
        about = {"time_ms": time_ms, "length": length, "added": added, "first": first}
        about |= {"nodes": length // 3, "memory_bytes": die.choice([None, some(die, 10**9)])}
        about["readers"] = readers
        about["got"] = dict.fromkeys(readers, ids[:1])
        found.append(sample(n, *groups, ids=ids, events=events, **about))
    return found


DICE = st.integers(0, U64)
NAMES = ["billing", "email", HOSTILE[1], "a"]


def some(die: Random, most: int) -> int:
    """Return a random number from 0 to the most, often one of the two."""
    return die.choice([0, most, die.randint(0, most), die.randint(0, most)])


def a_group(die: Random, name: str, ms: int, added: int) -> GroupState:
    verdict = die.choice(["exact", "exact", "suspect", "unknown"])
    return group(
        name,
        some(die, added) if verdict != "unknown" else None,
        cursor=EntryId(some(die, ms)),
        verdict=verdict,
        reason="" if verdict == "exact" else f"{HOSTILE[0]} upset it",
        behind_ms=die.choice([None, some(die, 99)]),
        pending=die.randint(0, 3),
        oldest=[PendingEntry(EntryId(die.randint(1, 9)), "c", 1, 1)] * die.randint(0, 2),
        gone=die.choice([None, 0]),
    )


def shop(redis: redis_py.Redis, key: str, *, seed: int, seconds: float) -> tuple[Sample, ...]:
    """Run a shop on the virtual clock: crashes, trims, a lost group, and a key that vanishes."""
    scenario = Scenario(redis, seed=seed, limit=10_000)
    scenario.produce(key, series.orders(rate_hz=8, seed=seed), maxlen=40)
    scenario.group(key, "billing", consumers=2, service_ms=150, crash_chance=0.05, revive_after_s=1)
    scenario.group(key, "email", service_ms=400, batch=3, claim_idle_ms=900)
    stream = Stream(redis, key)

    def trouble() -> Generator[Any, Any, None]:
        env = scenario.clock.env
        yield env.timeout(seconds * 200 + seed)
        stream.group("late").create("$")
        yield env.timeout(seconds * 200)
        stream.group("email").destroy()
        yield env.timeout(seconds * 200)
        for _ in range(30):  # entries added in the meantime are lost
            redis.delete(key)
            yield env.timeout(10)
        yield env.timeout(seconds * 100)
        stream.group("billing").create("0", mkstream=True)

    scenario.clock.process(trouble())
    return scenario.run(seconds=seconds).samples


def check(figure: Figure) -> None:
    """Validate a figure with plotly, which knows every key and the type of its value."""
    go.Figure(data=figure["data"], layout=figure["layout"])


def texts(figure: Figure) -> Iterator[str]:
    """Return every text that plotly reads as a subset of HTML."""
    for trace in figure["data"]:
        yield from (trace["name"], trace.get("legendgroup", ""), trace.get("hovertemplate", ""))
        yield from trace.get("text", ())
    yield figure["layout"]["title"]["text"]
    for name, axis in figure["layout"].items():
        if re.match("[xy]axis", name):
            yield axis.get("title", {}).get("text", "")
            yield from axis.get("ticktext", ())


def shown(text: str) -> str:
    """Return what plotly shows of a text, and fail if it reads a tag or a template in it."""
    ours = re.sub(r"<extra></extra>|%\{(?:y|text|customdata(?:\[0\])?)\}", "", text)
    ours = ours.replace("<br>", " ")
    assert "<" not in ours, text
    assert ">" not in ours, text
    assert "%{" not in ours, text
    assert "$" not in ours, text
    return html.unescape(ours)


def at_pointer(trace: Trace) -> Iterator[tuple[str | None, str, str]]:
    """Yield for each point the entry's ID, what plotly shows at the pointer, and plain words."""
    for about, text in zip(
        trace["customdata"], trace.get("text") or trace["customdata"], strict=True
    ):
        entry, *plain = about if isinstance(about, list) else [about]
        template = trace.get("hovertemplate", "%{text}").removesuffix("<extra></extra>")
        hover = re.sub(r"%\{customdata(\[0\])?\}", entry or "", template)
        yield entry, hover.replace("%{text}", str(text)), [text, *plain][-1]


BIG = EntryId(U64, U64)
EDGES = {
    "no sample yet": [],
    "an empty stream": [sample(1)],
    "an empty stream with a group": [sample(1, group("g", cursor=EntryId.ZERO))],
    "one entry": [sample(1, group("g", 1), length=1, first=EntryId(1), ids=[EntryId(1)])],
    "a stream that is gone": [sample(1, group("g"), ids=[EntryId(1)]), gone(2)],
    "no stream yet": [gone(1)],
    "the largest ID": [
        sample(1, group("g", cursor=BIG, behind_ms=U64), length=1, added=9, first=BIG, ids=[BIG])
    ],
    "an unknown lag": [sample(1, group("g", None, verdict="unknown", behind_ms=None))],
    "a reader at the beginning": [sample(1, length=1, readers={"ann": EntryId.ZERO})],
    "readers of no stream": [sample(1, readers={"ann": EntryId.ZERO, "ben": BIG})],
    "many groups": [sample(1, *(group(f"group-{i}", i) for i in range(40)))],
    "hostile names": [
        sample(
            1,
            *(
                group(
                    name, 1, verdict="suspect", reason=name, oldest=[PendingEntry(BIG, name, 1, 1)]
                )
                for name in HOSTILE
            ),
            ids=[EntryId(1)],
            fields=dict(zip(HOSTILE, HOSTILE, strict=True)),
            events=HOSTILE,
            readers=dict.fromkeys(HOSTILE, EntryId(1)),
            got={name: [EntryId(1)] for name in HOSTILE},
        )
    ],
    "hostile trouble": [sample(1, exists=False, trouble="\n".join(HOSTILE))],
}
