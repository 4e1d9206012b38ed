"""Rows of what was measured, side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Table:
    """One comparison: what was measured, of whom."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)

    def aim(
        self, what: str, value: float, *, least: float = -math.inf, most: float = math.inf
    ) -> None:
        """Say what was aimed at, what came of it, and whether that is enough."""
        aim = f"at least {least:g}" if least > -math.inf else f"at most {most:g}"
        self.targets[what] = (
            f"{what}: **{value:,.2f}** ({aim}: {'yes' if least <= value <= most else 'no'})"
        )

    def add(self, *cells: object) -> None:
        self.rows.append([str(cell) for cell in cells])

    @property
    def page(self) -> str:
        """The page of the documentation that has it."""
        return "sizing" if self.title.startswith("Sizing") else "performance"

    def dated(self, day: str) -> str:
        """Return it with the day on which it was measured."""
        return str(self).replace(f"{self.title}**", f"{self.title}** ({day})", 1)

    def __str__(self) -> str:
        line = "| " + " | ".join(self.columns) + " |"
        rule = "|---" * len(self.columns) + "|"
        rows = ["| " + " | ".join(row) + " |" for row in self.rows]
        aims = [f"- {aim}" for aim in self.targets.values()]
        return "\n".join(
            [f"**{self.title}**", "", line, rule, *rows, *([""] if aims else []), *aims]
        )


TABLES: dict[str, Table] = {}


def table(title: str, *columns: str) -> Table:
    """Return the table of that title; every benchmark of a comparison adds its row."""
    return TABLES.setdefault(title, Table(title, list(columns)))
