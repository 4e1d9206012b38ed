"""What the kernel's half of a dashboard says, when, and what it does when it is told something."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from IPython.core.formatters import DisplayFormatter
from plots.histories import HOSTILE, gone, group, history, sample
from widgets.conftest import Listen, Talk

from streamviz import Dashboard, Scenario, group_lag
from streamviz.client.progress import FRONT_ENDS
from streamviz.observation.history import History
from streamviz.plots import GroupLag, default_plots
from streamviz.plots.figure import apply
from streamviz.server.embedded import EmbeddedServer
from streamviz.widgets import live
from streamviz.widgets.assets import plotly_js
from streamviz.widgets.views import FRAMES_AHEAD as AHEAD

Until = Callable[..., None]


class Own(GroupLag):
    """A plot that is not of the package."""


def sampled(n: int) -> Any:
    return sample(n, group("g", n), length=n)


def grow(talk: Talk, count: int = 1) -> list[dict[str, Any]]:
    """Let the history learn something so many times, and return what the dashboard said."""
    before, seen = len(talk.heard), talk.live.history
    for _ in range(count):
        seen.append(sampled((seen.newest.n if seen.newest else 0) + 1))
        talk.live.update()
    return talk.heard[before:]


def test_hello_is_answered_with_the_whole_figures(listen: Listen) -> None:
    seen = history(sampled(1))
    talk = listen(Dashboard(seen))
    (answer,) = talk.say("hello")
    assert answer["type"] == "figures"
    assert answer["figures"] == [plot.figure(seen) for plot in talk.live.plots]
    assert len(answer["figures"]) == 2
    assert answer["panel"] is None, "a history has nothing to steer"
    assert answer["status"] == {"state": "done", "trouble": "", "error": "", "consumers": []}


def test_nothing_is_sent_before_hello_nor_without_news(listen: Listen) -> None:
    talk = listen(Dashboard(history(sampled(1))))
    assert grow(talk, 3) == []
    talk.say("hello")
    talk.live.update()
    assert talk.kinds() == ["figures"]
    assert len(grow(talk)) == 1


def test_the_kernel_goes_only_a_few_frames_ahead_of_the_browser(listen: Listen) -> None:
    talk = listen(Dashboard(history(sampled(1))))
    (whole,) = talk.say("hello")
    assert len(grow(talk, AHEAD + 5)) == AHEAD
    assert grow(talk, 20) == [], "no grant, no frame"
    assert talk.say("grant", frames=1) == []
    assert [talk.say("grant", frames=wrong) for wrong in ("x", None, 1.5, [])] == [[]] * 4
    assert len(grow(talk, 5)) == 1
    talk.say("grant", frames=3)
    assert len(grow(talk, 5)) == 3
    for _ in range(5):
        talk.say("grant", frames=1000)
    assert len(grow(talk, AHEAD + 5)) == AHEAD, "grants are not hoarded"
    frames = [one for one in talk.heard if one["type"] == "frame"]
    figures = whole["figures"]
    for frame in frames:
        figures = [apply(*pair) for pair in zip(figures, frame["deltas"], strict=True)]
    talk.say("grant", frames=1)
    (last,) = grow(talk)
    figures = [apply(*pair) for pair in zip(figures, last["deltas"], strict=True)]
    assert figures == [plot.figure(talk.live.history) for plot in talk.live.plots]


def test_a_running_frame_has_words_now_and_then_and_the_last_one_has_them(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_SUMMARISE_EVERY_S", 3600)
    seen = history(sampled(1))
    talk = listen(Dashboard(seen, plots=[*default_plots(), Own()]))
    talk.say("hello")
    talk.live.update()
    figures = talk.heard[0]["figures"]
    for n in range(2, 6):
        seen.append(sampled(n))
        talk.live._frame()  # as a running scenario does
        told = ["summary" in delta for delta in talk.heard[-1]["deltas"]]
        assert told == [False, False, True], "a plot of one's own may not be able to say it"
    talk.live.stop()
    talk.live.stop()
    frames = talk.heard[1:]
    assert [one["type"] for one in frames] == ["frame"] * 5, "the words alone, and only once"
    for frame in frames:
        figures = [apply(*pair) for pair in zip(figures, frame["deltas"], strict=True)]
    assert figures == [plot.figure(seen) for plot in talk.live.plots]


def test_a_second_hello_starts_over(listen: Listen) -> None:
    talk = listen(group_lag(history(sampled(1))))
    talk.say("hello")
    grow(talk, AHEAD + 1)
    (answer,) = talk.say("hello")
    assert answer["figures"][0]["n"] == AHEAD + 2
    assert len(grow(talk, AHEAD + 1)) == AHEAD


def test_trouble_is_told_once_and_so_is_its_end(listen: Listen) -> None:
    talk = listen(group_lag(history(sampled(1))))
    talk.say("hello")
    for one in (gone(2), gone(3), sampled(4)):
        talk.live.history.append(one)
        talk.live.update()
    told = [frame["status"]["trouble"] for frame in talk.heard if "status" in frame]
    assert told == ["", "stream is gone", ""]


@pytest.mark.parametrize("content", [None, "hello", 5, [], {}, {"type": None}, {"type": "nothing"}])
def test_what_is_no_message_is_ignored(listen: Listen, content: Any) -> None:
    talk = listen(group_lag(history(sampled(1))))
    talk.live._receive(talk.live, content, [])
    assert talk.heard == []


def test_a_control_of_a_history_is_ignored(listen: Listen) -> None:
    talk = listen(Dashboard(history(sampled(1))))
    assert talk.say("control", do="pause") == []


def test_plotly_js_is_the_basic_one(listen: Listen) -> None:
    talk = listen(group_lag(history()))
    assert talk.say("plotly") == [{"type": "plotly"}]
    (packed,) = talk.buffers
    source = gzip.decompress(packed)
    assert b"plotly.js (basic - minified)" in source[:100]
    assert b"MIT license" in source[:400]
    assert packed == plotly_js()
    assert len(packed) < 450_000


def pictures(bundle: dict[str, str]) -> list[ElementTree.Element]:
    sources = re.findall(r'src="data:image/svg\+xml,([^"]*)"', bundle["text/html"])
    return [ElementTree.fromstring(unquote(source)) for source in sources]


@pytest.mark.parametrize("samples", [[], [sampled(1)], [sampled(1), gone(2)]])
def test_the_output_is_a_picture_and_its_words_and_no_widget_state(samples: list[Any]) -> None:
    seen = history(*samples)
    dashboard = Dashboard(seen)
    bundle = dashboard._mimebundle(dashboard.mount_id)
    assert set(bundle) == {"text/html", "text/plain"}
    assert len(pictures(bundle)) == 2
    lines = bundle["text/plain"].split("\n")
    assert lines == [
        f"{plot.title}: {plot.static_figure(seen)['summary']}" for plot in dashboard.plots
    ]
    assert "<script" not in bundle["text/html"]
    assert len(json.dumps(bundle)) < 20_000


def test_hostile_names_break_no_output(listen: Listen) -> None:
    seen = history(sample(1, *(group(name) for name in HOSTILE), events=HOSTILE))
    dashboard = Dashboard(seen)
    bundle = dashboard._mimebundle(dashboard.mount_id)
    json.dumps(bundle, ensure_ascii=False).encode("utf-8")
    assert len(pictures(bundle)) == 2
    tags = re.findall(r"<(/?\w+)", bundle["text/html"])
    assert sorted(set(tags)) == ["/div", "div", "img"]
    assert [one["type"] for one in listen(dashboard).say("hello")] == ["figures"]


def test_jupyter_asks_the_dashboard_and_not_the_widget_for_its_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dashboard = group_lag(history(sampled(1)))
    assert DisplayFormatter().format(dashboard) == ({}, {}), "it displays itself"
    shown = capsys.readouterr().out
    assert "Group lag: g: 1 waiting" in shown
    assert "widget-view" not in shown


def test_the_repr_says_what_it_shows_and_nothing_else() -> None:
    dashboards = [Dashboard(history(sampled(n))) for n in (1, 2)]
    assert {repr(one) for one in dashboards} == {
        "<Dashboard of Flow, Entries waiting and oldest pending>"
    }
    assert repr(group_lag(History(), unit="seconds")) == "<Live of Group lag in seconds>"


PROGRAM = """
import sys
from streamviz import Dashboard, Scenario, connect, series
shop = Scenario(connect(sys.argv[1]), seed=7)
shop.produce(sys.argv[2], series.orders(rate_hz=5))
shop.group(sys.argv[2], "billing", consumers=2, service_ms=300)
shop.run(seconds=5)
dashboard = Dashboard(shop)
bundle = dashboard._mimebundle(dashboard.mount_id)
print(repr(dashboard), dashboard.mount_id, dashboard.fallback_id, bundle)
"""


def test_outside_a_browser_nothing_is_random(server: EmbeddedServer, key: str) -> None:
    def output(**more: str) -> str:
        clear = {name: os.environ[name] for name in os.environ if name not in FRONT_ENDS}
        command = [sys.executable, "-c", PROGRAM, server.url, key]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=50, env=clear | more
        ).stdout

    first = output()
    assert first == output()
    assert " plot-1 plot-1 " in first
    live = output(STREAMVIZ_LIVE="1")
    assert re.search(r" [0-9a-f]{8}-1 plot-1 ", live), "in a browser, two kernels never clash"


def test_displayed_it_starts_and_stopped_it_leaves_no_thread(
    shop: Scenario, until: Until, threads: Callable[[], int], listen: Listen
) -> None:
    talk = listen(Dashboard(shop))
    talk.live._ipython_display_()
    talk.live._ipython_display_()
    assert (shop.state, threads(), len(shop.on_sample)) == ("running", 1, 1)
    talk.say("hello")
    until(lambda: "frame" in talk.kinds())
    talk.live.stop()
    assert (shop.state, threads(), shop.on_sample) == ("stopped", 0, [])
    assert talk.heard[-1]["status"]["state"] == "stopped"
    said = len(talk.heard)
    talk.live.stop()
    assert len(talk.heard) == said


def status(talk: Talk) -> dict[str, Any]:
    """Return the status that was told last."""
    told = [one["status"] for one in talk.heard if "status" in one]
    return dict(told[-1])


def test_a_dashboard_shows_what_was_done_to_its_scenario_elsewhere(
    shop: Scenario, listen: Listen
) -> None:
    talk = listen(Dashboard(shop))
    talk.live._ipython_display_()
    talk.say("hello")
    for do, state in ((shop.pause, "paused"), (shop.resume, "running"), (shop.stop, "stopped")):
        do()
        assert status(talk)["state"] == state
    talk.live.stop()
    assert len(shop.clock.on_change) == 1, "nothing of the dashboard hangs on the clock any more"


def test_a_series_that_raises_is_shown_and_the_rest_goes_on(
    shop: Scenario, prefix: str, until: Until, listen: Listen
) -> None:
    def back_in_time() -> Iterator[Any]:
        yield 5, {"n": 1}
        yield 1, {"n": 2}

    shop.produce(f"{prefix}broken", back_in_time())
    talk = listen(Dashboard(shop))
    talk.live._ipython_display_()
    talk.say("hello")
    until(lambda: talk.say("grant", frames=8) or status(talk)["error"])
    assert "go back in time" in status(talk)["error"]
    assert status(talk)["state"] == "running"
    added = shop.producers[0].added
    until(lambda: shop.producers[0].added > added)


def test_what_stops_the_clock_is_shown(shop: Scenario, until: Until, listen: Listen) -> None:
    talk = listen(Dashboard(shop))
    talk.live._ipython_display_()
    talk.say("hello")

    def falls() -> Iterator[Any]:
        yield shop.clock.env.timeout(1)
        raise ZeroDivisionError("of mine")

    shop.clock.process(falls())
    until(lambda: status(talk)["state"] == "stopped")
    assert status(talk)["error"] == "of mine"
    last = shop.history.newest
    assert last is not None
    assert "everything stopped: ZeroDivisionError was raised" in map(str, last.events)
    assert talk.heard[-1]["deltas"], "what was seen last is drawn, too"


def test_a_handler_that_hangs_is_told_of_and_may_not_hold_the_dashboard(
    shop: Scenario, until: Until, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go = threading.Event(), threading.Event()

    def hang(_: Any) -> None:
        began.set()
        assert go.wait(20)

    others = {*threading.enumerate()}
    talk = listen(Dashboard(shop))
    shop.group(next(iter(shop.histories)), "stuck", handler=hang)
    talk.live._ipython_display_()
    talk.say("hello")
    assert began.wait(20)
    monkeypatch.setattr("streamviz.simulation.actions.PATIENCE_S", 0.05)
    (frame,) = talk.say("control", do="kill", group="billing", which="billing-1")
    because = "a handler, a series or a callback has not returned"
    assert frame["status"]["trouble"] == f"{because}; as soon as it does: kill billing-1"
    talk.say("control", do="pause")
    assert status(talk)["state"] == "paused"
    (problem,) = talk.say("control", do="step")
    assert problem["text"] == f"{because}: try again as soon as it does"
    with pytest.warns(RuntimeWarning, match="the clock stops as soon as it does"):
        talk.live.stop()
    assert status(talk)["state"] == "stopped"
    go.set()
    until(lambda: not any(one.name == "streamviz" for one in {*threading.enumerate()} - others))


def test_gone_from_the_page_it_stops(
    shop: Scenario, talk: Talk, threads: Callable[[], int]
) -> None:
    talk.say("hello")
    talk.say("gone")
    assert (shop.state, threads()) == ("stopped", 0)


def test_a_run_on_the_virtual_clock_is_shown_and_not_started(
    shop: Scenario, listen: Listen, threads: Callable[[], int]
) -> None:
    shop.run(seconds=2)
    talk = listen(Dashboard(shop))
    talk.live._ipython_display_()
    (answer,) = talk.say("hello")
    assert (answer["status"]["state"], answer["panel"]["live"]) == ("done", False)
    assert (shop.on_sample, threads()) == ([], 0)


def test_who_hovers_over_an_entry_gets_its_timeline(talk: Talk, until: Until) -> None:
    history = talk.live.history
    until(lambda: any(one.entries for one in history.samples))
    (told,) = talk.say("timeline", id=str(next(history.entries).id))
    assert told["type"] == "timeline"
    assert told["id"] == str(next(history.entries).id)
    assert "was added at" in told["text"]


@pytest.mark.parametrize("which", ["", "no ID", None, 5, ["1-0"], "1-0-0"])
def test_what_is_no_entry_has_no_timeline(talk: Talk, which: object) -> None:
    assert talk.say("timeline", id=which) == []
