"""Tables of records on a page: long names do not make them wide, and no text becomes a tag."""

from __future__ import annotations

from playwright.sync_api import Page

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry, StreamInfo
from streamviz.client.records import Records

LONG = "<b>" + "n" * 10_000
ENTRIES = Records(
    Entry, [Entry(EntryId(n), {f"{k}{LONG}": LONG for k in range(30)}) for n in range(50)]
)
INFO = StreamInfo(1, 1, 2, 1, EntryId(1), None, 1, None, ENTRIES[0], None)


def test_a_table_of_long_names_is_no_wider_than_its_page(page: Page) -> None:
    page.set_viewport_size({"width": 800, "height": 600})
    page.set_content("".join([ENTRIES._repr_html_(), ENTRIES[0]._repr_html_(), INFO._repr_html_()]))
    assert page.locator("table").count() == 3
    assert page.locator("tr").count() == 21 + 21 + 12
    widths = page.locator("table").evaluate_all("tables => tables.map(one => one.scrollWidth)")
    assert max(widths) <= 800
    assert page.evaluate("document.documentElement.scrollWidth") == 800
    assert page.locator("b").count() == 0
    assert "<b>nnn" in page.locator("td").nth(1).inner_text()
