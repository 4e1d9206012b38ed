"""What a check says of an exercise: right and why, or not yet and a hint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import GroupInfo
from streamviz.client.stream import Stream
from streamviz.errors import NoSuchStream


@dataclass(frozen=True, slots=True)
class Verdict:
    """A check's answer; as a cell's last line it shows itself in words.

    Attributes
    ----------
    right : bool
        Whether the exercise is solved.
    text : str
        Why it is right, or a hint.
    """

    right: bool
    text: str

    def __repr__(self) -> str:
        return f"{'Right' if self.right else 'Not yet'}: {self.text}"


def grade(right: str, hints: Iterable[tuple[bool, str]]) -> Verdict:
    """Return the first hint whose condition holds, or else that it is `right`."""
    for wrong, hint in hints:
        if wrong:
            return Verdict(False, hint)
    return Verdict(True, right)


def stream_of(group: ConsumerGroup) -> Stream:
    """Return the stream of a group."""
    return Stream(group.connection.client, group.key)


def find_group(stream: Stream, name: str) -> GroupInfo | None:
    """Return the numbers of a group, None if there is no such group or no stream."""
    try:
        return next((found for found in stream.groups() if found.name == name), None)
    except NoSuchStream:
        return None
