"""Pictures of a small stream as it is now: the flow, and how each entry got to where it is."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from exercises.labels import labelled
from streamviz.client.connection import listeners
from streamviz.client.entry_id import EntryId
from streamviz.client.resp import Command, as_text
from streamviz.client.stream import Stream
from streamviz.errors import StreamVizError
from streamviz.observation.deliveries import delivery_log
from streamviz.observation.history import History
from streamviz.observation.observer import Observer
from streamviz.observation.sample import ReaderState
from streamviz.plots.flow import Flow
from streamviz.plots.flow_scene import OLD_S
from streamviz.plots.flow_svg import drawn
from streamviz.plots.svg import render

_WIDTH = 720
_DAY_MS = 86_400_000
_seen: dict[str, _Follower] = {}


class _Still(Flow):
    """The flow of one moment: without its headline and its rates, which are about time.

    IDs of the clock are not shown. Nor is, unless `ages`, how old a pending entry is: its square is
    full, and not red.
    """

    def __init__(self, *, ages: bool = False) -> None:
        self.ages = ages

    def scene(self, history: History) -> dict[str, Any]:
        """Return the scene of the newest sample."""
        scene = super().scene(history) | {"headline": "", "rates": "", "event": ""}
        scene["producers"] = []
        for group in () if self.ages else scene["groups"]:
            pending = delivery_log(history).pending(group["name"])
            for consumer in group["consumers"]:
                consumer["held"] = [
                    [str(one.id), None, OLD_S, one.deliveries]
                    for one in pending
                    if one.consumer == consumer["name"]
                ]
        return scene if _shows_ids(history) else scene | {"ids": ["newest"] * 2}

    def summary(self, history: History) -> str:
        """Return each group's waiting and pending entries."""
        words = super().summary(history).partition(". ")[2]
        return words if _shows_ids(history) else re.sub(r", from \S+ to [^;.]+", "", words)


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


class _Follower:
    """Samples a stream between the commands that change it: so it is known how an entry left."""

    def __init__(self, client: Any, key: str) -> None:
        self.key = key
        self.history = History()
        self._observer = Observer(client, key)
        self._lock = threading.Lock()
        self._changed_by = ""
        self._heard = listeners(client)
        self._heard.append(self)
        self.sample()

    def sample(self, *readers: ReaderState) -> None:
        """Take a sample. A day passes from one to the next: in a picture, nothing has a rate."""
        with self._lock:
            self._changed_by = ""
            last = self.history.newest
            time_ms = last.time_ms + _DAY_MS if last else 0
            self.history.append(self._observer.sample(time_ms, readers=readers))

    def on_send(self, command: Command) -> None:
        """Take a sample of what the command before has changed; many entries are added at once."""
        if self._changed_by and {self._changed_by, _name(command)} != {"XADD"}:
            self.sample()

    def on_reply(self, command: Command, _reply: Any) -> None:
        """Note that the stream may have changed."""
        if self.key in map(as_text, command):
            self._changed_by = _name(command)

    def stop(self) -> None:
        """Follow no longer."""
        if self in self._heard:
            self._heard.remove(self)


def start(client: Any, key: str) -> None:
    """Follow a stream from now on: pictures tell how each entry left.

    Parameters
    ----------
    client : redis.Redis
        What this package sends over it is followed.
    key : str
        The key of the stream.
    """
    if key in _seen:
        _seen[key].stop()
    _seen[key] = _Follower(client, key)


def picture(
    client: Any, key: str, *, label: str | None = None, **readers: str | EntryId
) -> Picture:
    """Draw a stream as it is now, and follow it from now on.

    If they have room, the entries are boxes with their IDs in them.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    key : str
        The key of the stream.
    label : str, optional
        The field whose values stand in the boxes, in place of the IDs.
    **readers
        The last ID of each plain reader.

    Examples
    --------
    >>> picture(client, "jobs", ann="4-0")
    9 entries in the stream, from 1-0 to 9-0; bill: 0 waiting, 9 pending.
    """
    if key not in _seen:
        start(client, key)
    follower = _seen[key]
    follower.sample(
        *(ReaderState(name, EntryId.parse(str(last))) for name, last in readers.items())
    )
    return _draw(_Still(), follower.history, label)


def picture_of(history: History) -> Picture:
    """Draw the end of a scenario, with the ages of pending entries and the dead consumers."""
    return _draw(_Still(ages=True), history, None)


def picture_if_possible(client: Any, key: str) -> Picture | None:
    """Return a picture, or None where there is no stream or no answer."""
    try:
        return picture(client, key) if Stream(client, key).exists() else None
    except StreamVizError:
        return None


def _shows_ids(history: History) -> bool:
    """Tell whether the IDs are not those of the clock, which differ from run to run."""
    last = history.newest
    return last is None or abs(last.last_id.ms - time.time() * 1000) > _DAY_MS


def _draw(plot: _Still, history: History, label: str | None) -> Picture:
    figure = plot.figure(history)
    scene, words = figure["data"][1]["meta"], figure["summary"]
    labels = _labels(history, scene, label) if _shows_ids(history) or label else {}
    flow = labelled(scene, _WIDTH, labels) if labels else None
    if flow is None:
        return Picture(render(figure, _WIDTH), words)
    return Picture(drawn(flow.shapes(), (_WIDTH, flow.height), words), words)


def _labels(history: History, scene: dict[str, Any], field: str | None) -> dict[str, str]:
    """Return the label of each entry in the stream by its ID, oldest first.

    None are known if an entry between others was deleted: the flow counts from the end.
    """
    length = scene["added"] - scene["first"] + 1 if "added" in scene else 0
    seen = [entry for sample in history.samples for entry in sample.entries][-length:]
    if length <= 0 or len(seen) < length or str(seen[0].id) != str(history.samples[-1].first_id):
        return {}
    return {str(one.id): str(one.fields.get(field, "") if field else one.id) for one in seen}


def _name(command: Command) -> str:
    return as_text(command[0]).upper()
