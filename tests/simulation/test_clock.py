"""One clock that runs in two ways."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis as redis_py

from streamviz.errors import HandlerError, InputError
from streamviz.simulation.clock import EPOCH_MS, Clock
from streamviz.simulation.scenario import Scenario

Until = Callable[..., None]
Process = Generator[Any, Any, None]


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    clock.stop()


def ticks(clock: Clock, every_ms: float, into: list[float]) -> Process:
    while True:
        yield clock.env.timeout(every_ms)
        into.append(clock.env.now)


OTHERS: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def _other_threads() -> None:
    OTHERS.update(threading.enumerate())  # such as those of tests that ran before in this process


def clock_threads() -> list[threading.Thread]:
    alive = {one for one in threading.enumerate() if one.name == "streamviz" and one.is_alive()}
    return [*(alive - OTHERS)]


def test_a_virtual_hour_passes_at_once_in_this_thread(clock: Clock) -> None:
    tick_times: list[float] = []
    clock.process(ticks(clock, 1000, tick_times))
    clock.advance(3_600_500)
    assert tick_times == [1000.0 * n for n in range(1, 3601)]
    assert clock.time_ms == EPOCH_MS + 3_600_500
    assert not clock_threads()
    clock.advance(500)
    assert tick_times[-1] == 3_600_000 or tick_times[-1] == 3_601_000


def test_half_milliseconds_are_rounded_evenly(clock: Clock) -> None:
    times: list[int] = []

    def process() -> Process:
        for _ in range(8):
            times.append(clock.time_ms - EPOCH_MS)
            yield clock.env.timeout(0.5)

    clock.process(process())
    clock.advance(5)
    assert times == [0, 1, 1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize("ms", [0, -1, math.inf, math.nan, "5", None])
def test_a_span_is_a_positive_number(clock: Clock, ms: Any) -> None:
    with pytest.raises(InputError, match="ms="):
        clock.advance(ms)


def test_a_wall_clock_paces_the_same_process(clock: Clock, until: Until) -> None:
    tick_times: list[float] = []
    clock.process(ticks(clock, 20, tick_times))
    began = time.monotonic()
    clock.start()
    until(lambda: len(tick_times) >= 10)
    assert time.monotonic() - began >= 0.19, "not before its time"
    assert abs(clock.time_ms - time.time() * 1000) < 60_000
    assert len(clock_threads()) == 1


def test_a_paused_clock_stands_still_and_resumes_where_it_was(clock: Clock, until: Until) -> None:
    tick_times: list[float] = []
    clock.process(ticks(clock, 10, tick_times))
    clock.start()
    until(lambda: len(tick_times) > 3)
    clock.pause()
    count = len(tick_times)
    time.sleep(0.1)
    assert len(tick_times) == count
    assert clock.state == "paused"
    began = time.monotonic()
    clock.start()
    until(lambda: len(tick_times) > count)
    made = len(tick_times) - count
    assert made <= 1 + 100 * (time.monotonic() - began), "the clock does not make up for the pause"


def test_a_pause_in_a_wait_leaves_the_rest_of_it(
    clock: Clock, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    wall = SimpleNamespace(monotonic=lambda: now_s)
    monkeypatch.setattr("streamviz.simulation.clock.time", wall)
    tick_times: list[float] = []
    clock.process(ticks(clock, 100_000, tick_times))
    clock.start()
    until(lambda: clock.env.peek() == 100_000)
    now_s = 60.0
    clock.pause()
    now_s = 1000.0
    clock.start()
    now_s = 1039.0
    clock.speed = 1  # it looks at the time
    assert not tick_times
    now_s = 1041.0
    clock.speed = 1
    until(lambda: tick_times == [100_000])


def test_a_step_runs_one_event(clock: Clock, until: Until) -> None:
    tick_times: list[float] = []
    clock.process(ticks(clock, 10_000, tick_times))
    with pytest.raises(InputError, match="pause it before you step"):
        clock.step()
    clock.start()
    clock.pause()
    clock.step(lambda: bool(tick_times))
    assert len(tick_times) == 1
    clock.step(lambda: len(tick_times) > 1)
    assert len(tick_times) == 2


def test_twice_the_speed_is_half_the_wait(clock: Clock, until: Until) -> None:
    tick_times: list[float] = []
    clock.process(ticks(clock, 100, tick_times))
    clock.start()
    clock.speed = 1000
    until(lambda: len(tick_times) > 500)  # 50 s at its own speed
    clock.speed = 0.01
    count = len(tick_times)
    time.sleep(0.2)
    assert len(tick_times) <= count + 1


def test_samples_go_on_when_a_fast_clock_becomes_slow(
    redis: redis_py.Redis, key: str, until: Until
) -> None:
    """The next one was due after 100,000 ms of the clock's time: 100 s at its new speed."""
    with Scenario(redis).watch(key) as scenario:
        scenario.speed = 1000
        scenario.start()
        until(lambda: scenario.history.newest)
        for speed in (1, 1000, 0.001):
            scenario.speed = speed
            before = len(scenario.history)
            until(lambda before=before: len(scenario.history) > before + 2)


@pytest.mark.parametrize("factor", [0, -1, 1001, math.nan, "2", None, True])
def test_a_speed_is_a_positive_number(clock: Clock, factor: Any) -> None:
    with pytest.raises(InputError, match="speed="):
        clock.speed = factor
    assert clock.speed == 1.0


def test_stop_is_prompt_and_final_and_can_be_called_twice(clock: Clock) -> None:
    clock.process(ticks(clock, 60_000, []))
    clock.start()
    began = time.monotonic()
    clock.stop()
    clock.stop()
    assert time.monotonic() - began < 10
    assert not clock_threads()
    with pytest.raises(InputError, match="create a new Scenario"):
        clock.start()


def test_a_hanging_process_delays_neither_stop_nor_the_callers(
    clock: Clock, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamviz.simulation.actions.PATIENCE_S", 0.05)
    began, go = threading.Event(), threading.Event()
    done: list[str] = []
    errors: list[BaseException] = []
    clock.on_late_error = errors.append

    def hangs() -> Process:
        yield clock.env.timeout(1)
        began.set()
        assert go.wait(20)

    clock.process(hangs())
    clock.start()
    assert began.wait(20)
    clock.pause()
    clock.speed = 2
    assert (clock.state, clock.speed) == ("paused", 2)
    clock.do(lambda: done.append("first"), "be first")
    clock.do(lambda: [][0], "fail")
    clock.do(lambda: done.append("last"), "be last")
    for ask in (lambda: clock.call(lambda: done.append("never")), clock.step):
        with pytest.raises(
            HandlerError, match=r"a handler, .* has not returned: try again as soon"
        ):
            ask()
    assert clock.waiting.endswith("has not returned; as soon as it does: be first, fail, be last")
    assert not done
    with pytest.warns(RuntimeWarning, match="the clock stops as soon as it does"):
        clock.stop()
    clock.stop()
    assert clock.state == "stopped"
    go.set()
    until(lambda: not clock_threads())
    assert (done, clock.waiting) == (["first", "last"], "")
    assert [type(error) for error in errors] == [IndexError]
    clock.do(lambda: done.append("in this thread"))
    assert done[-1] == "in this thread"


def test_on_change_is_called_at_every_change_of_state(clock: Clock) -> None:
    states: list[str] = []
    clock.on_change.append(lambda: states.append(clock.state))
    clock.start()
    clock.pause()
    clock.pause()
    clock.start()
    clock.stop()
    clock.stop()
    assert states == ["running", "paused", "running", "stopped"]


def test_a_clock_that_ran_one_way_cannot_run_the_other_way(clock: Clock) -> None:
    clock.advance(10)
    with pytest.raises(InputError, match=r"run\(\) was called: call run"):
        clock.start()
    wall = Clock()
    wall.start()
    with pytest.raises(InputError, match=r"start\(\) was called"):
        wall.advance(10)
    wall.stop()


def test_an_exception_in_a_process_is_kept_and_stops_the_clock(clock: Clock, until: Until) -> None:
    def fails() -> Process:
        yield clock.env.timeout(1)
        raise ZeroDivisionError("mine")

    clock.process(fails())
    clock.start()
    until(lambda: clock.error)
    assert isinstance(clock.error, ZeroDivisionError)
    until(lambda: clock.state == "stopped")
    until(lambda: not clock_threads())


def test_an_action_from_another_thread_wakes_a_sleeping_clock(clock: Clock, until: Until) -> None:
    tick_times: list[float] = []
    clock.start()
    time.sleep(0.05)
    clock.process(ticks(clock, 1, tick_times))
    until(lambda: tick_times)
    assert clock.call(threading.current_thread).name == "streamviz"
    with pytest.raises(ZeroDivisionError):
        clock.do(lambda: 1 / 0)
