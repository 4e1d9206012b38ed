"""Several of our JavaScript modules as one: what a widget, or a page of its own, is given."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

_HERE = Path(__file__).parent / "static"
_IMPORT = re.compile(r'^import \{[^}]*\} from "((?:\.|streamviz/)[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_CONST = re.compile(r"^(?:export )?(?:const|let|function|async function) (\w+)", re.MULTILINE)


@cache
def bundle(*names: str) -> str:
    """Return modules joined in order, each after those that it imports: those come along.

    The names at their top are shared, so where two modules have one of the same name, the later
    module gets another. Only the last one's exports remain.

    Parameters
    ----------
    *names : str
        The files, as this folder has them: for example ``"live.js"``.
    """
    parts: list[str] = []
    taken: set[str] = set()
    files = list(dict.fromkeys(file for name in names for file in _with_imports(_HERE / name)))
    for place, file in enumerate(files):
        source = _IMPORT.sub("", file.read_text("utf-8"))
        for own in _CONST.findall(source):
            if own in taken:
                source = re.sub(rf"\b{own}\b", f"{own}_{place}", source)
        taken |= set(_CONST.findall(source))
        if place < len(files) - 1:
            source = _EXPORT.sub("", source).replace("export default", f"const default_{place} =")
        parts.append(source)
    return "\n".join(parts)


def _with_imports(file: Path) -> Iterator[Path]:
    """Yield the modules that one imports, theirs before them, and then itself."""
    for path in _IMPORT.findall(file.read_text("utf-8")):
        own = path.removeprefix("streamviz/")
        yield from _with_imports((_HERE / own if own != path else file.parent / path).resolve())
    yield file.resolve()


def stylesheet(*names: str) -> str:
    """Return style sheets of this folder, one after the other."""
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)


@cache
def plotly_js() -> bytes:
    """Return plotly.js of the installed package, compressed."""
    source = files("plotly") / "package_data" / "plotly.min.js"
    return gzip.compress(source.read_bytes(), 6, mtime=0)
