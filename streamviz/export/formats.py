"""The file formats: which function writes a file with this suffix, so which options it takes."""

from __future__ import annotations

import os.path
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from streamviz.errors import InputError, path_of
from streamviz.export.embed import FRAMES_SUFFIX, to_embed
from streamviz.export.files import HTML, join_or, match_suffix
from streamviz.export.html import to_html
from streamviz.export.images import STILL_SUFFIXES, to_animation, to_still
from streamviz.export.slides import to_document, to_slides
from streamviz.recording.output_file import already_exists


@dataclass(frozen=True, slots=True)
class Format:
    """A file format."""

    description: str  # for help texts and messages
    suffixes: tuple[str, ...]  # of file names; the first is the default
    write: Callable[..., Path]
    without: str = ""  # a parameter of `write` that means nothing in this format

    @property
    def options(self) -> dict[str, str]:
        """The options of the command line, and the parameter of `write` that each sets."""
        parameters = signature(self.write).parameters.values()
        names = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
        return {
            _OPTIONS.get(name, name): name
            for name in names
            if name not in ("overwrite", self.without)
        }


_OPTIONS = {"start_s": "start", "end_s": "end", "at_s": "end", "rate_hz": "rate"}
RECORDING_FORMATS = (
    Format("a page that plays the recording", (HTML,), to_html),
    Format("an image of the moment --end", STILL_SUFFIXES, to_still),
    Format("an animated image", (".gif",), to_animation),
    Format("a video", (".mp4",), to_animation, without="loop"),
    Format("a file of frames for another web page, with its player", (FRAMES_SUFFIX,), to_embed),
)
SLIDES = Format("slides of a notebook", (f".slides{HTML}", HTML), to_slides)
DOCUMENT = Format("a notebook to read", (HTML,), to_document)
_FLAGS = {"plots": "--plot", "run": "--saved"}


def format_of(path: Path) -> Format:
    """Return the format of a recording's export, by the suffix of its file name."""
    suffix = match_suffix(path, [one for known in RECORDING_FORMATS for one in known.suffixes])
    return next(known for known in RECORDING_FORMATS if suffix in known.suffixes)


def export(
    recording: str | Path,
    output: Path | None,
    options: dict[str, Any],
    *,
    slides: bool = False,
    overwrite: bool = False,
) -> Path:
    """Export a recording or a notebook in the format of the output's suffix, and return the file.

    InputError if the format does not have one of the options, or an option is wrong; RecordingError
    if the file already exists, or the recording can't be read.
    """
    source = path_of("recording", recording)
    if slides or source.suffix.lower() == ".ipynb":
        file_format = SLIDES if slides else DOCUMENT
        target = output or source.with_suffix(file_format.suffixes[0])
        match_suffix(target, [HTML])
    else:
        target = output or source.with_suffix("" if source.suffix == ".gz" else HTML).with_suffix(
            HTML
        )
        file_format = format_of(target)
    for option in options:
        if option not in file_format.options:
            raise InputError(_not_an_option(option, options[option], file_format))
    if os.path.exists(target) and not overwrite:  # before minutes of work
        raise already_exists(target, "--overwrite")
    parameters = {file_format.options[option]: value for option, value in options.items()}
    return file_format.write(source, target, overwrite=overwrite, **parameters)


def _not_an_option(option: str, value: Any, file_format: Format) -> str:
    flag = _FLAGS.get(option, f"--no-{option}" if value is False else f"--{option}")
    others = [one for one in (*RECORDING_FORMATS, SLIDES, DOCUMENT) if option in one.options]
    choice = join_or([f"{one.description} ({join_or(one.suffixes)})" for one in others])
    return f"{flag} is not an option of {file_format.description}: leave it out, or make {choice}"
