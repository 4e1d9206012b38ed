"""How a group's consumers work, what befalls them, and how long an entry takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from streamviz.client.models import Entry
from streamviz.errors import InputError, is_number

AckPolicy = Literal["after", "before", "never", "noack"]
ClaimWith = Literal["xclaim", "xautoclaim", "claim"]
ServiceTime = float | Callable[[random.Random], float]


def exponential(mean_ms: float) -> Callable[[random.Random], float]:
    """Return a service time that is usually short and sometimes long, `mean_ms` on average."""
    mean = not_negative("mean_ms", mean_ms)
    return lambda rng: rng.expovariate(1 / mean) if mean else 0.0


def uniform(low_ms: float, high_ms: float) -> Callable[[random.Random], float]:
    """Return a service time between two bounds, in milliseconds."""
    low, high = not_negative("low_ms", low_ms), not_negative("high_ms", high_ms)
    return lambda rng: rng.uniform(low, high)


@dataclass(frozen=True, slots=True)
class ConsumerBehaviour:
    """How the consumers of a group work, and what befalls them.

    Attributes
    ----------
    batch : int
        Entries taken at a time (COUNT).
    ack : {"after", "before", "never", "noack"}
        After each entry is handled, before any of a batch is, not at all, or by NOACK.
    handler : callable, optional
        Called with each `Entry`; an exception leaves the entry pending, and is shown.
    fail : float or callable
        The chance that an entry can't be handled, or a function of the entry that says so.
    crash_at_s : float, optional
        The first consumer dies at that second.
    crash_after : int, optional
        The first consumer dies when it has handled so many entries, with the next in its hands.
    crash_chance : float
        The chance, for each entry, that its consumer dies with it in its hands.
    revive_after_s : float, optional
        Who died comes back after so long.
    claim_idle_ms : float, optional
        What has been pending so long is taken over by a colleague.
    claim_with : {"xclaim", "xautoclaim", "claim"}
        How: who has nothing new to do looks for it (XPENDING) and names it (XCLAIM); or takes
        what is idle, page by page (XAUTOCLAIM, 6.2); or each read asks for it, before what is new
        (XREADGROUP with CLAIM, 8.4).
    """

    batch: int = 1
    ack: AckPolicy = "after"
    handler: Callable[[Entry], Any] | None = None
    fail: float | Callable[[Entry], bool] = 0.0
    crash_at_s: float | None = None
    crash_after: int | None = None
    crash_chance: float = 0.0
    revive_after_s: float | None = None
    claim_idle_ms: float | None = None
    claim_with: ClaimWith = "xclaim"

    def __post_init__(self) -> None:
        if self.ack not in get_args(AckPolicy):
            raise InputError(
                f"ack={self.ack!r} is no policy: give one of {', '.join(get_args(AckPolicy))}"
            )
        if self.claim_with not in get_args(ClaimWith):
            raise InputError(
                f"claim_with={self.claim_with!r} is no way to claim: give one of "
                f"{', '.join(get_args(ClaimWith))}"
            )
        if self.claim_with != "xclaim" and self.claim_idle_ms is None:
            raise InputError(
                f"claim_with={self.claim_with!r} says how, and not after how long: "
                "give claim_idle_ms=, too"
            )
        if type(self.batch) is not int or self.batch < 1:
            raise InputError(f"batch={self.batch!r}: give a whole number, 1 or more")
        for name in ("crash_at_s", "crash_after", "revive_after_s", "claim_idle_ms"):
            if getattr(self, name) is not None:
                not_negative(name, getattr(self, name))
        for name in ("fail", "crash_chance"):
            value = getattr(self, name)
            if not callable(value) and not 0 <= not_negative(name, value) <= 1:
                raise InputError(f"{name}={value!r}: give a probability, 0 to 1")


def service_time(value: ServiceTime) -> ServiceTime:
    """Return a service time if it is one."""
    return value if callable(value) else not_negative("service_ms", value)


def not_negative(name: str, value: float) -> float:
    """Return a number if it is one, 0 or more."""
    if not (is_number(value) and 0 <= value < float("inf")):
        raise InputError(f"{name}={value!r}: give a number, 0 or more")
    return value


def options(given: Mapping[str, Any]) -> ConsumerBehaviour:
    """Return a plan, or an error that names the option that there is not."""
    unknown = set(given) - set(ConsumerBehaviour.__dataclass_fields__)
    if unknown:
        raise InputError(
            f"{sorted(unknown)[0]!r} is no option of a group: choose from "
            f"{', '.join(ConsumerBehaviour.__dataclass_fields__)}"
        )
    return ConsumerBehaviour(**given)
