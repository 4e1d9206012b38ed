"""The code of the judge's styles side by side, for notebook 11."""

from __future__ import annotations

import ast
import html
from collections.abc import Iterable
from dataclasses import dataclass

from go_game.variants.runner import source


@dataclass(frozen=True, slots=True)
class Excerpts:
    """The source of one function in several styles, side by side; in text, one below the other.

    Attributes
    ----------
    columns : tuple of (str, str)
        The styles and their source.
    main : tuple of str
        Words of the main lines, if only these are shown at first.
    """

    columns: tuple[tuple[str, str], ...]
    main: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n\n".join(f"# {style}\n{code}" for style, code in self.columns)

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<td style="vertical-align:top;text-align:left"><b>{style}</b>{self._code(code)}</td>'
            for style, code in self.columns
        )
        return f"<table><tr>{cells}</tr></table>"

    def _code(self, code: str) -> str:
        whole = f'<pre style="font-size:11px">{html.escape(code)}</pre>'
        if not self.main:
            return whole
        kept = "\n".join(main_lines(code, self.main))
        return (
            f'<pre style="font-size:11px">{html.escape(kept)}</pre>'
            f"<details><summary>the whole function</summary>{whole}</details>"
        )


def main_lines(code: str, words: Iterable[str]) -> list[str]:
    """Return the first line and those with one of the words; an ellipsis stands for the others."""
    first, *lines = code.splitlines()
    kept = [first]
    for line in lines:
        if any(word in line for word in words):
            kept.append(line)
        elif line and not kept[-1].endswith("…"):
            kept.append(f"{line[: len(line) - len(line.lstrip())]}…")
    return kept


def beside(name: str, *styles: str, main: Iterable[str] = ()) -> Excerpts:
    """Return the source of one function or method in several styles.

    With `main`, the lines with one of these words are shown, and the whole function is folded.
    """
    return Excerpts(tuple((style, excerpt(style, name)) for style in styles), tuple(main))


def excerpt(style: str, name: str) -> str:
    """Return the source of a style's function or method, without its docstring."""
    text = source(style)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
            if ast.get_docstring(node):
                first, last = node.body[0].lineno, node.body[0].end_lineno or 0
                del lines[first - node.lineno : last - node.lineno + 1]
            return "\n".join(line[node.col_offset :] for line in lines)
    raise LookupError(f"{style} has no function {name!r}: see its source")
