"""Read a game of Go from an SGF file: its board, the stones set up before it, and its moves.

The main line is read: of each branch, the first. See https://www.red-bean.com/sgf/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from go_game import messages
from go_game import stones as board
from go_game.messages import MoveMade
from go_game.rules import Coord, Player
from streamviz.errors import InputError

_TOKEN = re.compile(r"\s*(?:([();])|([A-Za-z]+)|\[((?:\\.|[^\]\\])*)\])", re.DOTALL)
_PLAYERS = {"B": Player.BLACK, "W": Player.WHITE}
_SETUP = {"AB": Player.BLACK.stone, "AW": Player.WHITE.stone, "AE": 0}
MOST = 25  # points along a side: the board has a letter for each

Node = dict[str, list[str]]


@dataclass(frozen=True)
class SgfGame:
    """A game: its name, the points along a side, the first stones (one byte a point), the moves."""

    name: str
    size: int
    setup: bytes
    moves: tuple[MoveMade, ...]


def parse(text: str) -> SgfGame:
    """Return the first game of an SGF text.

    Raises
    ------
    InputError
        If it is no game of Go, or has a move that can't be: the message names the move.
    """
    nodes = list(_main_line(text))
    if not nodes or nodes[0].get("GM", ["1"]) != ["1"]:
        raise InputError("this is no game of Go in SGF: give a file that begins with (;GM[1]")
    root = nodes[0]
    size = _size(root.get("SZ", ["19"])[0])
    name = " - ".join(root[key][0] for key in ("PB", "PW") if root.get(key, [""])[0]) or "game"
    setup = stones = bytes(size * size)
    moves: list[MoveMade] = []
    for node in nodes:
        if _SETUP.keys() & node:
            if moves:
                raise InputError(
                    f"stones are set up after move {len(moves)}: remove AB, AW and AE there"
                )
            setup = stones = _set_up(stones, node, size)
        for key in filter(_PLAYERS.__contains__, node):
            place = f"move {len(moves) + 1}, {key}[{node[key][0]}]"
            coord = _point(node[key][0], size, place)
            taken: list[int] = []
            if coord is not None:
                at = coord.y * size + coord.x
                if stones[at]:
                    raise InputError(f"{place}: there is a stone on the point: correct the file")
                stones, taken, _ = board.put(stones, at, _PLAYERS[key].stone, size)
            event = messages.event_id("sgf", name, str(len(moves)))
            captured = tuple(Coord(one % size, one // size) for one in sorted(taken))
            moves.append(MoveMade(name, event, event, _PLAYERS[key], coord, captured))
    return SgfGame(name, size, setup, tuple(moves))


def _main_line(text: str) -> Iterator[Node]:
    """Yield the nodes up to the first closing parenthesis: the end of the main line."""
    at, node, values = text.find("("), Node(), list[str]()
    while at >= 0 and (token := _TOKEN.match(text, at)):
        at = token.end()
        sign, name, value = token.groups()
        if sign and node:
            yield node
        if sign == ")":
            return
        if sign:
            node = {}
        elif name:  # in FF[3], lower-case letters may stand between
            values = node.setdefault("".join(filter(str.isupper, name)), [])
        else:
            values.append(re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL).strip())
    if at >= 0:
        raise InputError(f"the file is not SGF, or cut off, at {text[at : at + 20]!r}: restore it")


def _size(text: str) -> int:
    sides = {side.strip() for side in text.split(":")}
    size = int(number) if len(sides) == 1 and (number := sides.pop()).isdecimal() else 0
    if not 2 <= size <= MOST:
        raise InputError(f"SZ[{text}]: the board shows squares of 2 to {MOST} points a side")
    return size


def _set_up(stones: bytes, node: Node, size: int) -> bytes:
    points = bytearray(stones)
    for key, stone in _SETUP.items():
        for value in node.get(key, ()):
            first, _, last = value.partition(":")  # a rectangle by two corners
            corners = [_point(one, size, f"{key}[{value}]") for one in (first, last or first)]
            if None in corners:
                raise InputError(f"{key}[{value}]: give a point of the board")
            (left, top), (right, bottom) = [corner for corner in corners if corner]
            for y in range(top, bottom + 1):
                for x in range(left, right + 1):
                    points[y * size + x] = stone
    return bytes(points)


def _point(text: str, size: int, place: str) -> Coord | None:
    """Return a point; None is a pass, which older files write as tt."""
    if text == "" or (text == "tt" and size <= 19):
        return None
    x, y = (ord(letter) - ord("a") for letter in text) if len(text) == 2 else (-1, -1)
    if not (0 <= x < size and 0 <= y < size):
        raise InputError(f"{place}: it is not on the board of {size} by {size}: correct the file")
    return Coord(x, y)
