"""What is the same in every dress: one move, judged."""

from __future__ import annotations

from go_game.messages import MakeMove, MoveMade, MoveRejected, event_id
from go_game.rules import Game, IllegalMove

UNKNOWN_GAME = "there is no such game"


def judged(game: Game | None, move: MakeMove) -> tuple[MoveMade | MoveRejected, Game | None]:
    """Return the answer to a move, and the game after it; None if it stays as it was.

    Parameters
    ----------
    game : Game or None
        The game before the move; None if there is no such game.
    move : MakeMove
        What was asked for.
    """
    about = move.game_id, move.req_id
    if game is None:
        return MoveRejected(*about, move.player, move.coord, UNKNOWN_GAME), None
    try:
        after, captured = game.play(move.player, move.coord)
    except IllegalMove as error:
        return MoveRejected(*about, move.player, move.coord, error.reason), None
    event = event_id("move", *about)
    return MoveMade(*about, event, move.player, move.coord, captured), after
