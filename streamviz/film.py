"""A recording as a film: the figures of its frames, as the boards draw them.

A frame is a sample. A *shot* is a run of frames: the whole figures of its first one, and for each
frame after it what is new, exactly as a live board gets it (see `streamviz.plots.figure`).
"""

from __future__ import annotations

import gzip
import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from streamviz.errors import InputError
from streamviz.history import History
from streamviz.plots.figure import Figure, Plot, clean
from streamviz.recording import Recording, captions_of
from streamviz.sample import Sample

SHOT = 100  # frames
ROUGH_SHOT = 200
MAX_ROUGH = 4000  # rough frames of a film: more are no use to a hand
MAX_ENTRIES = 2000  # more dots than that are no picture, and cost a browser its frame rate


class Film:
    """The frames of one stream of a recording.

    Parameters
    ----------
    recording : Recording
        What was recorded.
    plots : sequence of Plot
        Which pictures.
    stream : str, optional
        Which of its streams; without it, the first.
    captions : iterable of (at_s, text)
        Captions beside those in the recording.
    start_s, end_s : float
        Which span of it, in seconds since it began.
    limit : int
        Samples in a picture: the newest.

    Attributes
    ----------
    frames : range
        The samples of the recording that are its frames.
    rough : list of int
        Those of them that are shown while it is dragged; none if it is short.

    Raises
    ------
    InputError
        If there is no such stream, no such span, no plot, or a caption is none.
    """

    def __init__(
        self,
        recording: Recording,
        plots: Sequence[Plot],
        *,
        stream: str | None = None,
        captions: Iterable[tuple[float, str]] = (),
        start_s: float = 0.0,
        end_s: float | None = None,
        limit: int = 1000,
    ) -> None:
        self.plots = tuple(plots) if isinstance(plots, Sequence) else ()
        if not self.plots or not all(isinstance(plot, Plot) for plot in self.plots):
            raise InputError(f"plots={plots!r}: give a list of plots, for example [GroupLag()]")
        self.recording = recording
        self.track = recording.track(stream)
        self._captions = captions_of(
            chain(((one.at_s, one.text) for one in recording.captions), captions)
        )
        self._limit = limit
        if not len(self.track):
            raise InputError(f"{recording.path} holds no sample: record one first")
        self.frames = self._span(start_s, end_s)
        whole = self.track.whole
        whole = whole[bisect_left(whole, self.frames.start) : bisect_left(whole, self.frames.stop)]
        long = len(self.frames) > 4 * SHOT
        self.rough = whole[:: math.ceil(len(whole) / MAX_ROUGH)] if long else []

    @property
    def start_ms(self) -> int:
        """When the recorded stream was first looked at, in milliseconds since 1970 UTC."""
        return self.track.times_ms[0]

    def card(self) -> dict[str, Any]:
        """Return what a player needs to know before the first frame.

        Its places count from the film's first frame; its times are seconds since the recording
        began, as the pictures have them.
        """
        first, end = self.frames.start, self.frames.stop
        times = [round((ms - self.start_ms) / 1000, 3) for ms in self.track.times_ms[first:end]]
        return {
            "stream": clean(self.track.stream),
            "shot": SHOT,
            "rough": {"shot": ROUGH_SHOT, "places": [place - first for place in self.rough]},
            "times": times,
            "events": [
                [one.place - first, one.kind, clean(one.text)]
                for one in self.track.events
                if first <= one.place < end
            ],
            "captions": [[one.at_s, clean(one.text)] for one in self._captions],
        }

    def shot(self, place: int, frames: int = SHOT) -> dict[str, Any]:
        """Return the shot that begins at a place, counted from the film's first frame."""
        at = self.frames[place]
        end = min(at + frames, self.frames.stop)
        samples = self._samples(at, end)
        history = self._history()
        for _, sample in zip(range(at - self._begin(at) + 1), samples, strict=False):
            history.append(sample)
        return self._shot(place, history, samples)

    def figures(self, place: int = -1) -> list[Figure]:
        """Return one frame's figures."""
        history = self.history(place)
        return [plot.figure(history) for plot in self.plots]

    def rough_shot(self, number: int) -> dict[str, Any]:
        """Return the rough frames of one shot, whose places stand in the card: quickly made.

        Each is drawn from the samples alone that are rough frames, so a hand that drags through
        an hour is followed from few shots, each of which the browser has for good.
        """
        first = number * ROUGH_SHOT
        begin = bisect_left(self.rough, self._begin(self.rough[first]))
        places = self.rough[begin : first + ROUGH_SHOT]
        chosen = self.recording.chosen(self.track.stream, places)
        samples = (replace(sample, n=n) for n, sample in enumerate(chosen, start=1))
        history = self._history(max(2, self._limit * len(self.rough) // len(self.frames)))
        for sample in islice(samples, first - begin + 1):
            history.append(sample)
        return self._shot(first, history, samples)

    def history(self, place: int = -1) -> History:
        """Return the window of samples that a frame shows."""
        at = self.frames[place]
        history = self._history()
        for sample in self._samples(at, at + 1):
            history.append(sample)
        return history

    def _begin(self, at: int) -> int:
        """Return the first sample of the window that ends at a sample; none before the film."""
        return max(self.frames.start, at - self._limit + 1)

    def _samples(self, at: int, end: int) -> Iterator[Sample]:
        """Return the samples of a window and those after it, with no entry that none will see."""
        begin, bare_until, many = self._begin(at), at, self.track.entries[at]
        while bare_until > begin and many + self.track.entries[bare_until - 1] <= MAX_ENTRIES:
            bare_until -= 1
            many += self.track.entries[bare_until]
        return self.recording.samples(self.track.stream, begin, end, bare_until=bare_until)

    def _history(self, limit: int = 0) -> History:
        history = History(limit or self._limit, max_entries=MAX_ENTRIES)
        history.follow(self.start_ms, self.track.groups)
        return history

    def _shot(self, first: int, history: History, rest: Iterator[Sample]) -> dict[str, Any]:
        figures = [plot.figure(history) for plot in self.plots]
        identities = [plot.identity(history) for plot in self.plots]
        deltas = [self._deltas(history, sample, identities) for sample in rest]
        return {"first": first, "figures": figures, "deltas": deltas}

    def _deltas(self, history: History, sample: Sample, identities: list[Any]) -> list[Any]:
        last = history.last
        history.append(sample)
        found = []
        for i, plot in enumerate(self.plots):
            delta = plot.delta(history, last.n if last else 0, identities[i])
            identities[i] = plot.identity(history)
            found.append(delta)
        return found

    def _span(self, start_s: float, end_s: float | None) -> range:
        times = self.track.times_ms
        for name, value in (("start_s", start_s), ("end_s", end_s)):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (number and value >= 0):
                raise InputError(f"{name}={value!r}: give seconds since the recording began")
        first = bisect_left(times, self.start_ms + start_s * 1000)
        end = len(times)
        if end_s is not None:
            end = bisect_right(times, self.start_ms + end_s * 1000)
        if first >= end:
            long = (times[-1] - self.start_ms) / 1000
            upto = "on" if end_s is None else f"to {end_s:g} s"
            raise InputError(
                f"there is no sample from {start_s:g} s {upto}: the recording is {long:g} s long"
            )
        return range(first, end)


def pack(thing: Any, level: int = 6) -> bytes:
    """Return something as compressed JSON."""
    text = json.dumps(thing, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode("ascii"), level, mtime=0)
