"""A game as its messages describe it: in any mixture, repeated, and from a file."""

from __future__ import annotations

import json
import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from go_game import board_svg
from go_game.game_record import Record, point_name
from go_game.match import random_move
from go_game.messages import GameState, Message, MoveMade, MoveRejected
from go_game.rules import Coord, Game, Player
from streamviz.errors import InputError


def a_game(moves: int, seed: int = 1, size: int = 9) -> tuple[list[Message], list[Game]]:
    """Return a judge's messages about a random game, in order, and the game after each move."""
    game = Game.new(size)
    said: list[Message] = [GameState("g", game)]
    games = [game]
    for number in range(moves):
        player, coord = game.up, random_move(game, seed)
        game, captured = game.play(player, coord)
        said.append(MoveMade("g", f"r{number}", f"e{number}", player, coord, captured))
        said.append(GameState("g", game))
        games.append(game)
    return said, games


def rows(game: Game) -> tuple[str, ...]:
    return tuple(game.to_dict()["board"]["stones"])


@pytest.mark.parametrize("seed", range(5))
def test_every_position_is_the_game_s_own_captures_and_all(seed: int) -> None:
    said, games = a_game(150, seed)
    record = Record.of(said)
    assert sum(len(one.captured) for one in record.moves) > 10, "there was something to take"
    assert [record.stones(n) for n in range(151)] == [rows(game) for game in games]
    assert record.game == games[-1]


@pytest.mark.parametrize("kind", [GameState, MoveMade])
def test_states_alone_or_moves_alone_tell_the_same(kind: type) -> None:
    said, games = a_game(60)
    record = Record.of([said[0], *(one for one in said[1:] if isinstance(one, kind))])
    assert [record.stones(n) for n in range(61)] == [rows(game) for game in games]


def test_the_newest_state_is_enough() -> None:
    said, games = a_game(60)
    record = Record.of(said[-1:])
    assert [record.stones(n) for n in range(61)] == [rows(game) for game in games]


def test_repeated_messages_and_other_games_change_nothing() -> None:
    said, games = a_game(30)
    dice = random.Random(3)
    other = MoveMade("other", "x", "y", Player.BLACK, Coord(0, 0), ())
    heard: list[Message] = []
    for number, one in enumerate(said):
        heard += [one, other, *dice.choices(said[: number + 1], k=2)]
    record = Record.of(heard)
    assert record.stones() == rows(games[-1])
    assert len(record.answers) == 30


def test_a_state_before_its_move_does_not_add_a_second_move() -> None:
    said, games = a_game(10)
    turned = [said[0]]
    for at in range(1, len(said), 2):
        turned += [said[at + 1], said[at]]
    record = Record.of(turned)
    assert len(record.answers) == len(record.moves) == 10
    assert [one.reply_to for one in record.moves] == [f"r{n}" for n in range(10)]
    assert record.stones() == rows(games[-1])


def test_a_rejection_is_an_answer_and_no_move() -> None:
    record = Record("g", 9)
    record.hear(MoveRejected("g", "r", Player.WHITE, Coord(0, 0), "the other player is up"))
    assert len(record.answers) == 1
    assert record.moves == ()
    assert set("".join(record.stones())) == {"."}


def test_a_file_restores_the_saved_record(tmp_path: Path) -> None:
    said, _ = a_game(40)
    said.insert(9, MoveRejected("g", "no", Player.WHITE, None, "the other player is up"))
    record = Record.of(said)
    record.save(tmp_path / "game.jsonl")
    again = Record.load(tmp_path / "game.jsonl")
    assert again.answers == record.answers
    assert again.stones() == record.stones()
    assert again.size == 9
    lines = [json.loads(line) for line in (tmp_path / "game.jsonl").read_text().splitlines()]
    assert lines[0]["stream"] == "game-states"
    assert [line["stream"] for line in lines[1:]].count("move-rejected") == 1


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "no message is about a game"),
        ("{", "line 1"),
        ('{"stream":"make-move","data":{}}\n[1]', "line 2"),
        ('{"stream":"move-made","data":{"game_id":"g"}}', "'reply_to' is missing"),
        ('{"stream":"game-states","data":{"game_id":"g"}}', "not the state of a game"),
        ("[" * 100_000, "line 1"),
    ],
)
def test_a_bad_file_is_refused_and_its_line_named(tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(InputError, match=hint):
        Record.load(tmp_path / "bad.jsonl")


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("bytes", "nothing", "."):
        with pytest.raises(InputError, match="can't be read"):
            Record.load(tmp_path / name)


@pytest.mark.parametrize("after", [-1, 4, 1.0, True, "1"])
def test_an_invalid_position_is_rejected(after: object) -> None:
    record = Record.of(a_game(3)[0])
    with pytest.raises(InputError, match="give 0 to 3"):
        record.stones(after)  # type: ignore[arg-type]


def test_points_have_the_players_names() -> None:
    assert [point_name(Coord(x, 0), 19) for x in (0, 7, 8, 18)] == ["A19", "H19", "J19", "T19"]
    assert point_name(Coord(2, 8), 9) == "C1"
    assert point_name(None, 9) == "pass"
    assert point_name(Coord(9, -1), 9) == "(9, -1)"


@pytest.mark.parametrize("size", [9, 13, 19])
def test_the_picture_is_reproducible_and_has_a_summary(size: int) -> None:
    said, games = a_game(120, size=size)
    record = Record.of(said)
    picture = board_svg.render(record)
    assert picture == board_svg.render(Record.of(said))
    root = ElementTree.fromstring(picture)
    described = root.find("{http://www.w3.org/2000/svg}desc")
    assert described is not None
    stones = "".join(rows(games[-1]))
    assert f"{stones.count('B')} black and {stones.count('W')} white stones" in str(described.text)
    drawn = [path.get("d", "") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    discs = [d.count("M") for d in drawn if "a18.4 18.4" in d]
    assert discs == [stones.count("B"), stones.count("W")]
    assert board_svg.render(record, 0) != picture
    assert "after 0 moves:" in board_svg.render(record, 0)
