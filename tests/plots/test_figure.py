"""Deltas add up to the whole figure, plotly accepts it, and a frame stays small."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

import pytest
import redis as redis_py
from hypothesis import given, settings
from hypothesis import strategies as st
from plots.histories import (
    EDGES,
    HOSTILE,
    PLOTS,
    U64,
    at_pointer,
    check,
    each_plot,
    group,
    history,
    rough_samples,
    sample,
    shop,
    shown,
    texts,
)
from slow import slow_but

from streamviz import Scenario, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.observation.timeline import entry_timeline
from streamviz.plots import AckProgress, Flow, GroupLag, Plot, StreamMap
from streamviz.plots.figure import Delta, Figure, apply
from streamviz.plots.flow_finding import finding
from streamviz.plots.texts import about_entry, clean, escaped, label, number_text

ENTRY_ID = re.compile(r"(?<![\w-])\d+-\d+\b")


def deltas(plot: Plot, window: History, samples: Sequence[Sample], every: int) -> Iterator[Delta]:
    """Yield what a widget sends while a history grows, and check that it adds up."""
    figure, identity = plot.figure(window), plot.structure_key(window)
    for place, one in enumerate(samples):
        window.append(one)
        if place % every:
            continue
        delta = plot.delta(window, figure["n"], identity)
        if "full" in delta:
            identity = plot.structure_key(window)
        figure = apply(figure, delta)
        assert at_rest(figure) == at_rest(plot.figure(window))
        yield delta


def at_rest(figure: Figure) -> Figure:
    """Return a figure without what has just left a flow: a delta has that since the last one."""
    copy: Figure = deepcopy(figure)
    for trace in copy["data"]:
        scene = trace.get("meta") if trace.get("name") == "scene" else None
        for one in (*scene["groups"], *scene.get("producers", ())) if scene else ():
            one["left"], one["new"] = [], []
            if one.get("bin"):
                one["bin"]["new"] = []
    return copy


@pytest.mark.slow
@pytest.mark.timeout(240)  # 28 s were seen on a busy machine
@settings(max_examples=80, deadline=None)
@given(
    samples=rough_samples(),
    limit=st.integers(1, 12),
    most=st.integers(1, 9),
    every=st.integers(1, 3),
)
def test_deltas_add_up_to_the_figure_of_the_whole_window(
    samples: list[Sample], limit: int, most: int, every: int
) -> None:
    for plot in PLOTS.values():
        found = list(deltas(plot, History(limit, max_entries=most), samples, every))
        assert found


@pytest.mark.parametrize("seed", slow_but(1, of=[1, 2, 3]))
def test_deltas_add_up_for_samples_of_a_real_server(
    redis: redis_py.Redis, key: str, seed: int
) -> None:
    samples = shop(redis, key, seed=seed, seconds=12)
    assert {one.exists for one in samples} == {True, False}
    assert {one.name for one_sample in samples for one in one_sample.groups} == {
        "billing",
        "email",
        "late",
    }
    assert any(one.events for one in samples)
    for plot in PLOTS.values():
        found = list(deltas(plot, History(30, max_entries=40), samples, 1 + seed % 2))
        small = [one for one in found if "full" not in one]
        assert len(small) > 0.8 * len(found), "a whole figure is sent only when groups change"


def test_each_point_of_an_entry_carries_its_id(redis: redis_py.Redis, key: str) -> None:
    seen, subscribers = history(*shop(redis, key, seed=1, seconds=12)), Scenario(redis, seed=1)
    subscribers.subscriber(f"{key}:news", "late", crash_at_s=1.05, revive_after_s=1)
    subscribers.produce(f"{key}:news", series.constant(rate_hz=5))
    sent = subscribers.run(seconds=4)
    counts = {}
    for name, plot in PLOTS.items():
        traces = plot.figure(sent if name == "side_by_side" else seen)["data"]
        with_ids = [trace for trace in traces if "customdata" in trace]
        for trace in with_ids:
            assert len(trace["customdata"]) == len(trace["x"])
            for entry_id, hover, _ in at_pointer(trace):
                found = ENTRY_ID.search(hover)
                assert entry_id == (found[0] if found else None)
        counts[name] = [len(trace["x"]) for trace in with_ids]
    with_entries = {name for name, lengths in counts.items() if any(lengths)}
    assert with_entries == {
        "flow",
        "stream_map",
        "pending_age",
        "swim_lanes",
        "swim_lanes_of_one",
        "side_by_side",
    }
    assert all(len(trace) > 1 for trace in (counts["stream_map"], counts["side_by_side"]))


@each_plot
def test_a_delta_without_news_changes_nothing(plot: Plot) -> None:
    seen = history(sample(1, group("g"), ids=[EntryId(1)], length=1))
    figure = plot.figure(seen)
    assert apply(figure, plot.delta(seen, 1, plot.structure_key(seen))) == figure


@each_plot
def test_a_browser_that_missed_samples_gets_the_whole_figure(plot: Plot) -> None:
    seen = history(*(sample(n, group("g")) for n in range(1, 10)), limit=3)
    assert "full" in plot.delta(seen, 4, plot.structure_key(seen))
    assert "full" not in plot.delta(seen, 6, plot.structure_key(seen))
    assert "full" in plot.delta(seen, 6, "another identity")
    assert "full" in plot.delta(seen, 0, plot.structure_key(seen))


@each_plot
def test_apply_leaves_the_figure_that_it_was_given(plot: Plot) -> None:
    seen = history(*(sample(n, group("g"), ids=[EntryId(n)], length=n) for n in (1, 2)), limit=2)
    figure, identity = plot.figure(seen), plot.structure_key(seen)
    before = json.dumps(figure)
    seen.append(sample(3, group("g", 1), ids=[EntryId(3)], length=3, events=["hm"]))
    assert apply(figure, plot.delta(seen, 2, identity)) != figure
    assert json.dumps(figure) == before


@each_plot
@pytest.mark.parametrize("samples", EDGES.values(), ids=EDGES.keys())
def test_plotly_and_strict_json_take_every_figure(plot: Plot, samples: list[Sample]) -> None:
    figure = plot.figure(history(*samples))
    check(figure)
    packed = json.dumps(figure, allow_nan=False, ensure_ascii=False)
    assert json.loads(packed.encode("utf-8")) == figure
    assert figure["summary"]
    for text in texts(figure):
        shown(text)


@each_plot
def test_axes_have_no_black_line_at_zero_and_room_for_their_labels(plot: Plot) -> None:
    layout = plot.figure(history(sample(1, group("a"), group("billing"))))["layout"]
    axes = {name: axis for name, axis in layout.items() if name[1:].startswith("axis")}
    assert len(axes) >= 2 or isinstance(plot, Flow)
    for axis in axes.values():
        assert (axis["zeroline"], axis["automargin"]) == (False, True)


def test_a_frame_does_not_grow_with_the_window(redis: redis_py.Redis, key: str) -> None:
    scenario = Scenario(redis, seed=7, limit=2000)
    scenario.produce(key, series.constant(rate_hz=5), maxlen=500)
    for name in ("billing", "email"):
        scenario.group(key, name, consumers=2, service_ms=300)
    seen, plots = History(900), (StreamMap(), GroupLag(), AckProgress())
    sizes = []
    for one in scenario.run(seconds=102).samples:
        before = seen.newest.n if seen.newest else 0
        identities = [plot.structure_key(seen) for plot in plots]
        seen.append(one)
        made = [plot.delta(seen, before, i) for plot, i in zip(plots, identities, strict=True)]
        sizes.append(len(json.dumps(made, separators=(",", ":"))))
    assert len(sizes) > 1010
    early, late = sum(sizes[90:110]) / 20, sum(sizes[990:1010]) / 20
    assert 0.8 < late / early < 1.2
    assert late < 2500


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_said_of_an_entry_is_plain_text(name: str) -> None:
    text, (entry, *plain) = about_entry("1-0", "held by {}, twice", name)
    assert entry == "1-0"
    assert [text, *plain][-1] == shown(text)
    assert bool(plain) == (text != shown(text)), "it is not sent twice"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_as_it_is(name: str) -> None:
    assert shown(escaped(name)) == clean(name)
    assert "\n" not in clean(name)
    clean(name).encode("utf-8")
    cut = shown(label(name))
    assert len(cut) <= 30
    assert cut.rstrip("…") == clean(name)[: len(cut.rstrip("…"))]


@pytest.mark.parametrize("name", ["קבוצה של הזמנות", "مجموعة", "a-קבוצה"])
def test_a_name_from_right_to_left_keeps_its_direction_to_itself(name: str) -> None:
    assert label(name) == f"\u2068{name}\u2069"
    assert label(name * 9, 20) == f"\u2068{(name * 9)[:19]}…\u2069"
    assert str(Event("killed", name)) == f"\u2068{name}\u2069 was killed"


def test_a_bold_tag_shows_as_text() -> None:
    assert label("<b>") == "&lt;b&gt;"


@each_plot
@pytest.mark.parametrize("many", [30, 0])
def test_an_empty_name_is_two_quotes_wherever_another_name_stands(plot: Plot, many: int) -> None:
    def words(name: str) -> str:
        held = [PendingEntry(EntryId(5), name, 9000, 2)] if many else []
        events = [Event("killed", name, name, 1), Event("consumer_deleted", name, name)]
        events += [Event("group_gone", name, name), Event("failed_over", "n", groups=(name,))]
        states = [
            group(name, many + n * bool(many), pending=1 if held else 0, oldest=held, verdict=doubt)
            for n, doubt in enumerate(["suspect", "exact", "unknown"])
        ]
        states = [replace(one, consumers=(ConsumerInfo(name, 1, 0, None),)) for one in states]
        found = history(
            *(
                sample(
                    n + 1,
                    states[n // 5],
                    time_ms=1000 + 400 * n,
                    length=40,
                    ids=[EntryId(6)],
                    readers={name: EntryId(2)},
                    events=events if n == 1 else [],
                )
                for n in range(15)
            )
        )
        said = [
            plot.summary(found),
            plot.history_summary(found),
            *entry_timeline(found, EntryId(5)),
        ]
        return "; ".join([*said, finding(found), *map(str, events)])

    assert words("").strip() == words("Zq").replace("Zq", "''").strip()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (U64, "18,446,744,073,709,551,615"),
        (None, "an unknown number"),
    ],
)
def test_a_number_in_a_sentence_has_all_its_digits(number: int | None, words: str) -> None:
    assert number_text(number) == words
