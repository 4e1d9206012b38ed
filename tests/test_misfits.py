"""A call whose arguments do not fit, of everything public: an InputError that names the slip."""

from __future__ import annotations

import importlib
import pydoc
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from inspect import Parameter, isfunction, ismethod, signature
from types import FunctionType
from typing import Any, NamedTuple

import pytest
import redis as redis_py
from test_rooms import ROOMS

import streamviz
from streamviz import Dashboard, EntryId, History, Scenario, Stream, series
from streamviz.client import Confirmed, ConsumerInfo, PendingEntry, guide
from streamviz.errors import InputError, NoSuchName
from streamviz.observation import Delivery, Lag
from streamviz.plots import Plot

FACES = ("streamviz", *(f"streamviz.{room}" for room in ROOMS))
FACES += ("streamviz.plots.parts", "streamviz.simulation.series")
# A reply has thousands of the tuples. A plot is always of a subclass.
NOT_MADE_BY_USERS = {Confirmed, ConsumerInfo, Delivery, PendingEntry, Plot}


class Call(NamedTuple):
    """Something public, as a user writes it."""

    name: str
    call: Callable[..., Any]
    parameters: list[Parameter]

    def has(self, kind: Any) -> bool:
        return any(one.kind is kind for one in self.parameters)


def public() -> Iterator[Call]:
    seen = set()
    for face in map(importlib.import_module, FACES):
        for name in face.__all__:
            one = getattr(face, name)
            if not isinstance(one, FunctionType | type) or one in seen:
                continue
            seen.add(one)
            if isfunction(one):
                yield Call(name, one, [*signature(one).parameters.values()])
            elif not issubclass(one, Exception):
                yield from of_class(one)


def of_class(kind: Any) -> Iterator[Call]:
    protocol = getattr(kind, "_is_protocol", False)
    if kind not in NOT_MADE_BY_USERS and not protocol:
        yield Call(kind.__name__, kind, [*signature(kind).parameters.values()])
    own = [base for base in kind.__mro__ if base.__module__.startswith("streamviz")]
    for name in sorted({name for base in own for name in vars(base) if name[0] != "_"}):
        method = getattr(kind, name)
        if isfunction(method) and not protocol:
            # the class stands for its object: as nothing fits, nothing runs
            parameters = [*signature(method).parameters.values()][1:]
            yield Call(f"{kind.__name__}.{name}", partial(method, kind), parameters)
        elif ismethod(method) and method.__module__.startswith("streamviz"):
            yield Call(f"{kind.__name__}.{name}", method, [*signature(method).parameters.values()])


CALLS = list(public())


def message(call: Call, /, *args: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        call.call(*args, **options)
    assert type(caught.value) is InputError
    text = str(caught.value)
    assert text.startswith(f"{call.name}() "), text
    assert f"all it as {call.name}(" in text
    return text


def test_all_that_is_public_is_tried() -> None:
    names = {call.name for call in CALLS}
    assert names >= {"record", "Stream.add", "Scenario.stop", "SimulatedGroup.add_consumer"}
    assert names >= {"orders", "EntryId.parse", "Series.of", "Dashboard", "Dashboard.stop", "Flow"}
    assert len(names) > 250


def test_a_misspelt_keyword_is_named_with_what_is_meant() -> None:
    tried = 0
    for call in CALLS:
        names = [one.name for one in call.parameters if one.kind not in (2, 4)]
        for name in names if not call.has(Parameter.VAR_KEYWORD) else ():
            slips = {name[:place] + name[place + 1 :] for place in range(len(name))} - {"", *names}
            for slip in slips:
                text = message(call, **{slip: None})
                assert f" has no argument {slip!r}: did you mean '" in text
                tried += 1
                if len(name) > 3:
                    near = {one for one in names if one[:2] == name[:2] or one[-3:] == name[-3:]}
                    assert any(f"did you mean {one!r}?" in text for one in near), text
    assert tried > 1000


def test_an_unknown_keyword_too_many_and_too_few_arguments_are_named() -> None:
    tried = 0
    for call in CALLS:
        places = [one for one in call.parameters if one.kind is Parameter.POSITIONAL_OR_KEYWORD]
        needed = [one.name for one in call.parameters if one.default is one.empty]
        if not call.has(Parameter.VAR_KEYWORD):
            assert " has no argument 'zzzz': call it as " in message(call, zzzz=1)
        if not call.has(Parameter.VAR_POSITIONAL):
            surplus = [None] * (len(places) + 1)
            assert f" was given {len(surplus)} positional argument" in message(call, *surplus)
            for name in needed if not call.has(Parameter.VAR_KEYWORD) else ():
                rest = {one: None for one in needed if one != name}
                assert f" needs {name!r}: call it as " in message(call, **rest)
        if places:
            given_twice = message(call, None, **{places[0].name: None})
            assert f" was given {places[0].name!r} twice" in given_twice
        tried += 1
    assert tried == len(CALLS)


def test_a_misspelt_attribute_is_named_with_what_is_meant(redis: redis_py.Redis) -> None:
    shop, dashboard = Scenario(redis), Dashboard(History())
    shop.produce("misfits", series.orders(rate_hz=5))
    exact = Lag(1, "exact", "", 0)
    misspelt = [
        (shop, "sumary", "summary"),
        (dashboard, "stpo", "stop"),
        (exact, "behind", "behind_ms"),
    ]
    misspelt += [(shop.producers[0], "rat", "rate"), (Stream(redis, "misfits"), "lenght", "length")]
    misspelt += [(streamviz, "Dashbord", "Dashboard"), (streamviz.patterns, "flow", "follow")]
    for thing, slip, name in misspelt:
        assert not hasattr(thing, slip)
        assert getattr(thing, slip, 5) == 5
        with pytest.raises(NoSuchName) as caught:
            getattr(thing, slip)
        told = "".join(traceback.format_exception(caught.value))
        assert f" has no attribute {slip!r}: did you mean {name!r}? See " in told
        assert told.lower().count("did you mean") == 1, "Python adds nothing"
    for room, slip, name in (("", "Dashbord", "Dashboard"), (".plots", "GroupLg", "GroupLag")):
        with pytest.raises(ImportError, match=f"{slip!r}: did you mean {name!r}"):
            exec(f"from streamviz{room} import {slip}")
    with pytest.raises(AttributeError, match=r"object has no attribute '_sumary'$"):
        _ = shop._sumary

    with pytest.raises(AttributeError, match="'EntryId' object has no attribute 'sq'"):
        _ = EntryId(1).sq  # type: ignore[attr-defined]
    assert not hasattr(EntryId, "__getattr__"), "it makes each attribute slow"

    class Shop(Scenario):
        """A user's own."""

        @property
        def day(self) -> object:
            return self.calender  # type: ignore[attr-defined]

    with pytest.raises(NoSuchName, match="no attribute 'calender'"):
        _ = Shop(redis).day


def test_what_may_be_meant_is_searched_for_only_when_it_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searches: list[object] = []
    search = guide._public_names
    monkeypatch.setattr(guide, "_public_names", lambda one: searches.append(one) or search(one))
    lag = Lag(1, "exact", "", 0)
    assert not hasattr(lag, "id")
    with pytest.raises(NoSuchName) as raised:
        lag.sequence  # type: ignore[attr-defined]  # noqa: B018
    assert not searches
    assert "sequence" in str(raised.value)
    assert searches == [lag]


def test_a_wrapped_call_keeps_its_signature_and_its_help() -> None:
    assert [*signature(Stream.add).parameters][:3] == ["self", "fields", "id"]
    assert (Stream.add.__doc__ or "").startswith("Add one entry")
    assert Stream.add.__qualname__ == "Adding.add"
    shown = pydoc.plain(pydoc.render_doc(Stream.add))
    assert "add(self, fields: 'Fields', id: 'Id' = '*', *, maxlen" in shown
    assert not signature(streamviz.plots.Flow).parameters
