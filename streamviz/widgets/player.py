"""The widget that replays a recording: play, pause and scrub, without Redis."""

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
from streamviz.plots import Plot, default_plots
from streamviz.recording import Recording
from streamviz.recording.format import pack
from streamviz.recording.frames import PREVIEW_LENGTH, Frames
from streamviz.widgets.assets import script, stylesheet
from streamviz.widgets.player_options import EMBED_FRAMES, MAX_FRAMES, check_speed, player_options
from streamviz.widgets.plot_widget import PlotWidget


class Player(PlotWidget):
    """Frames of a recording: the kernel sends segments of them, and the browser plays them.

    Click the player first, then use keys: docs/how_to/talk.md lists them. The options are those of
    `replay`.
    """

    _esm = script("player_widget.js")
    _css = stylesheet("live.css", "player.css")

    def __init__(
        self, frames: Frames, *, speed: float = 1.0, loop: bool = False, autoplay: bool = False
    ) -> None:
        self._options, self.frames = player_options(speed, loop, autoplay), frames
        self._queue: list[dict[str, object]] | None = []  # actions from before the first hello
        super().__init__(frames.history(), frames.plots)

    def play(self) -> None:
        """Play from the current frame; at the end, from the beginning."""
        self._act("play")

    def pause(self) -> None:
        """Pause at the current frame."""
        self._act("pause")

    def seek(self, at_s: float) -> None:
        """Go to a moment, in seconds since the recording began; beyond an end, to that end."""
        if not (is_number(at_s) and abs(at_s) < 1e12):
            raise InputError(f"at_s={at_s!r}: give seconds since the recording began")
        self._act("seek", at_s)

    def speed(self, factor: float) -> None:
        """Set the speed relative to the recording: above 0, at most 1000, else InputError."""
        self._act("speed", check_speed(factor))

    def event(self, kind: str = "", step: int = 1) -> None:
        """Go to the next or the previous event, and pause there.

        Parameters
        ----------
        kind : str
            One of `streamviz.observation.KINDS`, for example ``"claimed"``; empty means any.
        step : {1, -1}
            1 for the next event, -1 for the previous one.
        """
        if kind not in ("", *KINDS):
            raise InputError(f"kind={kind!r}: give one of {', '.join(KINDS)}, or nothing for any")
        if step not in (1, -1):
            raise InputError(f"step={step!r}: give 1 for the next event, -1 for the previous one")
        self._act("event", kind, step)

    def _act(self, action: str, *args: object) -> None:
        message: dict[str, object] = {"type": "action", "action": action, "args": list(args)}
        if self._queue is None:
            self.send(message)
        else:
            self._queue.append(message)

    def _handle_message(self, content: dict[str, Any]) -> None:
        kind = content.get("type")
        try:
            if kind == "segment":
                self._send_segment(content.get("frame"))
            elif kind == "preview":
                self._send_preview(content.get("number"))
            else:
                super()._handle_message(content)
        except (StreamVizError, OSError) as error:  # the file has been deleted or replaced
            self._problem(error)

    def _greet(self, view: str) -> None:
        metadata = pack(self.frames.metadata(), 1)
        self.send({"type": "metadata", "options": self._options, "view": view}, buffers=[metadata])
        queue, self._queue = self._queue or [], None
        for message in queue:
            self.send(message)

    def _send_segment(self, frame: Any) -> None:
        if type(frame) is not int or not 0 <= frame < len(self.frames):
            raise InputError(f"there is no frame {frame!r}: reload the page")
        segment = pack(self.frames.segment(frame), 1)
        self.send({"type": "segment", "frame": frame}, buffers=[segment])

    def _send_preview(self, number: Any) -> None:
        count = math.ceil(len(self.frames.preview_frames) / PREVIEW_LENGTH)
        if type(number) is not int or not 0 <= number < count:
            raise InputError(f"there is no preview segment {number!r}: reload the page")
        segment = pack(self.frames.preview(number), 1)
        self.send({"type": "preview", "number": number}, buffers=[segment])

    def _history_at(self, request: dict[str, Any]) -> History:
        frame: Any = request.get("frame")
        exists = type(frame) is int and 0 <= frame < len(self.frames)
        return self.frames.history(frame) if exists else self.history

    def _mimebundle(self, element_id: str) -> dict[str, str]:
        output, frames = super()._mimebundle(element_id), self.frames
        if os.environ.get(EMBED_FRAMES) and len(frames) <= MAX_FRAMES:
            content = {"metadata": frames.metadata(), "segment": frames.segment(0, len(frames))}
            packed = base64.b64encode(pack(content | {"options": self._options}, 9)).decode("ascii")
            output["text/html"] += f'<script type="application/gzip" data-frames>{packed}</script>'
        return output


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
    """Show a recording in the dashboard's plots, or in others, without Redis.

    Parameters
    ----------
    recording : Recording, str or Path
        The recording, or its file.
    stream : str, optional
        The stream to show; by default the first.
    plots : sequence of Plot, optional
        The plots to show; by default the dashboard's, as in exported files.
    captions : iterable of (at_s, text)
        Texts to show besides the recording's own captions, each from a moment on.
    start_s, end_s : float
        The span to show, in seconds since the recording began.
    speed : float
        Speed relative to the recording, at most 1000; 2.0 is twice as fast.
    loop, autoplay : bool
        Whether to start again at the end, and whether to start without a click.

    Raises
    ------
    InputError
        If an argument is wrong, or the recording has nothing that one of the plots shows.
    RecordingError
        If the file is not a recording, has a newer version, or is broken before its last line.
    """
    source = recording if isinstance(recording, Recording) else Recording(recording)
    chosen = default_plots() if plots is None else plots
    frames = Frames(source, chosen, stream=stream, captions=captions, start_s=start_s, end_s=end_s)
    frames.check_data()
    return Player(frames, speed=speed, loop=loop, autoplay=autoplay)
