"""Step mode: one statement at a time, on the real server."""

from __future__ import annotations

import pytest
import redis as redis_py

from streamviz import Dashboard, Steps, Stream
from streamviz.errors import HandlerError, InputError

SOURCE = """
    orders.add({"dish": "soup"}, id="1000-0")
    crew = orders.group("crew"); crew.create("0")
    for entry in crew.consumer("ann").read(
        count=5,
    ):
        crew.ack(entry.id)
"""


@pytest.fixture
def tour(redis: redis_py.Redis, key: str) -> Steps:
    return Steps(redis, key, SOURCE, names={"orders": Stream(redis, key)})


def test_each_statement_is_a_step(tour: Steps) -> None:
    assert repr(tour) == "<Steps: 0 of 4 done>"
    assert [one.command.split()[0] for one in tour.step()] == ["XADD"]
    assert tour.next == 'crew = orders.group("crew")'
    assert tour.step() == []
    assert [one.command.split()[0] for one in tour.step()] == ["XGROUP"]
    assert [one.call for one in tour.step()] == [
        'crew.consumer("ann").read( count=5, )',
        "crew.ack(entry.id)",
    ]
    assert (tour.done, tour.next) == (True, "")


def test_nothing_runs_before_the_first_step_or_after_the_last(
    redis: redis_py.Redis, key: str, tour: Steps
) -> None:
    assert not redis.exists(key)
    tour.run()
    assert tour.run() is tour.history
    with pytest.raises(InputError, match="all steps are done"):
        tour.step()
    assert redis.xlen(key) == 1


def test_the_time_of_a_sample_is_the_streams_own(tour: Steps) -> None:
    samples = tour.run().samples
    assert [one.time_ms for one in samples] == [0, 1000, 1001, 1002, 1003]
    assert [one.length for one in samples] == [0, 1, 1, 1, 1]
    assert [str(event) for event in samples[1].events] == [
        'orders.add({"dish": "soup"}, id="1000-0")'
    ]


def test_a_step_that_raises_is_named_and_the_next_one_runs(redis: redis_py.Redis, key: str) -> None:
    steps = Steps(
        redis,
        key,
        "1 / 0\norders.add({'a': 1}, id='1-0')",
        names={"orders": Stream(redis, key)},
    )
    with pytest.raises(HandlerError, match=r"1 / 0: ZeroDivisionError") as caught:
        steps.step()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert len(steps.step()) == 1


def test_steps_use_the_callers_names_and_keep_their_own(redis: redis_py.Redis, key: str) -> None:
    steps = Steps(redis, key, "made = len(SOURCE)\nassert made > 10")
    steps.run()
    assert "made" not in globals()


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("", "no statement"),
        ("# nothing", "no statement"),
        ("1 +", "line 1"),
        ("x = 1\nawait x", "line 2 is not Python: 'await' outside function"),
        ("x = 1\nreturn x", "line 2 is not Python: 'return' outside function"),
        ("yield 5", "line 1 is not Python: 'yield' outside function"),
    ],
)
def test_a_wrong_source_is_refused(redis: redis_py.Redis, key: str, source: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        Steps(redis, key, source)


def test_the_dashboard_lists_the_steps_that_have_not_run(tour: Steps) -> None:
    shown = Dashboard(tour)._mimebundle("here")
    assert shown["text/plain"].splitlines()[1:3] == [
        'not run yet: orders.add({"dish": "soup"}, id="1000-0")',
        'not run yet: crew = orders.group("crew")',
    ]
    assert shown["text/html"].count("<td") == 4 * 4
    tour.step()
    rows = list(tour.log)
    assert [row.command.split()[0] for row in rows] == ["XADD", "not", "not", "not"]
    assert len(tour.log) == 1
    tour.run()
    assert "not run yet" not in Dashboard(tour)._mimebundle("here")["text/plain"]


def test_the_dashboard_lists_what_the_steps_did(tour: Steps) -> None:
    tour.step()
    tour.step()
    shown = Dashboard(tour)._mimebundle("here")
    assert "> XADD" in shown["text/plain"]
    assert "length: 0 → 1" in shown["text/plain"]
    assert "<table>" in shown["text/html"]
