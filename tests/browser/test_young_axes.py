"""Axes before there is much to see: plotly, as a live dashboard calls it, begins them at zero."""

from __future__ import annotations

import gzip
from typing import Any

from browser.conftest import RESULTS
from playwright.sync_api import Page
from plots.histories import group, history, sample

from streamviz.cli import PLOTS
from streamviz.client.entry_id import EntryId
from streamviz.observation.history import History
from streamviz.plots import GroupLag
from streamviz.plots.ticks import with_whole_ticks
from streamviz.widgets.assets import plotly_js

START_MS = 1_767_225_600_000


def young(samples: int) -> History:
    """Return the first samples of a stream that began with them."""
    ids = [EntryId(START_MS + 100 * n) for n in range(samples)]
    return history(
        *(
            sample(n + 1, group("g", n, cursor=one), time_ms=one.ms, first=ids[0], ids=[one])
            for n, one in enumerate(ids)
        )
    )


DRAW = """figures => Promise.all(figures.map(async ({ data, layout }) => {
  const node = document.body.appendChild(document.createElement('div'));
  Object.assign(node.style, { height: '220px', width: '600px', float: 'left' });
  await Plotly.react(node, data, layout, { displayModeBar: false, responsive: true });
  const axes = Object.entries(node._fullLayout).filter(([name]) => /^[xy]axis/.test(name));
  const free = axes.filter(([, axis]) => axis.visible && axis.autorange);
  return free.map(([name, axis]) => [name, axis.range[0]]);
}))"""


def test_axes_begin_at_zero_from_the_first_sample_on(page: Page) -> None:
    page.set_content("<body></body>")
    page.add_script_tag(content=gzip.decompress(plotly_js()).decode("utf-8"))
    plots = [make() for name, make in PLOTS.items() if name != "flow"]  # it has no axes
    figures: list[dict[str, Any]] = [
        plot.figure(young(samples)) for samples in (0, 1, 2, 30) for plot in plots
    ]
    lows = [low for axes in page.evaluate(DRAW, figures) for _, low in axes]
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / "young-axes.png", full_page=True)
    assert len(lows) > 2 * len(plots)
    assert set(lows) == {0}
    old = history(sample(1, time_ms=START_MS, first=EntryId(START_MS - 5000), length=1))
    (axes,) = page.evaluate(
        DRAW, [PLOTS["stream-map"]().figure(old) | {"data": [{"x": [-5], "y": [0]}]}]
    )
    assert axes[0][1] < -5, "a stream that was there before has a past"


TICKS = """async figure => {
  const node = document.body.appendChild(document.createElement('div'));
  Object.assign(node.style, { height: '300px', width: '600px' });
  await Plotly.newPlot(node, figure.data, figure.layout);
  return [...node.querySelectorAll('.ytick text')].map(one => one.textContent);
}"""


def test_plotly_counts_a_few_entries_in_whole_ones(page: Page) -> None:
    page.set_content("<body></body>")
    page.add_script_tag(content=gzip.decompress(plotly_js()).decode("utf-8"))
    few = history(*(sample(n, group("g", n - 1), time_ms=START_MS + n) for n in (1, 2, 3)))
    bare = GroupLag().figure(few)
    assert "0.5" in page.evaluate(TICKS, bare), "this is what is mended"
    assert page.evaluate(TICKS, with_whole_ticks(bare)) == ["0", "1", "2"]
