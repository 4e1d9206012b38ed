"""Cursors: a reader that keeps up climbs with the newest entry, one that starts again falls."""

from __future__ import annotations

from itertools import pairwise

import redis as redis_py
from plots.histories import gone, group, history, sample

from streamviz import Scenario, series
from streamviz.client.entry_id import EntryId
from streamviz.plots import Cursors

PLOT = Cursors()


def test_a_line_each_for_readers_groups_and_the_newest_entry() -> None:
    first, last = EntryId(1200), EntryId(1900, 3)
    seen = history(
        sample(1, length=2, first=first, ids=[first], readers={"ann": EntryId.ZERO}),
        sample(2, group("g", cursor=EntryId(1500)), length=2, first=first, ids=[last]),
        gone(3),
        sample(4, length=2, first=first, ids=[last], readers={"ann": last}),
    )
    lines = {trace["name"]: trace["y"] for trace in PLOT.figure(seen)["data"][:-2]}
    assert list(lines) == ["ann", "g", "newest entry"]
    assert lines["ann"] == [0.1, None, None, 0.8], "a reader that has read nothing is at the first"
    assert lines["g"] == [None, 0.4, None, None]
    assert lines["newest entry"] == [0.1, 0.8, None, 0.8]


def test_the_words_say_how_far_behind_each_one_is() -> None:
    last = EntryId(9000)
    readers = {"a": EntryId.ZERO, "b": EntryId(7500), "c": last, "d": EntryId.MAX}
    words = PLOT.summary(history(sample(1, group("g", cursor=last), ids=[last], readers=readers)))
    assert "a is at the beginning" in words
    assert "b is 1.5 s behind" in words
    assert "c is at the newest" in words
    assert "d is beyond the newest" in words
    assert "g is at the newest" in words
    alone = history(sample(1, group("g", cursor=last), ids=[last], length=1))
    assert PLOT.summary(alone) == "1 entry; g is at the newest entry."
    assert PLOT.summary(history()) == "waiting for the first sample"
    assert PLOT.summary(history(sample(1))) == "no reader yet"


def test_a_reader_without_a_saved_position_falls_and_one_with_it_continues(
    redis: redis_py.Redis, key: str
) -> None:
    news = Scenario(redis, seed=1)
    news.produce(key, series.constant(rate_hz=4))
    crash = {"service_ms": 20, "crash_at_s": 5, "revive_after_s": 2}
    for name, remembers in (("forgets", "memory"), ("knows", "hash")):
        news.reader(key, name, remembers=remembers, **crash)
    forgets, knows, newest, labels, events = PLOT.figure(news.run(seconds=15))["data"]
    places = [place for place in forgets["y"] if place is not None]
    falls = [after - before for before, after in pairwise(places) if after < before]
    assert len(falls) == 1
    assert -5.1 < falls[0] < -4
    assert len(forgets["y"]) - len(places) >= 20, "a dead reader has no position"
    assert knows["y"][1:] == sorted(knows["y"][1:])
    assert forgets["y"][-1] == knows["y"][-1] == newest["y"][-1]
    assert [text for text in events["text"] if text] == [
        "forgets crashed, knows crashed",
        "forgets revived, knows revived",
    ]
    assert labels["text"] == ["forgets", "knows", "newest entry", ""]
    assert len(set(labels["y"])) == 4, "no name hides another"


def test_a_lines_end_says_in_words_how_far_behind_it_is() -> None:
    last = EntryId(9000)
    readers = {"ann": EntryId(7500), "ben": last}
    figure = PLOT.figure(history(sample(1, ids=[last], length=1, readers=readers)))
    labels = figure["data"][-2]["text"]
    assert labels[:2] == ["ann, 1.5 s behind", "ben"]
    assert 7 * len("forgetful, 12.3 s behind") < figure["layout"]["margin"]["r"] + 30


def test_a_static_figure_tells_how_far_behind_each_one_was() -> None:
    first, last = EntryId(1000), EntryId(5500)
    seen = history(
        sample(
            1, length=2, first=first, ids=[first, last], readers={"ann": EntryId(4000), "ben": last}
        ),
        sample(2, length=2, first=first, readers={"ben": last}),
        sample(3, length=2, first=first, ids=[last], readers={"ann": last, "ben": last}),
    )
    words = PLOT.static_figure(seen)["summary"]
    assert words.endswith("At most: ann 1.5, ben 0.0 seconds behind the newest entry.")
