"""A check never raises: where what it grades is gone, or is something else, it hints."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import redis

from exercises.verdict import Verdict
from streamviz.errors import ServerError, StreamError

Given = ParamSpec("Given")


def hinted(hint: str) -> Callable[[Callable[Given, Verdict]], Callable[Given, Verdict]]:
    """Let a check say `hint` where it meets no stream, no group, or a value of another kind.

    A server that does not answer is told in its own words, for no hint about keys would help.
    """

    def around(check: Callable[Given, Verdict]) -> Callable[Given, Verdict]:
        @wraps(check)
        def graded(*args: Given.args, **kwargs: Given.kwargs) -> Verdict:
            try:
                return check(*args, **kwargs)
            except (StreamError, redis.ResponseError, ValueError):  # InputError is a ValueError
                return Verdict(False, hint)
            except (ServerError, redis.RedisError) as error:
                return Verdict(False, str(error))

        return graded

    return around
