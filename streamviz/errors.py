"""Define every error that streamviz raises on purpose, in one tree.

::

    StreamVizError
    ├── InputError                an argument is wrong (also a ValueError)
    │   └── NotSettable           an attribute can't be set (also an AttributeError)
    ├── NoSuchName                there is no such attribute (also an AttributeError)
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
            └── IdTooSmall        the ID to add is not larger than the stream's last ID

Every message names the value, what was expected, and the next step. No message contains a
password. A call of anything public with a wrong keyword, or with too many or too few arguments, is
an InputError, too, and a wrong name a NoSuchName; see `streamviz.client.guide`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeGuard
from urllib.parse import unquote


class StreamVizError(Exception):
    """Base of every error that streamviz raises on purpose.

    `unconfirmed` has the rows that an `add_many` read and that are not confirmed: go on with these.
    """

    unconfirmed: Sequence[Any] = ()


class InputError(StreamVizError, ValueError):
    """An argument is wrong; nothing has been written."""


class NotSettable(InputError, AttributeError):
    """There is no such attribute to set, or it can't be changed; nothing has changed."""


class NoSuchName(StreamVizError, AttributeError):
    """An object or a module has no attribute of this name; the message says what may be meant."""

    def __init__(
        self, owner: object, name: str, choices: Callable[[], Iterable[str]], step: str
    ) -> None:
        super().__init__(owner, name)
        self._parts = f"{owner} has no attribute {name!r}", name, choices, step
        self.name = self.obj = None  # or Python would ask a second time what is meant

    def __str__(self) -> str:
        text, name, choices, step = self._parts
        return f"{text}: {meant(name, choices(), step)}"  # only now: most are for hasattr()


class PlotWarning(UserWarning):
    """A plot can't be drawn; a file that was written says so in its place, and has the others."""


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


class IdTooSmall(CommandRefused):
    """The ID to add is not larger than the stream's last ID: perhaps the entry is there already."""


def install_command(extra: str) -> str:
    """Return how to install an extra. The name streamviz on its own is another project's."""
    return f"pip install '.[{extra}]' in a clone, or pip install 'redis-streamviz[{extra}]'"


def is_number(value: object) -> TypeGuard[float]:
    """Return whether an argument is an int or a float; a bool does not count as a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_type(name: str, value: object, kinds: type | tuple[type, ...], advice: str) -> None:
    """Raise an InputError if an argument has none of these types."""
    if not isinstance(value, kinds):
        raise InputError(f"{name}={shown(value)}: give {advice}")


def shown(value: object) -> str:
    """Return a wrong value as an error shows it: not long, and without a URL's password."""
    return shorten(redact_text(repr(value)), 200)


def redact(url: str) -> str:
    """Return a URL without its user name and password, however malformed it is."""
    scheme, authority, tail = split_url(url)
    rest = authority + tail
    options = re.finditer(r"[?&]([^=&]*)=", rest)
    secret = next((one for one in options if "password" in unquote(one[1]).lower()), None)
    at = rest.rfind("@")
    if secret:
        if at > secret.start():  # either side of the @ may be the password
            return f"{scheme}***"
        rest = f"{rest[: secret.end()]}***"
    if at >= 0:
        rest = f"***{rest[at:]}"
    # If the @ was forgotten, the password stands where the port belongs.
    return scheme + re.sub(
        r"\A([^/?#]*:)(?!\d{0,5}(?:[/?#]|\Z)|[^/?#]*\]).*", r"\1***", rest, flags=re.S
    )


def redact_text(text: str) -> str:
    """Return a text with every URL in it redacted."""
    if "//" not in text:
        return text
    # word by word: a pattern with :// in its middle is slow for a long word
    return re.sub(r"\S+", lambda word: _redact_word(word[0]) if "//" in word[0] else word[0], text)


def _redact_word(word: str) -> str:
    """Return a word with its URL redacted, which may be in quotes or in brackets."""
    inner = word.lstrip("'\"([{<")
    opening = word[: len(word) - len(inner)]
    url = inner.rstrip("'\")]}>,.:") if opening else inner
    return f"{opening}{redact(url)}{inner[len(url) :]}"


def split_url(url: str) -> tuple[str, str, str]:
    """Return the scheme, the part before the first / ? or #, and the rest."""
    parts = re.fullmatch(r"((?:rediss?|unix|https?)://)?([^/?#]*)(.*)", url, flags=re.S)
    return (parts[1] or "", parts[2], parts[3]) if parts else ("", "", url)


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


def no_such(kind: str, name: object, names: Iterable[str], none: str = "none") -> InputError:
    """Return the error for a name that nothing of this kind has; `none` says so if nothing is."""
    names = list(names)
    step = f"the {kind}s are {', '.join(map(repr, names)) or none}"
    return InputError(f"there is no {kind} {name!r}: {meant(str(name), names, step)}")


def meant(name: str, choices: Iterable[str], step: str) -> str:
    """Return the next step after a wrong name, and first the choice that is most like it."""
    close = get_close_matches(name, list(choices), 1)
    return f"did you mean {close[0]!r}? {step[0].upper()}{step[1:]}" if close else step
