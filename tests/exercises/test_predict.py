"""A prediction is compared with what happened, in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from exercises.predict import predict


@pytest.mark.parametrize(
    ("value", "actual", "sentence"),
    [
        (140, 150, "You said 140; it is 150."),
        (150, 150, "You said 150, and it is 150."),
        ("2000-2", "2000-3", "You said 2000-2; it is 2000-3."),
        (["1", "2"], [], "You said ['1', '2']; it is []."),
        (None, 0, "You said None; it is 0."),
    ],
)
def test_a_prediction_is_compared_with_what_happened(
    value: Any, actual: Any, sentence: str
) -> None:
    mine = predict(value)
    assert repr(mine) == f"You say {value}. Run the next cell."
    assert repr(mine.compare(actual)) == sentence
