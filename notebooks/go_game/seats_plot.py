"""Plot "Seats": the sessions that wait and play, according to the lobby's streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from go_game import messages
from go_game.messages import (
    GameReady,
    Message,
    PrivateGameRejected,
    SessionDisconnected,
    Topic,
    WaitForOpponent,
)
from go_game.validation import BadMessage
from streamviz.observation import History, Sample
from streamviz.plots import Plot
from streamviz.plots.parts import (
    EVENT_AXIS,
    GREY,
    LABEL_MARGIN,
    RED,
    Trace,
    colour,
    end_labels,
    escaped,
    event_lines,
    event_points,
    label,
    marks,
    no_data_text,
    number_text,
    seconds,
)

_WAITS = "waits"
_ABOVE = 0.55  # of a lane: the name of a game that is over, above the end of its bar
_BAR = 0.3  # of a lane: half of the bar of a session that leaves
_TOP, _ROWS = 2.8, (2.3, 1.4)  # lanes: above them there is room for two rows of words
_LOWER = 0.3  # of a lane: the bar of a second game is below that of the first, about its width


@dataclass
class _Stay:
    """A time that a session spent at a game, or waiting; `until_ms` is None while it lasts.

    `is_second` tells whether the session had a seat at another game when it got this one.
    """

    session: str
    game: str
    since_ms: int
    until_ms: int | None = None
    is_second: bool = False


@dataclass
class _SeatHistory:
    """The sessions and games in order of appearance, and where each session was when."""

    sessions: dict[str, None] = field(default_factory=dict)
    games: dict[str, None] = field(default_factory=dict)
    stays: list[_Stay] = field(default_factory=list)
    requests: list[tuple[int, str]] = field(default_factory=list)
    rejections: list[tuple[int, str]] = field(default_factory=list)
    departures: list[tuple[int, str]] = field(default_factory=list)
    disconnected: set[str] = field(default_factory=set)

    def hear(self, at_ms: int, message: Message) -> None:
        if isinstance(message, WaitForOpponent):
            if message.session_id not in self.sessions:
                self._begin(message.session_id, _WAITS, at_ms)
        elif isinstance(message, GameReady):
            self.games.setdefault(message.game_id)
            for session in (message.black, message.white):
                self._begin(session, message.game_id, at_ms)
        elif isinstance(message, PrivateGameRejected):
            self.rejections.append((at_ms, message.session_id))
            self._end(message.session_id, at_ms, only=_WAITS)
        elif isinstance(message, SessionDisconnected):
            self._end(message.session_id, at_ms)
            self.disconnected.add(message.session_id)
            if message.session_id in self.sessions:
                self.departures.append((at_ms, message.session_id))
        elif session := getattr(message, "session_id", ""):
            self.sessions.setdefault(session)
            self.disconnected.discard(session)
            self.requests.append((at_ms, session))
            if all(one.session != session or one.until_ms is not None for one in self.stays):
                self.stays.append(_Stay(session, _WAITS, at_ms))

    def _begin(self, session: str, game: str, at_ms: int) -> None:
        """Begin a stay and end the waiting; stays at two games at once show as two."""
        self.sessions.setdefault(session)
        self._end(session, at_ms, only=_WAITS)
        # A session may disconnect before the lobby answers its request.
        until_ms = at_ms if session in self.disconnected else None
        seats = [one for one in self.stays if one.session == session and one.until_ms is None]
        is_second = any(not one.is_second for one in seats)
        self.stays.append(_Stay(session, game, at_ms, until_ms, is_second))

    def _end(self, session: str, at_ms: int, only: str | None = None) -> None:
        for stay in self.stays:
            if stay.session == session and stay.until_ms is None and only in (None, stay.game):
                stay.until_ms = at_ms


class SeatsPlot(Plot):
    """A lane for each session: a dot for a request, a dotted line while waiting, a colour per game.

    A session waits from its request on: for the lobby's answer, and then for an opponent. A cross
    is a rejection, and a bar across the lane a session that leaves.
    At the end of a session's newest game stands its name. A hairline with its words is an event.
    Two lanes with the same colour play each other. A second colour below the first, in one lane at
    the same time, shows a session that was seated twice.

    Parameters
    ----------
    histories : mapping of str to History
        The histories of the lobby's streams by topic, sampled together.
    """

    title = "Seats"

    def __init__(self, histories: Mapping[str, History]) -> None:
        self.histories = dict(histories)

    def structure_key(self, history: History) -> Any:
        """Return the sessions and the games, and whether anything has happened beside them."""
        seats = self._seats()
        return tuple(seats.sessions), tuple(seats.games), bool(history.event_count)

    def traces(self, history: History) -> list[Trace]:
        """Return traces: requests, rejections, departures, waiting, each game, names, events."""
        games = [
            _lane(f"game {number + 1}", colour(number), "solid", 9)
            for number in range(len(self._seats().games))
        ]
        return [
            marks("asks", GREY, "circle"),
            marks("is rejected", RED, "x", 9),
            _lane("leaves", GREY, "solid", 3),
            _lane(_WAITS, GREY, "dot", 3),
            *games,
            end_labels([]),
            event_lines(),
        ]

    def layout(self, history: History) -> dict[str, Any]:
        """Return the axes, with a line for each session, the first at the top."""
        sessions = list(self._seats().sessions)
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {
                "tickvals": [-number for number in range(len(sessions))],
                "ticktext": [label(session, 9) for session in sessions],
                "range": [-len(sessions) + 0.4, _TOP if history.event_count else 0.6],
            },
            "yaxis2": EVENT_AXIS,
            "margin": {"l": 60, "r": LABEL_MARGIN, "t": 44, "b": 44},
            "showlegend": False,
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: `present` redraws everything."""
        return []

    def current_state(self, history: History) -> list[Trace]:
        """Return the points of all traces."""
        seats, now_ms = self._seats(), history.newest.time_ms if history.newest else 0
        lane = {session: -number for number, session in enumerate(seats.sessions)}
        traces: list[Trace] = [
            {
                "x": [seconds(at_ms, history) for at_ms, _ in dots],
                "y": [lane[session] for _, session in dots],
            }
            for dots in (seats.requests, seats.rejections)
        ]
        leaves = [(seconds(at_ms, history), lane[session]) for at_ms, session in seats.departures]
        traces.append(
            {
                "x": [x for at, _ in leaves for x in (at, at, None)],
                "y": [y for _, at in leaves for y in (at - _BAR, at + _BAR, None)],
            }
        )
        for game in (_WAITS, *seats.games):
            x: list[float] = []
            y: list[float | None] = []
            for stay in seats.stays:
                if stay.game == game:
                    until_ms = now_ms if stay.until_ms is None else stay.until_ms
                    height = lane[stay.session] - _LOWER * stay.is_second
                    x += [seconds(ms, history) for ms in (stay.since_ms, until_ms, until_ms)]
                    y += [height, height, None]
            traces.append({"x": x, "y": y})
        height = len(lane) - 0.4 + _TOP
        rows = tuple(round(1 - (_TOP - at) / height, 3) for at in _ROWS)
        labels = _labels(seats, lane, now_ms, history)
        return [*traces, labels, event_points(history, rows=rows)]

    def summary(self, history: History) -> str:
        """Return the games and the waiting sessions in words."""
        if history.newest is None:
            return no_data_text(history)
        seats = self._seats()
        current = [stay for stay in seats.stays if stay.until_ms is None]
        parts = [
            f"game {number}: {', '.join(s.session for s in current if s.game == game) or 'over'}"
            for number, game in enumerate(seats.games, 1)
        ]
        waits = [stay.session for stay in current if stay.game == _WAITS]
        parts.append(f"waiting: {', '.join(waits) or 'none'}")
        return f"{number_text(len(seats.sessions))} players. {'; '.join(parts)}."

    def _seats(self) -> _SeatHistory:
        seats = _SeatHistory()
        for at_ms, message in self._messages():
            seats.hear(at_ms, message)
        return seats

    def _messages(self) -> Iterator[tuple[int, Message]]:
        """Yield the messages sample by sample: requests first, then answers."""
        rows = zip(*(history.samples for history in self.histories.values()), strict=True)
        for samples in rows:
            for name, sample in zip(self.histories, samples, strict=True):
                for entry in sample.entries:
                    try:
                        yield sample.time_ms, messages.decode(Topic(name), entry.fields)
                    except BadMessage:
                        continue  # it goes to the dead letters


def _lane(name: str, ink: str, dash: str, width: float) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escaped(name),
        "line": {"color": ink, "dash": dash, "width": width},
        "x": [],
        "y": [],
    }


def _labels(
    seats: _SeatHistory, lane: dict[str, int], now_ms: float, history: History
) -> dict[str, Any]:
    """Return the name of each session's last game, at the end of its line."""
    names = {game: (f"game {i + 1}", colour(i)) for i, game in enumerate(seats.games)}
    last = {stay.session: stay for stay in seats.stays if stay.game in names}.values()
    labels: dict[str, Any] = {
        "x": [seconds(now_ms if s.until_ms is None else s.until_ms, history) for s in last],
        "y": [
            lane[stay.session] - _LOWER * stay.is_second + _ABOVE * (stay.until_ms is not None)
            for stay in last
        ],
        "text": [names[stay.game][0] for stay in last],
        "textfont": {"color": [names[stay.game][1] for stay in last]},
        "textposition": [
            "middle right" if stay.until_ms is None else "middle left" for stay in last
        ],
    }
    if history.samples:  # the axis of time begins with the history, and not with a request
        labels["x"].append(seconds(history.samples[0].time_ms, history))
        labels["y"].append(None)
        labels["text"].append("")
        labels["textposition"].append("middle right")
        labels["textfont"]["color"].append(GREY)
    return labels
