"""What every export shares: which span of which recording, how it looks, where it goes."""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

from streamviz.errors import InputError, RecordingError
from streamviz.plots import GroupLag, Plot
from streamviz.recording import Recording
from streamviz.recording.frames import Frames, dumps
from streamviz.widgets.player import MAX_FRAMES

PAGE = ".html"
MAX_PAGE = 6_000_000
"""Bytes of a page with one plot; each further plot may take as much again, but for plotly.js."""
Theme = Literal["light", "dark", "auto"]


def film_of(
    recording: Recording | str | Path,
    plots: Sequence[Plot] | None,
    stream: str | None,
    start_s: float,
    end_s: float | None,
    captions: Iterable[tuple[float, str]] = (),
    caption: str = "",
) -> Frames:
    """Return what is to be exported.

    Raises
    ------
    InputError
        If an argument is wrong, or the span has more than 20,000 samples.
    """
    source = recording if isinstance(recording, Recording) else Recording(recording)
    chosen = [GroupLag()] if plots is None else plots
    pinned = [*([(start_s, caption)] if caption else []), *captions]
    film = Frames(
        source, chosen, stream=stream, captions=pinned, start_s=start_s, end_s=end_s, limit=6000
    )
    if len(film) > MAX_FRAMES:
        raise InputError(
            f"{len(film):,} samples are too many for one file: "
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


def packed(film: Frames, about: dict[str, Any], rest: int) -> bytes:
    """Return a whole film, and what else its page needs to know, as compressed JSON.

    Parameters
    ----------
    film : Film
        What is to lie in the page.
    about : dict
        What else its page needs to know.
    rest : int
        How many bytes the page has without it.

    Raises
    ------
    InputError
        If the page gets too large, as soon as that is clear; it says which span fits.
    """
    card = film.metadata()
    figures, deltas = film.figures_and_deltas()
    shot = {"first": 0, "figures": figures, "deltas": []}
    most = max(MAX_PAGE - rest, 0) * len(film.plots)
    found = io.BytesIO()
    last = len(film) - 1
    with gzip.GzipFile(fileobj=found, mode="wb", mtime=0) as file:
        text = dumps({**about, "metadata": card, "segment": shot})
        file.write(text.removesuffix("]}}").encode("ascii"))
        file.flush()
        bare = found.tell() * 4 / 3  # as base64
        for place, delta in enumerate(chain([None], deltas)):
            if delta is not None:
                file.write(f"{',' if place > 1 else ''}{dumps(delta)}".encode("ascii"))
            if place % 50 and place < last:
                continue
            file.flush()
            size = found.tell() * 4 / 3
            if size > most - 50:  # the end takes some, too
                raise InputError(_too_large(card["times"], place, (rest, bare, size, most)))
        file.write(b"]}}")
    return found.getvalue()


def _too_large(times: list[float], place: int, sizes: tuple[float, float, float, float]) -> str:
    """Return what to do about a film that is over the most bytes at a place."""
    rest, bare, size, most = sizes
    first, last = times[0], times[-1]
    a_second = max(size - bare, 1) / max(times[place] - first, 0.001)
    whole = rest + bare + a_second * (last - first)
    fits = math.floor((first + 0.95 * max(most - bare, 0) / a_second) * 10) / 10
    return (
        f"the film from {first:g} to {last:g} s would make a page of about {whole / 1e6:.1f} MB, "
        f"and {(rest + most) / 1e6:.1f} MB are the most: "
        + (f"end it at {fits:g} s (end_s, --end), " if fits > first else "")
        + "begin it later, or choose other plots"
    )


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


def check_place(target: Path, *, overwrite: bool) -> None:
    """See that a file can be made, before minutes of work.

    Raises
    ------
    RecordingError
        If it is there already, or its folder is not.
    """
    if target.exists() and not overwrite:
        raise _taken(target)
    if not target.parent.is_dir():
        raise RecordingError(f"{target} can't be written: No such folder: make {target.parent}")


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
        raise _taken(target) from error
    except OSError as error:
        raise RecordingError(f"{target} can't be written: {error.strerror}") from error
    return target


def _taken(target: Path) -> RecordingError:
    return RecordingError(f"{target} is there already: choose another name, or give overwrite=True")
