"""Ctrl-C in a virtual run: what was interrupted goes on, or refuses with the reason."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest
import redis as redis_py
from slow import slow_but

from streamviz import series
from streamviz.client.stream import Stream
from streamviz.errors import HandlerError, InputError
from streamviz.simulation.scenario import Scenario

SECONDS = 20


def shop_of(redis: redis_py.Redis, key: str) -> Scenario:
    shop = Scenario(redis, seed=7)
    shop.produce(key, series.constant(20))
    shop.group(key, "billing", consumers=2, service_ms=60)
    shop.reader(key, "zoe")
    return shop


def outcome(redis: redis_py.Redis, key: str, shop: Scenario) -> tuple[Any, ...]:
    group = Stream(redis, key).group("billing")
    last = shop.history.newest
    assert last is not None
    entries = [str(entry.id) for entry in Stream(redis, key).range()]
    return entries, group.info().pending, str(group.info().last_delivered_id), last.readers


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("sample_number", slow_but(60, of=[1, 7, 60, 150]))
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(
    redis: redis_py.Redis, key: str, sample_number: int
) -> None:
    undisturbed = shop_of(redis, key)
    undisturbed.run(seconds=SECONDS)
    expected = outcome(redis, key, undisturbed)
    shop = shop_of(redis, key)
    taken = []

    def interrupt(sample: object) -> None:
        taken.append(sample)
        if len(taken) == sample_number:
            press_ctrl_c()

    shop.on_sample.append(interrupt)
    with pytest.raises(KeyboardInterrupt):
        shop.run(seconds=SECONDS)
    assert len(taken) == sample_number
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    shop.run(seconds=SECONDS - shop.clock.env.now / 1000)
    assert outcome(redis, key, shop) == expected


def test_a_handler_that_hangs_is_interrupted_by_the_second_ctrl_c_and_the_scenario_says_so(
    redis: redis_py.Redis, key: str
) -> None:
    hangs = threading.Event()

    def handler(entry: object) -> None:
        press_ctrl_c()  # the first one waits for the end of this step
        for _ in range(3):
            hangs.wait(0.01)
        press_ctrl_c()
        raise AssertionError("the second Ctrl-C was not raised")

    shop = Scenario(redis)
    shop.produce(key, series.constant(20))
    shop.group(key, "billing", handler=handler)
    with pytest.raises(KeyboardInterrupt):
        shop.run(seconds=5)
    with pytest.raises(InputError, match="create a new scenario"):
        shop.run(seconds=5)


def test_a_process_that_raised_is_not_left_out_in_silence(redis: redis_py.Redis, key: str) -> None:
    def service_ms(die: object) -> float:
        raise ZeroDivisionError

    shop = Scenario(redis)
    shop.produce(key, series.constant(20))
    shop.group(key, "billing", service_ms=service_ms)
    with pytest.raises(HandlerError, match="service_ms"):
        shop.run(seconds=5)
    with pytest.raises(InputError, match="create a new scenario"):
        shop.run(seconds=5)


def test_a_run_in_another_thread_leaves_the_signal_alone(redis: redis_py.Redis, key: str) -> None:
    shop, handlers = shop_of(redis, key), []
    shop.on_sample.append(lambda _: handlers.append(signal.getsignal(signal.SIGINT)))
    thread = threading.Thread(target=shop.run, args=(1,))
    thread.start()
    thread.join()
    assert set(handlers) == {signal.default_int_handler}
    assert len(shop.history) > 5
