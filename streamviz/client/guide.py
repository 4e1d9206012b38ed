"""Explain each public call that does not fit, and each attribute that is misspelt.

Jupyter does not suggest the name that a misspelt one may stand for, and Python's TypeError names
our inner classes. So everything in a room's ``__all__`` is wrapped when it is imported. Signatures
stay as they are. Calls inside the package through names that are not public are not wrapped. An
entry ID does not explain a misspelt attribute: a sample compares hundreds of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import is_dataclass
from dis import opname
from functools import wraps
from inspect import Parameter, Signature, signature
from types import FunctionType, ModuleType
from typing import Any

from streamviz.errors import InputError, NoSuchName, NotSettable, meant, shown

_OWN = "streamviz."
_COMPARED = {"EntryId"}  # __getattr__ makes each attribute slow


def guide_calls(package: ModuleType) -> None:
    """Explain each call of a package's functions, classes and methods that does not fit.

    A module's names are wrapped as soon as it is imported, which is when Python sets it as an
    attribute of the package. A named tuple is not wrapped: a reply has thousands of them.
    """

    class Guided(type(package)):  # type: ignore[misc]
        def __setattr__(self, name: str, value: Any) -> None:
            if isinstance(value, ModuleType) and value.__name__.startswith(f"{self.__name__}."):
                public: list[str] = getattr(value, "__all__", package.__all__)
                for one in vars(value).keys() & set(public):
                    member = getattr(value, one)
                    ours = str(getattr(member, "__module__", "")).startswith(_OWN)
                    if ours and isinstance(member, FunctionType):
                        setattr(value, one, _guided(member))
                    elif ours and isinstance(member, type):
                        _guide_class(member)
            super().__setattr__(name, value)

        def __getattr__(self, name: str) -> Any:
            raise no_name(self, name)

    package.__class__ = Guided


def no_name(package: ModuleType, name: str) -> Exception:
    """Return the error for a name that a package does not have; only for its `__getattr__`."""
    step = f"see dir({package.__name__})"
    error = NoSuchName(package.__name__, name, lambda: package.__all__, step)
    caller = sys._getframe(2)
    if opname[caller.f_code.co_code[caller.f_lasti]] == "IMPORT_FROM":
        return ImportError(str(error))  # Python would leave out the text of an AttributeError
    return error


def _guide_class(kind: type) -> None:
    """Wrap the methods of a class, also those that it has from classes that are not public."""
    methods = {
        name: method
        for base in reversed(kind.__mro__)
        if base.__module__.startswith(_OWN)
        for name, method in vars(base).items()
        if name == "__init__" or not name.startswith("_")
    }
    if not any({"__init__", "__new__"} & vars(base).keys() for base in kind.__mro__[:-1]):
        methods["__init__"] = _take_nothing  # or Python itself refuses arguments
    for name, method in methods.items():
        function = getattr(method, "__func__", method)  # of a class method
        if isinstance(function, FunctionType) and not hasattr(function, "_guided"):
            guided = _guided(function, kind, name)
            setattr(kind, name, guided if function is method else type(method)(guided))
    if not hasattr(kind, "__getattr__") and kind.__name__ not in _COMPARED:
        kind.__getattr__ = _no_attribute  # type: ignore[attr-defined]
    if is_dataclass(kind) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        kind.__setattr__ = _set_none  # type: ignore[method-assign]
    elif not any("__setattr__" in vars(one) for one in kind.__mro__[:-1]):
        kind.__setattr__ = _set_known  # type: ignore[method-assign, assignment]


def _no_attribute(self: Any, name: str) -> Any:
    """Say what a misspelt attribute may be; Python asks this only if there is none."""
    kind = type(self)
    if name.startswith("_") or hasattr(kind, name):
        return object.__getattribute__(self, name)  # which says why
    step = f"see dir() of it, or help({kind.__name__})"
    raise NoSuchName(kind.__name__, name, lambda: _public_names(self), step)


def _public_names(one: object) -> list[str]:
    return [name for name in dir(one) if not name.startswith("_")]


def _set_none(self: Any, name: str, value: Any) -> None:
    """Refuse to set an attribute of a frozen dataclass."""
    raise NotSettable(
        f"{type(self).__name__} can't be changed: use dataclasses.replace(), or make another"
    )


def _set_known(self: Any, name: str, value: Any) -> None:
    """Set an attribute; a new public one only from code of the class and of its bases."""
    kind = type(self)
    if not (name.startswith("_") or name in getattr(self, "__dict__", ())):
        member = getattr(kind, name, kind)
        if isinstance(member, property) and member.fset is None:
            raise NotSettable(
                f"{name!r} of {kind.__name__} can't be set: see help({kind.__name__})"
            )
        caller = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0]
        owners = {one.__module__.partition(".")[0] for one in kind.__mro__}
        if member is kind and caller not in owners:
            step = meant(name, _public_names(self), f"see dir() of it, or help({kind.__name__})")
            raise NotSettable(f"{name!r} is not an attribute of {kind.__name__}: {step}")
    object.__setattr__(self, name, value)


def _take_nothing(self: object) -> None:
    """Make an object without arguments."""


def _guided(function: Any, owner: type | None = None, name: str = "") -> Any:
    """Return the function with an InputError for a call that does not fit its signature."""

    @wraps(function)
    def guided(*args: Any, **options: Any) -> Any:
        __tracebackhide__ = True  # Jupyter and pytest leave this frame out
        try:
            return function(*args, **options)
        except (TypeError, AttributeError):
            if slip := _slip(function, args, options, owner, name):
                raise InputError(slip) from None
            raise

    guided._guided = True  # type: ignore[attr-defined]
    return guided


def _slip(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
    owner: type | None,
    name: str,
) -> str:
    """Return what is wrong with a call, or nothing if its arguments fit."""
    called, parameters = function.__name__, [*signature(function).parameters.values()]
    if owner is not None:
        kind = args[0] if args and isinstance(args[0], type) else type(args[0] if args else None)
        if not issubclass(kind, owner):
            return f"{owner.__name__}.{name}() was called on the class: call it on an object of it"
        if getattr(kind, "_is_protocol", False):
            return f"{kind.__name__} only says which methods are needed: write a class with them"
        called = next(one.__name__ for one in kind.__mro__ if one.__module__.startswith(_OWN))
        called += f".{name}" * (name != "__init__")
        parameters, args = parameters[1:], args[1:]
    shape = Signature([one.replace(annotation=Parameter.empty) for one in parameters])
    try:
        values = shape.bind(*args, **options).arguments
    except TypeError:
        return f"{called}() {_misfit(parameters, args, options, f'call it as {called}{shape}')}"
    for one in parameters:
        wanted: Any = {"str": str}.get(one.annotation) or function.__globals__.get(one.annotation)
        if one.name in values and not _fits(values[one.name], wanted):
            return f"{called}(): {one.name}={shown(values[one.name])}: give a {wanted.__name__}"
    return ""


def _fits(value: Any, wanted: Any) -> bool:
    """Return whether a value is what an annotation names; False only for text and our classes."""
    ours = isinstance(wanted, type) and (wanted is str or wanted.__module__.startswith(_OWN))
    return not ours or getattr(wanted, "_is_protocol", False) or isinstance(value, wanted)


def _misfit(
    parameters: list[Parameter], args: tuple[Any, ...], options: dict[str, Any], step: str
) -> str:
    """Return which argument does not fit, and the next step."""
    by_place = [one.name for one in parameters if one.kind is Parameter.POSITIONAL_OR_KEYWORD]
    by_name = [*by_place, *(one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY)]
    places = by_place[: len(args)]
    for name in options:
        if name in places:
            return f"was given {name!r} twice, by its place and by its name: {step}"
        if name not in by_name:
            return f"has no argument {name!r}: {meant(name, by_name, step)}"
    if len(args) > len(by_place):
        number = f"{len(args)} positional argument{'s' * (len(args) > 1)}"
        return f"was given {number}, and takes {len(by_place) or 'none'}: {step}"
    names = {*places, *options}
    missing = [one.name for one in parameters if one.default is one.empty and one.name not in names]
    return f"needs {', '.join(map(repr, missing))}: {step}"
