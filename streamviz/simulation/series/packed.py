"""Tell from a file's first bytes how it is compressed, or that it is not a table of text."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamviz.errors import InputError

DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What reading a compressed file may raise."""

_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_EXCEL = "give pandas.read_excel(path)"
_NO_TEXT = {
    b"PK\x03\x04": f"a ZIP archive or a spreadsheet: unpack it, or {_EXCEL}",
    b"\xd0\xcf\x11\xe0": f"an old spreadsheet: save it as CSV, or {_EXCEL}",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: unpack it, or compress it with gzip",
    b"SQLite format 3": "a database: give pandas.read_sql(query, sqlite3.connect(path))",
    b"ARROW1": "an Arrow file: give pyarrow.feather.read_table(path)",
}


def opener(path: Path) -> Callable[..., Any]:
    """Return what opens a file, compressed or not."""
    with path.open("rb") as raw:
        begin = raw.read(6)
    return next((one for magic, one in _OPENERS.items() if begin.startswith(magic)), open)


def check_is_text(path: Path, begin: bytes) -> None:
    """Raise an InputError if a file's first bytes are not those of a table of text."""
    for magic, advice in _NO_TEXT.items():
        if begin.startswith(magic):
            raise InputError(f"{str(path)!r} is {advice}")
