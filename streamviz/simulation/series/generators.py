"""Generated series: constant and random rates, waves, walks, and small worlds."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator

from streamviz.client.arguments import whole_number
from streamviz.errors import InputError
from streamviz.simulation.checks import number, positive, probability, text
from streamviz.simulation.series.base import Fields, Point, Series


def constant(rate_hz: float = 1.0, *, field: str = "n") -> Series:
    """Return points at a constant rate; `field` counts them from 0."""
    gap_ms = 1000 / positive("rate_hz", rate_hz, 1_000_000)
    text("field", field)
    return Series(lambda: ((n * gap_ms, {field: n}) for n in itertools.count()))


def poisson(rate_hz: float = 1.0, *, seed: int = 0, field: str = "n") -> Series:
    """Return a Poisson process: gaps are exponential, with `rate_hz` points per second on average.

    The field named by `field` counts the points from 0.
    """
    rate = positive("rate_hz", rate_hz, 1_000_000)
    text("field", field)

    def points(rng: random.Random) -> Iterator[Point]:
        for n, at_ms in enumerate(_arrivals(rng, rate)):
            yield at_ms, {field: n}

    return _seeded("poisson", seed, points)


def bursts(
    burst_size: int = 10, every_ms: float = 1000.0, *, spread_ms: float = 50.0, seed: int = 0
) -> Series:
    """Return bursts of points with silence between them.

    Parameters
    ----------
    burst_size : int
        Points per burst.
    every_ms : float
        Time from the start of one burst to the start of the next, in milliseconds.
    spread_ms : float
        How long a burst lasts, in milliseconds. Times are whole milliseconds, so points of one
        burst may have the same time.
    seed : int
        The seed of the random times.

    Returns
    -------
    Series
        Fields ``burst`` and ``n``, both counted from 0.
    """
    size = whole_number("burst_size", burst_size, 1)
    every = number("every_ms", every_ms, 1)
    spread = int(number("spread_ms", spread_ms, 0))
    if spread > every:
        raise InputError(
            f"spread_ms={spread_ms!r} is longer than every_ms={every_ms!r}: give a shorter one"
        )

    def points(rng: random.Random) -> Iterator[Point]:
        for burst in itertools.count():
            offsets = sorted(rng.randrange(spread + 1) for _ in range(size))
            for n, offset in enumerate(offsets):
                yield burst * every + offset, {"burst": burst, "n": n}

    return _seeded("bursts", seed, points)


def sine(
    rate_hz: float = 10.0,
    *,
    period_s: float = 10.0,
    amplitude: float = 1.0,
    noise: float = 0.1,
    seed: int = 0,
) -> Series:
    """Return a sine wave in the field ``value``, plus noise of standard deviation `noise`."""
    gap_ms = 1000 / positive("rate_hz", rate_hz, 1_000_000)
    period_ms = 1000 * positive("period_s", period_s)
    height = number("amplitude", amplitude)
    deviation = number("noise", noise, 0)
    digits = _digits(height, deviation)

    def points(rng: random.Random) -> Iterator[Point]:
        for n in itertools.count():
            wave = height * math.sin(2 * math.pi * n * gap_ms / period_ms)
            yield n * gap_ms, {"value": round(wave + rng.gauss(0, deviation), digits)}

    return _seeded("sine", seed, points)


def random_walk(
    rate_hz: float = 10.0, *, step: float = 1.0, start: float = 0.0, seed: int = 0
) -> Series:
    """Return a random walk in the field ``value``; its steps have standard deviation `step`."""
    gap_ms = 1000 / positive("rate_hz", rate_hz, 1_000_000)
    deviation = number("step", step, 0)
    begin = number("start", start)
    digits = _digits(deviation)

    def points(rng: random.Random) -> Iterator[Point]:
        value = begin
        for n in itertools.count():
            yield n * gap_ms, {"value": round(value, digits)}
            value += rng.gauss(0, deviation)

    return _seeded("random_walk", seed, points)


def sensor(
    rate_hz: float = 1.0,
    *,
    name: str = "s1",
    gap_chance: float = 0.02,
    late_chance: float = 0.05,
    seed: int = 0,
) -> Series:
    """Return the readings of a thermometer on an unreliable line.

    Parameters
    ----------
    rate_hz : float
        Readings per second.
    name : str
        The sensor's name.
    gap_chance : float
        The chance that a reading begins a silence of 5 to 20 readings.
    late_chance : float
        The chance that a reading arrives two readings late. Its ``measured_ms`` is then earlier
        than that of the reading before it.

    Returns
    -------
    Series
        Fields ``sensor``, ``celsius`` and ``measured_ms``.
    """
    gap_ms = 1000 / positive("rate_hz", rate_hz, 1_000_000)
    text("name", name)
    gap_probability = probability("gap_chance", gap_chance)
    late_probability = probability("late_chance", late_chance)

    def points(rng: random.Random) -> Iterator[Point]:
        late_points: list[tuple[int, Point]] = []  # each with the reading that it comes after
        silent_until = -1
        for n in itertools.count():
            at_ms = n * gap_ms
            celsius = 20 + 3 * math.sin(n / 60) + rng.gauss(0, 0.1)
            silent, late = rng.random() < gap_probability, rng.random() < late_probability
            fields: Fields = {
                "sensor": name,
                "celsius": round(celsius, 2),
                "measured_ms": round(at_ms),
            }
            if silent and n > silent_until:  # between two silences there is a reading
                silent_until = n + rng.randint(5, 20)
            if n >= silent_until:
                if late:
                    late_points.append((n + 2, (at_ms, fields)))
                else:
                    yield at_ms, fields
            while late_points and late_points[0][0] <= n:
                yield at_ms, late_points.pop(0)[1][1]

    return _seeded(f"sensor {name}", seed, points)


_PAGES = ("home", "search", "item", "cart", "checkout", "help")


def clickstream(rate_hz: float = 5.0, *, sessions: int = 20, seed: int = 0) -> Series:
    """Return clicks of a shop's visitors; fields ``session`` and ``page``."""
    rate = positive("rate_hz", rate_hz, 1_000_000)
    session_count = whole_number("sessions", sessions, 1)

    def points(rng: random.Random) -> Iterator[Point]:
        pages = [0] * session_count
        for at_ms in _arrivals(rng, rate):
            session = rng.randrange(session_count)
            page = pages[session] + rng.choice((-1, 0, 1, 1))
            pages[session] = max(0, min(len(_PAGES) - 1, page))
            yield at_ms, {"session": f"v{session:02d}", "page": _PAGES[pages[session]]}

    return _seeded("clickstream", seed, points)


_GOODS = (("tea", 4.5), ("cup", 9.0), ("pot", 32.0), ("tray", 18.5), ("kettle", 59.0))


def orders(rate_hz: float = 2.0, *, seed: int = 0) -> Series:
    """Return a tea shop's orders; fields ``order``, ``customer``, ``item`` and ``amount``."""
    rate = positive("rate_hz", rate_hz, 1_000_000)

    def points(rng: random.Random) -> Iterator[Point]:
        for order, at_ms in enumerate(_arrivals(rng, rate), start=1):
            item, price = rng.choice(_GOODS)
            yield (
                at_ms,
                {
                    "order": order,
                    "customer": f"c{rng.randrange(200):03d}",
                    "item": item,
                    "amount": round(price * rng.randint(1, 3), 2),
                },
            )

    return _seeded("orders", seed, points)


def _seeded(kind: str, seed: int, points: Callable[[random.Random], Iterator[Point]]) -> Series:
    """Return a series whose every iteration begins with the same random numbers."""
    whole_number("seed", seed)
    return Series(lambda: points(random.Random(f"{kind} {seed}")))


def _digits(*scales: float) -> int:
    """Return how many decimal places show the smallest of these scales; at least 4."""
    sizes = [abs(scale) for scale in scales if scale]
    return max(4, 2 - math.floor(math.log10(min(sizes)))) if sizes else 4


def _arrivals(rng: random.Random, rate_hz: float) -> Iterator[float]:
    at_ms = 0.0
    while True:
        at_ms += -math.log(1.0 - rng.random()) * 1000 / rate_hz
        yield at_ms
