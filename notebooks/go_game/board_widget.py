"""The board of a game of Go beside the streams that carry it: click to play, scrub back.

The browser draws the board from the judge's answers alone. A click goes to the kernel, from there
as ``make-move`` to Redis, and what it causes shows in the log of commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from go_game import board_svg
from go_game.added_plot import Added
from go_game.game_record import Record, point_name
from go_game.match import Match
from go_game.messages import MoveMade, MoveRejected
from go_game.rules import Coord
from streamviz.client.command_log import CommandLog
from streamviz.errors import InputError, StreamVizError
from streamviz.observation.history import History
from streamviz.plots import GroupLag, Plot
from streamviz.plots.figure import Figure, clean
from streamviz.widgets.assets import script, stylesheet
from streamviz.widgets.live import Live

_STATIC = Path(__file__).parent / "static"


class Board(Live):
    """A board to play at, or to look back at a game on.

    Arrow keys move a cursor over the points, Enter plays there, P passes; the slider goes back
    through the moves.

    Parameters
    ----------
    source : Match or Record
        A match is played: you against its random player. A record is looked at; it needs no
        Redis.
    plots : sequence of Plot, optional
        Other pictures of the match than the two: what was added to its streams, and the lag of
        the group ``judge``.
    commands : bool
        Whether to show the commands that a click causes.

    Raises
    ------
    InputError
        If the source is neither.

    Examples
    --------
    >>> from streamviz import connect
    >>> Board(Match(connect(), "doctest:board:"))
    <Board of Ever added, Group lag>
    """

    _bare = True
    _most_rows = 60  # a click causes about thirty
    _esm = script(_STATIC / "dist" / "board.js")
    _css = stylesheet("live.css", _STATIC / "board.css")

    def __init__(
        self,
        source: Match | Record,
        *,
        plots: Sequence[Plot] | None = None,
        commands: bool = True,
    ) -> None:
        if not isinstance(source, Match | Record):
            raise InputError(f"{type(source).__name__} is no game: give a Match or a Record")
        self.match = source if isinstance(source, Match) else None
        self.record = source.record if isinstance(source, Match) else source
        self._told_answers = 0
        history = History() if self.match is None else self.match.histories["make-move"]
        if plots is None and self.match is not None:
            plots = [Added(self.match.histories), GroupLag()]
        super().__init__(history, plots or ())
        if self.match is not None and commands:
            self.commands = CommandLog(self.match.client)

    def stop(self) -> None:
        """Listen to the commands no more, and leave the picture of the last state."""
        if self.commands is not None:
            self.commands.stop()
        super().stop()

    def _receive(self, widget: Any, content: Any, buffers: Any) -> None:
        super()._receive(widget, content, buffers)
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "hello":
            self._told_answers = 0
            self._tell_game()
        elif kind in ("play", "look") and self.match is not None:
            self._act(self.match, kind, content.get("at"))

    def _act(self, match: Match, kind: str, at: Any) -> None:
        log = self.commands if kind == "play" else None  # looking again is nobody's click
        try:
            if log is not None:
                log.start()
            if kind == "play":
                match.play(_coord(at))
            else:
                match.listen()
            match.reply()
        except (StreamVizError, OSError) as error:
            self._tell("problem", {"text": clean(str(error))})
        finally:
            if log is not None:
                log.stop()
        self._tell_game()
        self._frame(force=True)
        if kind == "play":
            self._refresh()

    def _tell_game(self) -> None:
        """Send the answers that the browser does not have, and whose turn it is."""
        new = self.record.answers[self._told_answers :]
        told = {
            "size": self.record.size,
            "from": self._told_answers,
            "answers": [plain(one, self.record.size) for one in new],
            "live": self.match is not None,
            "up": self.match.game.up if self.match else "",
            "you": self.match.you if self.match else "",
            "waiting": len(self.match.waiting) if self.match else 0,
            "over": self.match.over if self.match else True,
        }
        self._told_answers = len(self.record.answers)
        self._tell("game", told)

    def _words(self, figures: list[Figure]) -> list[str]:
        return [board_svg.summary(self.record), *super()._words(figures)]

    def _images(self, figures: list[Figure]) -> list[tuple[str, str, int]]:
        board = board_svg.summary(self.record), board_svg.render(self.record), 420
        return [board, *super()._images(figures)]


def _coord(at: Any) -> Coord | None:
    """Return the point of a click; None is a pass."""
    if at is None:
        return None
    if not (isinstance(at, list) and [type(one) for one in at] == [int, int]):
        raise InputError(f"{at!r} is no point of the board: reload the page")
    return Coord(*at)


def plain(answer: MoveMade | MoveRejected, size: int) -> dict[str, Any]:
    """Return an answer as the browser takes it."""
    told: dict[str, Any] = {
        "player": answer.player,
        "at": answer.coord,
        "name": point_name(answer.coord, size),
    }
    if isinstance(answer, MoveMade):
        return told | {"captured": answer.captured}
    return told | {"reason": clean(answer.reason)}
