"""Every error that streamviz raises on purpose, in one tree.

::

    StreamVizError
    ├── InputError                an argument is wrong (also a ValueError)
    ├── HandlerError              a handler, or a step, raised; the cause is chained
    ├── PositionError             where a reader got to can't be read, or isn't its own any more
    ├── NotebookError             a notebook can't be read, or one of its cells fails
    ├── RecordingError            a recording can't be read or written (also a ValueError)
    ├── ServerError
    │   ├── ServerUnreachable     nobody answers, or the connection broke
    │   ├── ServerAuthError       a password or a user name is missing or wrong
    │   ├── ServerTooOld          older than the oldest supported version
    │   └── UnsupportedCommand    this command or option needs a newer server
    └── StreamError
        ├── NoSuchStream          the key is gone
        ├── NoSuchGroup           the consumer group is gone
        ├── WrongType             the key holds something that is not a stream
        └── CommandRefused        the server said no, in its own words

Every message names the value, what was expected, and the next step. No message ever holds a
password.
"""

from __future__ import annotations

from typing import TypeGuard


class StreamVizError(Exception):
    """Base of every error that streamviz raises on purpose."""


class InputError(StreamVizError, ValueError):
    """An argument is wrong; nothing has been written."""


class HandlerError(StreamVizError):
    """A consumer's handler, or a step, raised; the original exception is the ``__cause__``."""


class OffsetError(StreamVizError):
    """Where a reader got to can't be read or written, or does not fit the stream any more."""


class NotebookError(StreamVizError):
    """A notebook can't be read, or one of its cells fails; nothing has been written."""


class RecordingError(StreamVizError, ValueError):
    """A recording can't be read or written; the message says at which line."""


class ServerError(StreamVizError):
    """The server, or the way to it, is at fault."""


class ServerUnreachable(ServerError, ConnectionError):
    """Nobody answers at this address, or the connection broke on the way."""


class ServerAuthError(ServerError):
    """The server wants a user name or a password other than the one it got."""


class ServerTooOld(ServerError):
    """The server is older than the oldest version that streamviz supports (7.0)."""


class UnsupportedCommand(ServerError):
    """The connected server lacks this command or option; the message says which version has it."""


class StreamError(StreamVizError):
    """The stream, its group, or the server's answer about them, is at fault."""


class NoSuchStream(StreamError):
    """The stream's key does not exist, or vanished."""


class NoSuchGroup(StreamError):
    """The consumer group does not exist, or vanished with its stream."""


class WrongType(StreamError):
    """The key holds a value of another type than stream."""


class CommandRefused(StreamError):
    """The server refused the command for a reason of its own, which the message repeats."""


def is_number(value: object) -> TypeGuard[float]:
    """Return whether an argument is an int or a float; a bool does not count as a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
