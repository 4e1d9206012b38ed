"""Turn a recording into frames: the figures that a player draws.

A frame is a sample. A *segment* is a run of frames: the whole figures of its first frame, then
each later frame's delta, exactly as a live widget gets it (see `streamviz.plots.figure`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, takewhile
from typing import Any

from streamviz.errors import InputError, check_type, is_number
from streamviz.observation.events import STYLES, Deaths, follow_deaths
from streamviz.observation.history import History
from streamviz.observation.partition_sample import PartitionedSample
from streamviz.observation.sample import Sample
from streamviz.plots import StreamMap
from streamviz.plots.drawing import FAILED, check_groups, check_plots, draw, draw_change
from streamviz.plots.figure import Figure, Plot
from streamviz.plots.texts import clean
from streamviz.recording import Recording, captions_of
from streamviz.recording.gc_pause import gc_paused

SEGMENT_LENGTH = 100  # frames
PREVIEW_LENGTH = 200
PREVIEW_EVERY = 10
MAX_PREVIEW = 4000  # preview frames: dragging does not need more
MAX_ENTRIES = 2000  # more dots are unreadable, and cost a browser its frame rate


class Frames:
    """The frames of one stream of a recording.

    Parameters
    ----------
    recording : Recording
        The recording.
    plots : sequence of Plot
        The plots to draw.
    stream : str, optional
        One of the recorded streams; by default, the first.
    captions : iterable of (at_s, text)
        Captions to add to those in the recording.
    start_s, end_s : float
        The span to show, in seconds since the recording began.
    limit : int
        How many of the newest samples a figure shows.

    Attributes
    ----------
    span : range
        The recording's samples that are frames.
    problems : dict
        By title, the first reason why a plot could not be drawn.
    preview_frames : list of int
        The samples that are shown while the slider is dragged; none if the span is short.

    Raises
    ------
    InputError
        If the stream or the span does not exist, there is no plot, or a caption is wrong.
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
        check_type("recording", recording, Recording, "a Recording, for example Recording(path)")
        self.plots = check_plots(plots)
        self.recording = recording
        self.track = recording.track(stream)
        self._captions = [*recording.captions, *captions_of(captions)]
        self._captions.sort(key=lambda caption: caption.at_s)
        self._limit = limit
        self.problems: dict[str, str] = {}
        if not len(self.track):
            raise InputError(f"{recording.path} holds no sample: record one first")
        check_groups(self.plots, tuple(self.track.groups))
        self.span = self._span(start_s, end_s)
        self._seed = self._seed_at()
        step = max(PREVIEW_EVERY, math.ceil(len(self.span) / MAX_PREVIEW))
        self.preview_frames = list(self.span[::step]) if len(self.span) > 4 * SEGMENT_LENGTH else []

    def __len__(self) -> int:
        return len(self.span)

    def check_data(self) -> None:
        """Check that the recording has something that each plot shows, else InputError."""
        end = self.span.stop
        (last,) = self.recording.samples(self.track.stream, end - 1, end)
        missing = {
            "consumer groups": not (self.track.groups or last.groups),
            "readers": not last.readers,
            "partitions": not isinstance(last, PartitionedSample),
        }
        for plot in self.plots:
            if missing.get(plot.needs):
                raise InputError(
                    f"{plot.title}: nothing to show: no {plot.needs} in this recording: "
                    "choose other plots"
                )

    @property
    def start_ms(self) -> int:
        """The time of the stream's first sample, in milliseconds since 1970 UTC."""
        return self.track.times_ms[0]

    def metadata(self) -> dict[str, Any]:
        """Return what a player needs before the first frame.

        Frame numbers count from the first frame. Each kind of event comes with its name, and with
        the mark and the tone that a player shows. Times are seconds since the recording began, as
        in the figures.
        """
        first, end = self.span.start, self.span.stop
        events = [one for one in self.track.events if first <= one.place < end]
        times = [round((ms - self.start_ms) / 1000, 3) for ms in self.track.times_ms[first:end]]
        return {
            "stream": clean(self.track.stream),
            "segment_length": SEGMENT_LENGTH,
            "preview": {
                "segment_length": PREVIEW_LENGTH,
                "frames": [place - first for place in self.preview_frames],
            },
            "times": times,
            "events": [
                [one.place - first, one.event.kind, clean(str(one.event))] for one in events
            ],
            "kinds": {
                one.event.kind: [style.name, style.mark, style.tone]
                for one in events
                for style in [STYLES[one.event.kind]]
            },
            "captions": [[one.at_s, clean(one.text)] for one in self._captions],
        }

    @gc_paused()
    def segment(self, place: int, frames: int = SEGMENT_LENGTH) -> dict[str, Any]:
        """Return the segment that begins at a frame, counted from the first one."""
        figures, deltas = self.figures_and_deltas(place, frames)
        return {"first": place, "figures": figures, "deltas": list(deltas)}

    @gc_paused()
    def figures_and_deltas(
        self, place: int = 0, frames: int | None = None
    ) -> tuple[list[Figure], Iterator[list[Any]]]:
        """Return a segment's first figures, and an iterator over the later frames' deltas.

        Without a number of frames, the segment goes on to the last frame.
        """
        at = self.span[place]
        end = self.span.stop if frames is None else min(at + frames, self.span.stop)
        begin = self._begin(at)
        samples = self._samples(at, end)
        window = deep = self._history(max(begin, self.span.start))
        if self._seed < self.span.start:  # a stream map shows more than the other plots
            deep = self._history(begin)
        for one, sample in zip(range(begin, at + 1), samples, strict=False):
            if deep is not window:
                deep.append(sample)
            if one >= self.span.start:
                window.append(sample)
        windows = [deep if isinstance(plot, StreamMap) else window for plot in self.plots]
        return self._play(windows, samples)

    def figures(self, place: int = -1) -> list[Figure]:
        """Return one frame's figures."""
        return self.figures_and_deltas(place, 1)[0]

    @gc_paused()
    def preview(self, number: int) -> dict[str, Any]:
        """Return one segment of the preview frames, which the metadata lists.

        Each frame is drawn from the preview frames alone, which is fast. A few segments, which the
        browser keeps, are enough to drag through an hour.
        """
        first = number * PREVIEW_LENGTH
        begin = bisect_left(self.preview_frames, self._begin(self.preview_frames[first]))
        places = self.preview_frames[begin : first + PREVIEW_LENGTH]
        chosen = self.recording.chosen(self.track.stream, places)
        samples = (replace(sample, n=n) for n, sample in enumerate(chosen, start=1))
        limit = max(2, self._limit * len(self.preview_frames) // len(self))
        history = self._history(places[0], limit)
        for sample in islice(samples, first - begin + 1):
            history.append(sample)
        figures, deltas = self._play([history] * len(self.plots), samples)
        return {"first": first, "figures": figures, "deltas": list(deltas)}

    @gc_paused()
    def history(self, place: int = -1) -> History:
        """Return a history with at least the samples that a frame shows; see `_seed_at`."""
        at = self.span[place]
        history = self._history(self._begin(at))
        for sample in self._samples(at, at + 1):
            history.append(sample)
        return history

    def _begin(self, at: int) -> int:
        return max(self._seed, at - self._limit + 1)

    def _seed_at(self) -> int:
        """Return the first sample that a figure needs.

        That is the first frame, except for the stream map: it shows what the stream holds, and
        some of those entries were added before the first frame.
        """
        place = self.span.start
        if not place or not any(isinstance(plot, StreamMap) for plot in self.plots):
            return place
        (sample,) = self.recording.samples(self.track.stream, place, place + 1)
        missing = min(sample.length, MAX_ENTRIES) - self.track.entries[place]
        earliest = max(0, place - self._limit + 1)
        while place > earliest and missing > 0:
            place -= 1
            missing -= self.track.entries[place]
        return place

    def _samples(self, at: int, end: int) -> Iterator[Sample]:
        """Return the samples of a window and those after it, without entries that no plot shows."""
        begin, bare_until, many = self._begin(at), at, self.track.entries[at]
        while bare_until > begin and many + self.track.entries[bare_until - 1] <= MAX_ENTRIES:
            bare_until -= 1
            many += self.track.entries[bare_until]
        return self.recording.samples(self.track.stream, begin, end, bare_until=bare_until)

    def _history(self, begin: int, limit: int = 0) -> History:
        """Return an empty window that begins with a sample."""
        history = History(limit or self._limit, max_entries=MAX_ENTRIES)
        dead: Deaths = {}
        for one in takewhile(lambda one: one.place < begin, self.track.events):
            follow_deaths(dead, self.track.times_ms[one.place], [one.event])
        history.continue_from(self.start_ms, self.track.groups, dead)
        return history

    def _play(
        self, windows: list[History], rest: Iterable[Sample]
    ) -> tuple[list[Figure], Iterator[list[Any]]]:
        """Return each plot's figure of its window, and an iterator over the deltas of the rest."""
        each = list(zip(self.plots, windows, strict=True))
        drawn = [draw(plot, window) for plot, window in each]
        for figure, key in drawn:
            self._note(figure, key)
        return [figure for figure, _ in drawn], self._deltas(each, [key for _, key in drawn], rest)

    def _deltas(
        self, each: list[tuple[Plot, History]], identities: list[Any], rest: Iterable[Sample]
    ) -> Iterator[list[Any]]:
        windows = {window for _, window in each}  # the plots share them
        for sample in rest:
            last = each[0][1].newest
            n = last.n if last else 0
            for window in windows:
                window.append(sample)
            deltas = []
            for i, (plot, window) in enumerate(each):
                delta, identities[i] = draw_change(plot, window, n, identities[i])
                self._note(delta.get("full"), identities[i])
                deltas.append(delta)
            yield deltas

    def _note(self, figure: Figure | None, key: Any) -> None:
        if figure is not None and key is FAILED:
            self.problems.setdefault(figure["layout"]["title"]["text"], figure["summary"])

    def _span(self, start_s: float, end_s: float | None) -> range:
        times = self.track.times_ms
        until_s = math.inf if end_s is None else end_s
        for name, value in (("start_s", start_s), ("end_s", until_s)):
            if not (is_number(value) and value >= 0):
                raise InputError(f"{name}={value!r}: give seconds since the recording began")
        first = bisect_left(times, self.start_ms + start_s * 1000)
        end = bisect_right(times, self.start_ms + until_s * 1000)
        if first >= end:
            long = (times[-1] - self.start_ms) / 1000
            upto = "on" if end_s is None else f"to {end_s:g} s"
            raise InputError(
                f"there is no sample from {start_s:g} s {upto}: the recording is {long:g} s long"
            )
        return range(first, end)
