"""Define every error that streamviz raises on purpose, in one tree.

::

    StreamVizError
    ├── InputError                an argument is wrong (also a ValueError)
    ├── HandlerError              a handler or a step raised; the cause is chained
    ├── OffsetError               a reader's position can't be read or saved, or does not fit
    ├── NotebookError             a notebook can't be read, or one of its cells fails
    ├── RecordingError            a recording can't be read or written (also a ValueError)
    ├── ServerError
    │   ├── ServerUnreachable     there is no answer, or the connection broke
    │   ├── ServerAuthError       a password or a user name is missing or wrong
    │   ├── ServerTooOld          older than the oldest supported version
    │   └── UnsupportedCommand    this command or option needs a newer server
    └── StreamError
        ├── NoSuchStream          the key does not exist
        ├── NoSuchGroup           the consumer group does not exist
        ├── WrongType             the key holds something that is not a stream
        └── CommandRefused        the server refused the command

Every message names the value, what was expected, and the next step. No message contains a
password. A call of anything public with a wrong keyword, or with too many or too few arguments, is
an InputError, too; see `guide_calls`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from inspect import Parameter, Signature, signature
from os import PathLike
from pathlib import Path
from textwrap import shorten
from types import FunctionType, ModuleType
from typing import Any, TypeGuard


class StreamVizError(Exception):
    """Base of every error that streamviz raises on purpose."""


class InputError(StreamVizError, ValueError):
    """An argument is wrong; nothing has been written."""


class HandlerError(StreamVizError):
    """A consumer's handler or a step raised; the original exception is the ``__cause__``."""


class OffsetError(StreamVizError):
    """A reader's position can't be read or saved, or no longer fits the stream."""


class NotebookError(StreamVizError):
    """A notebook can't be read, or one of its cells fails; nothing has been written."""


class RecordingError(StreamVizError, ValueError):
    """A recording can't be read or written; the message names the line."""


class ServerError(StreamVizError):
    """The server or the connection to it failed."""


class ServerUnreachable(ServerError, ConnectionError):
    """There is no answer from the server, or the connection broke."""


class ServerAuthError(ServerError):
    """The server did not accept the user name or the password, or forbids a command."""


class ServerTooOld(ServerError):
    """The server is older than the oldest version that streamviz supports (7.0)."""


class UnsupportedCommand(ServerError):
    """The server lacks this command or option; the message names the version that has it."""


class StreamError(StreamVizError):
    """A stream or its group is missing or unsuitable, or the server refused a command on it."""


class NoSuchStream(StreamError):
    """The stream's key does not exist, or was deleted."""


class NoSuchGroup(StreamError):
    """The consumer group does not exist, or was deleted with its stream."""


class WrongType(StreamError):
    """The key holds a value that is not a stream."""


class CommandRefused(StreamError):
    """The server refused the command; the message repeats its reason."""


def install_command(extra: str) -> str:
    """Return how to install an extra. The name streamviz on its own is another project's."""
    return f"pip install '.[{extra}]' in a clone, or pip install 'redis-streamviz[{extra}]'"


def is_number(value: object) -> TypeGuard[float]:
    """Return whether an argument is an int or a float; a bool does not count as a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_type(name: str, value: object, kinds: type | tuple[type, ...], advice: str) -> None:
    """Raise an InputError if an argument has none of these types."""
    if not isinstance(value, kinds):
        shown = re.sub("//[^ ]*@", "//***@", shorten(repr(value), 200))  # no password of a URL
        raise InputError(f"{name}={shown}: give {advice}")


def path_of(name: str, value: str | PathLike[str], advice: str = "a file's name") -> Path:
    """Return an argument as a path."""
    check_type(name, value, (str, PathLike), advice)
    path = Path(value)
    if "\0" in str(value):
        raise InputError(f"{name}={value!r}: a file's name has no NUL character: give {advice}")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise InputError(f"{name}={value!r}: it has half a character: give {advice}") from None
    if not path.name:
        raise InputError(f"{name}={str(value)!r}: give {advice}")
    return path


def meant(name: str, choices: Iterable[str], step: str) -> str:
    """Return the next step after a wrong name, and first the choice that is most like it."""
    close = get_close_matches(name, list(choices), 1)
    return f"did you mean {close[0]!r}? {step[0].upper()}{step[1:]}" if close else step


def guide_calls(package: ModuleType) -> None:
    """Explain each call of a package's functions, classes and methods that does not fit.

    Such a call is an InputError, and no TypeError. It says what was called, which argument is
    wrong, and what may be meant. All that the package names in ``__all__`` is wrapped as soon as
    its module is imported, which is when Python sets the module as an attribute of the package.
    Signatures stay as they are. A named tuple is not wrapped: a reply has thousands of them.
    """

    class Guided(type(package)):  # type: ignore[misc]
        def __setattr__(self, name: str, value: Any) -> None:
            if isinstance(value, ModuleType) and value.__name__.startswith(f"{self.__name__}."):
                public: list[str] = getattr(value, "__all__", package.__all__)
                for one in vars(value).keys() & set(public):
                    setattr(value, one, _guided_public(getattr(value, one)))
            super().__setattr__(name, value)

    package.__class__ = Guided


def _guided_public(value: Any) -> Any:
    if isinstance(value, FunctionType) and value.__module__.startswith(_OWN):
        return _guided(value)
    if isinstance(value, type) and value.__module__.startswith(_OWN):
        _guide_class(value)
    return value


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
        shape.bind(*args, **options)
    except TypeError:
        return f"{called}() {_misfit(parameters, args, options, f'call it as {called}{shape}')}"
    return ""


def _misfit(
    parameters: list[Parameter], args: tuple[Any, ...], options: dict[str, Any], step: str
) -> str:
    """Return which argument does not fit, and the next step."""
    by_place = [one.name for one in parameters if one.kind is Parameter.POSITIONAL_OR_KEYWORD]
    by_name = [*by_place, *(one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY)]
    taken = by_place[: len(args)]
    for name in options:
        if name in taken:
            return f"was given {name!r} twice, by its place and by its name: {step}"
        if name not in by_name:
            return f"has no argument {name!r}: {meant(name, by_name, step)}"
    if len(args) > len(by_place):
        number = f"{len(args)} positional argument{'s' * (len(args) > 1)}"
        return f"was given {number}, and takes {len(by_place) or 'none'}: {step}"
    given = {*taken, *options}
    missing = [one.name for one in parameters if one.default is one.empty and one.name not in given]
    return f"needs {', '.join(map(repr, missing))}: {step}"


_OWN = "streamviz."
