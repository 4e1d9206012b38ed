"""Stones on a board, and the captures of a move; `go_game.rules` decides whether a move is legal.

A board is bytes, one for each point, row by row: 0 empty, 1 black, 2 white.
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
        The index of the point.
    colour : {1, 2}
        The colour of the stone.
    size : int
        Points along a side.

    Returns
    -------
    stones : bytes
        The board after.
    captured : list of int
        The emptied points: those of each enemy group left without liberties, or else those of the
        stone's own group.
    suicide : bool
        Whether the stone's own group was captured.
    """
    board, adjacent = bytearray(stones), neighbours(size)
    board[at] = colour
    captured: list[int] = []
    for point in adjacent[at]:
        if board[point] == 3 - colour:
            captured += _capture(board, point, adjacent)
    own = _capture(board, at, adjacent)
    return bytes(board), captured or own, bool(own)


@lru_cache
def neighbours(size: int) -> tuple[tuple[int, ...], ...]:
    """Return the adjacent points of each point."""
    return tuple(
        tuple(
            (y + dy) * size + x + dx
            for dx, dy in ((0, -1), (-1, 0), (1, 0), (0, 1))
            if 0 <= x + dx < size and 0 <= y + dy < size
        )
        for y in range(size)
        for x in range(size)
    )


def _capture(board: bytearray, start: int, adjacent: tuple[tuple[int, ...], ...]) -> list[int]:
    """Remove a stone's group if it has no liberty, and return the group's points."""
    colour = board[start]
    group = [start]
    visited = {start}
    for point in group:  # the list grows during the walk
        for neighbour in adjacent[point]:
            if not board[neighbour]:
                return []
            if board[neighbour] == colour and neighbour not in visited:
                visited.add(neighbour)
                group.append(neighbour)
    for point in group:
        board[point] = 0
    return group
