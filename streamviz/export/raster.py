"""Our own SVG as pixels: a PNG, and a GIF of many. The font for the letters comes along."""

from __future__ import annotations

import io
from typing import Any

from streamviz.errors import InputError

FONT = "Open Sans"  # what it lacks, other writing systems' letters, is taken from the system
_INSTALL = "pip install 'streamviz[export]'"


def png(picture: str, size: tuple[int, int]) -> bytes:
    """Return an SVG as a PNG of a size in pixels.

    Raises
    ------
    InputError
        If ``streamviz[export]`` is not installed.
    """
    font = _font()
    try:
        import resvg_py
    except ImportError as error:
        raise InputError(f"a PNG or a GIF needs resvg-py: {_INSTALL}, or write a .svg") from error
    pixels = resvg_py.svg_to_bytes(
        svg_string=picture,
        width=size[0],
        height=size[1],
        font_files=[font],
        font_family=FONT,
        sans_serif_family=FONT,
    )
    return bytes(pixels)


def gif(pictures: list[bytes], each_ms: int, *, loop: bool) -> bytes:
    """Return PNGs as a GIF, whose last picture is held for two seconds.

    Raises
    ------
    InputError
        If ``streamviz[export]`` is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError(f"a GIF needs Pillow: {_INSTALL}") from error
    opened = [Image.open(io.BytesIO(one)).convert("RGB") for one in pictures]
    # One palette, from the last picture, which has the most on it: nothing flickers.
    palette = opened[-1].quantize(64)
    frames: list[Any] = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in opened]
    frames.append(frames[-1])
    about: dict[str, Any] = {"duration": [each_ms] * len(pictures) + [2000]}
    if loop:
        about["loop"] = 0  # for ever; a GIF that says nothing of it plays once
    found = io.BytesIO()
    frames[0].save(found, "GIF", save_all=True, append_images=frames[1:], optimize=False, **about)
    return found.getvalue()


def _font() -> str:
    """Return the font's file: resvg draws no letter for which it has none."""
    try:
        import fontpkg

        return str(fontpkg.path(FONT))
    except Exception as error:  # ImportError, or one of fontpkg's own if it finds no such font
        raise InputError(
            f"a PNG or a GIF needs the font {FONT}: {_INSTALL}, or write a .svg"
        ) from error
