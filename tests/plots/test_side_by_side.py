"""Side by side: dots for entries sent and received, a cross for each missed entry."""

from __future__ import annotations

import re
from typing import Any

import redis as redis_py
from plots.histories import history, sample

from streamviz import Scenario, series
from streamviz.client.entry_id import EntryId
from streamviz.plots import SideBySide
from streamviz.plots.svg import render
from streamviz.plots.traces import COLOURS, GREY, RED

PLOT = SideBySide()
IDS = [EntryId(1000 + 100 * n) for n in range(1, 5)]


def test_up_is_the_time_sent_and_across_is_the_time_received() -> None:
    late, early = {"late": [IDS[2]]}, {"early": IDS[:2]}
    seen = history(
        sample(1, ids=IDS, readers={"early": IDS[1]}, got=early),
        sample(2, readers={"early": IDS[1], "late": IDS[2]}, got=late),
    )
    figure = PLOT.figure(seen)
    dots = {trace["name"]: (trace["x"], trace["y"]) for trace in figure["data"][:-2]}
    assert dots.pop("early: end") == ([], [])
    assert dots.pop("late: end") == ([0.104] * 2, [0, 0]), "the time axis ends before them"
    assert dots == {
        "early: sent": ([0, 0.1, 0.2, 0.3], [0, 0.1, 0.2, 0.3]),
        "early: received": ([0, 0], [0, 0.1]),
        "early: missed": ([], []),
        "late: sent": ([0, 0.1, 0.2, 0.3], [0, 0.1, 0.2, 0.3]),
        "late: received": ([0.1], [0.2]),
        "late: missed": ([0.108, 0.108], [0, 0.1]),
    }
    assert figure["summary"] == (
        "4 sent; early received 2, missed none; late received 1, missed 2."
    ), "entries after the newest one received may still arrive"
    assert render(figure).count(">received, seconds</text>") == 2
    early_count, late_count = figure["data"][-2:]
    assert early_count["text"] == ["\u2002early", "\u20022 received", "\u20020 missed"]
    assert late_count["text"] == ["\u2002late", "\u20021 received", "\u20022 missed"]
    assert early_count["textfont"]["color"][2] == GREY, "nothing was missed: no alarm"
    assert late_count["textfont"]["color"][2] == RED
    assert late_count["x"][2] == 0.108, "above its crosses"
    sent, received = figure["data"][:2]
    assert sent["marker"]["size"] < received["marker"]["size"], "it is no ring around a mark"


def test_no_mark_hides_another() -> None:
    ids = [EntryId(1000 + 20 * n) for n in range(1, 60)]
    samples = [
        sample(n, ids=[one], readers={"ann": one}, got={"ann": [one] if n % 2 else []})
        for n, one in enumerate(ids, 1)
    ]
    figure = PLOT.figure(history(*samples))
    sent, received, missed, end, _ = figure["data"]
    assert len(missed["x"]) == 29
    assert min(missed["x"]) > max(end["x"]) + 0.1 > max(sent["x"] + received["x"]) + 0.2
    drawn = re.findall(r"<path d='M[^']*' fill='(#\w+)'/>", render(figure, background="light"))
    assert drawn == [GREY, COLOURS[0], RED], "what was received lies over what was sent"


def test_the_counts_are_of_the_entries_in_the_picture() -> None:
    ids = [EntryId(1000 + n) for n in range(1, 41)]

    def seen_of(**limits: int) -> dict[str, Any]:
        samples = [
            sample(n + 1, ids=ids[n : n + 1], readers={"ann": one}, got={"ann": ids[n - 1 : n + 1]})
            for n, one in enumerate(ids)
        ]
        return PLOT.figure(history(*samples, **limits))

    whole = seen_of()
    assert whole["data"][-1]["text"][1:] == ["\u200240 received", "\u20020 missed"], "each once"
    for limits in ({"limit": 10}, {"max_entries": 10}):
        figure = seen_of(**limits)
        assert figure["data"][-1]["text"][1] == "\u200210 received of the last 10", limits
        assert figure["summary"] == "the last 10 sent; ann received 10, missed none."
        assert len(figure["data"][0]["x"]) == 10, limits


def test_without_readers_it_says_so() -> None:
    assert PLOT.summary(history()) == "waiting for the first sample"
    assert PLOT.summary(history(sample(1))) == "no reader yet"


def test_a_subscriber_loses_what_was_sent_while_it_was_away_and_a_reader_does_not(
    redis: redis_py.Redis, key: str
) -> None:
    news = Scenario(redis, seed=1)
    plan = {"service_ms": 10, "crash_at_s": 5.05, "revive_after_s": 4}
    news.reader(key, "reader", **plan)
    news.subscriber(key, "subscriber", **plan)
    news.produce(key, series.constant(rate_hz=5))
    traces = {trace["name"]: trace for trace in PLOT.figure(news.run(seconds=15))["data"]}
    assert traces["reader: missed"]["y"] == []
    lost = traces["subscriber: missed"]["y"]
    assert (len(lost), lost[0] > 5.05, lost[-1] < 9.05) == (20, True, True)
    assert len(traces["reader: received"]["y"]) - len(traces["subscriber: received"]["y"]) == 20


def test_no_number_of_the_time_axis_is_in_the_column_of_the_missed() -> None:
    ids = [EntryId(1000 + 1000 * n) for n in range(1, 50)]
    samples = [
        sample(n, time_ms=one.ms, ids=[one], readers={"ann": one}, got={"ann": [one][n % 2 :]})
        for n, one in enumerate(ids, 1)
    ]
    picture = render(PLOT.figure(history(*samples)))
    ticks = re.findall(r"<text x='([\d.]+)' y='[\d.]+' text-anchor='middle'>(\d+)</text>", picture)
    (end,) = re.findall(
        rf"<path d='M([\d.]+) [\d.]+l0 -[\d.]+' fill='none' stroke='{GREY}'", picture
    )
    assert len(ticks) > 3
    assert all(float(x) < float(end) for x, _ in ticks)
