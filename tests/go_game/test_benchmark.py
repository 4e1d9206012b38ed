"""The benchmark measures each style in the same way, and detects wrong answers."""

from __future__ import annotations

import re

import pytest
from slow import slow_but

from go_game.variants import benchmark as measuring
from go_game.variants import runner
from go_game.variants.benchmark import lines_of_code, measure, table_of
from go_game.variants.runner import STYLES, source
from streamviz.errors import InputError, StreamVizError


@pytest.mark.parametrize(
    ("program", "lines"),
    [
        ("", 0),
        ("\n\n# a comment\n   \n", 0),
        ("x = 1  # why\n", 1),
        ('"""What it is."""\n\nx = """a\nb"""\n', 2),
        ('def f():\n    """Do.\n\n    It.\n    """\n    return (\n        1,\n    )\n', 4),
        ('async def f():\n    """Do."""\n\n\nclass C:\n    """Be."""\n    x = 1\n', 3),
    ],
)
def test_lines_of_code_are_neither_blank_nor_comment_nor_docstring(
    program: str, lines: int
) -> None:
    assert lines_of_code(program) == lines


def test_every_style_fits_a_page_or_two_and_uses_no_other_style() -> None:
    assert len(STYLES) == 4
    for style in STYLES:
        assert 40 < lines_of_code(source(style)) < 130
        others = "|".join(set(STYLES) - {style})
        assert not re.search(rf"variants\.({others})\b", source(style))


@pytest.mark.parametrize("style", slow_but("plain", of=STYLES))
def test_a_style_is_measured(style: str) -> None:
    found = measure(style, moves=50)
    assert found.style == style
    assert 5 < found.uss_mb <= found.rss_mb < 1000
    assert 0 < found.import_s < found.first_s < 60
    assert 5 < found.import_mb < 1000
    assert 0 < found.recovery_s < 60
    assert found.moves_per_s > 10
    assert str(found.lines) in table_of([found])


def test_the_moves_are_legal_and_the_same_every_time() -> None:
    moves = measuring.legal_moves(90)
    assert moves == measuring.legal_moves(90)
    assert len(moves) == 90
    assert len({(move.game_id, move.req_id) for move in moves}) == 90
    assert len({move.game_id for move in moves}) == 3


def test_an_answer_too_many_is_noticed() -> None:
    class Doubled:
        def read(self, stream: str) -> list[str]:
            return ['{"game_id":"game-0","reply_to":"move-1"}'] * (stream == "move-made") * 2

    with pytest.raises(StreamVizError, match="1 moves have 2 answers"):
        measuring.check_answers(Doubled(), measuring.legal_moves(1))  # type: ignore[arg-type]


def test_a_style_that_cannot_be_measured_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="moves=0"):
        measure("plain", moves=0)
    with pytest.raises(InputError, match="'silk'"):
        measure("silk")
    monkeypatch.setattr(runner, "missing", lambda: ["quixstreams"])
    with pytest.raises(InputError, match=r"quixstreams must be installed: pip install .*styles"):
        measure("plain")
