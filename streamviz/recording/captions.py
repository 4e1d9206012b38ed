"""Pin captions to moments of a recording."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from streamviz.errors import InputError, check_type, is_number
from streamviz.recording.blocks import pack_block


@dataclass(frozen=True, slots=True)
class Caption:
    """A text pinned to a moment of a recording; InputError if one of the two is wrong.

    Attributes
    ----------
    at_s : float
        Seconds since the recording began, 0 or more.
    text : str
        The caption; an empty one ends the caption before.
    """

    at_s: float
    text: str

    def __post_init__(self) -> None:
        if not (is_number(self.at_s) and 0 <= self.at_s < 1e12):
            raise InputError(
                f"at_s={self.at_s!r}: give seconds since the recording began, 0 or more"
            )
        if not isinstance(self.text, str):
            raise InputError(f"{self.text!r} is not a caption: give a text")


def captions_of(pairs: Iterable[tuple[float, str]]) -> list[Caption]:
    """Return captions in the order of time; InputError for one that is no (at_s, text)."""
    check_type("captions", pairs, Iterable, "pairs of (at_s, text)")
    captions = []
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InputError(f"{pair!r} is not a caption: give (at_s, text)")
        captions.append(Caption(*pair))
    return sorted(captions, key=lambda caption: caption.at_s)


def pack_captions(captions: Iterable[Caption]) -> bytes:
    """Return captions as a block."""
    rows = [{"at_s": one.at_s, "caption": one.text} for one in captions]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    return pack_block(text.encode("ascii"), json.dumps({"captions": rows}).encode("ascii"))
