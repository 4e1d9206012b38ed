"""The dashboard of steps, and a scenario's with its commands: what the browser is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis as redis_py
from widgets.conftest import Listen, Talk

from streamviz import Dashboard, Scenario, Steps, Stream

Until = Callable[..., None]


@pytest.fixture
def talk(redis: redis_py.Redis, key: str, listen: Listen) -> Talk:
    source = "orders.add({'n': 1}, id='1-0')\n1 / 0\norders.length()"
    return listen(Dashboard(Steps(redis, key, source, names={"orders": Stream(redis, key)})))


def test_the_panel_lists_the_steps(talk: Talk) -> None:
    (whole,) = talk.say("hello")
    assert whole["panel"]["steps"] == ["orders.add({'n': 1}, id='1-0')", "1 / 0", "orders.length()"]
    assert whole["status"]["step"] == 0
    assert whole["rows"] == []


def test_a_click_is_a_step_and_tells_what_it_sent(talk: Talk) -> None:
    talk.say("hello")
    (frame,) = talk.say("control", do="step")
    ((call, command, reply, changes),) = frame["rows"]
    assert call == "orders.add({'n': 1}, id='1-0')"
    assert command.startswith("XADD")
    assert (reply, changes[0]) == ("1-0", "length: 0 → 1")
    assert frame["status"]["step"] == 1
    assert frame["deltas"]
    assert len(talk.say("hello")[0]["rows"]) == 1, "a reloaded page gets them again"


def test_a_step_that_raises_is_a_problem_and_the_rest_can_run(talk: Talk) -> None:
    talk.say("hello")
    talk.say("control", do="step")
    problem = talk.say("control", do="step")[0]
    assert problem["type"] == "problem"
    assert "ZeroDivisionError" in problem["text"]
    talk.say("control", do="run")
    assert talk.heard[-1]["status"]["state"] == "done"
    assert next(one["type"] for one in talk.say("control", do="step")) == "problem"


@pytest.mark.parametrize("control", [{"do": "kill"}, {"do": "__init__"}, {}, {"do": None}])
def test_what_steps_cannot_do_is_a_problem(talk: Talk, control: dict[str, object]) -> None:
    talk.say("hello")
    assert "problem" in [one["type"] for one in talk.say("control", **control)]


def test_a_scenario_shows_its_commands_while_it_runs(
    shop: Scenario, listen: Listen, until: Until
) -> None:
    dashboard = Dashboard(shop, commands=True)
    heard = listen(dashboard)
    assert dashboard.commands is not None
    dashboard.commands.start()
    shop.start()
    until(lambda: dashboard.commands is not None and dashboard.commands.count > 20)
    shop.pause()
    told = dashboard.commands.count
    (whole,) = heard.say("hello")
    assert len(whole["rows"]) == 20
    for _ in range(10):  # a step may be a sample, or an end of work, that sends nothing
        heard.say("control", do="step")
    rows = [row for one in heard.heard[1:] for row in one.get("rows", ())]
    assert len(rows) == dashboard.commands.count - told
    assert {command.split()[0] for _, command, _, _ in rows} >= {"XADD", "XREADGROUP"}
    dashboard.stop()
    before = dashboard.commands.count
    Stream(shop.client, shop.producers[0].stream).length()
    assert dashboard.commands.count == before


def test_without_being_asked_a_scenario_shows_none(talk: Talk, shop: Scenario) -> None:
    assert Dashboard(shop).commands is None
