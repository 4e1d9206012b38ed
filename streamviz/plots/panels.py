"""Panels side by side in one figure: their axes' names, and how wide each is."""

from __future__ import annotations


def axis(name: str, index: int) -> str:
    """Return plotly's name of an axis: ``x``, ``x2``, ``x3`` ..., by the panel's index."""
    return name if index == 0 else f"{name}{index + 1}"


def axes(index: int) -> dict[str, str]:
    """Return the keys of a trace that put it on a panel's axes."""
    return {"xaxis": axis("x", index), "yaxis": axis("y", index)}


def domain(index: int, count: int, most_gap: float = 0.06) -> list[float]:
    """Return where a panel begins and ends across the figure, 0 to 1, with a gap to the next."""
    width = 1 / count
    gap = min(most_gap, 0.3 * width) if count > 1 else 0.0
    low = round(index * width + gap * index / count, 4)
    return [low, round(min(low + width - gap, 1.0), 4)]
