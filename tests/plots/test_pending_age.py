"""Pending age: low while consumers are healthy, climbing while a dead one holds entries."""

from __future__ import annotations

import pytest
import redis as redis_py
from plots.histories import at_pointer, gone, group, history, sample

from streamviz import Observer, Scenario, series
from streamviz.client.entry_id import EntryId
from streamviz.client.models import PendingEntry
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots import PendingAge

PLOT = PendingAge()


def test_the_oldest_counts_and_nothing_pending_is_zero() -> None:
    held = [PendingEntry(EntryId(500), "ann", 1, 2), PendingEntry(EntryId(900), "ben", 1, 1)]
    seen = history(
        sample(1, group("g")),
        sample(20, group("g", pending=2, oldest=held)),
        sample(21, group("other")),
        gone(22),
    )
    lines = PLOT.figure(seen)["data"][:2]
    times = [one.time_ms for one in seen.samples]
    assert PLOT.structure_key(seen) == ((("g", "other"), True), False)
    assert PLOT.layout(seen)["showlegend"] is False
    assert PLOT.structure_key(History()) == (((), True), False)
    assert PLOT.current_state(History())[-2]["x"] == []
    assert lines[0]["y"] == [0, (times[1] - 500) / 1000, None, None]
    assert lines[1]["y"] == [None, None, 0, None]


def test_the_words_name_the_oldest_and_its_holder() -> None:
    held = [PendingEntry(EntryId(500), "ann", 1, 3)]
    words = PLOT.summary(history(sample(1, group("g", pending=4, oldest=held), group("h"))))
    assert "g: 4 pending" in words
    assert "delivered 3 times, last to ann" in words
    assert "h: nothing pending" in words
    given_back = [PendingEntry(EntryId(500), "", -1, 1)]
    words = PLOT.summary(history(sample(1, group("g", pending=1, oldest=given_back))))
    assert words.endswith("delivered once, then given back.")
    assert PLOT.summary(history()) == "waiting for the first sample"
    assert PLOT.summary(history(sample(1))) == "no consumer group yet"


def test_it_climbs_a_second_per_second_until_the_work_is_recovered(
    redis: redis_py.Redis, key: str
) -> None:
    shop = Scenario(redis, seed=1)
    shop.produce(key, series.constant(rate_hz=10))
    for name, recovery in (("lost", {}), ("saved", {"revive_after_s": 5})):
        shop.group(key, name, service_ms=50, crash_after=20, **recovery)
    shop.run(seconds=15)
    lost, saved, *again, _, _, labels, events = PLOT.figure(shop.history)["data"]
    assert lost["y"][-1] > 11
    assert lost["y"][-1] - lost["y"][-11] == 1.0
    assert 4.5 < max(saved["y"]) < 5.5
    assert saved["y"][-1] < 1
    assert "lost-1 crashed" in " ".join(events["text"])
    assert labels["text"][0] == f"lost {lost['y'][-1]:.1f} s"
    assert [len(trace["x"]) for trace in again] == [0, 1], (
        "the entry that it held was delivered again"
    )


def test_a_static_figure_tells_the_largest_age() -> None:
    held = [PendingEntry(EntryId(1600), "dead", 5000, 1)]
    first = sample(5, group("g", pending=1, oldest=held))
    seen = history(first, sample(6, group("g")))
    age = PLOT.sampled_values(first, seen)[0]
    assert age == 5.0, "its ID is ahead of this clock, but it was delivered 5 s ago"
    assert PLOT.static_figure(seen)["summary"] == f"g: nothing pending. At most: g {age} seconds."


@pytest.mark.parametrize("option", [{"idle": 3_600_000}, {"time": 1}])
def test_a_claim_that_names_an_idle_time_makes_no_entry_older(
    redis: redis_py.Redis, key: str, option: dict[str, int]
) -> None:
    entry_id = redis.xadd(key, {"n": 1})
    redis.xgroup_create(key, "g", "0")
    redis.xreadgroup("g", "ann", {key: ">"})
    redis.xclaim(key, "g", "ann", 0, [entry_id], justid=True, **option)
    (row,) = redis.xpending_range(key, "g", "-", "+", 1)
    assert row["time_since_delivered"] >= 3_600_000
    seen = History()
    seen.append(Observer(redis, key).sample())
    (age,) = PLOT.sampled_values(seen.last, seen)
    assert 0 <= age < 60
    assert f"the oldest added {age:.1f} s ago" in PLOT.summary(seen)


def test_each_repeated_delivery_is_a_diamond_at_its_time_and_age() -> None:
    def sampled(n: int, *deliveries: int) -> Sample:
        held = [
            PendingEntry(EntryId(1000 + i), f"c{many}", 1, many)
            for i, many in enumerate(deliveries)
        ]
        return sample(n, group("g", pending=len(held), oldest=held), group("h"))

    seen = history(sampled(1, 1, 1))
    key = PLOT.structure_key(seen)
    assert PLOT.layout(seen)["annotations"] == [], "there is none yet"
    for one in (sampled(11, 2, 1), sampled(21, 3, 2), sampled(31, 3, 2)):
        seen.append(one)
    assert PLOT.structure_key(seen) != key
    assert PLOT.layout(seen)["xaxis"]["title"]["text"] == "seconds"
    (key_words,) = PLOT.layout(seen)["annotations"]
    assert (key_words["text"], key_words["x"]) == ("◆ delivered again", 1), "beside the title"
    done, _, now, _, _, _ = PLOT.figure(seen)["data"][2:]
    assert (done["x"], done["y"]) == ([1.0], [1.1])
    assert [hover for _, hover, _ in at_pointer(done)] == ["1000-0, delivery 2, to c2"]
    assert (now["x"], now["y"]) == ([2.0, 2.0], [2.1, 2.099])
    assert [hover for _, hover, _ in at_pointer(now)] == [
        "1000-0, delivery 3, to c3",
        "1001-0, delivery 2, to c2",
    ]
    assert PLOT.static_figure(seen)["summary"].endswith("Most deliveries of one entry: g 3.")
    seen.append(sampled(32))
    assert len(PLOT.figure(seen)["data"][2]["x"]) == 3
    assert len(PLOT.new_points(seen.since(31), seen)[0]["x"]) == 2, "those that ended just now"
    assert PLOT.window_sizes(seen) == [3, 0]
    assert PLOT.figure(seen)["data"][4]["x"] == []


def test_a_first_delivery_has_no_diamond() -> None:
    held = [PendingEntry(EntryId(500), "ann", 1, 1)]
    seen = history(sample(1, group("g", pending=1, oldest=held)), sample(2, group("g")))
    diamonds = [one for one in PLOT.figure(seen)["data"] if one["mode"] == "markers"]
    assert [one["x"] for one in diamonds] == [[], []]


def test_where_ids_are_no_times_ages_count_from_the_last_delivery() -> None:
    held = [PendingEntry(EntryId(5), "ann", 2345, 2), PendingEntry(EntryId(6), "ben", 4567, 2)]
    now = 1_795_905_016_000
    seen = history(sample(1, group("g", pending=2, oldest=held), length=9, ids=[EntryId(9)],
                          time_ms=now))  # fmt: skip
    assert PLOT.sampled_values(seen.last, seen) == [4.567]
    diamonds = PLOT.current_state(seen)[0]
    assert diamonds["y"] == [0, 0], "they were delivered again just then"
    ahead = [PendingEntry(EntryId(now + 50), "ann", 0, 2)]
    later = history(sample(1, group("g", pending=1, oldest=ahead), time_ms=now))
    assert PLOT.sampled_values(later.last, later) == [0], "an ID may be ahead of this clock"
