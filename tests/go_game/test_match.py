"""A match over real streams, with a judge in this process or in another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_py

from go_game.added_plot import AddedPlot
from go_game.match import Match, random_move
from go_game.messages import MoveMade, MoveRejected
from go_game.rules import Coord, Game, Player
from go_game.service_process import ServiceProcess
from streamviz import CommandLog, Stream
from streamviz.errors import InputError
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]


def test_a_move_is_answered_and_the_random_player_replies(
    redis: redis_py.Redis, prefix: str
) -> None:
    match = Match(redis, prefix)
    answer = match.play(Coord(4, 4))
    assert isinstance(answer, MoveMade)
    assert (answer.player, answer.coord) == (Player.BLACK, Coord(4, 4))
    reply = match.reply()
    assert isinstance(reply, MoveMade)
    assert reply.player is Player.WHITE
    assert match.reply() is None, "it is your turn"
    assert match.game.turn == 3


def test_an_illegal_move_is_answered_with_the_reason(redis: redis_py.Redis, prefix: str) -> None:
    match = Match(redis, prefix)
    no = match.play(Coord(9, 0))
    assert isinstance(no, MoveRejected)
    assert no.reason == "the point is not on the board"
    assert match.record.moves == ()


def test_the_same_seed_plays_the_same_game_with_the_same_pictures(
    redis: redis_py.Redis, prefix: str
) -> None:
    def played(name: str, seed: int) -> tuple[Any, Any]:
        match = Match(redis, f"{prefix}{name}:", game_id="g", seed=seed, every_ms=1000)
        match.play_at_random(12)
        match.ask_at_random(5)
        match.listen()
        figure = AddedPlot(match.histories).figure(match.histories["make-move"])
        return match.record.stones(), figure

    assert played("a", 1) == played("b", 1)
    assert played("c", 1)[0] != played("d", 2)[0]


def test_requests_wait_while_the_judge_does_not_work(redis: redis_py.Redis, prefix: str) -> None:
    match = Match(redis, prefix, every_ms=1000)
    match.ask_at_random(7)
    last = match.histories["make-move"].last
    assert last is not None
    assert last.groups[0].lag.entries == 7
    assert len(match.waiting) == 7
    assert match.record.moves == ()
    match.listen()
    assert len(match.record.moves) == 7
    assert not match.waiting
    last = match.histories["make-move"].last
    assert last is not None
    assert last.groups[0].lag.entries == 0


def test_a_request_that_was_answered_is_not_waited_for_again(
    redis: redis_py.Redis, prefix: str
) -> None:
    match = Match(redis, prefix)
    match.ask(Coord(0, 0), req_id="r")
    match.listen()
    match.ask(Coord(0, 0), req_id="r")
    assert not match.waiting
    match.listen()
    assert len(match.record.answers) == 1
    group = Stream(redis, f"{prefix}make-move").group("judge").info()
    assert (group.lag, group.pending) == (0, 0), "the judge has seen it, and said nothing"


def test_a_second_match_continues_the_existing_game(redis: redis_py.Redis, prefix: str) -> None:
    first = Match(redis, prefix, game_id="g", size=13)
    first.play_at_random(5)
    second = Match(redis, prefix, game_id="g", size=9, every_ms=1000)
    assert second.record.stones() == first.record.stones()
    assert second.game.size == 13
    assert isinstance(second.play(None, second.game.up), MoveMade)
    third = Match(redis, prefix, game_id="another", every_ms=1000)
    assert isinstance(third.play(Coord(0, 0)), MoveMade), "its clock begins where the house is"


def test_two_passes_end_it(redis: redis_py.Redis, prefix: str) -> None:
    match = Match(redis, prefix)
    match.play(None)
    assert not match.over
    match.play(None, Player.WHITE)
    assert match.over
    assert match.reply() is None


def test_invalid_entries_are_ignored(redis: redis_py.Redis, prefix: str) -> None:
    match = Match(redis, prefix)
    for name in ("move-made", "game-states", "move-rejected"):
        redis.xadd(f"{prefix}{name}", {"data": "?"})
        redis.xadd(f"{prefix}{name}", {"other": "field"})
    assert isinstance(match.play(Coord(1, 1)), MoveMade)


def test_a_judge_elsewhere_answers_later(
    redis: redis_py.Redis, prefix: str, server: EmbeddedServer, until: Until
) -> None:
    match = Match(redis, prefix, judge=False)
    assert match.judge is None
    assert match.play(Coord(4, 4)) is None
    assert match.reply() is None, "not before the answer"
    with ServiceProcess("judge", prefix, url=server.url) as judge:
        assert judge.alive
        until(lambda: match.listen() or match.record.moves)
        assert isinstance(match.reply(), MoveMade)
    assert not judge.alive


def test_every_command_of_a_move_is_in_the_log_with_what_the_script_changed(
    redis: redis_py.Redis, prefix: str
) -> None:
    match = Match(redis, prefix)
    match.play(Coord(0, 0))
    with CommandLog(redis) as log:
        match.play(Coord(4, 4), Player.WHITE)
    words = [one.command.split()[0] for one in log]
    assert words[0] == "XADD"
    assert "XREADGROUP" in words
    (script,) = [one for one in log if one.command.startswith("EVAL")]
    assert "«Write the decisions about one game" in script.command
    assert f"{prefix}make-move: judge pending: 1 → 0" in script.changes
    assert f"{prefix}move-made: length: 1 → 2" in script.changes
    assert f"{prefix}game-states: length: 2 → 3" in script.changes


@pytest.mark.parametrize("bad", [1, 0, -5, 2.5, True, "1000"])
def test_an_invalid_pace_is_rejected(redis: redis_py.Redis, prefix: str, bad: Any) -> None:
    with pytest.raises(InputError, match="every_ms"):
        Match(redis, prefix, every_ms=bad)
    assert not redis.keys(f"{prefix}*")


def test_an_invalid_size_is_rejected_before_anything_is_written(
    redis: redis_py.Redis, prefix: str
) -> None:
    with pytest.raises(InputError, match="board size"):
        Match(redis, prefix, size=10)
    assert not redis.keys(f"{prefix}*")


def test_a_match_continues_after_its_streams_were_deleted(
    redis: redis_py.Redis, prefix: str
) -> None:
    match = Match(redis, prefix)
    match.play(Coord(0, 0))
    redis.delete(*(Stream(redis, f"{prefix}{name}").key for name in match.histories))
    assert isinstance(match.reply(), MoveMade)
    assert match.game.turn == 3


def test_the_random_player_ends_its_games_and_never_moves_illegally() -> None:
    game = Game.new(9)
    while (coord := random_move(game, 7)) is not None or random_move(
        game.play(game.up, None)[0], 7
    ) is not None:
        game = game.play(game.up, coord)[0]
        assert game.turn < 1000
    assert game.turn > 40
