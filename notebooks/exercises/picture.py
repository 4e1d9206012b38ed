"""A picture of a small stream as it is now: the flow, from one sample at each call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from streamviz.client.stream import Stream
from streamviz.errors import StreamVizError
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.plots.flow import Flow
from streamviz.plots.svg import render

_WIDTH = 720
_STEP_MS = 1000  # between two samples: a picture needs an order of them, and no clock
_CHOSEN_MS = 10_000
_seen: dict[str, tuple[Observer, History]] = {}


class _Now(Flow):
    """The flow without its headline, which is about rates."""

    def scene(self, history: History) -> dict[str, Any]:
        """Return the scene of the newest sample."""
        scene = super().scene(history) | {"headline": "", "rates": "", "event": ""}
        return scene if _was_chosen(history) else scene | {"ids": ["oldest", "newest"]}

    def summary(self, history: History) -> str:
        """Return each group's waiting and pending entries."""
        words = super().summary(history).partition(". ")[2]
        return words if _was_chosen(history) else re.sub(r", from \S+ to [^;.]+", "", words)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a notebook shows as SVG, and a terminal as text.

    Attributes
    ----------
    svg, text : str
        The picture, and what it shows in words.
    """

    svg: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_svg_(self) -> str:
        return self.svg

    def below(self, words: str) -> str:
        """Return HTML with words above the picture, for a result that has both.

        A front end shows one form of a value. Of SVG and plain text that is the SVG, and the words
        would be lost; HTML comes before both. In GitHub's pages an image stays, and an SVG doesn't.
        """
        drawn = quote(self.svg, safe=" ='/:;,.()-+!*&@$?")
        style = f"display:block;width:100%;max-width:{_WIDTH}px"
        image = f'<img alt="{escape(self.text)}" style="{style}" src="data:image/svg+xml,{drawn}">'
        return f"<p>{escape(words)}</p>{image}"


def start(client: Any, key: str) -> None:
    """Take the first sample of a stream: the next picture shows what changed since then."""
    _seen.pop(key, None)
    _history(client, key)


def picture(client: Any, key: str) -> Picture:
    """Take a sample of a stream, and draw it.

    The samples of earlier pictures tell how entries left: acknowledged, or in another way.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    key : str
        The key of the stream.

    Examples
    --------
    >>> picture(client, "jobs")
    9 entries in the stream, from 1-0 to 9-0; bill: 0 waiting, 9 pending.
    """
    history = _history(client, key)
    plot = _Now()
    figure = plot.figure(history)
    return Picture(render(figure, _WIDTH), figure["summary"])


def picture_if_possible(client: Any, key: str) -> Picture | None:
    """Return a picture, or None where there is no stream or no answer."""
    try:
        return picture(client, key) if Stream(client, key).exists() else None
    except StreamVizError:
        return None


def _was_chosen(history: History) -> bool:
    """Tell whether the IDs were chosen by hand; others differ from run to run."""
    last = history.newest
    return last is not None and last.last_id is not None and last.last_id.ms < _CHOSEN_MS


def _history(client: Any, key: str) -> History:
    if key not in _seen:
        _seen[key] = Observer(client, key), History()
    observer, history = _seen[key]
    last = history.newest
    history.append(observer.sample(time_ms=last.time_ms + _STEP_MS if last else 0))
    return history
