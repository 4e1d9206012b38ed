"""Findings: a claim, an experiment, its numbers, a verdict, and what else is true."""

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
    """One claim, and the result of its experiment.

    Attributes
    ----------
    claim : str
        The claim, in our words.
    experiment : str
        A description of the experiment.
    measured : str
        The numbers, rounded or between two bounds, so that every run gives the same.
    verdict : {"holds", "holds with limits", "does not hold"}
        The conclusion from the numbers.
    limits : str
        What to know besides: where the claim ends, or what is true instead. May be empty.
    """

    claim: str
    experiment: str
    measured: str
    verdict: Verdict
    limits: str

    def __repr__(self) -> str:
        mark = f"{_MARKS[self.verdict]} {self.verdict}: {self.claim}"
        lines = [mark, f"    {self.experiment}: {self.measured}."]
        return "\n".join([*lines, f"    Limit: {self.limits}."] if self.limits else lines)


def judged(
    claim: str,
    experiment: str,
    measured: str,
    *,
    holds: bool,
    limits: str = "",
    only_within: bool = False,
) -> Finding:
    """Return a finding with its verdict.

    A claim that holds as it stands "holds", whatever else is true. It "holds with limits" if the
    claim itself is false outside them.

    Parameters
    ----------
    claim, experiment, measured, limits : str
        See `Finding`.
    holds : bool
        Whether the numbers support the claim.
    only_within : bool
        Whether the claim, as it stands, is false outside its limits.
    """
    verdict: Verdict = "does not hold"
    if holds:
        verdict = "holds with limits" if only_within else "holds"
    return Finding(claim, experiment, measured, verdict, limits)


class Findings:
    """Findings, shown as a table in a notebook and as text elsewhere.

    Parameters
    ----------
    findings : iterable of Finding
        The findings, in the order of the table.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.findings))

    def _repr_html_(self) -> str:
        """Return the table as HTML, for IPython."""
        head = ("claim", "experiment", "measured", "verdict", "limits")
        body = "".join(f"<tr>{_cells('td', _row(one))}</tr>" for one in self.findings)
        return f"<table><thead><tr>{_cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def between(value: float, edges: Sequence[float], unit: str = "") -> str:
    """Return the range that contains a number, in words; the ranges are given by rising edges.

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
