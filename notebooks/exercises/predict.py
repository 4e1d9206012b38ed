"""A place to write a prediction, which a later cell compares with what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """A prediction beside what happened, shown as a sentence."""

    predicted: Any
    actual: Any

    def __repr__(self) -> str:
        if self.predicted == self.actual:
            return f"You said {self.predicted}, and it is {self.actual}."
        return f"You said {self.predicted}; it is {self.actual}."


@dataclass(frozen=True, slots=True)
class Prediction:
    """What you expect to happen.

    Attributes
    ----------
    value : object
        The number, the text or the list that you expect.
    """

    value: Any

    def compare(self, actual: Any) -> Outcome:
        """Return the prediction beside what happened."""
        return Outcome(self.value, actual)

    def __repr__(self) -> str:
        return f"You say {self.value}. Run the next cell."


def predict(value: Any) -> Prediction:
    """Write down what you expect to happen; change the value before you run the next cell.

    Examples
    --------
    >>> predict(140).compare(150)
    You said 140; it is 150.
    """
    return Prediction(value)
