"""Buttons and sliders: each does what it says, and a bad one is a problem and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from widgets.conftest import Listen, Talk

from streamviz import Scenario, group_lag

Until = Callable[..., None]


def steered(scenario: Scenario) -> Any:
    groups = scenario.groups.values()
    return (
        scenario.state,
        scenario.speed,
        [one.rate for one in scenario.producers],
        [one.service_ms for one in groups],
        [consumer.alive for one in groups for consumer in one.consumers.values()],
    )


def test_a_scenarios_dashboard_gets_its_panel_if_it_has_controls(
    shop: Scenario, talk: Talk, listen: Listen, key: str
) -> None:
    (answer,) = talk.say("hello")
    assert answer["panel"] == {
        "speed": 1.0,
        "producers": [[key, 1.0]],
        "groups": [["billing", 20]],
        "live": True,
        "driven": True,
    }
    assert answer["status"]["consumers"] == [
        ["billing", "billing-1", True, 1.0],
        ["billing", "billing-2", True, 1.0],
    ]
    (answer,) = listen(group_lag(shop)).say("hello")
    assert (answer["panel"], answer["status"]["consumers"]) == (None, [])


def test_pause_step_and_resume_do_what_they_say(shop: Scenario, talk: Talk, until: Until) -> None:
    talk.say("hello")
    until(lambda: len(shop.history) > 3)
    told = talk.say("control", do="pause")
    assert shop.state == "paused"
    assert told[-1]["status"]["state"] == "paused"
    held = shop.history.newest
    talk.say("control", do="step")
    assert shop.history.newest is not held
    assert talk.heard[-1]["deltas"]
    talk.say("control", do="resume")
    assert shop.state == "running"
    assert held is not None
    until(lambda: shop.history.since(held.n + 5))


def test_sliders_and_buttons_move_what_they_name(shop: Scenario, talk: Talk) -> None:
    talk.say("hello")
    talk.say("control", do="pause")
    for control in (
        {"do": "speed", "value": 0.5},
        {"do": "rate", "which": 0, "value": 2},
        {"do": "service", "which": "billing", "value": 70},
    ):
        talk.say("control", **control)
    assert steered(shop) == ("paused", 0.5, [2.0], [70], [True, True])
    (told,) = talk.say("control", do="kill", group="billing", which="billing-2")
    assert steered(shop)[-1] == [True, False]
    assert told["status"]["consumers"][1] == ["billing", "billing-2", False, 1.0]
    (told,) = talk.say("control", do="revive", group="billing", which="billing-2")
    assert steered(shop)[-1] == [True, True]
    assert told["status"]["consumers"][1] == ["billing", "billing-2", True, 1.0]
    (told,) = talk.say("control", do="slow", group="billing", which="billing-2", value=4)
    assert told["status"]["consumers"][1] == ["billing", "billing-2", True, 4.0]
    assert "problem" not in talk.kinds()


def test_a_group_gets_one_more_consumer_which_works(
    shop: Scenario, talk: Talk, until: Until
) -> None:
    talk.say("hello")
    (group,) = shop.groups.values()
    (told,) = talk.say("control", do="add", which="billing")[-1:]
    assert told["status"]["consumers"][-1] == ["billing", "billing-3", True, 1.0]
    until(lambda: group.consumers["billing-3"].handled > 0)
    talk.say("control", do="add", which="no such group")
    assert talk.kinds()[-1] == "problem" or "problem" in talk.kinds()
    assert len(group.consumers) == 3
    talk.say("control", do="remove", which="billing")
    until(lambda: group.consumers["billing-3"].removed)
    (told,) = talk.say("control", do="pause")
    assert [name for _, name, _, _ in told["status"]["consumers"]] == ["billing-1", "billing-2"]


BAD = [
    {},
    {"do": None},
    {"do": "stop everything"},
    {"do": "__class__"},
    {"do": ["pause"]},
    {"do": "resume "},
    *({"do": "speed", "value": value} for value in (None, 0, -1, "2", 1e9, True, float("nan"))),
    *({"do": "rate", "which": 0, "value": value} for value in (None, 0, -1, "2", True, [])),
    *({"do": "rate", "which": which, "value": 2} for which in (1, -1, "x", None, [], 0.5)),
    {"do": "rate", "value": 2},
    *({"do": "service", "which": "billing", "value": value} for value in (None, -1, "2", True)),
    *({"do": "service", "which": which, "value": 5} for which in ("nobody", None, [], {})),
    *({"do": "kill", "group": "billing", "which": which} for which in ("nobody", None, [], 1)),
    *(
        {"do": "slow", "group": "billing", "which": "billing-1", "value": value}
        for value in (None, 0, -1, "4", True)
    ),
    {"do": "slow", "group": "billing", "which": "nobody", "value": 4},
    {"do": "remove", "which": "nobody"},
    *({"do": "revive", "group": name, "which": "billing-1"} for name in ("nobody", None, [])),
]


@pytest.mark.parametrize("control", BAD, ids=str)
def test_a_bad_control_is_a_problem_and_changes_nothing(
    shop: Scenario, talk: Talk, control: dict[str, Any]
) -> None:
    talk.say("hello")
    before = steered(shop)
    told = [one for one in talk.say("control", **control) if one["type"] == "problem"]
    assert [bool(one["text"]) for one in told] == [True]
    assert steered(shop) == before


def test_step_while_running_and_resume_when_stopped_are_problems(
    shop: Scenario, talk: Talk
) -> None:
    talk.say("hello")
    assert "problem" in [one["type"] for one in talk.say("control", do="step")]
    shop.stop()
    assert "problem" in [one["type"] for one in talk.say("control", do="resume")]
    assert shop.state == "stopped"
