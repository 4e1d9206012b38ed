"""The files that the exports write: their names, and what happens to existing files."""

from __future__ import annotations

import os.path
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from streamviz.errors import InputError, RecordingError
from streamviz.recording.output_file import already_exists

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
    """Write a whole file, and return its path; or raise a RecordingError.

    If writing fails, a new file is removed, and an existing one stays as it was.
    """
    try:
        if overwrite and target.exists():
            _replace(target, content)
        else:
            _create(Path(os.path.realpath(target)) if overwrite else target, content)
    except FileExistsError as error:
        raise already_exists(target) from error
    except OSError as error:
        raise RecordingError(f"{target} can't be written: {error.strerror}") from error
    return target


def _create(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        try:
            file.write(content)
            file.flush()
        except BaseException:  # Ctrl-C, too
            path.unlink()
            raise


def _replace(target: Path, content: bytes) -> None:
    """Write a file beside this one, and put it in its place, with its permissions.

    A link stays a link. A device is written to directly, and so is a file in a folder where we may
    not create another one.
    """
    path = Path(os.path.realpath(target))
    if not (path.is_file() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        target.write_bytes(content)
        return
    handle, name = tempfile.mkstemp(prefix=".streamviz-", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(content)
        with suppress(PermissionError):  # only root may give a file away
            os.chown(name, path.stat().st_uid, path.stat().st_gid)
        shutil.copymode(path, name)
        os.replace(name, path)
    except BaseException:  # Ctrl-C, too
        Path(name).unlink(missing_ok=True)
        raise
