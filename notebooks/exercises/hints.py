"""Turn the errors of a check into hints, so that a check never raises."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import redis

from exercises.verdict import Verdict
from streamviz.errors import ServerError, StreamError

Args = ParamSpec("Args")


def hinted(hint: str) -> Callable[[Callable[Args, Verdict]], Callable[Args, Verdict]]:
    """Make a check return `hint` if a stream or group is missing, or a key has another type.

    If the server does not answer, the verdict is the error message: a hint about keys would not
    help.
    """

    def decorate(check: Callable[Args, Verdict]) -> Callable[Args, Verdict]:
        @wraps(check)
        def graded(*args: Args.args, **kwargs: Args.kwargs) -> Verdict:
            try:
                return check(*args, **kwargs)
            except (StreamError, redis.ResponseError, ValueError, LookupError, TypeError):
                return Verdict(False, hint)
            except (ServerError, redis.RedisError) as error:
                return Verdict(False, str(error))

        return graded

    return decorate
