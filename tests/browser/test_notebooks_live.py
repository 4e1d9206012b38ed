"""Every notebook, opened and run in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.conftest import Notebook
from playwright.sync_api import expect
from slow import slow_but

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert "00_start_here.ipynb" in NOTEBOOKS


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", slow_but("00_start_here.ipynb", of=NOTEBOOKS))
def test_a_notebook_runs_from_top_to_bottom(
    open_notebook: Callable[..., Notebook], name: str
) -> None:
    notebook = open_notebook(name).run_all(90)
    outputs = notebook.all_outputs()
    assert len(outputs) > 5
    assert not [one for one in outputs if one["output_type"] == "error"]
    shown = [str(one["data"]) for one in outputs if "data" in one]
    assert any("data-streamviz" in one or "image/svg+xml" in one for one in shown), "no picture"
    assert not [one for one in shown if "widget-view+json" in one]
    assert "Error displaying widget" not in notebook.page.content()
    assert not notebook.problems
    notebook.picture(name.removesuffix(".ipynb"))


NOT_YET = """
from exercises import consumer_groups as exercise
from streamviz import connect
client = connect()
crew = exercise.new_crew(client)
exercise.check_tasks(crew)
"""
RIGHT = """
max = crew.consumer("max")
for entry in max.autoclaim(min_idle_ms=0, count=1000).entries:
    client.rpush("crew:done", entry.fields["task"])
    max.ack(entry.id)
crew.delete_consumer("zoe")
exercise.check_tasks(crew)
"""
SURVIVORS = """
from exercises.pubsub_or_stream import after_a_kill
after_a_kill(save_after=3)
"""


def test_a_verdict_is_on_the_screen_in_words_and_as_a_picture(
    open_notebook: Callable[..., Notebook],
) -> None:
    cells = [one.strip() for one in (NOT_YET, RIGHT, SURVIVORS)]
    notebook = open_notebook(cells, name="verdicts.ipynb").run_all()
    shown = notebook.page.locator(".jp-OutputArea-output")
    for place, words in enumerate(
        ["Not yet: zoe still holds 105 entries.", "Right: zoe is deleted", "Survivors(entries=3"]
    ):
        expect(shown.nth(place).get_by_text(words)).to_be_visible()
        picture = shown.nth(place).locator("img")
        expect(picture).to_be_visible()
        assert picture.get_attribute("alt")
        assert picture.evaluate("one => one.decode().then(() => one.clientWidth)") > 500
    assert not notebook.problems
    notebook.picture("verdicts")
