"""A moment of a recording as a picture, and a span of it as a moving picture."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import islice
from pathlib import Path

from streamviz.errors import InputError
from streamviz.export.options import Theme, check_ending, check_look, check_place, film_of, write
from streamviz.export.raster import gif, png
from streamviz.plots import Plot
from streamviz.plots.contrast import BACKGROUNDS, TEXT_COLOUR, TEXT_COLOURS
from streamviz.plots.figure import Figure, apply, clean
from streamviz.plots.svg import render
from streamviz.recording import Recording
from streamviz.recording.frames import Frames

_BAND = 34  # for the caption and the time, in units of the picture
PICTURES = (".svg", ".png")
MOVING = (".gif",)
MAX_PICTURES = 2000


def to_still(
    recording: Recording | str | Path,
    path: str | Path,
    *,
    at_s: float | None = None,
    plots: Sequence[Plot] | None = None,
    stream: str | None = None,
    size: tuple[int, int] = (1280, 720),
    theme: Theme = "light",
    caption: str = "",
    overwrite: bool = False,
) -> Path:
    """Write one moment of a recording as a picture, SVG or PNG by the file's ending.

    Parameters
    ----------
    recording : Recording, str or Path
        What was recorded, or its file.
    path : str or Path
        The ``.svg`` or ``.png`` file to write.
    at_s : float, optional
        Which moment, in seconds since the recording began; without it, the last.
    plots : sequence of Plot, optional
        Which pictures; without them, the group lag.
    stream : str, optional
        Which of its streams; without it, the first.
    size : (int, int)
        Width and height in pixels.
    theme : {"light", "dark", "auto"}
        Auto has no ground, and letters that can be read on light and dark.
    caption : str
        A text above the pictures, beside the moment.
    overwrite : bool
        Whether to replace a file that is there.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an argument is wrong, or a PNG is asked for and ``streamviz[export]`` not installed.
    RecordingError
        If the recording can't be read, or the file is there already, or can't be written.
    """
    target = Path(path)
    check_look(size, theme)
    ending = check_ending(target, PICTURES)
    film = film_of(recording, plots, stream, 0.0, at_s, caption=caption)
    said = (caption, f"{film.metadata()['times'][-1]:.1f} s") if caption else None
    picture = _picture(film.figures(-1), size, theme, said)
    content = picture.encode("utf-8") if ending == ".svg" else png(picture, size)
    return write(target, content, overwrite=overwrite)


def to_animation(
    recording: Recording | str | Path,
    path: str | Path,
    *,
    plots: Sequence[Plot] | None = None,
    stream: str | None = None,
    size: tuple[int, int] = (960, 540),
    theme: Theme = "light",
    start_s: float = 0.0,
    end_s: float | None = None,
    speed: float = 1.0,
    rate_hz: float = 10.0,
    captions: Iterable[tuple[float, str]] = (),
    caption: str = "",
    loop: bool = True,
    overwrite: bool = False,
) -> Path:
    """Write a span of a recording as a GIF that goes round and round, or plays once.

    Parameters
    ----------
    recording : Recording, str or Path
        What was recorded, or its file.
    path : str or Path
        The ``.gif`` file to write.
    plots : sequence of Plot, optional
        Which pictures; without them, the group lag.
    stream : str, optional
        Which of its streams; without it, the first.
    size : (int, int)
        Width and height in pixels.
    theme : {"light", "dark", "auto"}
        A GIF has a ground, so auto is light.
    start_s, end_s : float
        Which span, in seconds since the recording began.
    speed : float
        How fast it plays; 2.0 is twice as fast as it was.
    rate_hz : float
        Pictures a second, at most 50, which is what a GIF can.
    captions : iterable of (at_s, text)
        Texts, each shown from a moment on, beside those in the recording.
    caption : str
        A text shown from the beginning on.
    loop : bool
        Whether it begins again at its end.
    overwrite : bool
        Whether to replace a file that is there.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an argument is wrong, the span needs more than 2000 pictures, or ``streamviz[export]``
        is not installed.
    RecordingError
        If the recording can't be read, or the file is there already, or can't be written.
    """
    target = Path(path)
    check_look(size, theme, speed)
    check_ending(target, MOVING)
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, int | float) or not 0 < rate_hz <= 50:
        raise InputError(f"rate_hz={rate_hz!r}: give pictures a second, above 0, at most 50")
    film = film_of(recording, plots, stream, start_s, end_s, captions, caption)
    times = film.metadata()["times"]
    many = int((times[-1] - times[0]) * rate_hz / speed) + 1
    if many > MAX_PICTURES:
        raise InputError(
            f"that is {many:,} pictures, and {MAX_PICTURES:,} are the most: choose a shorter span "
            "with start_s and end_s, a higher speed or a lower rate_hz"
        )
    check_place(target, overwrite=overwrite)
    moments = [times[0] + i * speed / rate_hz for i in range(many)]
    places = [bisect_right(times, moment + 1e-9) - 1 for moment in moments]
    shown = "light" if theme == "auto" else theme
    pictures = [
        png(_picture(figures, size, shown, said), size) for figures, said in _frames(film, places)
    ]
    return write(target, gif(pictures, round(100 / rate_hz) * 10, loop=loop), overwrite=overwrite)


def _frames(film: Frames, places: list[int]) -> Iterator[tuple[list[Figure], tuple[str, str]]]:
    """Return the figures of some frames in order, each with its caption and its time."""
    card = film.metadata()
    figures, news = film.figures_and_deltas()
    at = 0
    for place in places:
        for deltas in islice(news, max(0, place - at)):
            figures = [apply(one, delta) for one, delta in zip(figures, deltas, strict=True)]
        at = max(at, place)
        time = card["times"][place]
        caption = next((text for at_s, text in card["captions"][::-1] if at_s <= time), "")
        yield figures, (caption, f"{time:.1f} s")


def _picture(
    figures: list[Figure], size: tuple[int, int], theme: Theme, said: tuple[str, str] | None = None
) -> str:
    """Return figures side by side as one SVG, with letters that are read from the last row."""
    columns = math.ceil(math.sqrt(len(figures)))
    rows = math.ceil(len(figures) / columns)
    wide = 640 if columns == 1 else 480 * columns
    high = round(wide * size[1] / size[0])
    band = _BAND if said else 0
    ground = None if theme == "auto" else theme
    ink = TEXT_COLOURS[ground] if ground else TEXT_COLOUR
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{size[0]}' height='{size[1]}' "
        f"viewBox='0 0 {wide} {high}' font-family='system-ui,sans-serif'>"
    ]
    if ground:
        parts.append(f"<rect width='{wide}' height='{high}' fill='{BACKGROUNDS[ground]}'/>")
    if said:
        words = clean(said[0])
        letters = min(17, round((wide - 110) / (0.56 * len(words) + 1), 1))  # all of it fits
        parts.append(
            f"<text x='14' y='24' font-size='{letters:g}' font-weight='600' fill='{ink}'>"
            f"{escape(words)}</text>"
            f"<text x='{wide - 14}' y='24' font-size='15' text-anchor='end' fill='{ink}'>"
            f"{said[1]}</text>"
        )
    for place, figure in enumerate(figures):
        row, column = divmod(place, columns)
        across = columns if place == len(figures) - 1 and column == 0 else 1
        cell = (round(wide / columns * across), round((high - band) / rows))
        inner = render(figure, *cell, ground)
        x, y = round(wide / columns * column), band + cell[1] * row
        place_it = f"<svg x='{x}' y='{y}' width='{cell[0]}' height='{cell[1]}' "
        parts.append(inner.replace("<svg ", place_it, 1))
    return "".join(parts) + "</svg>"
