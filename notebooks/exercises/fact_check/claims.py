"""What an experiment says of a claim: the number, the verdict, and where the verdict ends."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from streamviz.errors import InputError

Verdict = Literal["holds", "holds with limits", "does not hold"]
_MARKS: dict[Verdict, str] = {"holds": "●", "holds with limits": "◐", "does not hold": "○"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim, and what came of its experiment.

    Attributes
    ----------
    claim : str
        What is claimed, in our words.
    experiment : str
        What was done.
    measured : str
        The numbers, rounded or between two bounds, so that they are the same on another day.
    verdict : {"holds", "holds with limits", "does not hold"}
        What follows from the numbers.
    limits : str
        Where it ends, or what holds instead; empty if nothing was found.
    """

    claim: str
    experiment: str
    measured: str
    verdict: Verdict
    limits: str

    def __repr__(self) -> str:
        mark = f"{_MARKS[self.verdict]} {self.verdict}: {self.claim}"
        lines = [mark, f"    {self.experiment}: {self.measured}."]
        return "\n".join([*lines, f"    But: {self.limits}."] if self.limits else lines)


def judged(claim: str, experiment: str, measured: str, *, holds: bool, limits: str = "") -> Finding:
    """Return the finding: what does not hold does not, whatever its limits are.

    Parameters
    ----------
    claim, experiment, measured, limits : str
        See `Finding`.
    holds : bool
        Whether the numbers are as the claim has them.
    """
    verdict: Verdict = "does not hold"
    if holds:
        verdict = "holds with limits" if limits else "holds"
    return Finding(claim, experiment, measured, verdict, limits)


class Findings:
    """A table of findings; it shows itself as one in a notebook, and as text elsewhere.

    Parameters
    ----------
    found : iterable of Finding
        In the order of the table.
    """

    def __init__(self, found: Iterable[Finding]) -> None:
        self.found = tuple(found)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.found))

    def _repr_html_(self) -> str:
        """Return the table; IPython shows it."""
        head = ("claim", "experiment", "measured", "verdict", "limits")
        body = "".join(f"<tr>{_cells('td', _row(one))}</tr>" for one in self.found)
        return f"<table><thead><tr>{_cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def between(value: float, edges: Sequence[float], unit: str = "") -> str:
    """Return between which two of some rising edges a number lies, in words.

    Examples
    --------
    >>> between(27.3, (10, 20, 40), "bytes"), between(3, (10, 20)), between(50, (10, 20))
    ('20 to 40 bytes', 'less than 10', 'more than 20')
    """
    if not edges or list(edges) != sorted(edges):
        raise InputError(f"edges={list(edges)!r}: give at least one number, the smallest first")
    place = bisect_right(edges, value)
    tail = f" {unit}" if unit else ""
    if place == 0:
        return f"less than {edges[0]:,g}{tail}"
    if place == len(edges):
        return f"more than {edges[-1]:,g}{tail}"
    return f"{edges[place - 1]:,g} to {edges[place]:,g}{tail}"


def _row(one: Finding) -> tuple[str, ...]:
    verdict = f"{_MARKS[one.verdict]} {one.verdict}"
    return one.claim, one.experiment, one.measured, verdict, one.limits


def _cells(tag: str, words: Iterable[str]) -> str:
    return "".join(f'<{tag} style="text-align:left">{escape(word)}</{tag}>' for word in words)
