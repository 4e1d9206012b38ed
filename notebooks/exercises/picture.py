"""Pictures of a small stream as it is now: the flow, and how each entry got to where it is."""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from exercises.labels import labelled
from streamviz.client import Command, Entry, EntryId, Stream, as_text, listeners
from streamviz.errors import StreamVizError
from streamviz.observation import History, Observer, ReaderState, delivery_log
from streamviz.plots import Flow
from streamviz.plots.flow_constants import OLD_S
from streamviz.plots.flow_svg import drawn
from streamviz.plots.parts import on_background, render_saved

_WIDTH = 720
_DAY_MS = 86_400_000
_MOST = 60  # entries with labels
_seen: dict[str, _Follower] = {}
Label = str | Callable[[Entry], str]


class _Still(Flow):
    """The flow of one moment: without its headline and its rates, which are about time.

    IDs of the clock are not shown. Nor is, unless `ages`, how old a pending entry is: its square is
    full, and not red.
    """

    def __init__(self, *, ages: bool = False) -> None:
        self.ages = ages

    def scene(self, history: History) -> dict[str, Any]:
        """Return the scene of the newest sample."""
        scene = super().scene(history) | {"headline": "", "rate": "", "event": ""}
        scene |= {"producers": [], "all": "", "total": len(scene["groups"])}
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
        self._stream = Stream(client, key)
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

    def entries(self) -> list[Entry]:
        """Return what is in the stream, but no more than there could be room for."""
        self._heard.remove(self)  # this changes nothing
        try:
            return self._stream.range(count=_MOST)
        finally:
            self._heard.append(self)

    def hears(self, client: Any) -> bool:
        """Tell whether what this client sends is followed."""
        return self._heard is listeners(client)

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
    client: Any, key: str, *, label: Label | None = None, **readers: str | EntryId
) -> Picture:
    """Draw a stream as it is now, and follow it from now on.

    If they have room, the entries are boxes with their IDs in them.

    Parameters
    ----------
    client : redis.Redis
        A client of the server.
    key : str
        The key of the stream.
    label : str or callable, optional
        The field whose values stand in the boxes, in place of the IDs; or what returns an entry's
        label.
    **readers
        The last ID of each plain reader.

    Examples
    --------
    >>> picture(client, "jobs", ann="4-0")
    9 entries in the stream, from 1-0 to 9-0; bill: 0 waiting, 9 pending.
    """
    if key not in _seen or not _seen[key].hears(client):  # the notebook has connected again
        start(client, key)
    follower = _seen[key]
    follower.sample(
        *(ReaderState(name, EntryId.parse(str(last))) for name, last in readers.items())
    )
    entries = follower.entries() if label or _shows_ids(follower.history) else []
    return _draw(_Still(), follower.history, {str(one.id): _label(one, label) for one in entries})


def picture_of(history: History) -> Picture:
    """Draw the end of a scenario, with the ages of pending entries and the dead consumers."""
    last = history.newest
    seen = [entry for sample in history.samples for entry in sample.entries]
    entries = seen[-last.length :] if last and last.length and _shows_ids(history) else []
    if not last or (entries and entries[0].id != last.first_id):  # some were deleted
        entries = []
    return _draw(_Still(ages=True), history, {str(one.id): str(one.id) for one in entries})


def picture_if_possible(client: Any, key: str, *, label: Label | None = None) -> Picture | None:
    """Return a picture, or None where there is no stream or no answer."""
    try:
        return picture(client, key, label=label) if Stream(client, key).exists() else None
    except StreamVizError:
        return None


def _shows_ids(history: History) -> bool:
    """Tell whether the IDs are not those of the clock, which differ from run to run."""
    last = history.newest
    return last is None or abs(last.last_id.ms - time.time() * 1000) > _DAY_MS


def _draw(plot: _Still, history: History, labels: dict[str, str]) -> Picture:
    figure = plot.figure(history)
    scene, words = figure["data"][1]["meta"], figure["summary"]
    flow = labelled(_in_order(scene, history, labels), _WIDTH, labels) if labels else None
    if flow is None:
        return Picture(render_saved(figure), words)
    svg = drawn(flow.shapes(), (_WIDTH, flow.height), words, "light")
    return Picture(on_background(svg, "light"), words)


def _in_order(scene: dict[str, Any], history: History, ids: Iterable[str]) -> dict[str, Any]:
    """Return a scene whose cursors stand at entries: the flow counts deleted ones, too."""
    before, order, last = scene["first"] - 1, [EntryId.parse(one) for one in ids], history.newest
    cursors = {one.name: one.last_delivered_id for one in last.groups} if last else {}
    positions = {one.name: one.position for one in last.readers} if last else {}
    moved = {}
    for kind, places in (("groups", cursors), ("readers", positions)):
        moved[kind] = [
            one
            if one["at"] is None or one["name"] not in places
            else one | {"at": before + bisect_right(order, places[one["name"]])}
            for one in scene[kind]
        ]
    return scene | moved


def _label(entry: Entry, field: Label | None) -> str:
    if callable(field):
        return field(entry)
    return str(entry.fields.get(field, "")) if field else str(entry.id)


def _name(command: Command) -> str:
    return as_text(command[0]).upper()
