"""What the buttons and sliders of a board are, and what they do."""

from __future__ import annotations

from typing import Any

from streamviz.errors import InputError
from streamviz.simulation.scenario import Scenario
from streamviz.simulation.steps import Steps


def controls_of(source: Scenario | Steps) -> dict[str, Any]:
    """Return what can be moved, and where it stands: the panel that the browser builds."""
    if isinstance(source, Steps):
        return {"steps": source.sources}
    scenario = source
    return {
        "speed": scenario.speed,
        "producers": [[one.stream, one.rate] for one in scenario.producers],
        "groups": [
            [group.name, group.service_ms if not callable(group.service_ms) else None]
            for group in scenario.groups.values()
        ],
        "live": not scenario.ran,
        "driven": bool(scenario.producers or scenario.groups),
    }


def control(source: Scenario | Steps, wish: dict[str, Any]) -> None:
    """Do what a button or a slider in the browser asks for.

    Raises
    ------
    InputError
        If there is no such control, group or consumer, or the value is none for it.
    HandlerError
        If a step raises.
    """
    do, which, value = wish.get("do"), wish.get("which"), wish.get("value")
    if isinstance(source, Steps):
        if do not in ("step", "run"):
            raise InputError(f"{wish!r} is nothing that steps can do: reload the page")
        getattr(source, do)()
        return
    scenario = source
    groups = {group.name: group for group in scenario.groups.values()}
    if do in ("pause", "resume", "step"):
        getattr(scenario, do)()
    elif do == "speed":
        scenario.speed = value  # type: ignore[assignment]  # the setter checks it
    elif do == "rate":
        producers = dict(enumerate(scenario.producers))
        _named(producers, which, wish).rate = value
    elif do == "service":
        _named(groups, which, wish).service_ms = value
    elif do in ("kill", "revive"):
        getattr(_named(_named(groups, wish.get("group"), wish).consumers, which, wish), do)()
    else:
        raise InputError(f"{wish!r} is no control of this scenario: reload the page")


def _named(things: dict[Any, Any], name: Any, wish: dict[str, Any]) -> Any:
    if type(name) not in (str, int) or name not in things:
        raise InputError(f"{wish!r} names {name!r}, which is not there: reload the page")
    return things[name]
