"""Rows of what was measured, side by side."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    """One comparison: what was measured, of whom."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        self.rows.append([str(cell) for cell in cells])

    def __str__(self) -> str:
        line = "| " + " | ".join(self.columns) + " |"
        rule = "|---" * len(self.columns) + "|"
        rows = ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([f"**{self.title}**", "", line, rule, *rows])


TABLES: dict[str, Table] = {}


def table(title: str, *columns: str) -> Table:
    """Return the table of that title; every benchmark of a comparison adds its row."""
    return TABLES.setdefault(title, Table(title, list(columns)))
