"""How a group's consumers behave: how they read, acknowledge, fail, crash and claim."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, get_args

from streamviz.client.arguments import one_of, whole_number
from streamviz.client.models import Entry
from streamviz.errors import InputError
from streamviz.simulation.checks import function, number, probability, text

AckPolicy = Literal["after", "before", "never", "noack"]
ClaimWith = Literal["xclaim", "xautoclaim", "claim"]
OnError = Literal["raise", "keep"]
FailWhen = Literal["before", "after"]
ServiceTime = float | Callable[[random.Random], float]

_CHOICES = {"ack": AckPolicy, "on_error": OnError, "fail_when": FailWhen, "claim_with": ClaimWith}
_NEEDS = (
    ("claim_with", "claim_idle_ms", "an idle time"),
    ("delivery_limit", "claim_idle_ms", "an idle time, after which an entry is delivered again"),
    (
        "dead_letters",
        "delivery_limit",
        "a number of deliveries after which an entry is moved there",
    ),
)


def exponential(mean_ms: float) -> Callable[[random.Random], float]:
    """Return a service time that is usually short and sometimes long, `mean_ms` on average."""
    mean = number("mean_ms", mean_ms, 0)
    return lambda rng: rng.expovariate(1 / mean) if mean else 0.0


def uniform(low_ms: float, high_ms: float) -> Callable[[random.Random], float]:
    """Return a service time between two bounds, in milliseconds."""
    low = number("low_ms", low_ms, 0)
    high = number("high_ms", high_ms, low)
    return lambda rng: rng.uniform(low, high)


class BehaviourOptions(TypedDict, total=False):
    """The options of a `ConsumerBehaviour`, for type checkers."""

    batch: int
    ack: AckPolicy
    handler: Callable[[Entry], Any] | None
    on_error: OnError
    fail: float | Callable[[Entry], bool | str]
    fail_when: FailWhen
    crash_at_s: float | None
    crash_after: int | None
    crash_chance: float
    revive_after_s: float | None
    claim_idle_ms: float | None
    claim_with: ClaimWith
    delivery_limit: int | None
    dead_letters: str | None


@dataclass(frozen=True, slots=True)
class ConsumerBehaviour:
    """How the consumers of a group work and fail.

    Attributes
    ----------
    batch : int
        Entries to read at a time (COUNT).
    ack : {"after", "before", "never", "noack"}
        When to acknowledge: each entry after it is handled, a whole batch before it is handled,
        never, or by reading with NOACK.
    handler : callable, optional
        Called with each `Entry`. If it raises, the entry stays pending, and a sample reports it.
    on_error : {"raise", "keep"}
        What `Scenario.run` does at its end if `handler` or `fail` raised: raise the first
        exception, or return the history. Either way the run goes on, and `SimulatedGroup.errors`
        keeps the exceptions.
    fail : float or callable
        The probability that handling an entry fails, or a function of the entry that returns
        whether it fails, or the reason as a text.
    fail_when : {"before", "after"}
        Whether an entry fails before `handler` is called, which then is not called, or after it. In
        the second case the work is done, but the entry is delivered again.
    crash_at_s : float, optional
        When the first consumer crashes, in seconds.
    crash_after : int, optional
        How many entries the first consumer handles before it crashes. It then holds the next entry.
    crash_chance : float
        The probability, for each entry, that its consumer crashes while it holds the entry.
    revive_after_s : float, optional
        How long a consumer stays dead before it is revived, in seconds.
    claim_idle_ms : float, optional
        How long an entry is pending before another consumer claims it, in milliseconds.
    claim_with : {"xclaim", "xautoclaim", "claim"}
        How to claim. With XCLAIM or XAUTOCLAIM (6.2), a consumer claims when it has nothing new to
        read: XPENDING and XCLAIM find and name the entries, XAUTOCLAIM takes idle entries page by
        page. With CLAIM (XREADGROUP, 8.4), each read claims before it reads new entries.
    delivery_limit : int, optional
        How often an entry is delivered, at most. When it is due to be claimed after that, it is
        moved to the dead-letter stream instead; see `DeadLetters`.
    dead_letters : str, optional
        The key of the dead-letter stream. By default, the stream's key with ``:dead`` at its end.
    """

    batch: int = 1
    ack: AckPolicy = "after"
    handler: Callable[[Entry], Any] | None = None
    on_error: OnError = "raise"
    fail: float | Callable[[Entry], bool | str] = 0.0
    fail_when: FailWhen = "before"
    crash_at_s: float | None = None
    crash_after: int | None = None
    crash_chance: float = 0.0
    revive_after_s: float | None = None
    claim_idle_ms: float | None = None
    claim_with: ClaimWith = "xclaim"
    delivery_limit: int | None = None
    dead_letters: str | None = None

    def __post_init__(self) -> None:
        for name, kind in _CHOICES.items():
            one_of(name, getattr(self, name), get_args(kind))
        for name, needed, what in _NEEDS:
            value = getattr(self, name)
            if value not in (None, "xclaim") and getattr(self, needed) is None:
                raise InputError(f"{name}={value!r} needs {what}: give {needed}=, too")
        whole_number("batch", self.batch, 1)
        for name, least in (("delivery_limit", 1), ("crash_after", 0)):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least)
        for name in ("crash_at_s", "revive_after_s", "claim_idle_ms"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name), 0)
        if self.dead_letters is not None:
            text("dead_letters", self.dead_letters)
        if self.handler is not None:
            function("handler", self.handler, "an Entry")
        if callable(self.fail):
            function("fail", self.fail, "an Entry")
        else:
            probability("fail", self.fail)
        probability("crash_chance", self.crash_chance)


def service_time(value: ServiceTime) -> ServiceTime:
    """Return `value` if it is a service time: a function, or milliseconds."""
    uncalled: tuple[object, ...] = exponential, uniform
    if value in uncalled:
        raise InputError(
            f"service_ms={value!r} is to be called: give exponential(300), or uniform(100, 500)"
        )
    if callable(value):
        return function("service_ms", value, "a random.Random")
    return number("service_ms", value, 0)
