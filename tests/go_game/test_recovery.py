"""The saved runs of every way to restart a judge, and one that is measured now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from go_game.variants.recovery import (
    NOTICED_S,
    RUNS,
    WAYS,
    Runs,
    recovery_s,
    saved_styles,
    saved_ways,
)
from go_game.variants.runner import STYLES


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
    assert min(found.rows["Redis, new name"]["recovery s"]) >= NOTICED_S
    assert found.median("Redis, old name", "recovery s") < NOTICED_S


def test_a_restarted_judge_answers_the_move_that_the_killed_one_held() -> None:
    assert 0 < recovery_s(WAYS["Redis, old name"], moves=20) < 60


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([1.0, 3.0, 2.0], "2 (1-3)"),
        ([400.0], "400"),
        ([0.1234, 0.2], "0.162 (0.123-0.2)"),
    ],
)
def test_runs_are_shown_as_a_median_with_its_spread(numbers: list[float], words: str) -> None:
    runs = Runs({"one": {"s": numbers}})
    assert words in repr(runs)
    assert words in runs._repr_html_(), "of several forms, a front end shows one"
    assert runs.svg().count("<circle") == (len(numbers) if len(numbers) > 1 else 0)
