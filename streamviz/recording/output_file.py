"""The file that a recording is written to."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from streamviz.errors import RecordingError


def new_file(path: Path, *, overwrite: bool) -> BinaryIO:
    """Create a file without a buffer; RecordingError if it exists, or can't be created."""
    try:
        return path.open("wb" if overwrite else "xb", buffering=0)
    except FileExistsError as error:
        raise already_exists(path) from error
    except OSError as error:
        raise RecordingError(f"{path} can't be created: {error.strerror}") from error


def already_exists(path: Path, option: str = "overwrite=True") -> RecordingError:
    """Return the error for an existing file; `option` is how the caller replaces it."""
    return RecordingError(f"{path} already exists: choose another name, or give {option}")


def taken_away(file: BinaryIO, path: Path) -> str:
    """Return in words that a file has left its path, or holds what others wrote; or nothing."""
    own = os.fstat(file.fileno())
    try:
        in_place = os.path.samestat(own, path.stat())
    except OSError:
        in_place = False
    if in_place and (not stat.S_ISREG(own.st_mode) or own.st_size == file.tell()):
        return ""
    return (
        "was deleted, moved or overwritten while it was recorded: the recording ends here. Record "
        "to another file, or save the history with streamviz.recording.save(history, path)"
    )


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all bytes to a file without a buffer, which may take a part of them at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
