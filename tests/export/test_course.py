"""A copy of the course, as `streamviz tutorial` makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamviz.cli import main
from streamviz.errors import NotebookError
from streamviz.export.course import FIRST, copy_course

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    found = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def test_the_copy_is_whole_and_its_notebooks_have_no_outputs(tmp_path: Path) -> None:
    written, kept = copy_course(tmp_path / "new" / "course")
    assert kept == []
    notebooks = sorted((tmp_path / "new" / "course").glob("*.ipynb"))
    assert [path.name for path in notebooks] == [p.name for p in sorted(NOTEBOOKS.glob("*.ipynb"))]
    assert len(notebooks) > 10
    for path in notebooks:
        code, before = cells(path, "code"), cells(NOTEBOOKS / path.name, "code")
        assert [cell["source"] for cell in code] == [cell["source"] for cell in before]
        assert [cell["metadata"] for cell in code] == [cell["metadata"] for cell in before]
        assert {(*cell["outputs"], cell["execution_count"]) for cell in code} == {(None,)}
        assert not [cell for cell in cells(path, "markdown") if "](../" in "".join(cell["source"])]
    course = tmp_path / "new" / "course"
    for name in ("go_game/judge.py", "go_game/static/dist/board.js", "examples/worker.py"):
        assert (course / name).read_bytes() == (NOTEBOOKS / name).read_bytes()
    recordings = sorted((NOTEBOOKS / "recordings").iterdir())
    assert [course / "recordings" / path.name for path in recordings] == sorted(
        path for path in written if path.parent.name == "recordings"
    )
    assert not [path for path in course.rglob("*") if path.name == "__pycache__"]


def test_a_file_that_exists_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written, _ = copy_course(tmp_path)
    own = tmp_path / FIRST
    own.write_text("my answers")
    (tmp_path / "exercises" / "verdict.py").unlink()
    assert main(["tutorial", str(tmp_path), "--no-lab"]) == 0
    assert own.read_text() == "my answers"
    assert (tmp_path / "exercises" / "verdict.py").exists()
    told = capsys.readouterr().out
    assert f"1 files copied; {len(written) - 1} that exist are kept" in told


@pytest.mark.parametrize("place", [FIRST, "go_game"])
def test_what_is_in_the_way_is_named(tmp_path: Path, place: str) -> None:
    if place == FIRST:
        (tmp_path / FIRST).mkdir()
    else:
        (tmp_path / "go_game").write_text("")
    with pytest.raises(NotebookError, match=rf"{place}.*choose another folder"):
        copy_course(tmp_path)


def test_a_folder_that_is_a_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "course").write_text("")
    assert main(["tutorial", str(tmp_path / "course"), "--no-lab"]) == 1
    assert "choose another folder" in capsys.readouterr().err
