"""The saved runs of every way to restart a judge, and one that is measured now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from go_game.variants.recovery import NOTICED_S, RUNS, TIMEOUT_RUNS, TIMEOUTS, WAYS, recovery_s
from go_game.variants.runner import STYLES
from go_game.variants.runs import RECOVERY, Runs, saved_styles, saved_timeouts, saved_ways


def test_every_way_and_every_style_has_five_saved_runs() -> None:
    ways, styles = saved_ways().rows, saved_styles().rows
    assert list(ways) == list(WAYS)
    assert list(styles) == list(STYLES)
    runs = [figure for row in (*ways.values(), *styles.values()) for figure in row.values()]
    assert {len(one) for one in runs} == {RUNS}


def test_the_ways_to_compare_stand_together_in_whatever_order_they_were_saved(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.json"
    path.write_text(json.dumps({"ways": {way: [1.0] for way in reversed(WAYS)}}), "utf-8")
    assert list(saved_ways(path).rows) == list(WAYS)


def test_under_a_new_name_a_judge_waits_until_the_old_one_counts_as_dead() -> None:
    found = saved_ways()
    assert min(found.rows["plain on Redis, new name"][RECOVERY]) >= NOTICED_S
    assert found.median("plain on Redis, old name", RECOVERY) < NOTICED_S


def test_on_this_broker_a_new_member_waits_for_about_two_session_timeouts() -> None:
    found = saved_timeouts()
    assert len(found.rows) == sum(map(len, TIMEOUTS.values()))
    assert {len(row[RECOVERY]) for row in found.rows.values()} == {TIMEOUT_RUNS}
    for seconds in (4, 6, 10):
        row = f"new member, session timeout {seconds} s"
        assert 1.8 * seconds < found.median(row, RECOVERY) < 2.6 * seconds
    for seconds in (2, 4, 6, 10):
        row = f"static member, session timeout {seconds} s"
        assert 6.5 < found.median(row, RECOVERY) < 11


def test_a_restarted_judge_answers_the_move_that_the_killed_one_held() -> None:
    assert 0 < recovery_s(WAYS["plain on Redis, old name"], moves=20) < 60


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([1.0, 3.0, 2.0], "2.0 (1.0-3.0)"),
        ([400.0], "400"),
        ([0.1234, 0.2], "0.16 (0.12-0.20)"),
    ],
)
def test_runs_are_shown_as_a_median_with_its_spread(numbers: list[float], words: str) -> None:
    runs = Runs({"one": {"s": numbers}})
    assert words in repr(runs)
    assert words in runs._repr_html_(), "of several forms, a front end shows one"
    assert runs.svg().count("<circle") == (len(numbers) if len(numbers) > 1 else 0)


def test_the_figures_of_a_column_have_the_same_decimals_and_end_on_the_axis() -> None:
    runs = Runs({"one": {"s": [0.2, 0.3]}, "two": {"s": [14.2, 13.8]}}, marks={"two": [6]})
    assert "0.25 (0.20-0.30)" in repr(runs)
    assert "14.00 (13.80-14.20)" in repr(runs)
    assert ">16</text>" in runs.svg()
    assert runs.medians("s") == {"one": 0.25, "two": 14.0}


def test_what_was_not_run_is_hatched() -> None:
    runs = Runs({"one": {"lines": [3]}, "two": {"lines": [4]}}, hatched=["two"])
    assert runs.svg().count("fill='url(#hatch)'") == 1
    assert "hatched: counted, and not run" in runs.svg()
