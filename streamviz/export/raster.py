"""An SVG of ours as a PNG. The extra ``export`` installs the rasteriser and its font."""

from __future__ import annotations

from streamviz.errors import InputError, install_command

FONT = "Open Sans"  # letters that it lacks come from the system's fonts
_INSTALL = install_command("export")


def png(svg: str, size: tuple[int, int]) -> bytes:
    """Return an SVG as a PNG of this size in pixels; InputError without the extra ``export``."""
    font = font_path()
    try:
        import resvg_py
    except ImportError as error:
        raise InputError(
            f"a PNG, a GIF or an MP4 needs resvg-py: {_INSTALL}, or write a .svg"
        ) from error
    pixels = resvg_py.svg_to_bytes(
        svg_string=svg,
        width=size[0],
        height=size[1],
        font_files=[font],
        font_family=FONT,
        sans_serif_family=FONT,
    )
    return bytes(pixels)


def font_path() -> str:
    """Return the path of the font: resvg draws no text without a font."""
    try:
        import fontpkg

        return str(fontpkg.path(FONT))
    except Exception as error:  # ImportError, or fontpkg's own error for a missing font
        raise InputError(
            f"a PNG, a GIF or an MP4 needs the font {FONT}: {_INSTALL}, or write a .svg"
        ) from error
