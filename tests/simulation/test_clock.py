"""One clock, two ways to advance it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from streamviz.errors import HandlerError, InputError
from streamviz.simulation.clock import EPOCH_MS, Clock

Until = Callable[..., None]
Process = Generator[Any, Any, None]


@pytest.fixture
def clock() -> Iterator[Clock]:
    made = Clock()
    yield made
    made.stop()


def ticks(clock: Clock, every_ms: float, into: list[float]) -> Process:
    while True:
        yield clock.env.timeout(every_ms)
        into.append(clock.env.now)


def ours() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "streamviz" and one.is_alive()]


def test_a_virtual_hour_passes_at_once_and_in_this_thread(clock: Clock) -> None:
    seen: list[float] = []
    clock.process(ticks(clock, 1000, seen))
    clock.advance(3_600_500)
    assert seen == [1000.0 * n for n in range(1, 3601)]
    assert clock.time_ms == EPOCH_MS + 3_600_500
    assert not ours()
    clock.advance(500)
    assert seen[-1] == 3_600_000 or seen[-1] == 3_601_000


@pytest.mark.parametrize("ms", [0, -1, math.inf, math.nan, "5", None])
def test_a_span_is_a_positive_number(clock: Clock, ms: Any) -> None:
    with pytest.raises(InputError, match="ms="):
        clock.advance(ms)


def test_the_wall_paces_the_same_process(clock: Clock, until: Until) -> None:
    seen: list[float] = []
    clock.process(ticks(clock, 20, seen))
    began = time.monotonic()
    clock.start()
    until(lambda: len(seen) >= 10)
    assert time.monotonic() - began >= 0.19, "not before its time"
    assert abs(clock.time_ms - time.time() * 1000) < 1000
    assert len(ours()) == 1


def test_paused_nothing_happens_and_resumed_it_goes_on_where_it_was(
    clock: Clock, until: Until
) -> None:
    seen: list[float] = []
    clock.process(ticks(clock, 10, seen))
    clock.start()
    until(lambda: len(seen) > 3)
    clock.pause()
    held = len(seen)
    time.sleep(0.1)
    assert len(seen) == held
    assert clock.state == "paused"
    clock.start()
    until(lambda: len(seen) > held)
    assert len(seen) < held + 9, "the pause is not made up for"


def test_a_step_lets_one_thing_happen(clock: Clock, until: Until) -> None:
    seen: list[float] = []
    clock.process(ticks(clock, 10_000, seen))
    with pytest.raises(InputError, match="pause it before you step"):
        clock.step()
    clock.start()
    clock.pause()
    clock.step(lambda: bool(seen))
    assert len(seen) == 1
    clock.step(lambda: len(seen) > 1)
    assert len(seen) == 2


def test_twice_the_speed_is_half_the_wait(clock: Clock, until: Until) -> None:
    seen: list[float] = []
    clock.process(ticks(clock, 100, seen))
    clock.start()
    clock.speed = 1000
    until(lambda: len(seen) > 500, seconds=3)
    clock.speed = 0.01
    held = len(seen)
    time.sleep(0.2)
    assert len(seen) <= held + 1


@pytest.mark.parametrize("factor", [0, -1, 1001, math.nan, "2", None, True])
def test_a_speed_is_a_positive_number(clock: Clock, factor: Any) -> None:
    with pytest.raises(InputError, match="speed="):
        clock.speed = factor
    assert clock.speed == 1.0


def test_stopping_is_prompt_final_and_may_be_done_twice(clock: Clock) -> None:
    clock.process(ticks(clock, 60_000, []))
    clock.start()
    began = time.monotonic()
    clock.stop()
    clock.stop()
    assert time.monotonic() - began < 1
    assert not ours()
    with pytest.raises(InputError, match="create a new one"):
        clock.start()


def test_a_process_that_hangs_holds_up_neither_the_end_nor_those_who_ask(
    clock: Clock, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamviz.simulation.clock._LOCK_TIMEOUT_S", 0.05)
    monkeypatch.setattr("streamviz.simulation.clock._JOIN_TIMEOUT_S", 0.05)
    began, go = threading.Event(), threading.Event()

    def hangs() -> Process:
        yield clock.env.timeout(1)
        began.set()
        assert go.wait(20)

    clock.process(hangs())
    clock.start()
    assert began.wait(5)
    for ask in (clock.pause, lambda: clock.do(lambda: None), clock.step):
        with pytest.raises(HandlerError, match=r"has not returned for 0\.05 s"):
            ask()
    with pytest.warns(RuntimeWarning, match="the clock stops when it does"):
        clock.stop()
    clock.stop()
    assert clock.state == "stopped"
    go.set()
    until(lambda: not ours())


def test_who_wants_to_know_is_told_of_every_change_of_state(clock: Clock) -> None:
    told: list[str] = []
    clock.on_change.append(lambda: told.append(clock.state))
    clock.start()
    clock.pause()
    clock.pause()
    clock.start()
    clock.stop()
    clock.stop()
    assert told == ["running", "paused", "running", "stopped"]


def test_one_that_ran_virtually_is_not_for_the_wall_nor_the_other_way(clock: Clock) -> None:
    clock.advance(10)
    with pytest.raises(InputError, match="has run virtually"):
        clock.start()
    wall = Clock()
    wall.start()
    with pytest.raises(InputError, match="is a wall clock"):
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
    until(lambda: not ours())


def test_something_done_from_another_thread_wakes_a_sleeping_clock(
    clock: Clock, until: Until
) -> None:
    seen: list[float] = []
    clock.start()
    time.sleep(0.05)
    clock.process(ticks(clock, 1, seen))
    until(lambda: seen)
    assert clock.do(lambda: 5) == 5
