"""A failing handler, an event of one's own, and a scenario as a context manager."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal

import pytest
import redis as redis_py

from streamviz import Scenario, Stream, series
from streamviz.client.models import Entry
from streamviz.errors import HandlerError, InputError
from streamviz.plots import Flow, GroupLag

Until = Callable[..., None]


@pytest.fixture
def shop(redis: redis_py.Redis, key: str) -> Iterator[Scenario]:
    with Scenario(redis, seed=7) as scenario:
        scenario.produce(key, series.constant(rate_hz=10).limit(10))
        yield scenario


def third(entry: Entry) -> None:
    if int(entry.fields["n"]) % 3 == 0:
        raise KeyError(entry.fields["n"])


def test_by_default_a_run_ends_and_then_raises(shop: Scenario, key: str) -> None:
    group = shop.group(key, "billing", service_ms=10, handler=third)
    with pytest.raises(HandlerError, match="KeyError: '0'"):
        shop.run(2)
    assert shop.history.newest is not None
    assert shop.history.newest.entries_added == 10
    assert len(group.errors) == 4


def test_kept_errors_do_not_cost_the_history(shop: Scenario, key: str) -> None:
    group = shop.group(key, "billing", service_ms=10, handler=third, on_error="keep")
    history = shop.run(2)
    assert shop.error is None
    assert [str(error.__cause__) for error in group.errors] == ["'0'", "'3'", "'6'", "'9'"]
    assert all(isinstance(error, HandlerError) for error in group.errors)
    assert Stream(shop.client, key).group("billing").pending().count == 4
    told = [event for sample in history.samples for event in sample.events]
    assert [str(event) for event in told] == ["the handler of billing-1 raised KeyError"] * 4
    assert shop.run(1) is history, "and the run goes on"


def test_a_fail_that_raises_is_kept_too(shop: Scenario, key: str) -> None:
    def fail(entry: Entry) -> bool:
        third(entry)
        return False

    group = shop.group(key, "billing", service_ms=10, fail=fail, on_error="keep")
    shop.run(2)
    assert len(group.errors) == 4
    assert "the fail of billing-1 raised KeyError" in str(group.errors[0])


@pytest.mark.parametrize(("fail_when", "calls"), [("before", 1), ("after", 2)])
def test_an_entry_may_fail_before_it_is_handled_or_after_it(
    shop: Scenario, key: str, fail_when: Literal["before", "after"], calls: int
) -> None:
    handled: list[str] = []
    refused: set[str] = set()

    def fail(entry: Entry) -> str:
        if entry.fields["n"] != "4" or refused:
            return ""
        refused.add("4")
        return "no price"

    shop.group(
        key,
        "billing",
        consumers=2,
        service_ms=10,
        handler=lambda entry: handled.append(entry.fields["n"]),
        fail=fail,
        fail_when=fail_when,
        claim_idle_ms=500,
    )
    shop.run(4)
    assert handled.count("4") == calls, "the work is done twice only if it fails after it"
    assert len(set(handled)) == len(handled) - calls + 1 == 10
    assert Stream(shop.client, key).group("billing").pending().count == 0
    assert [group.failed for group in shop.summary().groups] == [1]


def test_one_group_keeps_and_the_other_raises(shop: Scenario, key: str) -> None:
    shop.group(key, "billing", service_ms=10, handler=third, on_error="keep")
    shop.group(key, "email", service_ms=20, handler=third)
    with pytest.raises(HandlerError, match="handler of email-1"):
        shop.run(2)


@pytest.mark.parametrize("wrong", ["ignore", None, [], True])
def test_there_is_no_other_way(shop: Scenario, key: str, wrong: object) -> None:
    with pytest.raises(InputError, match="on_error="):
        shop.group(key, "billing", on_error=wrong)


def test_a_note_is_an_event_in_the_pictures(shop: Scenario, key: str) -> None:
    shop.group(key, "billing", service_ms=10, handler=lambda entry: shop.note("a <b>sale</b>"))
    shop.note("opening")
    history = shop.run(0.25)
    notes = [str(event) for sample in history.samples for event in sample.events]
    assert notes == ["opening", *["a <b>sale</b>"] * 3]
    marks = next(t for t in GroupLag().figure(history)["data"] if t["name"] == "events")
    told = "<br>".join(filter(None, marks["hovertext"][::3])).split("<br>")  # once a line
    assert sorted(told) == [*["a &lt;b&gt;sale&lt;/b&gt;"] * 3, "opening"]
    assert Flow().scene(history)["event"].startswith("a <b>sale</b>")


@pytest.mark.parametrize("wrong", ["", 5, None])
def test_a_note_is_a_text(shop: Scenario, wrong: object) -> None:
    with pytest.raises(InputError, match="text="):
        shop.note(wrong)  # type: ignore[arg-type]


def test_a_scenario_stops_at_the_end_of_its_block(
    redis: redis_py.Redis, key: str, until: Until
) -> None:
    with suppress(ZeroDivisionError), Scenario(redis, sample_every_ms=20) as live:
        live.watch(key).start()
        until(lambda: live.history.newest)
        assert live.state == "running"
        raise ZeroDivisionError
    assert live.state == "stopped"
    with pytest.raises(InputError, match="'too late' before you stop it"):
        live.note("too late")
