"""Attempts to take a seat in exercise 1 of notebook 10, and those beside another seat's sale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from exercises.interrupted import EndlessLoop, interrupted
from exercises.sale_keys import expire
from exercises.verdict import Verdict

MOST_COMMANDS, _PATIENCE = 60, 200  # of a handler; of one that waits for another
_BESIDE = (
    "a buyer paused between two of your commands, another seat was sold meanwhile, and not both "
    "buyers got their seats. With WATCH, a sale of any seat fails the transaction, so look again "
    "after a WatchError."
)
_WHOLE = (
    "Compare whole names. The client returns bytes: `decode()` makes them text, and `str()` only "
    "shows them."
)
_NAMES = (
    ("joanna", "ann"),
    ("joanna", "anna"),
    ("ann", "joanna"),
    ("anna", "ann"),
    ("ann", "Ann"),
    ("zoë", "zoe"),
    ("zoë", "zoë b"),
    ("zoë b", "zoë"),
)
"""Who buys a seat, and who comes next: letters beyond ASCII, spaces, and names in other names."""
RIGHT = (
    "each seat was sold once and to one buyer, although buyers came at the same time, paused, died "
    "and asked again."
)


Take = Callable[[redis.Redis, str, str], Any]


class Attempts:
    """Attempts to take a seat: an error of the handler counts only if all else is right."""

    def __init__(self, client: redis.Redis, take: Take) -> None:
        self._client, self._take = client, take
        self._errors: list[Exception] = []

    def __call__(
        self, seat: str, buyer: str, before: Callable[[int], object] = lambda number: None
    ) -> bool:
        """Let one buyer try; False if it waits for another one without an end."""

        def counted(number: int) -> None:
            if number > _PATIENCE:
                raise EndlessLoop
            before(number)

        try:
            with interrupted(self._client, counted) as own:
                return bool(self._take(own, seat, buyer))
        except EndlessLoop:
            return False
        except Exception as error:
            self._errors.append(error)
            return False

    def graded(self, verdict: Verdict) -> Verdict:
        """Return a verdict; raise the handler's first error if it says right."""
        if verdict.right and self._errors:
            raise self._errors[0]
        return verdict


def by_names(client: redis.Redis, buyers: redis.Redis, take: Take) -> Verdict:
    """Grade sales one after the other: a buyer, another one with a similar name, the first again.

    Parameters
    ----------
    client : redis.Redis
        The server, to see who the owners are.
    buyers : redis.Redis
        The client of the buyers.
    take : callable
        Called with a client, a seat and a buyer.
    """
    attempt = Attempts(buyers, take)
    for number, (owner, other) in enumerate(_NAMES):
        seat = f"loge é, seat {number}"
        first, second, again = (attempt(seat, one) for one in (owner, other, owner))
        attempt.graded(Verdict(True, RIGHT))
        written: Any = client.hget("sale:seats", seat)
        if written is None or written.decode("utf-8", "replace") != owner:
            shown = "empty" if written is None else repr(written.decode("utf-8", "replace"))
            return Verdict(
                False, f"{owner!r} took a seat, but the owner in `sale:seats` is {shown}. {_WHOLE}"
            )
        if second:
            return Verdict(
                False,
                f"{owner!r} owns a seat, and take() returned true to {other!r}. The two are "
                f"different buyers. {_WHOLE}",
            )
        if not (first and again):
            return Verdict(
                False,
                f"{owner!r} owns a seat in `sale:seats`, but take() returned false to {owner!r}. "
                f"A name may have spaces, and letters such as ë. {_WHOLE}",
            )
    return Verdict(True, RIGHT)


def beside_another_seat(
    client: redis.Redis, buyers: redis.Redis, take: Take, prefix: str
) -> Verdict:
    """Grade seats that are sold while the buyer of another seat pauses: both buyers get theirs."""
    attempt = Attempts(buyers, take)
    for pause in range(1, MOST_COMMANDS):
        seat, sold = f"seat-{pause}-in-row-2", list[bool]()

        def before(
            number: int, pause: int = pause, seat: str = seat, sold: list[bool] = sold
        ) -> None:
            if number == pause:
                expire(client, prefix)
                sold.append(attempt(f"seat-{pause}-in-row-3", "beside"))

        slow = attempt(seat, "slow", before)
        if not slow or not all(sold):
            return attempt.graded(Verdict(False, _BESIDE))
        if not sold:
            break
    return attempt.graded(Verdict(True, RIGHT))
