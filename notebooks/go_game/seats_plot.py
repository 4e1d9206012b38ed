"""Seats: who waits, and who plays with whom, as the lobby's streams tell it."""

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
    Stream,
    WaitForOpponent,
)
from go_game.validation import BadMessage
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots.figure import (
    COLOURS,
    DASHES,
    GREY,
    Plot,
    Trace,
    colour,
    escaped,
    label,
    marks,
    no_data_text,
    number_text,
    seconds,
)

_WAITS = "waits"


@dataclass
class _Spell:
    """A time that a session spent somewhere: at a game, or waiting; open while it lasts."""

    session: str
    game: str
    since_ms: int
    until_ms: int | None = None


@dataclass
class _Seating:
    """Who is known, in order of appearance, and where each was when."""

    people: dict[str, None] = field(default_factory=dict)
    games: dict[str, None] = field(default_factory=dict)
    spells: list[_Spell] = field(default_factory=list)
    asked: list[tuple[int, str]] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    left: set[str] = field(default_factory=set)

    def hear(self, at_ms: int, said: Message) -> None:
        if isinstance(said, WaitForOpponent):
            self._begin(said.session_id, _WAITS, at_ms)
        elif isinstance(said, GameReady):
            self.games.setdefault(said.game_id)
            for session in (said.black, said.white):
                self._begin(session, said.game_id, at_ms)
        elif isinstance(said, PrivateGameRejected):
            self.rejected.append((at_ms, said.session_id))
        elif isinstance(said, SessionDisconnected):
            self._end(said.session_id, at_ms)
            self.left.add(said.session_id)
        elif session := getattr(said, "session_id", ""):
            self.people.setdefault(session)
            self.left.discard(session)
            self.asked.append((at_ms, session))

    def _begin(self, session: str, game: str, at_ms: int) -> None:
        """Begin a spell; waiting ends with it. Two games at once show as two."""
        self.people.setdefault(session)
        self._end(session, at_ms, only=_WAITS)
        over = at_ms if session in self.left else None  # the lobby only now got to the wish
        self.spells.append(_Spell(session, game, at_ms, over))

    def _end(self, session: str, at_ms: int, only: str | None = None) -> None:
        for spell in self.spells:
            if spell.session == session and spell.until_ms is None and only in (None, spell.game):
                spell.until_ms = at_ms


class Seats(Plot):
    """A lane for each player: a dot for a wish, dotted while waiting, and a colour for each game.

    Two lanes with one colour play with each other. Two colours in one lane at one time are a
    player who was seated twice.

    Parameters
    ----------
    histories : mapping of str to History
        The lobby's streams by their names without prefix, looked at together.
    """

    name = "seats"
    title = "Seats"

    def __init__(self, histories: Mapping[str, History]) -> None:
        self.histories = dict(histories)

    def structure_key(self, history: History) -> Any:
        """Return who is known, and which games."""
        seating = self._seating()
        return tuple(seating.people), tuple(seating.games)

    def traces(self, history: History) -> list[Trace]:
        """Return wishes, rejections and waiting, then a trace for each game."""
        found = [
            marks("asks", GREY, "circle"),
            marks("is rejected", COLOURS[1], "x"),
            _lane(_WAITS, GREY, "dot", 3),
        ]
        games = self._seating().games
        found += [
            _lane(f"game {place + 1}", colour(place), DASHES[place % len(DASHES)], 9)
            for place in range(len(games))
        ]
        return found

    def layout(self, history: History) -> dict[str, Any]:
        """Return a line for each player, the first at the top."""
        people = list(self._seating().people)
        return {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {
                "tickvals": [-place for place in range(len(people))],
                "ticktext": [label(session, 9) for session in people],
                "range": [-len(people) + 0.4, 0.6],
            },
        }

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return nothing: all is drawn anew."""
        return []

    def current_state(self, history: History) -> list[Trace]:
        """Return the points of all traces."""
        seating, now_ms = self._seating(), history.last.time_ms if history.last else 0
        place = {session: -at for at, session in enumerate(seating.people)}
        found = [
            {
                "x": [seconds(at_ms, history) for at_ms, _ in dots],
                "y": [place[session] for _, session in dots],
            }
            for dots in (seating.asked, seating.rejected)
        ]
        offset = {game: 0.16 * (at % 2) for at, game in enumerate(seating.games)}
        for game in (_WAITS, *seating.games):
            x: list[float] = []
            y: list[float | None] = []
            for spell in seating.spells:
                if spell.game == game:
                    until_ms = now_ms if spell.until_ms is None else spell.until_ms
                    at = place[spell.session] - offset.get(game, 0)
                    x += [seconds(ms, history) for ms in (spell.since_ms, until_ms, until_ms)]
                    y += [at, at, None]
            found.append({"x": x, "y": y})
        return found

    def summary(self, history: History) -> str:
        """Return in words who plays with whom, and who waits."""
        if history.last is None:
            return no_data_text(history)
        seating = self._seating()
        here = [spell for spell in seating.spells if spell.until_ms is None]
        parts = [
            f"game {number}: {', '.join(s.session for s in here if s.game == game) or 'over'}"
            for number, game in enumerate(seating.games, 1)
        ]
        waits = [spell.session for spell in here if spell.game == _WAITS]
        parts.append(f"waiting: {', '.join(waits) or 'nobody'}")
        return f"{number_text(len(seating.people))} players. {'; '.join(parts)}."

    def _seating(self) -> _Seating:
        seating = _Seating()
        for at_ms, said in self._said():
            seating.hear(at_ms, said)
        return seating

    def _said(self) -> Iterator[tuple[int, Message]]:
        """Yield what was said in the order in which it was seen: wishes first, then answers."""
        rows = zip(*(history.samples for history in self.histories.values()), strict=True)
        for samples in rows:
            for name, sample in zip(self.histories, samples, strict=True):
                for entry in sample.entries:
                    try:
                        yield sample.time_ms, messages.decode(Stream(name), entry.fields)
                    except BadMessage:
                        continue  # it has its own stream, of dead letters


def _lane(name: str, ink: str, dash: str, width: float) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escaped(name),
        "line": {"color": ink, "dash": dash, "width": width},
        "x": [],
        "y": [],
    }
