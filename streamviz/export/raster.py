"""An SVG of ours as a PNG, and PNGs as a GIF. The extra ``export`` installs the font."""

from __future__ import annotations

import io
from typing import Any

from streamviz.errors import InputError, install_command

FONT = "Open Sans"  # letters that it lacks come from the system's fonts
_INSTALL = install_command("export")
_COLOURS = 64  # of a GIF's palette
_PALETTE_IMAGES = 24  # of which it is made


def png(svg: str, size: tuple[int, int]) -> bytes:
    """Return an SVG as a PNG of this size in pixels.

    Raises
    ------
    InputError
        If the extra ``export`` is not installed.
    """
    font = _font()
    try:
        import resvg_py
    except ImportError as error:
        raise InputError(f"a PNG or a GIF needs resvg-py: {_INSTALL}, or write a .svg") from error
    pixels = resvg_py.svg_to_bytes(
        svg_string=svg,
        width=size[0],
        height=size[1],
        font_files=[font],
        font_family=FONT,
        sans_serif_family=FONT,
    )
    return bytes(pixels)


def gif(images: list[bytes], frame_ms: int, *, loop: bool) -> bytes:
    """Return PNGs as a GIF that shows its last image for two seconds more.

    Raises
    ------
    InputError
        If the extra ``export`` is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError(f"a GIF needs Pillow: {_INSTALL}") from error
    opened = [Image.open(io.BytesIO(image)).convert("RGB") for image in images]
    palette = _palette(opened)
    frames: list[Any] = [
        image.quantize(palette=palette, dither=Image.Dither.NONE) for image in opened
    ]
    frames.append(frames[-1])
    options: dict[str, Any] = {"duration": [frame_ms] * len(images) + [2000]}
    if loop:
        options["loop"] = 0  # for ever; without this field, a GIF plays once
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "GIF", save_all=True, append_images=frames[1:], optimize=False, **options
    )
    return buffer.getvalue()


def _font() -> str:
    """Return the path of the font: resvg draws no text without a font."""
    try:
        import fontpkg

        return str(fontpkg.path(FONT))
    except Exception as error:  # ImportError, or fontpkg's own error for a missing font
        raise InputError(
            f"a PNG or a GIF needs the font {FONT}: {_INSTALL}, or write a .svg"
        ) from error


def _palette(images: list[Any]) -> Any:
    """Return one palette for all images, which avoids flicker, with their rare colours, too."""
    from PIL import Image

    some = images[:: max(1, len(images) // _PALETTE_IMAGES)] + images[-1:]
    width, height = images[0].size
    sheet = Image.new("RGB", (width, height * len(some)))
    for place, image in enumerate(some):
        sheet.paste(image, (0, height * place))
    return sheet.quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE)
