"""A picture of a stream tells the truth, and is the same in every run."""

from __future__ import annotations

import redis as redis_py

from exercises import consumer_groups
from exercises.picture import picture, picture_if_possible, start
from streamviz.client.stream import Stream


def test_a_picture_tells_acknowledged_entries_from_dropped_ones(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 7))
    crew = stream.group("crew")
    crew.create("0")
    start(redis, key)
    for name in ("ann", "ben"):
        crew.consumer(name).read(2)
    assert "crew: 2 waiting, 4 pending" in repr(picture(redis, key))
    crew.ack("1-0")
    crew.delete_consumer("ben")
    shown = picture(redis, key)
    assert "from 1-0 to 6-0; crew: 2 waiting, 1 pending" in repr(shown)
    assert "1 acknowledged" in shown.svg
    assert "3 acknowledged" not in shown.svg


def test_ids_of_the_clock_are_not_shown(redis: redis_py.Redis, key: str) -> None:
    shown = []
    for _ in range(2):
        redis.delete(key)
        Stream(redis, key).add({"n": 1})
        start(redis, key)
        shown.append(picture(redis, key))
    assert shown[0] == shown[1]
    assert repr(shown[0]) == "1 entry in the stream."


def test_a_verdict_shows_the_stream_that_it_is_about(redis: redis_py.Redis) -> None:
    crew = consumer_groups.new_crew(redis)
    svg = consumer_groups.check_tasks(crew)._repr_svg_()
    assert svg is not None
    assert "zoe" in svg
    redis.delete("crew", "crew:done")
    assert consumer_groups.check_tasks(crew)._repr_svg_() is None
    assert picture_if_possible(redis, "crew") is None
