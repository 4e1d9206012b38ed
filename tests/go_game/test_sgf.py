"""SGF files on the board: handicaps, set up stones, passes, sizes, and what is no game."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from records import ALPHAGO_LEE_4
from sgfmill import boards, sgf, sgf_moves

from go_game import board_svg
from go_game.board_widget import Board
from go_game.game_record import Record
from go_game.rules import Player
from streamviz.errors import InputError

HANDICAP = "(;FF[4]GM[1]SZ[9]HA[2]AB[gc][cg]PB[Ann]PW[Bo];W[ee];B[ec];W[];B[tt])"
RECTANGLE = "(;GM[1]SZ[7]AB[aa:ca][bc]AW[ab]AE[ba];C[a\\] comment]B[bb];W[gg])"
OLD = "(;GaMe[1]\nSiZe[13] ;Black[aa]\n;White[bb]\n)(;GM[1]SZ[9];B[aa])"
BRANCHES = "(;SZ[9];B[aa](;W[bb](;B[cc];W[dd])(;B[ee]))(;W[ff]))"
CAPTURE = "(;SZ[7]AW[aa]AB[ba];B[ab];W[aa])"


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load_(text: str | bytes) -> Record:
        path = tmp_path / "game.sgf"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return Record.load(path)

    return load_


def mills(text: str) -> list[tuple[str, ...]]:
    """Return the positions of a game as sgfmill has them, row by row from the top."""
    board, plays = sgf_moves.get_setup_and_moves(sgf.Sgf_game.from_string(text))
    positions = [rows(board)]
    for colour, move in plays:
        if move is not None:
            board.play(*move, colour)
        positions.append(rows(board))
    return positions


def rows(board: boards.Board) -> tuple[str, ...]:
    signs = {"b": "B", "w": "W", None: "."}
    side = range(board.side)
    return tuple("".join(signs[board.get(row, x)] for x in side) for row in reversed(side))


def random_game(size: int, seed: int) -> str:
    """Return a game with a handicap and moves that are legal on sgfmill's board."""
    dice, board, moves = random.Random(seed), boards.Board(size), []
    points = [(row, x) for row in range(size) for x in range(size)]
    dice.shuffle(points)
    setup = points[:4]
    board.apply_setup(setup, [], [])
    for number, (row, x) in enumerate(points[4:] + dice.sample(points, 10)):
        if board.get(row, x) is None and number % 9:
            board.play(row, x, "bw"[number % 2])
            moves.append(f";{'BW'[number % 2]}[{letters(row, x, size)}]")
        elif number % 9 == 0:
            moves.append(f";{'BW'[number % 2]}[]")
    black = "".join(f"[{letters(*point, size)}]" for point in setup)
    return f"(;GM[1]SZ[{size}]HA[4]AB{black}{''.join(moves)})"


def letters(row: int, x: int, size: int) -> str:
    return chr(97 + x) + chr(97 + size - 1 - row)


GAMES = [HANDICAP, RECTANGLE.replace("AE[ba]", ""), BRANCHES, CAPTURE, ALPHAGO_LEE_4]
GAMES += [random_game(size, size) for size in (7, 8, 9, 11, 13, 15, 17, 19)]


@pytest.mark.parametrize("text", GAMES, ids=lambda text: text[:30])
def test_every_position_is_that_of_sgfmill(text: str, load: Any) -> None:
    record, expected = load(text), mills(text)
    assert [record.stones(n) for n in range(len(record.moves) + 1)] == expected
    assert len(record.moves) >= 2


def test_a_handicap_is_there_before_the_first_move_which_is_white(load: Any) -> None:
    record = load(HANDICAP)
    assert repr(record) == "<Record of 'Ann - Bo': 4 moves on 9x9>"
    assert [one.player for one in record.moves] == [*[Player.WHITE, Player.BLACK] * 2]
    assert [one.coord is None for one in record.moves] == [False, False, True, True]
    assert board_svg.summary(record, 0) == "9x9 board after 0 moves: 2 black and 0 white stones."


def test_setup_takes_rectangles_and_removes_stones(load: Any) -> None:
    record = load(RECTANGLE)
    assert record.stones(0)[:3] == ("B.B....", "W......", ".B.....")
    assert len(record.moves) == 2


def test_old_files_and_collections_are_read(load: Any) -> None:
    assert repr(load(OLD)) == "<Record of 'game': 2 moves on 13x13>"
    assert len(load("\ufeff(;B[aa])".encode()).moves) == 1
    assert load(b"(;PB[Andr\xe9]SZ[9];B[aa])").game_id == "André"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "no game of Go"),
        ("chess", "no game of Go"),
        ("(;GM[2]SZ[8])", "no game of Go"),
        ("(;SZ[9];B[aa", "cut off"),
        ("(;SZ[9:13];B[aa])", "squares of 2 to 25"),
        ("(;SZ[x])", "squares"),
        ("(;SZ[99])", "squares"),
        ("(;SZ[7];B[aa];W[hh])", r"move 2, W\[hh\]: it is not on the board of 7 by 7"),
        ("(;SZ[9];B[aa];W[aa])", r"move 2, W\[aa\]: there is a stone"),
        ("(;SZ[9];B[aa];AB[bb])", "set up after move 1: remove AB"),
        ("(;SZ[9]AB[])", r"AB\[\]: give a point"),
        ("(;SZ[9]AB[aa:zz])", r"AB\[aa:zz\]: it is not on the board"),
    ],
)
def test_what_is_no_game_is_told_with_its_place(text: str, hint: str, load: Any) -> None:
    with pytest.raises(InputError, match=hint) as error:
        load(text)
    assert "game.sgf" in str(error.value)


def test_a_game_with_a_setup_is_not_saved_as_messages(load: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="keep the SGF file"):
        load(HANDICAP).save(tmp_path / "game.jsonl")
    load(ALPHAGO_LEE_4).save(tmp_path / "game.jsonl")
    assert Record.load(tmp_path / "game.jsonl").stones() == load(ALPHAGO_LEE_4).stones()


def test_the_board_is_sent_with_its_setup(load: Any, listen: Any) -> None:
    talk = listen(Board(load(HANDICAP)))
    (told,) = [one for one in talk.say("hello") if one["type"] == "game"]
    assert (told["size"], told["setup"].count("B"), len(told["answers"])) == (9, 2, 4)
    assert told["live"] is False
