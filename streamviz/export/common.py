"""What every export shares: which span of which recording, how it looks, where it goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from streamviz.errors import InputError, RecordingError
from streamviz.film import Film
from streamviz.plots import GroupLag, Plot
from streamviz.recording import Recording
from streamviz.widgets.player import MAX_FRAMES

PAGE = ".html"
Theme = Literal["light", "dark", "auto"]


def film_of(
    recording: Recording | str | Path,
    plots: Sequence[Plot] | None,
    stream: str | None,
    start_s: float,
    end_s: float | None,
    captions: Iterable[tuple[float, str]] = (),
    caption: str = "",
) -> Film:
    """Return what is to be exported.

    Raises
    ------
    InputError
        If an argument is wrong, or the span has more than 20,000 samples.
    """
    source = recording if isinstance(recording, Recording) else Recording(recording)
    chosen = [GroupLag()] if plots is None else plots
    pinned = [*([(start_s, caption)] if caption else []), *captions]
    film = Film(
        source, chosen, stream=stream, captions=pinned, start_s=start_s, end_s=end_s, limit=6000
    )
    if len(film.frames) > MAX_FRAMES:
        raise InputError(
            f"{len(film.frames):,} samples are too many for one file: "
            f"choose a span of at most {MAX_FRAMES:,} with start_s and end_s"
        )
    return film


def check_look(size: Any, theme: Any, speed: Any = 1.0) -> None:
    """Check how something is to look.

    Raises
    ------
    InputError
        If the size, the theme or the speed is none.
    """
    fits = isinstance(size, tuple | list) and len(size) == 2
    if not fits or not all(type(px) is int and 100 <= px <= 8000 for px in size):
        raise InputError(f"size={size!r}: give (width, height) in pixels, 100 to 8000 each")
    if theme not in get_args(Theme):
        raise InputError(f"theme={theme!r}: give one of {', '.join(get_args(Theme))}")
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 < speed <= 1000:
        raise InputError(f"speed={speed!r}: give a number above 0, at most 1000")


def check_ending(path: Path, endings: Sequence[str]) -> str:
    """Return which of the endings a file has; capitals are as good.

    Raises
    ------
    InputError
        If it has another one.
    """
    name = path.name.lower()
    found = next((one for one in endings if name.endswith(one) and name != one), None)
    if found is None:
        raise InputError(f"{path.name!r} can't be made: give a name that ends in {either(endings)}")
    return found


def either(words: Sequence[str]) -> str:
    """Return words as a choice: "a, b or c"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def write(target: Path, content: bytes, *, overwrite: bool) -> Path:
    """Write a file at once, and return its path.

    Raises
    ------
    RecordingError
        If the file is there already, or can't be written.
    """
    try:
        with target.open("wb" if overwrite else "xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise RecordingError(
            f"{target} is there already: choose another name, or give overwrite=True"
        ) from error
    except OSError as error:
        raise RecordingError(f"{target} can't be written: {error.strerror}") from error
    return target
