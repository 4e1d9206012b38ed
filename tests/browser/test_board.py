"""The board, as somebody plays at it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser.conftest import Notebook
from playwright.sync_api import expect

OpenNotebook = Callable[..., Notebook]

START = """
from streamviz import connect
from go_game.match import Match
from go_game.rules import Coord, Player
from go_game.board_widget import Board
match = Match(connect(), "browser:", size=9, seed=5)
"""
SHOW = "board = Board(match)\nboard"


def click(notebook: Notebook, x: int, y: int, size: int = 9) -> None:
    board = notebook.page.locator(".streamviz-goban")
    box = board.bounding_box()
    assert box is not None
    step = box["width"] / (size + 1)
    board.click(position={"x": step * (x + 1), "y": step * (y + 1)})


def stones(notebook: Notebook, colour: str) -> int:
    return notebook.page.locator(f".streamviz-goban .streamviz-{colour}").count()


def moves_are(notebook: Notebook, moves: int) -> None:
    notebook.page.locator(f".streamviz-live[data-moves='{moves}']").wait_for()


def test_a_click_makes_a_move_is_answered_and_shows_its_commands(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([START, SHOW]).run_all()
    moves_are(notebook, 0)
    click(notebook, 4, 4)
    moves_are(notebook, 2)
    assert (stones(notebook, "black"), stones(notebook, "white")) == (1, 1)
    log = notebook.page.locator(".streamviz-log tbody")  # it comes in a frame of its own
    expect(log).to_contain_text("XADD browser:make-move")
    expect(log).to_contain_text("XREADGROUP GROUP judge judge-1")
    expect(log).to_contain_text("browser:move-made: length: 0 → 1")
    expect(notebook.page.locator(".streamviz-side")).to_contain_text("You are up")
    notebook.until(lambda: notebook.points(0) > 3)
    notebook.picture("board")
    notebook.until(lambda: "XADD browser:make-move" in str(notebook.save()))
    assert not notebook.problems


CAPTURE = """
for black, white in [((0, 1), (8, 8)), ((1, 0), (8, 6)), ((3, 0), (2, 0)), ((5, 5), (7, 7))]:
    match.play(Coord(*black)), match.play(Coord(*white), Player.WHITE)
"""


def test_a_capture_disappears_and_scrubbing_back_brings_it_back(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([START, CAPTURE, SHOW]).run_all()
    moves_are(notebook, 8)
    assert (stones(notebook, "black"), stones(notebook, "white")) == (4, 4)
    click(notebook, 2, 1)  # the stone on C9 has no liberty left
    moves_are(notebook, 10)
    assert stones(notebook, "black") == 5
    assert stones(notebook, "white") == 4, "one was taken, one came"
    back = notebook.page.get_by_role("button", name="one move back")
    back.click()
    said = notebook.page.locator(".streamviz-side .streamviz-status")
    expect(said).to_have_text("Move 9 of 10: Black C8 takes 1 stone")
    assert stones(notebook, "taken") == 1
    back.click()
    assert stones(notebook, "white") == 4, "it is there again"
    click(notebook, 6, 6)
    expect(said).to_contain_text("go to the end")
    notebook.picture("board-back")
    notebook.page.get_by_label("move", exact=True).fill("10")
    assert stones(notebook, "taken") == 0
    assert not notebook.problems


def test_an_illegal_move_says_why(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([START, SHOW]).run_all()
    moves_are(notebook, 0)
    click(notebook, 4, 4)
    moves_are(notebook, 2)
    click(notebook, 4, 4)
    said = notebook.page.locator(".streamviz-side .streamviz-status[data-bad]")
    expect(said).to_have_text("Black E5: rejected, there is a stone on the point")
    notebook.until(lambda: stones(notebook, "refused") == 1)
    log = notebook.page.locator(".streamviz-log")  # it comes in a frame of its own
    expect(log).to_contain_text("move-rejected: length: 0 → 1")
    notebook.picture("board-refused")
    click(notebook, 2, 6)
    moves_are(notebook, 4)
    assert not notebook.problems


def test_it_is_played_by_keyboard_alone_in_the_dark(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([START, SHOW])
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    notebook.run_all()
    moves_are(notebook, 0)
    board = notebook.page.locator(".streamviz-goban")
    board.focus()
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp"):
        notebook.page.keyboard.press(key)
    words = notebook.page.locator(".streamviz-side [aria-live=polite]")
    expect(words).to_have_text("D7, empty")
    notebook.page.keyboard.press("Enter")
    moves_are(notebook, 2)
    expect(board).to_be_focused()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("Enter")
    moves_are(notebook, 4)
    expect(board).to_be_focused()
    notebook.page.keyboard.press("p")
    moves_are(notebook, 6)
    expect(notebook.page.locator(".streamviz-live[data-dark] .streamviz-goban")).to_have_count(1)
    notebook.picture("board-dark")
    notebook.command("apputils:change-theme", theme="JupyterLab Light")
    assert not notebook.problems


@pytest.mark.slow
def test_without_a_kernel_the_picture_of_the_last_position_stays(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([START, SHOW]).run_all()
    moves_are(notebook, 0)
    click(notebook, 4, 4)
    moves_are(notebook, 2)
    notebook.until(lambda: "1 black and 1 white" in notebook.pictures())
    notebook.restart()
    notebook.live().first.wait_for(state="detached")
    picture = notebook.page.locator("[data-streamviz] img").first
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("alt", re.compile("1 black and 1 white"))
    notebook.save()
    notebook.lab.end_kernels()
    notebook.load()
    notebook.page.locator("[data-streamviz] img").first.wait_for()
    notebook.ready()  # only then JupyterLab knows that it has no such widget
    assert "Error displaying widget" not in notebook.page.content()
    notebook.picture("board-reopened")


def test_a_record_is_looked_at_without_redis(open_notebook: OpenNotebook) -> None:
    record = """
from go_game.messages import GameState, MoveRejected
from go_game.game_record import Record
from go_game.rules import Coord, Game, Player
from go_game.board_widget import Board
name = "<img src=x onerror=alert(1)>"
game = Game.new(13)
for x in range(4):
    game = game.play(game.up, Coord(x, x))[0]
said = [GameState(name, game), MoveRejected(name, "r", Player.BLACK, None, name)]
board = Board(Record.of(said))
board
"""
    notebook = open_notebook([record]).run_all()
    moves_are(notebook, 4)
    assert (stones(notebook, "black"), stones(notebook, "white")) == (2, 2)
    said = notebook.page.locator(".streamviz-side .streamviz-status")
    expect(said).to_have_text("Black passes: rejected, <img src=x onerror=alert(1)>")
    notebook.page.get_by_label("move", exact=True).fill("1")
    assert (stones(notebook, "black"), stones(notebook, "white")) == (1, 0)
    click(notebook, 8, 8)
    assert notebook.page.get_by_role("button", name="pass").count() == 0
    notebook.picture("board-record")
    assert not notebook.problems


HANDICAP = """
from pathlib import Path
from go_game.game_record import Record
from go_game.board_widget import Board
_ = Path("handicap.sgf").write_text("(;GM[1]SZ[18]HA[2]AB[dd][oo];W[cc];B[])")
Board(Record.load("handicap.sgf"))
"""


def test_a_large_board_of_an_sgf_file_can_be_read(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([HANDICAP]).run_all()
    moves_are(notebook, 2)
    assert (stones(notebook, "black"), stones(notebook, "white")) == (2, 1)
    said = notebook.page.locator(".streamviz-side .streamviz-status")
    expect(said).to_have_text("Black passes. 2 moves")
    board = notebook.page.locator(".streamviz-goban")
    height_px = board.locator("text").first.evaluate("node => node.getScreenCTM().d * 17")
    assert height_px > 10
    board.focus()
    notebook.page.keyboard.press("ArrowUp")
    words = notebook.page.locator(".streamviz-side [aria-live=polite]")
    expect(words).to_have_text("J11, empty")
    notebook.picture("board-sgf")
    assert not notebook.problems


ELSEWHERE = """
from go_game.service_process import ServiceProcess
elsewhere = Match(connect(), "elsewhere:", size=9, judge=False)
board = Board(elsewhere)
board
"""


def test_a_notebook_that_is_closed_leaves_no_board_that_calls_its_kernel(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([START, ELSEWHERE]).run_all()
    moves_are(notebook, 0)
    click(notebook, 4, 4)
    notebook.page.get_by_text("no judge has answered yet").wait_for()
    notebook.page.evaluate("jupyterapp.shell.currentWidget.context.model.dirty = false")
    notebook.command("application:close")
    notebook.page.locator(".jp-NotebookPanel").wait_for(state="detached")
    notebook.page.wait_for_timeout(2000)  # while it waits, a board looks again after a second
    assert not notebook.problems


@pytest.mark.slow
def test_a_judge_that_is_another_process_may_come_late(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([START, ELSEWHERE, "judge = ServiceProcess('judge', 'elsewhere:')"])
    notebook.ready()
    for cell in (0, 1):
        notebook.page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputArea-editor").click()
        notebook.page.keyboard.press("Control+Enter")
    moves_are(notebook, 0)
    click(notebook, 4, 4)
    notebook.page.get_by_text("no judge has answered yet").wait_for()
    notebook.page.locator(".jp-CodeCell").nth(2).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Control+Enter")
    moves_are(notebook, 2)
    assert not notebook.problems
