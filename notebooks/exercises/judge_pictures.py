"""The pictures of notebook 09: requests and their answers, and a race of two judges."""

from __future__ import annotations

import redis

from exercises import picture
from exercises.answers import answers, moves_of, req_id_of
from exercises.boxes import Head, Tinted, boxes
from go_game.messages import Topic
from streamviz.client import Stream
from streamviz.plots.parts import COLOURS, GREY, RED

_NAME = 10  # letters; an ID that the match has made up is longer
_COLOURS = {"made": COLOURS[2], "rejected": RED}  # of an answer; a request without one is grey
_STONES = {"black": "#111111", "white": "#ffffff"}


def dialogue(
    client: redis.Redis, prefix: str, without: str = "-", *, long: str = "request"
) -> picture.Picture:
    """Draw the requests by their IDs, and below each the first word of its answer.

    Leave out those whose ID begins with the text `without`. Instead of a long ID, write the word
    `long` and a number.
    """
    entries = Stream(client, f"{prefix}{Topic.MAKE_MOVE}").range()
    ids = [move.req_id for move in moves_of(entries).values()]
    asked = [one for one in ids if not one.startswith(without)]
    said = answers(client, prefix)
    names = {
        one: one if len(one) < _NAME else f"{long} {n}"
        for n, one in enumerate(dict.fromkeys(asked), 1)
    }
    words = []
    for number, one in enumerate(asked):
        left = said.get(one)
        none = "none" if one in asked[:number] else "none yet"
        words.append(_answered(left.pop(0)) if left else Tinted(none, GREY, empty=True))
    return boxes({"asked": [Tinted(names[one], GREY) for one in asked], "answered": words})


def requests(client: redis.Redis, prefix: str) -> picture.Picture:
    """Draw the stream of requests, each with its ``req_id``."""
    return picture.picture(client, f"{prefix}{Topic.MAKE_MOVE}", label=req_id_of)


def _answered(answer: str) -> Tinted:
    """Return an answer's first word in the colour of its kind."""
    word = answer.partition(":")[0]
    return Tinted(word, _COLOURS[word])


class Race:
    """What became of each request of a match, at some moments: one column for each moment.

    A request is waiting, or a judge holds it, or it has its answer. A request named ``black`` or
    ``white`` has a stone of that colour.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        The start of the match's keys.

    Examples
    --------
    >>> race = Race(client, "pair:")
    >>> race.note("both have read")
    >>> race
    when: both have read; black: held by ann; white: held by ben
    """

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client, self._prefix = client, prefix
        self._rows: dict[str, list[object]] = {"when": []}

    def note(self, moment: str) -> None:
        """Add a column (XRANGE, XPENDING): where each request is now."""
        requests = Stream(self._client, f"{self._prefix}{Topic.MAKE_MOVE}")
        held = requests.group("judge").pending_entries()
        holders = {one.id: f"held by {one.consumer}" for one in held}
        said = answers(self._client, self._prefix)
        for entry_id, move in moves_of(requests.range()).items():
            missed = [None] * len(self._rows["when"])
            if move.req_id in said:
                words = [_answered(one) for one in said[move.req_id]]
                now = Tinted(" and ".join(map(str, words)), words[-1].colour)
            elif entry_id in holders:
                now = Tinted(holders[entry_id], GREY)
            else:
                now = Tinted("waiting", GREY, empty=True)
            self._rows.setdefault(move.req_id, [*missed]).append(now)
        self._rows["when"].append(Head(moment))

    def __repr__(self) -> str:
        return repr(boxes(self._rows, discs=_STONES))

    def _repr_svg_(self) -> str:
        return boxes(self._rows, discs=_STONES).svg
