"""Which cases of a test are left to `make slow`: all but those that say whether it works at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def slow(*values: object) -> Any:
    """Mark one case of a test as slow."""
    return pytest.param(*values, marks=pytest.mark.slow)


def slow_but(*quick: object, of: Iterable[object]) -> list[Any]:
    """Mark the cases of a test as slow, but for some."""
    return [one if one in quick else slow(one) for one in of]
