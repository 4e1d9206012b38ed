"""Step mode, as a learner clicks through it."""

from __future__ import annotations

from collections.abc import Callable

from browser.conftest import Notebook, violations
from playwright.sync_api import expect

TOUR = """
from streamviz import Dashboard, Steps, Stream, connect
redis = connect()
orders = Stream(redis, "orders")
crew = orders.group("crew")
Dashboard(Steps(redis, "orders", '''
    orders.add({"dish": "<b>soup</b>"}, id="1000-0")
    orders.add({"dish": "cake"}, id="2000-0")
    crew.create("0")
    crew.consumer("ann").read(1)
    crew.ack("1000-0")
'''))
"""


def test_a_click_runs_one_statement_and_shows_all_it_did(
    open_notebook: Callable[..., Notebook],
) -> None:
    notebook = open_notebook([TOUR.strip()]).run_all()
    page = notebook.page
    notebook.live().wait_for()
    rows = page.locator(".streamviz-log tbody tr")
    step = page.get_by_role("button", name="Step", exact=True)
    for done in range(1, 5):
        step.press("Enter")
        notebook.until(lambda done=done: rows.count() == done)
    expect(rows.last).to_contain_text("XREADGROUP GROUP crew ann COUNT 1 STREAMS orders >")
    expect(rows.last).to_contain_text("crew pending: 0 → 1")
    expect(rows.first, "as text, not as HTML").to_contain_text("<b>soup</b>")
    expect(page.locator(".streamviz-steps [aria-current]")).to_have_text('crew.ack("1000-0")')
    notebook.picture("steps")
    assert violations(page, ".streamviz-live") == [], "what is done can still be read"
    page.get_by_role("button", name="Run all", exact=True).click()
    notebook.until(lambda: rows.count() == 5)
    expect(step).to_be_disabled()
    notebook.until(lambda: "XACK orders crew 1000-0" in str(notebook.save()))
    assert not notebook.problems
