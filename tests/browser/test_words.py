"""The words of every plot in a real page: none lies over another one, none leaves its picture."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from plots.histories import PLOTS, sample
from slow import slow_but

from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import GroupState, Lag
from streamviz.plots.drawing import draw
from streamviz.plots.svg import render
from streamviz.recording import Recording
from streamviz.widgets.assets import plotly_js, script, stylesheet

ROOT = Path(__file__).parents[2]
RECORDINGS = ["a_trim_bites", "crash_and_rescue", "fall_behind_and_catch_up"]
ALL = bool(os.environ.get("STREAMVIZ_WORDS"))  # make words: the whole table, in minutes
SIZES = [(400, 300), (640, 360), (900, 600), (1280, 720), (1920, 1080), (2560, 1440)]
NAMES = [
    *(
        "billing",
        "a-group-whose-name-goes-on-and-on-and-on",
        "👩🏽‍🚀 orders 🚀🚀🚀🚀🚀🚀",
        "队列队列队列队列队列队列",
    ),
    *("קבוצה של הזמנות ארוכה מאוד", "WWWWWWWWWWWWWWWWWWWW", "مجموعة الطلبات", "i"),
    *(f"group-{n}" for n in range(9, 13)),
]


def state(
    name: str, waiting: int, consumers: int, at: EntryId, added: int, held: int
) -> GroupState:
    """Return a group whose first consumers hold entries."""
    oldest = tuple(
        PendingEntry(
            EntryId(at.ms - 900 * (held - k)),
            f"{name}-{k % consumers + 1}",
            900 * (held - k),
            1 + k % 3,
        )
        for k in range(held)
    )
    infos = tuple(
        ConsumerInfo(f"{name}-{k + 1}", len(oldest[k::consumers]), 0, None)
        for k in range(consumers)
    )
    lag, acked = Lag(waiting, "exact", "", 10 * waiting), added - waiting - len(oldest)
    return GroupState(name, at, None, lag, len(oldest), infos, oldest, 0, acked, 0)


def made(
    count: int,
    step_ms: int,
    names: list[str],
    *,
    consumers: int = 2,
    scale: int = 1,
    events: dict[int, int] | None = None,
) -> History:
    """Return a history of samples, each with a new entry, on a stream that had entries before.

    `events` says how many consumers were killed at each of some samples.
    """
    found, start, held = History(5000), 1_767_225_600_000, min(6, 2 * consumers)
    for n in range(count):
        at, added = start + step_ms * n, scale * (900 + n)
        groups = [
            state(name, scale * (7 * i + n % 40), consumers, EntryId(at - 100 * i), added, held)
            for i, name in enumerate(sorted(names))
        ]
        more: dict[str, Any] = {"length": scale * (50 + n % 60), "added": added}
        more |= {"nodes": 3 + n % 4, "memory_bytes": 10**6 * scale + 999 * n}
        more["events"] = [
            Event("killed", f"{names[0]}-{k + 1}", names[0], 1 + k)
            for k in range((events or {}).get(n, 0))
        ]
        more |= {"readers": {"ann": EntryId(at - 500)}, "got": {"ann": [EntryId(at - 500)]}}
        ids = [EntryId(at, n % 3)]
        found.append(
            sample(n + 1, *groups, time_ms=at, first=EntryId(start - 9000), ids=ids, **more)
        )
    return found


def recorded(name: str) -> History:
    """Return a shipped recording's samples."""
    path = ROOT / "notebooks" / "recordings" / f"{name}.jsonl.gz"
    found = History(100_000)
    for one in Recording(path).samples():
        found.append(one)
    return found


def hard() -> dict[str, History]:
    """Return histories by what is hard about them."""
    return {
        "empty": History(10),
        "one sample": made(1, 100, ["billing", "email"]),
        "twelve groups": made(40, 250, NAMES),
        "a hundred consumers": made(40, 250, NAMES[:3], consumers=100),
        "ten events in a second": made(
            60, 250, ["billing", "email"], consumers=12, events=dict.fromkeys(range(30, 34), 3)
        ),
        "ten million entries": made(40, 250, ["billing", "email", "audit"], scale=10**7),
        "an hour": made(
            100, 36_000, ["billing", "email"], events=dict.fromkeys(range(4, 100, 4), 1)
        ),
        "forty groups": made(30, 250, [f"group-{n:02}" for n in range(40)]),
        "events at both ends": made(40, 250, ["billing"], events={0: 2, 39: 2}),
    }


TEXTS = """() => [...document.querySelectorAll('.streamviz-plot, .streamviz-flow')].map(plot => {
  const around = (plot.querySelector(':scope > svg') ?? plot).getBoundingClientRect();
  const shown = [...plot.querySelectorAll('text')].filter(one => {
    const { width, height } = one.getBoundingClientRect();
    return one.textContent.replace(/[\u200b\\s]/g, '') && width && height
      && getComputedStyle(one).visibility !== 'hidden';
  });
  const boxes = shown.map(one => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    return { text: one.textContent, box: [left - around.left, top - around.top,
      right - around.left, bottom - around.top] };
  });
  return { boxes, size: [around.width, around.height] };
})"""
"""The boxes of all drawn texts of each plot."""
HOST = """async ([code, css]) => {
  const style = document.head.appendChild(document.createElement('style'));
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const { default: widget } = await import(url);
  const listeners = new Set();
  let size = 1;
  const model = { get: () => null, send() {}, off() {}, scale: () => size,
    on: (event, one) => event === 'msg:custom' && listeners.add(one) };
  window.show = (figures, width, height, scale) => {
    size = scale;
    style.textContent = `${css}
      .streamviz-live { max-width: none; width: ${width}px; }
      .streamviz-live .streamviz-grid { display: block !important; }
      .streamviz-live .streamviz-grid :is(.streamviz-plot, .streamviz-flow) {
        height: ${height}px; margin: 0 0 8px; width: ${width}px; }`;
    const text = JSON.stringify({ figures, panel: null, rows: [], status: { state: 'running' } });
    for (const one of listeners) one({ type: 'figures' }, [text]);
  };
  const el = document.body.appendChild(document.createElement('div'));
  await widget.render({ model, el, signal: new AbortController().signal });
}"""
"""A page that takes figures as a notebook does, with plots of one size."""
DRAWN = """() => {
  const plots = [...document.querySelectorAll('.streamviz-plot')];
  return plots.length && plots.every(one => one.querySelector('.main-svg .gtitle'))
    && new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));
}"""


def problems(plots: list[dict[str, Any]], names: list[str]) -> list[str]:
    """Return which texts lie over each other, or leave their picture."""
    found = []
    for name, plot in zip(names, plots, strict=True):
        boxes, (wide, high) = plot["boxes"], plot["size"]
        for i, one in enumerate(boxes):
            left, top, right, bottom = one["box"]
            slack = max(2, 0.15 * (bottom - top))  # letters do not fill their boxes
            if (out := max(-left, -top, right - wide, bottom - high)) > slack:
                found.append(f"{name}: {one['text']!r} is {out:.0f} px outside")
            for other in boxes[:i]:
                x, y, end, below = other["box"]
                both = min(right, end) - max(left, x), min(bottom, below) - max(top, y)
                if min(both) > slack:
                    size = " x ".join(f"{px:.0f}" for px in both)
                    found.append(f"{name}: {one['text']!r} over {other['text']!r}: {size}")
    return found


def scales(width: int, height: int) -> set[float]:
    """Return how large letters are in a notebook, and on a screen in a room or a stage."""
    return {1.0, max(1.0, min(width / 1120, height / 630)), max(1.0, 1.75 * width / 1280)}


@pytest.fixture
def show(page: Page) -> Callable[..., list[dict[str, Any]]]:
    """Give a page that draws figures as a dashboard does, and returns their texts' boxes."""
    page.set_viewport_size({"width": 2600, "height": 1500})
    page.set_content("<body style='margin: 0'></body>")
    page.add_script_tag(content=gzip.decompress(plotly_js()).decode("utf-8"))
    page.evaluate("() => { globalThis[Symbol.for('streamviz.plotly')] = Promise.resolve(Plotly); }")
    page.evaluate(HOST, [script("live.js"), stylesheet("live.css")])

    def show_(figures: list[Any], size: tuple[int, int], scale: float) -> list[dict[str, Any]]:
        page.evaluate("about => window.show(...about)", [figures, *size, scale])
        page.wait_for_function(DRAWN)
        return list(page.evaluate(TEXTS))

    return show_


Row = tuple[tuple[int, int], float, list[str]]
EVERY = [*hard(), *RECORDINGS]
TABLE: list[Row] = [
    ((400, 300), 1.0, ["twelve groups"]),
    ((640, 360), 1.75, ["crash_and_rescue"]),
]
if ALL:
    TABLE = [(size, scale, [one]) for size in SIZES for scale in scales(*size) for one in EVERY]


@pytest.mark.parametrize("row", slow_but(TABLE[0], of=TABLE), ids=str)
def test_no_words_of_a_plot_lie_over_others_or_leave_the_picture(
    show: Callable[..., list[dict[str, Any]]], row: Row
) -> None:
    size, scale, names = row
    wrong, count = [], 0
    for name in names:
        seen = recorded(name) if name in RECORDINGS else hard()[name]
        shown = show([draw(plot, seen)[0] for plot in PLOTS.values()], size, scale)
        count += sum(len(one["boxes"]) for one in shown)
        wrong += [f"{name}: {one}" for one in problems(shown, list(PLOTS))]
    assert not wrong, "\n".join(wrong)
    assert count > 50 * len(names)


def test_a_dashboard_counts_a_few_entries_in_whole_ones(
    show: Callable[..., list[dict[str, Any]]],
) -> None:
    few = History(10)
    for n, waiting in enumerate((0, 1, 2, 0), 1):
        one = state("g", waiting, 1, EntryId(1), 2, 0)
        few.append(sample(n, one, time_ms=1_767_225_600_000 + 300 * n))
    (shown,) = show([draw(PLOTS["group_lag"], few)[0]], (640, 360), 1.0)
    texts = [one["text"] for one in shown["boxes"]]
    assert {"0", "1", "2"} <= {*texts}
    assert "1.5" not in texts


def test_each_groups_numbers_stand_in_its_own_part_of_a_small_picture(
    show: Callable[..., list[dict[str, Any]]],
) -> None:
    for names in (NAMES, NAMES[:3]):
        seen = made(40, 250, names, scale=10**4)
        (shown,) = show([draw(PLOTS["ack_progress"], seen)[0]], (400, 300), 1.0)
        boxes = [one["box"] for one in shown["boxes"] if re.search("/4/|k? acked", one["text"])]
        assert len(boxes) == len(names), "none is left out"
        for left, _, right, _ in boxes:
            panel = 60 + 114.5 * round((left - 60) / 114.5)
            assert panel - 12 < left < right < panel + 114.5


def test_each_name_at_the_end_of_a_line_is_shown_or_counted(
    show: Callable[..., list[dict[str, Any]]],
) -> None:
    figure = draw(PLOTS["strips"], made(40, 250, [f"group-{n}" for n in range(10, 22)]))[0]
    for size in ((900, 600), (640, 300), (640, 200)):
        (shown,) = show([figure], size, 1.0)
        texts = [one["text"].strip() for one in shown["boxes"]]
        named = [one for one in texts if re.match(r"group-\d\d [\d,.]+", one)]
        more = [int(found[1]) for one in texts if (found := re.search(r"and (\d+) more$", one))]
        assert len(named) + sum(more) == 24, texts
        assert more


def test_no_words_of_a_still_picture_lie_over_others_or_leave_it(page: Page) -> None:
    wrong, count = [], 0
    sizes: list[tuple[int, int | None]] = [(400, 300)]
    sizes += [(720, None), (640, 360), (960, 540)] if ALL else []
    for name in {one for *_, names in TABLE for one in names}:
        seen = recorded(name) if name in RECORDINGS else hard()[name]
        figures = [draw(plot, seen, static=True)[0] for plot in PLOTS.values()]
        for width, height in sizes:
            page.set_content(
                "".join(
                    f"<div class=streamviz-flow style='width: {width}px'>"
                    f"{render(figure, width, height, 'light')}</div>"
                    for figure in figures
                )
            )
            shown = page.evaluate(TEXTS)
            count += sum(len(one["boxes"]) for one in shown)
            wrong += [f"{name}, {width}: {one}" for one in problems(shown, list(PLOTS))]
    assert not wrong, "\n".join(wrong)
    assert count > 400
