"""Findings: a claim, an experiment, its numbers, a verdict, and what else is true."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from streamviz.errors import InputError

Verdict = Literal["does not hold", "holds with limits", "holds", "not tested here"]
_MARKS: dict[Verdict, str] = {
    "does not hold": "○",
    "holds with limits": "◐",
    "holds": "●",
    "not tested here": "–",
}
_LEFT = 'style="text-align:left;vertical-align:top"'


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
    verdict : {"does not hold", "holds with limits", "holds", "not tested here"}
        The conclusion from the numbers.
    limits : str
        Where the claim is false, if it holds with limits; or else what to know besides. May be
        empty.
    said : str
        The article's own words.
    """

    claim: str
    experiment: str
    measured: str
    verdict: Verdict
    limits: str
    said: str = ""

    def __repr__(self) -> str:
        lines = [f"{_MARKS[self.verdict]} {self.verdict}: {self.claim}"]
        lines += [f"    The article: “{self.said}”"] * bool(self.said)
        lines += [f"    {self.experiment}: {self.measured}."]
        return "\n".join([*lines, f"    {self.note}."] if self.limits else lines)

    @property
    def note(self) -> str:
        """The limit, or what else is true, with the word that says which of the two it is."""
        word = "Limit" if self.verdict == "holds with limits" else "Note"
        return f"{word}: {self.limits}" if self.limits else ""


def judged(
    claim: str,
    experiment: str,
    measured: str,
    *,
    holds: bool,
    limits: str = "",
    only_within: bool = False,
    said: str = "",
) -> Finding:
    """Return a finding with its verdict.

    A claim that is true as it stands "holds", whatever else is true. It "holds with limits" if it
    is false in a case that a reader may meet.

    Parameters
    ----------
    claim, experiment, measured, limits, said : str
        See `Finding`.
    holds : bool
        Whether the numbers support the claim.
    only_within : bool
        Whether the claim, as it stands, is false in a case that a reader may meet.
    """
    verdict: Verdict = "does not hold"
    if holds:
        verdict = "holds with limits" if only_within else "holds"
    return Finding(claim, experiment, measured, verdict, limits, said)


def untested(claim: str, said: str, why: str) -> Finding:
    """Return a finding for a claim of the article that nothing here can test, and the reason."""
    return Finding(claim, "none", why, "not tested here", "", said)


class Findings:
    """Findings, shown as a table in a notebook and as text elsewhere.

    Parameters
    ----------
    findings : iterable of Finding
        The findings. The table begins with those that don't hold, or only within limits.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        order = list(_MARKS)
        self.findings = tuple(sorted(findings, key=lambda one: order.index(one.verdict)))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.findings))

    def _repr_html_(self) -> str:
        """Return the table as HTML, for IPython."""
        head = ("verdict", "claim, and the article's words", "experiment and result", "besides")
        cells = "".join(f"<th {_LEFT}>{escape(word)}</th>" for word in head)
        body = "".join(f"<tr>{_row(one)}</tr>" for one in self.findings)
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


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


def _row(one: Finding) -> str:
    said = f"<br><i>“{escape(one.said)}”</i>" if one.said else ""
    cells = (
        escape(f"{_MARKS[one.verdict]} {one.verdict}"),
        escape(one.claim) + said,
        f"{escape(one.experiment)}: <b>{escape(one.measured)}</b>",
        escape(one.note),
    )
    return "".join(f"<td {_LEFT}>{cell}</td>" for cell in cells)
