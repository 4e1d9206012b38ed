"""The views of a dashboard: in boxes, each live, and nothing stays of those that close."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable
from typing import Any

import ipywidgets
import pytest
import redis as redis_py
import traitlets
from ipywidgets.widgets.widget import _instances
from plots.histories import group, history, sample
from widgets.conftest import Listen, Talk

from streamviz import Dashboard, Scenario, group_lag, replay, watch
from streamviz.errors import InputError
from streamviz.plots.figure import apply
from streamviz.recording import save
from streamviz.widgets.views import FRAMES_AHEAD as AHEAD

Until = Callable[..., None]


def sampled(n: int) -> Any:
    return sample(n, group("g", n), length=n)


def grow(talk: Talk, count: int = 1) -> list[dict[str, Any]]:
    """Append so many samples, and return what the dashboard sent."""
    before = len(talk.heard)
    for _ in range(count):
        last = talk.live.history.newest
        talk.live.history.append(sampled(last.n + 1 if last else 1))
        talk.live.update()
    return talk.heard[before:]


def drawn(talk: Talk, view: str) -> list[Any]:
    """Return the figures that a view shows, after what the dashboard sent."""
    figures: list[Any] = []
    for one in talk.heard:
        if one["type"] == "figures" and one["view"] == view:
            figures = one["figures"]
        elif one["type"] == "frame" and figures:
            figures = [apply(*pair) for pair in zip(figures, one["deltas"], strict=True)]
    return figures


def test_a_boxed_dashboard_starts_at_hello_and_gets_frames(
    shop: Scenario, listen: Listen, until: Until
) -> None:
    talk = listen(Dashboard(shop))
    box = ipywidgets.HBox([talk.live])
    assert box.get_state()["children"] == [f"IPY_MODEL_{talk.live.model_id}"]
    assert shop.state == "new"
    (answer,) = talk.say("hello", view="a")
    assert (answer["type"], answer["view"]) == ("figures", "a")
    assert answer["status"]["state"] == "running"
    until(lambda: talk.kinds().count("frame") > 3)
    assert any(delta.get("x") for one in talk.heard for delta in one.get("deltas", ()))


def test_each_view_draws_the_same_whenever_it_opened(listen: Listen) -> None:
    talk = listen(Dashboard(history(sampled(1))))
    talk.say("hello", view="a")
    grow(talk, 2)
    talk.live.history.append(sampled(4))
    assert [one["type"] for one in talk.say("hello", view="b")] == ["frame", "figures"]
    grow(talk, 2)
    expected = [plot.figure(talk.live.history) for plot in talk.live.plots]
    assert drawn(talk, "a") == drawn(talk, "b") == expected


def test_a_repeated_hello_is_answered_again(listen: Listen) -> None:
    talk = listen(Dashboard(history(sampled(1))))
    for _ in range(3):
        assert [one["type"] for one in talk.say("hello", view="a")] == ["figures"]


def test_the_slowest_view_sets_the_pace_unless_it_has_gone(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = listen(group_lag(history(sampled(1))))
    for view in "ab":
        talk.say("hello", view=view)
    assert len(grow(talk, AHEAD + 5)) == AHEAD
    talk.say("grant", frames=8, view="a")
    assert grow(talk) == [], "b has granted nothing"
    monkeypatch.setattr("streamviz.widgets.views._PATIENCE_S", 0)
    assert len(grow(talk, AHEAD)) == 8
    *_, answer = talk.say("grant", frames=8, view="b")
    assert (answer["type"], answer["view"]) == ("figures", "b"), "it is back"


def test_without_views_nothing_is_sent_and_the_clock_waits(
    shop: Scenario, listen: Listen, until: Until
) -> None:
    talk = listen(Dashboard(shop))
    for view in "ab":
        talk.say("hello", view=view)
    talk.say("bye", view="a")
    talk.say("bye", view="a")
    assert (shop.state, len(shop.on_sample)) == ("running", 1)
    talk.say("bye", view="b")
    assert (shop.state, shop.on_sample) == ("paused", [])
    sent = len(talk.heard)
    talk.live.update()
    assert len(talk.heard) == sent
    talk.say("hello", view="c")
    assert shop.state == "running"
    until(lambda: talk.heard[-1]["type"] == "frame")


def test_what_others_started_or_follow_goes_on_without_views(
    shop: Scenario, listen: Listen
) -> None:
    first, second = listen(Dashboard(shop)), listen(Dashboard(shop))
    first.say("hello", view="a")
    second.say("hello", view="b")
    first.say("bye", view="a")
    assert shop.state == "running", "the second dashboard is open"
    second.say("bye", view="b")
    assert shop.state == "running", "it did not start the shop"


def test_what_was_paused_by_hand_stays_paused(shop: Scenario, listen: Listen) -> None:
    talk = listen(Dashboard(shop))
    talk.say("hello", view="a")
    shop.pause()
    talk.say("bye", view="a")
    talk.say("hello", view="b")
    assert shop.state == "paused"


def test_gone_from_its_cell_it_lives_on_in_a_box(shop: Scenario, listen: Listen) -> None:
    talk = listen(Dashboard(shop))
    talk.say("hello", view="cell")
    talk.say("hello", view="box")
    talk.say("gone", view="cell")
    assert shop.state == "running"
    talk.say("gone", view="box")
    assert shop.state == "stopped"


def test_each_view_of_a_player_gets_the_metadata(listen: Listen, tmp_path: Any) -> None:
    save(history(sampled(1), sampled(2)), tmp_path / "run.jsonl.gz")
    talk = listen(replay(tmp_path / "run.jsonl.gz"))
    for view in "ab":
        (answer,) = talk.say("hello", view=view)
        assert (answer["type"], answer["view"]) == ("metadata", view)


def never_shown(_dashboard: Any) -> None:
    """Leave it as it was made."""


def closed(dashboard: Any) -> None:
    dashboard.stop()
    dashboard.close()


def boxed_and_closed(dashboard: Any) -> None:
    box = ipywidgets.HBox([dashboard])
    dashboard._receive(dashboard, {"type": "hello", "view": "a"}, [])
    dashboard._receive(dashboard, {"type": "bye", "view": "a"}, [])
    closed(dashboard)
    box.layout.close()
    box.close()


def shown_and_closed(dashboard: Any) -> None:
    dashboard._ipython_display_()
    dashboard._receive(dashboard, {"type": "hello", "view": "a"}, [])
    closed(dashboard)


@pytest.mark.parametrize("use", [never_shown, closed, boxed_and_closed, shown_and_closed])
def test_nothing_stays_of_dashboards(
    redis: redis_py.Redis,
    key: str,
    until: Until,
    threads: Callable[[], int],
    use: Callable[[Any], None],
) -> None:
    redis.xadd(key, {"n": 1})

    def left() -> tuple[int, int, int]:
        gc.collect()
        return len(os.listdir("/dev/fd")), len(redis.client_list()), len(_instances)

    use(watch(redis, key))  # the first one loads modules
    before = left()
    dashboards = weakref.WeakSet[Any]()
    for _ in range(20):
        dashboard = watch(redis, key)
        dashboards.add(dashboard)
        use(dashboard)
        del dashboard
    until(lambda: left() == before and threads() == 0)
    assert not dashboards


def test_state_and_speed_follow_the_scenario_and_speed_sets_it(
    shop: Scenario, listen: Listen, until: Until
) -> None:
    talk = listen(Dashboard(shop))
    dashboard: Any = talk.live
    states = ["new"]
    dashboard.observe(lambda change: states.append(change["new"]), "state")
    talk.say("hello", view="a")
    shop.pause()
    shop.resume()
    dashboard.speed = 4
    assert shop.speed == 4
    shop.speed = 0.5
    assert dashboard.speed == 0.5
    dashboard.set_state({"speed": 2})  # as a linked slider in the browser does
    assert shop.speed == 2
    until(lambda: "waiting" in dashboard.summary)
    dashboard.stop()
    until(lambda: states == ["new", "running", "paused", "running", "stopped"])
    assert dashboard.summary == "\n".join(
        f"{plot.title}: {plot.summary(dashboard.history)}" for plot in dashboard.plots
    )


@pytest.mark.parametrize("speed", [0, -1, 1001, float("nan"), float("inf")])
def test_a_speed_that_is_refused_changes_nothing(shop: Scenario, speed: float) -> None:
    dashboard = Dashboard(shop)
    with pytest.raises(InputError, match="speed="):
        dashboard.speed = speed
    assert (dashboard.speed, shop.speed) == (1, 1)


def test_only_a_scenario_has_a_speed(listen: Listen) -> None:
    dashboard = group_lag(history(sampled(1)))
    assert (dashboard.state, dashboard.speed) == ("done", 1)
    with pytest.raises(InputError, match="speed=2: this widget shows no scenario"):
        dashboard.speed = 2
    with pytest.raises(traitlets.TraitError, match="read-only"):
        dashboard.state = "running"


def test_what_is_selected_is_an_entry_id() -> None:
    dashboard = group_lag(history(sampled(1)))
    dashboard.selected = "5"
    assert dashboard.selected == "5-0"
    with pytest.raises(InputError):
        dashboard.selected = "first"
    dashboard.selected = ""
    assert dashboard.selected == ""


def test_a_summary_follows_what_is_appended() -> None:
    dashboard = group_lag(history(sampled(1)))
    assert dashboard.summary == "Group lag: g: 1 waiting."
    summaries: list[str] = []
    dashboard.observe(lambda change: summaries.append(change["new"]), "summary")
    dashboard.history.append(sampled(2))
    dashboard.update()
    assert summaries == ["Group lag: g: 2 waiting."]
