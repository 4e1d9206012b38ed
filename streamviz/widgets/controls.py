"""The buttons and sliders of a widget, and what they do."""

from __future__ import annotations

from typing import Any

from streamviz.errors import InputError
from streamviz.simulation.scenario import Scenario
from streamviz.simulation.steps import Steps


def controls_of(source: Scenario | Steps) -> dict[str, Any]:
    """Return the controls of a source and their values, for the browser to build."""
    if isinstance(source, Steps):
        return {"steps": source.sources}
    several = len(source.producers) > 1
    return {
        "speed": source.speed,
        "producers": [[one.name if several else one.stream, one.rate] for one in source.producers],
        "groups": [
            [group.name, group.service_ms if not callable(group.service_ms) else None]
            for group in source.groups.values()
        ],
        "live": not source.ran,
        "driven": bool(source.producers or source.groups),
    }


def control(source: Scenario | Steps, request: dict[str, Any]) -> None:
    """Do what a button or a slider in the browser asks for.

    InputError if there is no such control, group or consumer, or the control can't have this value;
    HandlerError if a step raises.
    """
    do, which, value = request.get("do"), request.get("which"), request.get("value")
    if isinstance(source, Steps):
        if do not in ("step", "run"):
            raise InputError(f"{request!r} is not something that steps can do: reload the page")
        getattr(source, do)()
        return
    groups = {group.name: group for group in source.groups.values()}
    if do in ("pause", "resume", "step"):
        getattr(source, do)()
    elif do == "speed":
        source.speed = value  # type: ignore[assignment]  # the setter checks it
    elif do == "rate":
        producers = dict(enumerate(source.producers))
        _lookup(producers, which, request).rate = value
    elif do == "service":
        _lookup(groups, which, request).service_ms = value
    elif do in ("add", "remove"):
        group = _lookup(groups, which, request)
        getattr(group, f"{do}_consumer")()
    elif do in ("kill", "revive", "slow"):
        consumer = _lookup(_lookup(groups, request.get("group"), request).consumers, which, request)
        if do == "slow":
            consumer.slowdown = value
        else:
            getattr(consumer, do)()
    else:
        raise InputError(f"{request!r} is not a control of this scenario: reload the page")


def _lookup(items: dict[Any, Any], key: Any, request: dict[str, Any]) -> Any:
    if type(key) not in (str, int) or key not in items:
        raise InputError(f"{request!r} names {key!r}, which does not exist: reload the page")
    return items[key]
