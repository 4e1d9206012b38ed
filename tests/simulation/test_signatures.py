"""Options are spelled out for help, completion and type checkers, and mean the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter, signature
from typing import Any

import pytest

from streamviz import Scenario
from streamviz.client import ConsumerGroup
from streamviz.patterns import Partitions
from streamviz.simulation import ConsumerBehaviour, SimulatedReader
from streamviz.simulation.behaviour import BehaviourOptions
from streamviz.simulation.readers import BaseReader, PlainReaderOptions, ReaderOptions

BEHAVIOUR = {one.name for one in fields(ConsumerBehaviour)}


def keywords(function: Callable[..., Any]) -> set[str]:
    parameters = signature(function).parameters.values()
    return {one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY}


def test_each_option_is_in_the_signature() -> None:
    assert keywords(Scenario.group) == {"consumers", "service_ms", "start"} | BEHAVIOUR
    assert keywords(Scenario.reader) == keywords(SimulatedReader) | keywords(BaseReader)
    assert keywords(Scenario.subscriber) == keywords(BaseReader)
    for method in (Scenario.group, Scenario.reader, Scenario.subscriber):
        kinds = {one.kind for one in signature(method).parameters.values()}
        assert kinds == {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}


def test_type_checkers_know_the_same_options() -> None:
    assert BehaviourOptions.__annotations__.keys() == BEHAVIOUR
    assert ReaderOptions.__annotations__.keys() == keywords(BaseReader)
    own = keywords(SimulatedReader) | keywords(BaseReader)
    assert PlainReaderOptions.__annotations__.keys() == own


def test_each_option_of_a_group_is_described_where_the_docstring_says() -> None:
    assert "`streamviz.simulation.ConsumerBehaviour`" in (Scenario.group.__doc__ or "")
    described = re.findall(r"^    (\w+) : ", ConsumerBehaviour.__doc__ or "", re.MULTILINE)
    assert {*described} == BEHAVIOUR


@pytest.mark.parametrize(
    "door",
    [Scenario.group, Scenario.reader, ConsumerGroup.create, Partitions.create_group],
    ids=lambda door: door.__qualname__,
)
def test_each_door_starts_at_the_beginning(door: Callable[..., Any]) -> None:
    assert signature(door).parameters["start"].default == "0"
