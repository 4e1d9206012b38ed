"""Judge one move: the step that all judges share."""

from __future__ import annotations

from go_game.messages import MakeMove, MoveMade, MoveRejected, event_id
from go_game.rules import Game, IllegalMove

UNKNOWN_GAME = "there is no such game"


def judge_move(game: Game | None, move: MakeMove) -> tuple[MoveMade | MoveRejected, Game | None]:
    """Return the answer to a move, and the game after it; None if the game is unchanged.

    Parameters
    ----------
    game : Game or None
        The game before the move; None if it does not exist.
    move : MakeMove
        The request.
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
