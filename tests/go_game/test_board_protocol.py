"""The kernel's side of a Go board: the messages that it sends and handles."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import redis as redis_py
from widgets.conftest import Listen, Talk

from go_game.board_widget import Board
from go_game.game_record import Record
from go_game.match import Match
from go_game.messages import MoveRejected
from go_game.rules import Player
from streamviz.errors import InputError


@pytest.fixture
def match(redis: redis_py.Redis, prefix: str) -> Match:
    return Match(redis, prefix, seed=2, every_ms=1000, game_id="g")


@pytest.fixture
def talk(match: Match, listen: Listen) -> Talk:
    found = listen(Board(match))
    found.say("hello")
    return found


def game(heard: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [one for one in heard if one["type"] == "game"]
    return found


def test_hello_is_answered_with_the_plots_and_the_whole_game(match: Match, listen: Listen) -> None:
    match.play_at_random(5)
    talk = listen(Board(match))
    figures, told = talk.say("hello")
    assert [one["layout"]["title"]["text"] for one in figures["figures"]] == [
        "Ever added",
        "Group lag",
    ]
    assert (told["size"], told["from"], len(told["answers"])) == (9, 0, 5)
    assert (told["live"], told["up"], told["you"]) == (True, "WHITE", "BLACK")
    again = game(talk.say("hello"))
    assert len(again["answers"]) == 5, "whoever says hello knows nothing"


def test_a_click_is_answered_with_two_moves_their_commands_and_the_plots(talk: Talk) -> None:
    heard = talk.say("play", at=[4, 4])
    told = game(heard)
    assert told["from"] == 0
    first, second = told["answers"]
    assert (first["player"], first["at"], first["name"]) == ("BLACK", [4, 4], "E5")
    assert (second["player"], first["captured"]) == ("WHITE", [])
    (frame,) = [one for one in heard if one["type"] == "frame"]
    commands = [row[1].split()[0] for row in frame["rows"]]
    assert commands[0] == "XADD"
    assert commands.count("XADD") == 2
    assert frame["deltas"]
    told = game(talk.say("play", at=[3, 3]))
    assert (told["from"], len(told["answers"])) == (2, 2), "only what is new"


def test_a_pass_is_a_move(talk: Talk, match: Match) -> None:
    told = game(talk.say("play", at=None))
    assert told["answers"][0]["name"] == "pass"
    assert match.game.moves[0] is None


def test_an_illegal_move_shows_its_reason_and_gets_no_reply(talk: Talk) -> None:
    taken = game(talk.say("play", at=[4, 4]))["answers"][1]["at"]
    told = game(talk.say("play", at=taken))
    (no,) = told["answers"]
    assert no["reason"] == "there is a stone on the point"
    assert (told["up"], told["waiting"]) == ("BLACK", 0)


@pytest.mark.parametrize("at", ["E5", [1], [1, 2, 3], [1.5, 2], [True, 1], {"x": 1}, 7])
def test_an_invalid_point_is_a_problem_and_not_a_move(talk: Talk, match: Match, at: Any) -> None:
    heard = talk.say("play", at=at)
    (problem,) = [one for one in heard if one["type"] == "problem"]
    assert "not a point of the board" in problem["text"]
    assert match.record.answers == []


def test_a_server_error_is_a_problem_and_the_board_continues(
    talk: Talk, match: Match, redis: redis_py.Redis, prefix: str
) -> None:
    redis.delete(f"{prefix}make-move")
    redis.set(f"{prefix}make-move", "a text")
    (problem,) = [one for one in talk.say("play", at=[4, 4]) if one["type"] == "problem"]
    assert "make-move" in problem["text"]
    redis.delete(f"{prefix}make-move")
    assert match.judge is not None
    match.judge.prepare()
    assert len(game(talk.say("play", at=[4, 4]))["answers"]) == 2


def test_commands_of_other_clients_are_not_logged(talk: Talk, match: Match) -> None:
    match.play_at_random(3)
    (frame,) = [one for one in talk.say("poll") if one["type"] == "frame"]
    assert "rows" not in frame
    assert game(talk.say("poll"))["answers"] == []


def test_the_log_can_be_left_out(match: Match, listen: Listen) -> None:
    talk = listen(Board(match, commands=False))
    talk.say("hello")
    assert not [one for one in talk.say("play", at=[4, 4]) if one.get("rows")]


def test_without_an_answer_it_says_that_one_is_awaited(
    redis: redis_py.Redis, prefix: str, listen: Listen
) -> None:
    match = Match(redis, prefix, judge=False)
    talk = listen(Board(match))
    talk.say("hello")
    told = game(talk.say("play", at=[4, 4]))
    assert (told["waiting"], told["answers"]) == (1, [])
    judge = Match(redis, prefix, game_id="another").judge
    assert judge is not None
    judge.step()
    told = game(talk.say("poll"))
    assert len(told["answers"]) == 1
    assert told["waiting"] == 1, "now the random player has asked"


def test_a_record_needs_no_redis_and_no_plots(match: Match, listen: Listen) -> None:
    match.play_at_random(9)
    record = Record.of([match.record.moves[0]])
    for move in match.record.moves[1:]:
        record.hear(move)
    talk = listen(Board(record))
    figures, told = talk.say("hello")
    assert figures["figures"] == []
    assert (told["live"], told["over"], len(told["answers"])) == (False, True, 9)
    assert talk.say("play", at=[0, 0]) == [], "nobody is there to judge"


@pytest.mark.parametrize("bad", [None, "game", 3, [], {}])
def test_a_source_that_is_not_a_game_is_rejected(bad: Any) -> None:
    with pytest.raises(InputError, match="give a Match or a Record"):
        Board(bad)


def test_the_picture_is_the_board_then_the_plots_and_says_so_in_words(match: Match) -> None:
    match.play_at_random(7)
    bundle = Board(match)._mimebundle("here")
    assert bundle["text/plain"].startswith("9x9 board after 7 moves")
    pictures = re.findall(r'src="data:image/svg\+xml,([^"]*)"', bundle["text/html"])
    assert len(pictures) == 3
    for picture in pictures:
        ElementTree.fromstring(unquote(picture))
    assert 'data-streamviz="here"' in bundle["text/html"]


def test_hostile_reasons_stay_text_in_the_picture_and_in_the_message(listen: Listen) -> None:
    words = "</title></svg><script>alert(1)</script>\x00"
    record = Record(words, 9)
    record.hear(MoveRejected(words, "r", Player.BLACK, None, words))
    board = Board(record)
    assert "<script>" not in board._mimebundle("here")["text/html"]
    told = game(listen(board).say("hello"))
    assert told["answers"][0]["reason"] == words.replace("\x00", "�")


def test_a_closed_board_hears_no_more_commands(talk: Talk, match: Match) -> None:
    talk.say("gone")
    assert isinstance(talk.live, Board)
    assert talk.live.commands is not None
    before = talk.live.commands.count
    match.play_at_random(2)
    assert talk.live.commands.count == before


def test_one_script_serves_the_page(threads: Callable[[], int], match: Match) -> None:
    script = str(Board._esm)
    assert len(re.findall(r"\bexport\{[^}]*\b\w+ as default\b[^}]*\}", script)) == 1
    assert not re.search(r"(?:^|;)import\b *[\w{*\"']", script, re.MULTILINE)
    Board(match)
    assert threads() == 0, "a board needs no thread"
