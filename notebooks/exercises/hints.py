"""Turn the errors of a check, and a function that can't be called, into hints."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec

import redis

from exercises.picture import Picture, picture_if_possible
from exercises.verdict import Verdict
from streamviz.client import ConsumerGroup, Stream
from streamviz.errors import ServerError, StreamError

Args = ParamSpec("Args")
_LEARNERS = (
    StreamError,
    redis.ResponseError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)


def hinted(
    hint: str, shows: str | Callable[..., Picture | None] = ""
) -> Callable[[Callable[Args, Verdict]], Callable[Args, Verdict]]:
    """Make a check return `hint` if a stream or group is missing, or something has another type.

    With `shows`, the key of a stream, the verdict has a picture of that stream; or else `shows`
    draws it, and takes what the check takes.

    If the server does not answer, the verdict is the error message: a hint about keys would not
    help.
    """

    def decorate(check: Callable[Args, Verdict]) -> Callable[Args, Verdict]:
        @wraps(check)
        def graded(*args: Args.args, **kwargs: Args.kwargs) -> Verdict:
            verdict = tried(*args, **kwargs)
            if not shows or verdict.picture is not None:
                return verdict
            with suppress(ServerError, redis.RedisError, *_LEARNERS):
                if isinstance(shows, str):
                    return replace(verdict, picture=picture_if_possible(_client_of(args[0]), shows))
                return replace(verdict, picture=shows(*args, **kwargs))
            return verdict

        def tried(*args: Args.args, **kwargs: Args.kwargs) -> Verdict:
            try:
                return check(*args, **kwargs)
            except _LEARNERS:
                return Verdict(False, hint)
            except (ServerError, redis.RedisError) as error:
                return Verdict(False, str(error))

        return graded

    return decorate


def misfit(function: Any, *names: str) -> str:
    """Return a hint if a learner's function does not take these arguments, or else an empty text.

    Call the function itself outside of `hinted`: its own errors are the learner's to see.
    """
    calls = f"the check calls your function with {' and '.join(f'`{name}`' for name in names)}: "
    if not callable(function):
        return f"{calls}give it the function itself, not its result."
    try:
        signature(function).bind(*names)
    except TypeError:
        return f"{calls}let it take {len(names)} argument{'s' * (len(names) > 1)}."
    return ""


def _client_of(subject: Any) -> Any:
    """Return the client of a stream, a group or a lobby's clients."""
    if isinstance(subject, Stream | ConsumerGroup):
        return subject.connection.client
    return subject if isinstance(subject, redis.Redis) else subject.client
