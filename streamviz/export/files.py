"""The files that the exports write: their names, and what happens to existing files."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from pathlib import Path

from streamviz.errors import InputError, RecordingError

HTML = ".html"


def match_suffix(path: Path, suffixes: Sequence[str]) -> str:
    """Return which of the suffixes a file name ends in, in either case; or raise an InputError."""
    name = path.name.lower()
    suffix = next((one for one in suffixes if name.endswith(one) and name != one), None)
    if suffix is None:
        raise InputError(
            f"can't export to {path.name!r}: give a name that ends in {join_or(suffixes)}"
        )
    return suffix


def join_or(words: Sequence[str]) -> str:
    """Return words as a choice: "a, b or c"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def check_target(target: Path, *, overwrite: bool) -> None:
    """Check that a file can be created, before minutes of work; or raise a RecordingError."""
    if os.path.exists(target) and not overwrite:
        raise already_exists(target)
    if not os.path.isdir(target.parent):
        raise RecordingError(f"{target} can't be written: No such folder: create {target.parent}")


def write_file(target: Path, content: bytes, *, overwrite: bool) -> Path:
    """Write a file in one go, and return its path; or raise a RecordingError."""
    try:
        with target.open("wb" if overwrite else "xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise already_exists(target) from error
    except OSError as error:
        raise RecordingError(f"{target} can't be written: {error.strerror}") from error
    return target


def already_exists(target: Path, option: str = "overwrite=True") -> RecordingError:
    """Return the error for an existing file; `option` is how the caller replaces it."""
    return RecordingError(f"{target} already exists: choose another name, or give {option}")
