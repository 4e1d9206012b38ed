"""The widget of a game of Go: the board next to its streams; click to play, scrub back.

The browser draws the board from the judge's answers alone. A click goes to the kernel, which sends
it to Redis as ``make-move``. The table below the board shows the commands that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from go_game import board_svg
from go_game.added_plot import AddedPlot
from go_game.game_record import Record, point_name
from go_game.match import Match
from go_game.messages import MoveMade, MoveRejected
from go_game.rules import Coord
from streamviz.client import CommandLog
from streamviz.errors import InputError, StreamVizError
from streamviz.observation import History
from streamviz.plots import GroupLag, Plot
from streamviz.plots.parts import Figure, clean
from streamviz.widgets import Live
from streamviz.widgets.assets import script, stylesheet

_STATIC = Path(__file__).parent / "static"


class Board(Live):
    """A board on which to play a game of Go, or to go back through one.

    Arrow keys move a cursor over the points, Enter plays at the cursor, and P passes. The slider
    goes back through the moves.

    Parameters
    ----------
    source : Match or Record
        In a match you play against its random player. A record is only shown, without Redis; for
        example ``Record.load("game.sgf")``.
    plots : sequence of Plot, optional
        The plots of the match; by default what was added to its streams, and the lag of the
        group ``judge``.
    commands : bool
        Whether to show the commands that a click causes.

    Raises
    ------
    InputError
        If the source is neither a match nor a record.

    Examples
    --------
    >>> from streamviz import connect
    >>> Board(Match(connect(), "doctest:board:"))
    <Board of Ever added, Group lag>
    """

    _plots_optional = True
    _max_rows = 60  # a click causes about thirty
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
            raise InputError(f"{type(source).__name__} is not a game: give a Match or a Record")
        self.match = source if isinstance(source, Match) else None
        self.record = source.record if isinstance(source, Match) else source
        self._answers_sent = 0
        history = History() if self.match is None else self.match.histories["make-move"]
        if plots is None and self.match is not None:
            plots = [AddedPlot(self.match.histories), GroupLag()]
        super().__init__(history, plots or ())
        if self.match is not None and commands:
            self.commands = CommandLog(self.match.client)

    def stop(self) -> None:
        """Stop logging commands, and save pictures of the last state in the notebook."""
        if self.commands is not None:
            self.commands.stop()
        super().stop()

    def _greet(self, view: str) -> None:
        super()._greet(view)
        self._answers_sent = 0
        self._send_game()

    def _handle_message(self, content: dict[str, Any]) -> None:
        super()._handle_message(content)
        kind = content.get("type")
        if kind in ("play", "poll") and self.match is not None:
            self._act(self.match, kind, content.get("at"))

    def _act(self, match: Match, kind: str, at: Any) -> None:
        log = self.commands if kind == "play" else None  # the browser polls by itself
        try:
            if log is not None:
                log.start()
            if kind == "play":
                match.play(_coord(at))
            else:
                match.listen()
            match.reply()
        except (StreamVizError, OSError) as error:
            self._send_json("problem", {"text": clean(str(error))})
        finally:
            if log is not None:
                log.stop()
        self._send_game()
        self._frame(force=True)
        if kind == "play":
            self._refresh()

    def _send_game(self) -> None:
        """Send the answers that the browser lacks, and whose turn it is."""
        new = self.record.answers[self._answers_sent :]
        content = {
            "size": self.record.size,
            "setup": "".join(self.record.stones(0)),
            "from": self._answers_sent,
            "answers": [plain(one, self.record.size) for one in new],
            "live": self.match is not None,
            "up": self.match.game.up if self.match else "",
            "you": self.match.you if self.match else "",
            "waiting": len(self.match.waiting) if self.match else 0,
            "over": self.match.over if self.match else True,
        }
        self._answers_sent = len(self.record.answers)
        self._send_json("game", content)

    def _summaries(self, figures: list[Figure]) -> list[str]:
        return [board_svg.summary(self.record), *super()._summaries(figures)]

    def _images(self, figures: list[Figure]) -> list[tuple[str, str, int]]:
        width = max(420, 28 * self.record.size)
        board = board_svg.summary(self.record), board_svg.render(self.record), width
        return [board, *super()._images(figures)]


def _coord(at: Any) -> Coord | None:
    """Return the point of a click; None means a pass."""
    if at is None:
        return None
    if not (isinstance(at, list) and [type(one) for one in at] == [int, int]):
        raise InputError(f"{at!r} is not a point of the board: reload the page")
    return Coord(*at)


def plain(answer: MoveMade | MoveRejected, size: int) -> dict[str, Any]:
    """Return an answer as the browser expects it."""
    content: dict[str, Any] = {
        "player": answer.player,
        "at": answer.coord,
        "name": point_name(answer.coord, size),
    }
    if isinstance(answer, MoveMade):
        return content | {"captured": answer.captured}
    return content | {"reason": clean(answer.reason)}
