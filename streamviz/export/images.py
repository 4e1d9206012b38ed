"""One moment of a recording as an image, and a span of it as an animation."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from streamviz.client.progress import progress_bar
from streamviz.errors import InputError, is_number, path_of
from streamviz.export.animation import gif, mp4
from streamviz.export.files import check_target, match_suffix, write_file
from streamviz.export.options import Theme, check_appearance, select_frames, warn_of
from streamviz.export.painter import paint
from streamviz.export.raster import png
from streamviz.plots import Plot
from streamviz.plots.contrast import BACKGROUNDS, TEXT_COLOUR, TEXT_COLOURS, Background
from streamviz.plots.drawing import still
from streamviz.plots.figure import Figure, apply
from streamviz.plots.texts import clean
from streamviz.recording import Recording
from streamviz.recording.frames import Frames
from streamviz.widgets.player_options import check_speed

STILL_SUFFIXES = (".svg", ".png")
ANIMATION_SUFFIXES = (".gif", ".mp4")
MAX_IMAGES = {".gif": 2000, ".mp4": 20_000}
_PALETTE_IMAGES = 24  # from which a GIF's palette is made
_FLOW_SHARE = 0.54  # of the height, beside other plots
_HEADER_HEIGHT = 34  # of the caption and the time, in units of the SVG


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
    """Write one moment of a recording as an image: SVG or PNG, by the suffix of the file.

    Parameters
    ----------
    path : str or Path
        The ``.svg`` or ``.png`` file to write, which is returned.
    at_s : float, optional
        The moment, in seconds since the recording began. Default: the last sample.
    theme : {"light", "dark", "auto"}
        Auto has no background, and text that is legible on light and on dark.
    caption : str
        A text above the plots, next to the time.
    recording, plots, stream, size, overwrite
        As in `to_html`, and so are the errors; InputError also if a PNG needs the extra ``export``,
        which is not installed.
    """
    target = path_of("path", path)
    check_appearance(size, theme)
    suffix = match_suffix(target, STILL_SUFFIXES)
    frames = select_frames(recording, plots, stream, 0.0, at_s, caption=caption)
    header = (caption, f"{frames.metadata()['times'][-1]:.1f} s") if caption else None
    svg = _svg(frames.figures(-1), frames.problems, size, theme, header)
    content = svg.encode("utf-8") if suffix == ".svg" else png(svg, size)
    file = write_file(target, content, overwrite=overwrite)
    warn_of(frames.problems)
    return file


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
    rate_hz: float = 15.0,
    captions: Iterable[tuple[float, str]] = (),
    caption: str = "",
    loop: bool = True,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Write a span of a recording as an animated GIF or as an MP4 video (H.264), by the suffix.

    Its last image is the end of the span. In a terminal and in a notebook, a bar shows the progress
    and the time that is left.

    Parameters
    ----------
    path : str or Path
        The ``.gif`` or ``.mp4`` file to write, which is returned.
    size : (int, int)
        Width and height in pixels; those of a video are rounded down to even numbers.
    theme : {"light", "dark", "auto"}
        Auto means light, because an animation needs a background.
    rate_hz : float
        Images per second, above 0, at most 50 (the limit of a GIF).
    recording, plots, stream, start_s, end_s, speed, captions, caption, loop, overwrite, progress
        As in `to_html`, and so are the errors; InputError also if the span needs more than 2000
        images (of a video, 20,000), or the extra ``export`` is not installed.
    """
    target = path_of("path", path)
    check_appearance(size, theme)
    check_speed(speed)
    suffix = match_suffix(target, ANIMATION_SUFFIXES)
    if not (is_number(rate_hz) and 0 < rate_hz <= 50):
        raise InputError(f"rate_hz={rate_hz!r}: give images per second, above 0, at most 50")
    frames = select_frames(recording, plots, stream, start_s, end_s, captions, caption)
    times = frames.metadata()["times"]
    count = math.ceil((times[-1] - times[0]) * rate_hz / speed - 1e-6) + 1
    if count > MAX_IMAGES[suffix]:
        raise InputError(
            f"this span needs {count:,} images, and the limit is {MAX_IMAGES[suffix]:,}: choose a "
            "shorter span (start_s and end_s, --start and --end), a higher speed or a lower rate"
        )
    check_target(target, overwrite=overwrite)
    moments = [*(times[0] + i * speed / rate_hz for i in range(count - 1)), times[-1]]
    indices = [bisect_right(times, moment + 1e-9) - 1 for moment in moments]
    background: Background = "dark" if theme == "dark" else "light"
    if suffix == ".mp4":
        size = (size[0] // 2 * 2, size[1] // 2 * 2)  # H.264 halves the colours' resolution
    draw = partial(_pictures, frames, size, background)
    with progress_bar(progress, f"Drawing {target.name}", count, "images") as advance:
        pictures = draw(indices, advance)
        if suffix == ".mp4":
            content = mp4(pictures, size, rate_hz)
        else:
            some = [*indices[:: max(1, count // _PALETTE_IMAGES)], indices[-1]]
            content = gif(pictures, list(draw(some, lambda _: None)), count, rate_hz, loop=loop)
    file = write_file(target, content, overwrite=overwrite)
    warn_of(frames.problems)
    return file


def _pictures(
    frames: Frames,
    size: tuple[int, int],
    background: Background,
    indices: list[int],
    advance: Callable[[float], object],
) -> Iterator[Any]:
    """Yield a picture of each frame, with its caption and its time; frames that repeat are kept."""
    metadata = frames.metadata()
    figures, deltas = frames.figures_and_deltas()
    current, picture = 0, None
    for index in indices:
        if picture is None or index > current:
            for changes in islice(deltas, index - current):
                figures = [apply(one, change) for one, change in zip(figures, changes, strict=True)]
            current = index
            time = metadata["times"][index]
            caption = next((text for at_s, text in metadata["captions"][::-1] if at_s <= time), "")
            header = (caption, f"{time:.1f} s")
            picture = paint(_svg(figures, frames.problems, size, background, header), size)
        yield picture
        advance(1)


def _svg(
    figures: list[Figure],
    problems: dict[str, str],
    size: tuple[int, int],
    theme: Theme,
    header: tuple[str, str] | None = None,
) -> str:
    """Return figures in a grid as one SVG, with text that is legible from the back row.

    The header is a caption and a time, above the figures. If a figure can't be drawn, the reason is
    added to `problems` and shown in its place.
    """
    boxes, width = _grid(figures)
    height = round(width * size[1] / size[0])
    top = _HEADER_HEIGHT if header else 0
    background = None if theme == "auto" else theme
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{size[0]}' height='{size[1]}' "
        f"viewBox='0 0 {width} {height}' font-family='system-ui,sans-serif'>"
    ]
    if background:
        parts.append(f"<rect width='{width}' height='{height}' fill='{BACKGROUNDS[background]}'/>")
    if header:
        parts.append(
            _header_svg(*header, width, TEXT_COLOURS[background] if background else TEXT_COLOUR)
        )
    for figure, (left, right, above, below) in zip(figures, boxes, strict=True):
        x, y = round(width * left), top + round((height - top) * above)
        cell = (round(width * (right - left)), round((height - top) * (below - above)))
        inner, problem = still(figure, *cell, background)
        if problem:
            title = figure["layout"]["title"]["text"]
            problems.setdefault(title, f"{title} can't be drawn: {problem}")
        tag = f"<svg x='{x}' y='{y}' width='{cell[0]}' height='{cell[1]}' "
        parts.append(inner.replace("<svg ", tag, 1))
    return "".join(parts).replace(" ▾", "") + "</svg>"  # a letter that our pictures' font lacks


def _grid(figures: list[Figure]) -> tuple[list[tuple[float, ...]], int]:
    """Return each figure's edges as parts of the picture, and the picture's width in units.

    A flow that comes first has the whole width, and the others share what is below it.
    """
    flow = len(figures) > 1 and bool(figures[0]["layout"]["meta"].get("flow"))
    count = len(figures) - flow
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    share = _FLOW_SHARE if flow else 0.0
    boxes: list[tuple[float, ...]] = [(0, 1, 0, share)] if flow else []
    for index in range(count):
        row, column = divmod(index, columns)
        span = columns if index == count - 1 and column == 0 else 1
        edges = [share + (1 - share) * one / rows for one in (row, row + 1)]
        boxes.append((column / columns, (column + span) / columns, *edges))
    return boxes, 480 * columns if columns > 1 else 720 if flow else 640


def _header_svg(caption: str, time: str, width: int, colour: str) -> str:
    """Return the caption on the left, small enough to fit, and the time on the right."""
    text = clean(caption)
    font_size = min(17, round((width - 110) / (0.56 * len(text) + 1), 1))
    return (
        f"<text x='14' y='24' font-size='{font_size:g}' font-weight='600' fill='{colour}'>"
        f"{escape(text)}</text>"
        f"<text x='{width - 14}' y='24' font-size='15' text-anchor='end' fill='{colour}'>"
        f"{time}</text>"
    )
