"""Stones on a board, and what a stone takes off it; who may play is for `go_game.rules`.

A board is bytes, one a point, row by row: 0 empty, 1 black, 2 white.
"""

from __future__ import annotations

from functools import lru_cache


def put(stones: bytes, at: int, colour: int, size: int) -> tuple[bytes, list[int], bool]:
    """Put a stone on an empty point.

    Parameters
    ----------
    stones : bytes
        The board before.
    at : int
        The point's place in it.
    colour : {1, 2}
        Of the stone.
    size : int
        Points along a side.

    Returns
    -------
    stones : bytes
        The board after.
    taken : list of int
        The points that were emptied: of each enemy group left without liberties or, if there was
        none, of the stone's own.
    suicide : bool
        Whether it was the stone's own.
    """
    board, beside = bytearray(stones), neighbours(size)
    board[at] = colour
    taken: list[int] = []
    for point in beside[at]:
        if board[point] == 3 - colour:
            taken += _take(board, point, beside)
    own = _take(board, at, beside)
    return bytes(board), taken or own, bool(own)


@lru_cache
def neighbours(size: int) -> tuple[tuple[int, ...], ...]:
    """Return for each point those beside it."""
    return tuple(
        tuple(
            (y + dy) * size + x + dx
            for dx, dy in ((0, -1), (-1, 0), (1, 0), (0, 1))
            if 0 <= x + dx < size and 0 <= y + dy < size
        )
        for y in range(size)
        for x in range(size)
    )


def _take(board: bytearray, start: int, beside: tuple[tuple[int, ...], ...]) -> list[int]:
    """Take a stone's group off if it has no liberty, and return its points."""
    colour = board[start]
    group = [start]
    known = {start}
    for point in group:  # it grows while we walk
        for near in beside[point]:
            if not board[near]:
                return []
            if board[near] == colour and near not in known:
                known.add(near)
                group.append(near)
    for point in group:
        board[point] = 0
    return group
