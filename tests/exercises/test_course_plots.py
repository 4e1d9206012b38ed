"""The plots that two notebooks need say what the samples say, in a picture too."""

from __future__ import annotations

import redis as redis_py

from exercises.plots import CursorsAndMissed, LagAndNil, ReaderLanes
from streamviz import Scenario, Stream, series
from streamviz.plots.svg import render


def test_each_reader_s_lane_has_what_it_received_and_missed_and_when_it_was_down(
    redis: redis_py.Redis, key: str
) -> None:
    desk = Scenario(redis, seed=14)
    away = {"service_ms": 50, "crash_at_s": 2}
    desk.reader(key, "late", revive_after_s=8, **away)  # type: ignore[arg-type]
    desk.reader(key, "soon", revive_after_s=2, **away)  # type: ignore[arg-type]
    desk.produce(key, series.constant(rate_hz=2), maxlen=5)
    history = desk.run(seconds=14)
    figure = ReaderLanes().figure(history)
    down, received, missed = figure["data"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["late", "soon"]
    lost = {name: len(history.missed_by(name)) for name in ("late", "soon")}
    assert lost["late"] > 5
    assert lost["soon"] == 0
    assert missed["y"].count(0) == lost["late"]
    assert missed["y"].count(-1) == lost["soon"]
    assert received["y"].count(0) + lost["late"] in (27, 28), "the newest may still be at work"
    assert [round(x) for x in down["x"] if x is not None] == [2, 10, 2, 4]
    told = [text for text in down["text"] if text]
    assert told == [f"down, {lost['late']} missed", "down, none missed"], "in no legend"
    assert figure["layout"]["showlegend"] is False
    assert f"late missed {lost['late']}, down from 2 to 10 s" in figure["summary"]
    assert not {*down["y"]} & {*received["y"]}, "a bar stands below the dots"
    assert "late" in render(figure)


def test_crosses_stand_where_a_reader_skipped_entries(redis: redis_py.Redis, key: str) -> None:
    desk = Scenario(redis, seed=3)
    desk.reader(key, "late", service_ms=20, crash_at_s=5, revive_after_s=10)
    desk.reader(key, "steady", service_ms=20)
    desk.produce(key, series.constant(rate_hz=4), maxlen=10)
    history = desk.run(seconds=20)
    missed = sorted(history.missed_by("late"))
    crosses = CursorsAndMissed().figure(history)["data"][-1]
    assert len(missed) > 20
    assert 3 < len(crosses["x"]) <= 7
    assert len({*crosses["x"]}) == 1
    assert 15 <= crosses["x"][0] < 15.5, "when the reader was revived"
    begin = history.samples[0].time_ms
    assert {*crosses["y"]} <= {(entry.ms - begin) / 1000 for entry in missed}
    assert [text for text in crosses["text"] if text] == [f"\u2002{len(missed)} missed"]
    assert f"{len(missed)} missed" in render(CursorsAndMissed().figure(history))


def test_the_time_in_which_redis_reports_nil_is_shaded(redis: redis_py.Redis, key: str) -> None:
    plant = Scenario(redis, seed=7)
    plant.produce(key, series.constant(rate_hz=20))
    plant.group(key, "report", service_ms=20)
    plain = plant.run(seconds=4)
    assert LagAndNil().figure(plain)["data"][1]["x"] == []
    stream = Stream(redis, key)
    stream.group("report").set_id(str(stream.range(count=30)[-1].id))
    history = plant.run(seconds=8)
    nil = [
        sample.time_ms
        for sample in history.samples
        if "doesn't know" in sample.group("report").lag.reason
    ]
    assert len(nil) > 5
    span = LagAndNil().figure(history)["data"][1]
    start = history.samples[0].time_ms
    assert (min(span["x"][:6]), max(span["x"][:6])) == (
        (nil[0] - start) / 1000,
        (nil[-1] - start) / 1000,
    )
    assert "Redis reports nil" in render(LagAndNil().figure(history))
    events = LagAndNil().figure(history)["data"][3]
    assert [text for text in events["text"] if text] == ["cursor of report moved back"]
    assert (nil[0] - start) / 1000 - 0.2 < events["x"][0] <= (nil[0] - start) / 1000
