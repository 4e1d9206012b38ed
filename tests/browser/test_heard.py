"""What the other tests trust to be told if a page does wrong."""

from __future__ import annotations

from browser.conftest import Heard
from playwright.sync_api import Page

WRONG = """<script>
console.warn("a word");
setTimeout(() => { throw new Error("a fault"); });
fetch("http://127.0.0.1:9/asked").catch(() => {});  // nobody is there
setTimeout(() => { alert("a dialog"); document.title = "done"; }, 20);
</script>"""


def test_a_word_a_fault_a_request_and_a_dialog_are_heard(page: Page, heard: Heard) -> None:
    page.set_content(WRONG)
    page.wait_for_function("() => document.title === 'done'")
    assert {"warning: a word", "error: a fault", "dialog: a dialog"} <= set(heard.said)
    assert heard.asked == ["http://127.0.0.1:9/asked"]
