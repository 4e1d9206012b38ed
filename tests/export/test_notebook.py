from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from plots.histories import group, history, sample

from streamviz.cli import main
from streamviz.errors import InputError, NotebookError, RecordingError
from streamviz.export import to_document, to_slides
from streamviz.recording import save


def notebook(folder: Path, *cells: Any) -> Path:
    path = folder / "deck.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def kinds(page: Path) -> list[int]:
    """Return how many parts each slide has."""
    text = page.read_text("utf-8")
    slides = text[text.index('<div class="slides">') : text.index('id="plotly"')]
    depth, counts = 0, []
    for tag in re.findall(r"<(/?)section", slides):
        depth += -1 if tag else 1
        if not tag and depth == 1:
            counts.append(0)
        if not tag and depth == 2:
            counts[-1] += 1
    return counts


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    samples = [sample(n, group("g", n)) for n in range(1, 42)]
    save(history(*samples), tmp_path / "run.jsonl")
    return notebook(
        tmp_path,
        new_markdown_cell("# Orders & <b>co</b>"),
        new_code_cell("from streamviz import replay\nreplay('run.jsonl', autoplay=True)"),
        new_markdown_cell("## Then"),
        new_code_cell("1 + 1", metadata={"jupyter": {"source_hidden": True}}),
    )


def test_slides_contain_their_frames_and_load_nothing(deck: Path) -> None:
    before = deck.read_bytes()
    page = to_slides(deck)
    assert page == deck.with_suffix(".slides.html")
    assert deck.read_bytes() == before
    text = page.read_text("utf-8")
    assert 500_000 < page.stat().st_size < 6_000_000
    assert len(re.findall(r"<script [^>]*data-frames", text)) == 1
    assert "<title>Orders &amp; " in text
    markup = re.sub(r"(?s)(<script[^>]*>).*?</script>", r"\1", text)
    assert not re.search(r"<(script|link|img|iframe)[^>]* (src|href)=[\"'](?!data:)", markup)
    assert "In [" not in text


def test_without_a_run_the_saved_outputs_are_shown(deck: Path) -> None:
    text = to_slides(deck, run=False).read_text("utf-8")
    assert not re.search(r"<script [^>]*data-frames", text)
    assert 'class="streamviz"' not in text, "it was never run"


def test_a_slide_shows_the_output_of_a_collapsed_source_alone(deck: Path) -> None:
    text = to_slides(deck).read_text("utf-8")
    slides = text[: text.index('id="plotly"')]
    assert "<pre>2</pre>" in slides.replace("\n", "")
    assert slides.count('class="highlight') == 1


def test_slide_types_are_kept_and_without_them_headings_begin_slides(tmp_path: Path) -> None:
    plain = [
        new_markdown_cell("# One"),
        new_code_cell("print(1)"),
        new_markdown_cell("More of it."),
        new_code_cell("print(2)"),
        new_markdown_cell("## Two"),
        new_markdown_cell("Still two."),
    ]
    assert kinds(to_slides(notebook(tmp_path, *plain))) == [2, 1]
    for cell, kind in zip(plain, ["slide", "-", "slide", "skip", "subslide", "notes"], strict=True):
        cell.metadata["slideshow"] = {"slide_type": kind}
    page = to_slides(notebook(tmp_path, *plain), overwrite=True)
    assert kinds(page) == [1, 2]
    assert page.read_text("utf-8").count('<aside class="notes">') == 1
    assert "print(2)" not in re.sub("<[^>]+>", "", page.read_text("utf-8"))


def test_no_password_of_the_environment_is_in_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://ann:s3cr3t-word@127.0.0.1:1/0")
    path = notebook(tmp_path, new_markdown_cell("# A"), new_code_cell("1"))
    assert "s3cr3t-word" not in to_slides(path).read_text("utf-8")
    failing = notebook(tmp_path, new_code_cell("from streamviz import connect\nconnect()"))
    with pytest.raises(NotebookError, match="a cell fails, ServerUnreachable") as raised:
        to_slides(failing, tmp_path / "x.html")
    assert "s3cr3t-word" not in str(raised.value)
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize("function", [to_slides, to_document])
def test_bad_input_is_refused_and_nothing_written(
    function: Any, tmp_path: Path, deck: Path
) -> None:
    target = tmp_path / "out.html"
    with pytest.raises(InputError, match="theme='blue': give one of light, dark, auto"):
        function(deck, target, theme="blue")
    with pytest.raises(NotebookError, match="No such file"):
        function(tmp_path / "no.ipynb", target)
    wrong = tmp_path / "wrong.ipynb"
    for text in ("", "hello", "[]", '{"cells": 3}', '{"nbformat": 99}'):
        wrong.write_text(text)
        with pytest.raises(NotebookError, match=r"is not a notebook: give a \.ipynb file"):
            function(wrong, target)
    with pytest.raises(InputError, match=r"can't export to 'out.pdf': .* ends in .html"):
        function(deck, tmp_path / "out.pdf")
    assert not target.exists()
    target.write_text("mine")
    with pytest.raises(RecordingError, match="already exists"):
        function(deck, target, run=False)
    assert target.read_text() == "mine"


@pytest.mark.parametrize("function", [to_slides, to_document])
def test_an_existing_file_is_refused_before_the_notebook_runs(
    function: Any, tmp_path: Path
) -> None:
    failing = notebook(tmp_path, new_code_cell("1 / 0"))
    target = tmp_path / "out.html"
    target.write_text("mine")
    with pytest.raises(RecordingError, match="already exists"):
        function(failing, target)
    assert target.read_text() == "mine"


def test_a_notebook_with_nothing_to_show_is_refused(tmp_path: Path) -> None:
    hidden = new_markdown_cell("x", metadata={"slideshow": {"slide_type": "skip"}})
    with pytest.raises(NotebookError, match="nothing to show"):
        to_slides(notebook(tmp_path, hidden), run=False)


def test_without_the_extra_the_error_says_what_to_install(
    deck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    for name in ("pyreveal", "nbconvert"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    sys.path_importer_cache.clear()
    with pytest.raises(InputError, match=r"pip install 'redis-streamviz\[slides\]'"):
        to_slides(deck, run=False)


def test_the_command_line_exports_slides_and_documents(
    deck: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(deck), "--slides", "--theme", "dark"]) == 0
    page = Path(capsys.readouterr().out.strip())
    assert page.name == "deck.slides.html"
    assert 'data-theme="dark"' in page.read_text("utf-8")
    assert main(["export", str(deck), "--saved"]) == 0
    assert Path(capsys.readouterr().out.strip()).name == "deck.html"
    assert main(["export", str(deck), "--slides"]) == 1
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize("slides", [["--slides"], []])
@pytest.mark.parametrize(
    "option", ["--size 320x200", "--plot group-lag", "--start 1", "--caption a"]
)
def test_the_command_line_refuses_the_options_of_recordings(
    deck: Path, slides: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(deck.parent.iterdir())
    assert main(["export", str(deck), *slides, *option.split()]) == 1
    kind = "slides of a notebook" if slides else "a notebook to read"
    said = capsys.readouterr().err
    reason = f"{option.split()[0]} is not an option of {kind}: leave it out, or make a page"
    assert f"streamviz: {reason}" in said
    assert main(["export", str(deck), *slides, "-o", str(deck.with_suffix(".pdf"))]) == 1
    assert "give a name that ends in .html\n" in capsys.readouterr().err
    assert sorted(deck.parent.iterdir()) == before
