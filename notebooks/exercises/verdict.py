"""The verdict on an exercise: right with a reason, or not yet with a hint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from exercises.picture import Picture
from streamviz.client import ConsumerGroup, GroupInfo, Stream
from streamviz.errors import NoSuchStream


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check, shown in words as a cell's last line.

    Attributes
    ----------
    right : bool
        Whether the exercise is solved.
    text : str
        The reason, or a hint.
    picture : Picture, optional
        The stream as the check found it.
    """

    right: bool
    text: str
    picture: Picture | None = None

    def __repr__(self) -> str:
        return f"{'Right' if self.right else 'Not yet'}: {self.text}"

    def _repr_html_(self) -> str | None:
        return self.picture.below(repr(self)) if self.picture else None


def grade(right: str, hints: Iterable[tuple[bool, str]]) -> Verdict:
    """Return the first hint whose condition holds, or else the text `right`."""
    for wrong, hint in hints:
        if wrong:
            return Verdict(False, hint)
    return Verdict(True, right)


def count_of(number: int, one: str, many: str | None = None) -> str:
    """Return a number and its noun, such as ``1 entry is`` and ``2 entries are``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def stream_of(group: ConsumerGroup) -> Stream:
    """Return the stream of a group."""
    return Stream(group.connection.client, group.key)


def find_group(stream: Stream, name: str) -> GroupInfo | None:
    """Return a group's numbers; None if the group or the stream does not exist."""
    try:
        return next((group for group in stream.groups() if group.name == name), None)
    except NoSuchStream:
        return None
