"""Series: their points, their times, and the input that they refuse."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamviz import series
from streamviz.errors import InputError
from streamviz.simulation.series import Series

SEEDED: dict[str, Callable[[int], Series]] = {
    "poisson": lambda seed: series.poisson(5, seed=seed),
    "bursts": lambda seed: series.bursts(seed=seed),
    "sine": lambda seed: series.sine(seed=seed),
    "random_walk": lambda seed: series.random_walk(seed=seed),
    "sensor": lambda seed: series.sensor(seed=seed),
    "clickstream": lambda seed: series.clickstream(seed=seed),
    "orders": lambda seed: series.orders(seed=seed),
}


@pytest.mark.parametrize("name", SEEDED)
def test_the_same_seed_gives_the_same_points_and_another_seed_others(name: str) -> None:
    make = SEEDED[name]
    one = make(7)
    assert one.take(200) == one.take(200) == make(7).take(200)
    assert one.take(200) != make(8).take(200)


@pytest.mark.parametrize("name", [*SEEDED, "constant"])
def test_time_never_goes_back_and_fields_can_be_stored(name: str) -> None:
    seeded = SEEDED.get(name, lambda _: series.constant())(3)
    points = seeded.take(500)
    assert len(points) == 500
    times = [at_ms for at_ms, _ in points]
    assert times == sorted(times)
    assert times[0] >= 0
    kinds = {type(value) for _, fields in points for value in fields.values()}
    assert kinds <= {str, int, float}
    assert len({tuple(fields) for _, fields in points}) == 1


TWENTIETH: dict[str, tuple[float, dict[str, Any]]] = {
    "poisson": (2378.294, {"n": 19}),
    "bursts": (1042.0, {"burst": 1, "n": 9}),
    "sine": (1900.0, {"value": 0.9434}),
    "random_walk": (1900.0, {"value": 2.22}),
    "sensor": (19000.0, {"sensor": "s1", "celsius": 20.81, "measured_ms": 19000}),
    "clickstream": (4794.372, {"session": "v13", "page": "search"}),
    "orders": (13883.833, {"order": 20, "customer": "c126", "item": "tray", "amount": 18.5}),
}


@pytest.mark.parametrize("name", SEEDED)
def test_the_numbers_are_those_in_the_notebooks(name: str) -> None:
    at_ms, fields = SEEDED[name](7).take(20)[-1]
    assert (round(at_ms, 3), fields) == TWENTIETH[name]


def test_constant_counts_at_its_rate() -> None:
    assert series.constant(4, field="i").take(3) == [
        (0, {"i": 0}),
        (250, {"i": 1}),
        (500, {"i": 2}),
    ]


def test_poisson_keeps_its_rate_and_its_spread() -> None:
    times = series.poisson(20, seed=1).limit(4000).times()
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert statistics.mean(gaps) == pytest.approx(50, rel=0.1)
    assert statistics.stdev(gaps) == pytest.approx(50, rel=0.1)  # as an exponential has it


def test_bursts_are_full_and_apart() -> None:
    points = series.bursts(10, 1000, spread_ms=50, seed=2).take(30)
    for burst, group in itertools.groupby(points, lambda point: point[1]["burst"]):
        times = [at_ms - 1000 * int(burst) for at_ms, _ in group]
        assert len(times) == 10
        assert 0 <= min(times) <= max(times) <= 50


def test_a_sine_has_its_amplitude_and_its_period() -> None:
    values = [
        float(f["value"]) for _, f in series.sine(10, period_s=4, amplitude=5, noise=0).take(40)
    ]
    assert max(values) == pytest.approx(5, abs=0.1)
    assert min(values) == pytest.approx(-5, abs=0.1)
    assert values[20] == pytest.approx(0, abs=0.01)
    noisy = [float(f["value"]) for _, f in series.sine(noise=0.5, amplitude=0).take(2000)]
    assert statistics.stdev(noisy) == pytest.approx(0.5, rel=0.1)


def test_a_walk_has_its_start_and_its_step_size() -> None:
    values = [float(f["value"]) for _, f in series.random_walk(step=2, start=10, seed=1).take(2000)]
    assert values[0] == 10
    assert statistics.stdev(b - a for a, b in itertools.pairwise(values)) == pytest.approx(
        2, rel=0.1
    )


def test_a_sensor_has_gaps_and_late_readings_and_loses_nothing_else() -> None:
    whole = series.sensor(1, gap_chance=0, late_chance=0, seed=4).take(400)
    assert [fields["measured_ms"] for _, fields in whole] == [1000 * n for n in range(400)]
    gappy = series.sensor(1, gap_chance=0.05, late_chance=0, seed=4).take(400)
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(gappy)]
    assert max(gaps) >= 5000
    late = series.sensor(1, gap_chance=0, late_chance=0.2, seed=4).take(400)
    measured = [int(fields["measured_ms"]) for _, fields in late]
    assert measured != sorted(measured), "some arrive after newer ones"
    assert set(range(0, 300_000, 1000)) <= set(measured), "late, not lost"
    assert sorted(set(measured)) == sorted(measured), "and not twice"


def test_clicks_walk_from_page_to_page() -> None:
    where: dict[Any, int] = {}
    pages = ["home", "search", "item", "cart", "checkout", "help"]
    for _, fields in series.clickstream(sessions=3, seed=1).take(300):
        page = pages.index(str(fields["page"]))
        assert abs(page - where.get(fields["session"], 0)) <= 1
        where[fields["session"]] = page
    assert len(where) == 3


def test_a_merge_keeps_time_order_and_loses_nothing() -> None:
    one, two = series.constant(3).limit(30), series.poisson(5, seed=1).limit(50)
    both = one.merge(two).take(100)
    assert len(both) == 80
    assert [at for at, _ in both] == sorted(one.times() + two.times())


def test_shift_limit_and_speed_change_times_and_length() -> None:
    base = series.constant(1)
    assert base.shift(250).limit(2).times() == [250, 1250]
    assert base.speed(4).limit(3).times() == [0, 250, 500]
    assert base.limit(0).take(5) == []
    assert base.speed(2).shift(100).merge([(50, {"x": 1})]).limit(3).times() == [50, 100, 600]


def test_any_iterable_of_points_is_a_series() -> None:
    def mine() -> Iterator[tuple[int, dict[str, int]]]:
        yield 5, {"a": 1}
        yield 5, {"a": 2}

    assert Series.of(mine()).take(9) == [(5.0, {"a": 1}), (5.0, {"a": 2})]
    assert Series.of([(1, {"a": b"x"})]).take(1) == [(1.0, {"a": b"x"})]
    whole = series.constant()
    assert Series.of(whole) is whole


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (5, "not iterable"),
        (None, "not iterable"),
        ([5], "point 0 is 5"),
        ([(1, {"a": 1}), (0, {"a": 1})], "point 1 is at 0 ms, after one at 1 ms"),
        ([("x", {"a": 1})], "point 0"),
        ([(math.nan, {"a": 1})], "finite time"),
        ([(math.inf, {"a": 1})], "finite time"),
        ([(1, {})], "at least one"),
        ([(1, [1])], "give a dict"),
        ([(1, {"a": None})], "field 'a': None is of type NoneType"),
        ([(1, {"a": True})], "field 'a': True is of type bool"),
        ([(1, {"a": 1}), (2, {"b": [2]})], "point 1, field 'b'"),
    ],
)
def test_a_wrong_point_is_named(points: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        Series.of(points).take(10)
    assert message in str(error.value)


BAD: dict[str, Callable[[Any], Series]] = {
    "rate_hz": series.constant,
    "rate_hz ": lambda v: series.poisson(v),
    "burst_size": lambda v: series.bursts(v),
    "every_ms": lambda v: series.bursts(every_ms=v),
    "period_s": lambda v: series.sine(period_s=v),
    "late_chance": lambda v: series.sensor(late_chance=v - 1 if v == 0 else v),
    "sessions": lambda v: series.clickstream(sessions=v),
    "factor": lambda v: series.constant().speed(v),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "2", None])
def test_a_wrong_number_is_named(name: str, value: Any) -> None:
    if name == "late_chance" and value == 0:
        value = -1
    with pytest.raises(InputError, match=f"{name.strip()}="):
        BAD[name](value)


REFUSED: dict[str, tuple[Callable[[Any], Series], list[Any]]] = {
    "amplitude": (lambda v: series.sine(amplitude=v), ["x", None, math.nan, math.inf, True]),
    "noise": (lambda v: series.sine(noise=v), ["x", -1, math.nan, None]),
    "step": (lambda v: series.random_walk(step=v), ["x", -1, math.inf, None]),
    "start": (lambda v: series.random_walk(start=v), ["x", math.nan, None]),
    "burst_size": (lambda v: series.bursts(v), [2.7, "2", 0]),
    "spread_ms": (lambda v: series.bursts(spread_ms=v), [-1, "x"]),
    "sessions": (lambda v: series.clickstream(sessions=v), [2.7]),
    "field": (lambda v: series.constant(field=v), [5, "", None, b"n"]),
    "field ": (lambda v: series.poisson(field=v), [5, ""]),
    "name": (lambda v: series.sensor(name=v), [5, ""]),
    "n": (lambda v: series.constant().limit(v), [-1, 2.5, "2", None, True]),
    "n ": (lambda v: Series.of(series.constant().take(v)), [-1, 2.5]),
    "ms": (lambda v: series.constant().shift(v), [-1, "x", math.inf]),
    **{f"seed {n}": (make, ["x", 1.5, None]) for n, make in enumerate(SEEDED.values())},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_argument_is_refused_at_the_call(name: str) -> None:
    make, values = REFUSED[name]
    for value in values:
        with pytest.raises(InputError) as error:
            make(value)
        assert f"{name.split()[0]}={value!r}: give a" in str(error.value)


def test_numpys_numbers_are_numbers() -> None:
    seeded = series.sine(
        np.float64(10), amplitude=np.int64(5), noise=np.float32(0), seed=np.int8(1)
    )
    assert seeded.limit(np.int64(9)).take(3) == series.sine(10, amplitude=5, noise=0, seed=1).take(
        3
    )
    odd = {"i": np.int64(3), "f": np.float64(0.5), "d": Decimal("9.50"), "s": np.str_("x")}
    ((at_ms, fields),) = Series.of([(np.float64(1), odd)]).take(1)
    assert repr((at_ms, fields)) == "(1.0, {'i': 3, 'f': 0.5, 'd': '9.50', 's': 'x'})"
    with pytest.raises(InputError, match="give str, bytes, int or float"):
        Series.of([(1, {"a": np.timedelta64(5, "s")})]).take(1)


def test_a_burst_longer_than_its_interval_is_refused() -> None:
    with pytest.raises(InputError, match=r"spread_ms=2000 is longer than every_ms=1000"):
        series.bursts(10, 1000, spread_ms=2000)


@given(
    st.lists(st.lists(st.integers(0, 50), max_size=8).map(sorted), min_size=1, max_size=4),
    st.integers(0, 40),
)
def test_a_merged_or_limited_series_is_in_order(many: list[list[int]], most: int) -> None:
    parts = [Series.of([(at, {"n": 1}) for at in times]) for times in many]
    merged = parts[0].merge(*parts[1:])
    assert merged.times() == sorted(at for times in many for at in times)
    assert merged.limit(most).times() == merged.times()[:most]


def test_half_a_character_is_refused_with_its_point() -> None:
    with pytest.raises(InputError, match=r"point 1, field 'a': .*half a character"):
        Series.of([(0, {"a": "x"}), (1, {"a": "\ud800"})]).take(2)
    with pytest.raises(InputError, match=r"point 0, field .*half a character"):
        Series.of([(0, {"\udfff\ud800": 1})]).take(1)


def test_a_sensor_that_is_nearly_always_silent_still_reads() -> None:
    readings = series.sensor(gap_chance=1, late_chance=0).take(20)
    gaps = {round((b - a) / 1000) for (a, _), (b, _) in itertools.pairwise(readings)}
    assert gaps
    assert gaps <= set(range(6, 22))


@pytest.mark.parametrize("scale", [1e-3, 1e-7, 1e-12])
def test_small_steps_and_waves_are_seen(scale: float) -> None:
    walk = [fields["value"] for _, fields in series.random_walk(step=scale).take(50)]
    wave = [
        fields["value"] for _, fields in series.sine(amplitude=scale, noise=scale / 10).take(50)
    ]
    assert min(len(set(walk)), len(set(wave))) > 45
