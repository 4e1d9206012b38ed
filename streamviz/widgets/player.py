"""A recording on the boards that showed it live: played, paused, scrubbed, without Redis."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from streamviz.errors import InputError, StreamVizError, is_number
from streamviz.observation.events import KINDS
from streamviz.observation.history import History
from streamviz.plots import AckProgress, GroupLag, Plot, StreamMap
from streamviz.recording import Recording
from streamviz.recording.frames import ROUGH_SHOT, Frames, pack
from streamviz.widgets.bundle import bundle, stylesheet
from streamviz.widgets.live import Live

FILMS = "STREAMVIZ_FILMS"
"""With this in the environment, a displayed player leaves its whole film in its output."""
MAX_FRAMES = 20_000  # of a film that is to lie in a page


class Player(Live):
    """A film on a board: the kernel sends its shots, the browser plays them.

    Keys, once it was clicked: space plays and pauses, the arrows go a frame, Home and End to the
    ends, n and p to the next event and the one before, + and - change the speed. Tab goes to the
    plots, where arrows go from entry to entry, and to the buttons.

    Parameters
    ----------
    film : Film
        What to play.
    speed : float
        How fast; 2.0 is twice as fast as it was.
    loop, autoplay : bool
        Whether it begins again at its end, and by itself.

    Raises
    ------
    InputError
        If the speed is none.
    """

    _esm = bundle("player.js")
    _css = stylesheet("live.css", "player.css")

    def __init__(
        self, film: Frames, *, speed: float = 1.0, loop: bool = False, autoplay: bool = False
    ) -> None:
        self._options = {"speed": _factor(speed), "loop": bool(loop), "autoplay": bool(autoplay)}
        self.film = film
        self._wishes: list[dict[str, object]] | None = []  # said before anybody looks
        super().__init__(film.history(), film.plots)

    def play(self) -> None:
        """Play on; at the end, from the beginning."""
        self._do("play")

    def pause(self) -> None:
        """Hold it."""
        self._do("pause")

    def seek(self, at_s: float) -> None:
        """Go to a moment.

        Parameters
        ----------
        at_s : float
            Seconds since the recording began; beyond an end, that end.

        Raises
        ------
        InputError
            If that is no number.
        """
        if not (is_number(at_s) and abs(at_s) < 1e12):
            raise InputError(f"at_s={at_s!r}: give seconds since the recording began")
        self._do("seek", at_s)

    def speed(self, factor: float) -> None:
        """Play so many times as fast as it was.

        Raises
        ------
        InputError
            If the factor is not above 0, or over 1000.
        """
        self._do("speed", _factor(factor))

    def event(self, kind: str = "", step: int = 1) -> None:
        """Go to the next event, or to the one before, and pause.

        Parameters
        ----------
        kind : str
            One of `streamviz.observation.KINDS`, for example ``"claimed"``; empty is any.
        step : {1, -1}
            Forward, or back.

        Raises
        ------
        InputError
            If there is no such kind, or the step is neither.
        """
        if kind not in ("", *KINDS):
            raise InputError(f"kind={kind!r}: give one of {', '.join(KINDS)}, or nothing for any")
        if step not in (1, -1):
            raise InputError(f"step={step!r}: give 1 for the next event, -1 for the one before")
        self._do("event", kind, step)

    def _do(self, what: str, *given: object) -> None:
        wish: dict[str, object] = {"type": "do", "do": what, "with": list(given)}
        if self._wishes is None:
            self.send(wish)
        else:
            self._wishes.append(wish)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "hello":
            card = {"type": "card", "options": self._options}
            self.send(card, buffers=[pack(self.film.card(), 1)])
            wishes, self._wishes = self._wishes or [], None
            for wish in wishes:
                self.send(wish)
        elif kind in ("shot", "rough"):
            self._send_shot(kind, content.get("place"))
        else:
            super()._receive(_widget, content, _buffers)

    def _tell_story(self, wish: dict[str, Any]) -> None:
        try:
            super()._tell_story(wish)
        except (StreamVizError, OSError) as error:  # the file is gone, or another one
            self.send({"type": "problem", "text": str(error)})

    def _seen(self, wish: dict[str, Any]) -> History:
        place: Any = wish.get("place")
        known = type(place) is int and 0 <= place < len(self.film.frames)
        return self.film.history(place) if known else self.history

    def _bundle(self, place: str) -> dict[str, str]:
        shown = super()._bundle(place)
        if os.environ.get(FILMS) and len(self.film.frames) <= MAX_FRAMES:
            shot = self.film.shot(0, len(self.film.frames))
            film = {"card": self.film.card(), "shot": shot, "options": self._options}
            packed = base64.b64encode(pack(film, 9)).decode("ascii")
            shown["text/html"] += f'<script type="application/gzip" data-film>{packed}</script>'
        return shown

    def _send_shot(self, kind: str, place: Any) -> None:
        rough = kind == "rough"
        many = math.ceil(len(self.film.rough) / ROUGH_SHOT) if rough else len(self.film.frames)
        if type(place) is not int or not 0 <= place < many:
            problem = f"there is no {'rough shot' if rough else 'frame'} {place!r}: reload the page"
            self.send({"type": "problem", "text": problem})
            return
        try:
            found = (self.film.rough_shot if rough else self.film.shot)(place)
        except (StreamVizError, OSError) as error:
            self.send({"type": "problem", "text": str(error)})
            return
        self.send({"type": kind, "place": place}, buffers=[pack(found, 1)])


def replay(
    recording: Recording | str | Path,
    *,
    stream: str | None = None,
    plots: Sequence[Plot] | None = None,
    captions: Iterable[tuple[float, str]] = (),
    start_s: float = 0.0,
    end_s: float | None = None,
    speed: float = 1.0,
    loop: bool = False,
    autoplay: bool = False,
) -> Player:
    """Show a recording on the dashboard's plots, or on others, without Redis.

    Parameters
    ----------
    recording : Recording, str or Path
        What was recorded, or its file.
    stream : str, optional
        Which of its streams; without it, the first.
    plots : sequence of Plot, optional
        Other pictures than the dashboard's three.
    captions : iterable of (at_s, text)
        Texts, each shown from a moment on, beside those in the recording.
    start_s, end_s : float
        Which span, in seconds since the recording began.
    speed : float
        How fast; 2.0 is twice as fast as it was.
    loop, autoplay : bool
        Whether it begins again at its end, and by itself.

    Raises
    ------
    InputError
        If an argument is wrong.
    RecordingError
        If it is no recording, of a newer version, or broken elsewhere than in its last line.
    """
    source = recording if isinstance(recording, Recording) else Recording(recording)
    chosen = (StreamMap(), GroupLag(), AckProgress()) if plots is None else plots
    film = Frames(source, chosen, stream=stream, captions=captions, start_s=start_s, end_s=end_s)
    return Player(film, speed=speed, loop=loop, autoplay=autoplay)


def _factor(speed: float) -> float:
    if not (is_number(speed) and 0 < speed <= 1000):
        raise InputError(f"speed={speed!r}: give a number above 0, at most 1000")
    return float(speed)
