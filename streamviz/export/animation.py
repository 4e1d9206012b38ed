"""Pictures as a GIF or as a video."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from streamviz.errors import InputError, install_command

_COLOURS = 64  # of a GIF's palette
_LAST_MS = 2000  # how much longer a GIF shows its last picture


def gif(
    pictures: Iterable[Any], some: Sequence[Any], count: int, rate_hz: float, *, loop: bool
) -> bytes:
    """Return `count` pictures as a GIF, which shows its last one two seconds longer.

    They are taken one at a time; the palette is made of `some` of them.
    """
    from PIL import Image

    palette = _palette(some)
    frames = (one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures)
    ends = [round(100 * i / rate_hz) for i in range(count + 1)]  # a GIF counts in 10 ms
    durations = [10 * (end - start) for start, end in pairwise(ends)]
    durations[-1] += _LAST_MS
    options: dict[str, Any] = {"loop": 0} if loop else {}  # without it, a GIF plays once
    buffer = io.BytesIO()
    next(frames).save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames,
        optimize=False,
        duration=durations if count > 1 else durations[0],
        **options,
    )
    return buffer.getvalue()


def mp4(pictures: Iterable[Any], size: tuple[int, int], rate_hz: float) -> bytes:
    """Return pictures as an MP4 file with H.264 in it, which slide tools and browsers play."""
    try:
        import av
    except ImportError as error:
        raise InputError(
            f"an MP4 needs PyAV: {install_command('video')}, or write a .gif"
        ) from error
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        stream: Any = file.add_stream("libx264", rate=Fraction(rate_hz).limit_denominator(1000))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"  # what every player knows
        stream.options = {"preset": "veryfast", "tune": "animation", "crf": "20"}
        for picture in pictures:
            frame: Any = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return buffer.getvalue()


def _palette(pictures: Sequence[Any]) -> Any:
    """Return one palette for all pictures, which avoids flicker, with their rare colours, too."""
    from PIL import Image

    width, height = pictures[0].size
    sheet = Image.new("RGB", (width, height * len(pictures)))
    for place, picture in enumerate(pictures):
        sheet.paste(picture, (0, height * place))
    return sheet.quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE)
