"""Check a caller's numbers and texts. NumPy's numbers count as numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from inspect import Parameter, iscoroutinefunction, isgeneratorfunction, signature
from numbers import Integral, Real
from typing import Any, NoReturn, TypeVar

from streamviz.client.resp import to_bytes
from streamviz.errors import InputError, meant, no_such

F = TypeVar("F", bound=Callable[..., Any])
V = TypeVar("V")

MAX_SPAN_S = 100 * 365 * 86_400


def plain(value: Any) -> str | bytes | int | float | None:
    """Return a value as a plain str, bytes, int or float, or None if Redis cannot store it.

    A NumPy scalar becomes the number it holds, a Decimal the text of its digits. `to_bytes` decides
    what Redis can store.
    """
    if type(value) in (str, bytes, int, float):
        return value  # type: ignore[no-any-return]
    if isinstance(value, bytes):
        return bytes(value)
    try:
        text = to_bytes(value).decode("utf-8", "surrogateescape")
    except InputError:
        return None
    if isinstance(value, Integral):
        return int(text)
    return float(text) if isinstance(value, Real) else text


def is_ours(function: object) -> bool:
    """Tell whether a function is this package's own; any other may use the streams."""
    return str(getattr(function, "__module__", "")).startswith("streamviz.")


def number(name: str, value: float, least: float = -math.inf) -> float:
    """Return `value` if it is a finite number of at least `least`."""
    checked = plain(value)
    if not isinstance(checked, int | float) or not least <= checked < math.inf:
        limit = f", {least:g} or more" if least > -math.inf else ""
        raise InputError(f"{name}={value!r}: give a number{limit}")
    return checked


def positive(name: str, value: float, most: float = sys.float_info.max) -> float:
    """Return `value` if it is a number above 0 and at most `most`."""
    checked = plain(value)
    if not isinstance(checked, int | float) or not 0 < checked <= most:
        limit = f", at most {most:.0f}" if most < sys.float_info.max else ""
        raise InputError(f"{name}={value!r}: give a number above 0{limit}")
    return checked


def span(name: str, value: float) -> float:
    """Return `value` if it is a number of seconds that a run can take."""
    if (checked := positive(name, value)) > MAX_SPAN_S:
        raise InputError(
            f"{name}={value!r}: give at most {MAX_SPAN_S:,}, a hundred years; run() without "
            "seconds goes to the end of the series"
        )
    return checked


def probability(name: str, value: float) -> float:
    """Return `value` if it is a number from 0 to 1."""
    checked = plain(value)
    if not isinstance(checked, int | float) or not 0 <= checked <= 1:
        raise InputError(f"{name}={value!r}: give a probability, 0 to 1")
    return checked


def text(name: str, value: str) -> str:
    """Return `value` if it is a text of at least one character."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name}={value!r}: give a text of at least one character")
    to_bytes(value)  # or it says what can't be sent
    return value


def function(name: str, value: F, argument: str) -> F:
    """Return `value` if it is a function that can be called with one argument."""
    if not callable(value):
        raise InputError(f"{name}={value!r}: give a function of {argument}")
    if iscoroutinefunction(value) or isgeneratorfunction(value):
        raise InputError(
            f"{name}={value!r} would not run: give a plain function, without async and yield"
        )
    try:
        parameters = signature(value)
    except (TypeError, ValueError):
        return value  # written in C, and has no signature
    try:
        parameters.bind(None)
    except TypeError as error:
        raise InputError(
            f"{name}={value!r} can't be called with {argument}: {error}; give a function of one "
            "argument"
        ) from error
    return value


def known(kind: str, names: Iterable[str], choices: Iterable[str]) -> None:
    """Raise an InputError if a name is none of the choices; say which one may be meant."""
    options = list(choices)
    for name in names:
        if name not in options:
            step = meant(name, options, f"choose from {', '.join(options)}")
            raise InputError(f"{name!r} is not {kind}: {step}")


class ByName(dict[str, V]):
    """A dict by name, in which another name is an InputError that lists the names."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def __missing__(self, name: object) -> NoReturn:
        raise no_such(self._kind, name, self)


def spelled_out(*kinds: Callable[..., Any]) -> Callable[[F], F]:
    """Write the options that ``**options`` stands for into a signature, for help and completion.

    Those are the keyword-only parameters of `kinds`, or all parameters of a dataclass.
    """
    options = {
        one.name: one.replace(kind=Parameter.KEYWORD_ONLY)
        for kind in kinds
        for one in signature(kind).parameters.values()
        if is_dataclass(kind) or one.kind is Parameter.KEYWORD_ONLY
    }

    def spell(function: F) -> F:
        own = signature(function)
        named = [one for one in own.parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
        parameters = [*named, *options.values()]
        function.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return function

    return spell
