"""What can be made of a recording or a notebook: by the ending of the file, with which options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamviz.errors import InputError, RecordingError
from streamviz.export.embed import ENDING, to_embed
from streamviz.export.html import to_html
from streamviz.export.images import MOVING, PICTURES, to_animation, to_still
from streamviz.export.options import PAGE, check_ending, either
from streamviz.export.slides import to_document, to_slides

_SPAN = {"start": "start_s", "end": "end_s", "speed": "speed"}
_PLAYS = {"caption": "caption", "loop": "loop"}
_LOOK = {"size": "size", "theme": "theme"}
_WHAT = {"plots": "plots", "stream": "stream"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    name : str
        In words.
    endings : tuple of str
        What its files' names end in; the first one is given to a file without a name.
    make : function
        What makes it.
    options : dict of str to str
        Its options, and under which name `make` takes them.
    """

    name: str
    endings: tuple[str, ...]
    make: Callable[..., Path]
    options: dict[str, str]


_PAGE_OPTIONS = _WHAT | _LOOK | _SPAN | _PLAYS | {"autoplay": "autoplay", "poster": "poster"}
RECORDING = (
    Kind("a page that plays by itself", (PAGE,), to_html, _PAGE_OPTIONS),
    Kind(
        "a picture of the moment --end",
        PICTURES,
        to_still,
        _WHAT | _LOOK | {"end": "at_s", "caption": "caption"},
    ),
    Kind("a moving picture", MOVING, to_animation, _WHAT | _LOOK | _SPAN | _PLAYS),
    Kind(
        "a film for another page, with its player",
        (ENDING,),
        to_embed,
        _WHAT | _SPAN | _PLAYS | {"autoplay": "autoplay"},
    ),
)
_NOTEBOOK = {"theme": "theme", "run": "run"}
SLIDES = Kind("slides of a notebook", (f".slides{PAGE}", PAGE), to_slides, _NOTEBOOK)
DOCUMENT = Kind("a notebook to read", (PAGE,), to_document, _NOTEBOOK)
_FLAGS = {"plots": "--plot", "run": "--saved"}


def kind_of(path: Path) -> Kind:
    """Return what a recording is to be made into.

    Raises
    ------
    InputError
        If files with such a name are not made.
    """
    ending = check_ending(path, [one for kind in RECORDING for one in kind.endings])
    return next(kind for kind in RECORDING if ending in kind.endings)


def export(
    source: Path,
    output: Path | None,
    options: dict[str, Any],
    *,
    slides: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write what a file's name asks for, with the options that were given, and return it.

    Raises
    ------
    InputError
        If the kind of file has no such option, or `make` finds one that is wrong.
    RecordingError
        If the file is there already, or the recording can't be read.
    """
    notebook = slides or source.suffix.lower() == ".ipynb"
    if notebook:
        kind = SLIDES if slides else DOCUMENT
        target = output or source.with_suffix(kind.endings[0])
        check_ending(target, [PAGE])
    else:
        target = output or source.with_suffix(PAGE)
        kind = kind_of(target)
    for option in options:
        if option not in kind.options:
            raise InputError(_not_for(option, kind))
    if target.exists() and not overwrite:  # before minutes of work
        raise RecordingError(f"{target} is there already: choose another name, or give --overwrite")
    about = {kind.options[option]: value for option, value in options.items()}
    return kind.make(source, target, overwrite=overwrite, **about)


def _not_for(option: str, kind: Kind) -> str:
    flag = _FLAGS.get(option, f"--{option}")
    have = [one for one in (*RECORDING, SLIDES, DOCUMENT) if option in one.options]
    found = either([f"{one.name} ({either(one.endings)})" for one in have])
    return f"{flag} is not for {kind.name}: leave it out, or make {found}"
