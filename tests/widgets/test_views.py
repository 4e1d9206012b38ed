"""The views of a board: in a box or several, each live, and nothing stays of those that close."""

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
    """Append so many samples, and return what the board sent."""
    before = len(talk.heard)
    for _ in range(count):
        last = talk.live.history.newest
        talk.live.history.append(sampled(last.n + 1 if last else 1))
        talk.live.update()
    return talk.heard[before:]


def drawn(talk: Talk, view: str) -> list[Any]:
    """Return the figures that a view shows, after what the board sent."""
    figures: list[Any] = []
    for one in talk.heard:
        if one["type"] == "figures" and one["view"] == view:
            figures = one["figures"]
        elif one["type"] == "frame" and figures:
            figures = [apply(*pair) for pair in zip(figures, one["deltas"], strict=True)]
    return figures


def test_a_boxed_board_starts_at_hello_and_gets_frames(
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
    assert shop.state == "running", "the second board is open"
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


def never_shown(_board: Any) -> None:
    """Leave it as it was made."""


def closed(board: Any) -> None:
    board.stop()
    board.close()


def boxed_and_closed(board: Any) -> None:
    box = ipywidgets.HBox([board])
    board._receive(board, {"type": "hello", "view": "a"}, [])
    board._receive(board, {"type": "bye", "view": "a"}, [])
    closed(board)
    box.layout.close()
    box.close()


def shown_and_closed(board: Any) -> None:
    board._ipython_display_()
    board._receive(board, {"type": "hello", "view": "a"}, [])
    closed(board)


@pytest.mark.parametrize("use", [never_shown, closed, boxed_and_closed, shown_and_closed])
def test_nothing_stays_of_boards(
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
    boards = weakref.WeakSet[Any]()
    for _ in range(20):
        board = watch(redis, key)
        boards.add(board)
        use(board)
        del board
    until(lambda: left() == before and threads() == 0)
    assert not boards


def test_state_and_speed_follow_the_scenario_and_speed_sets_it(
    shop: Scenario, listen: Listen, until: Until
) -> None:
    talk = listen(Dashboard(shop))
    board: Any = talk.live
    states = ["new"]
    board.observe(lambda change: states.append(change["new"]), "state")
    talk.say("hello", view="a")
    shop.pause()
    shop.resume()
    board.speed = 4
    assert shop.speed == 4
    shop.speed = 0.5
    assert board.speed == 0.5
    board.set_state({"speed": 2})  # as a linked slider in the browser does
    assert shop.speed == 2
    until(lambda: "waiting" in board.summary)
    board.stop()
    until(lambda: states == ["new", "running", "paused", "running", "stopped"])
    assert board.summary == "\n".join(
        f"{plot.title}: {plot.summary(board.history)}" for plot in board.plots
    )


@pytest.mark.parametrize("speed", [0, -1, 1001, float("nan"), float("inf")])
def test_a_speed_that_is_refused_changes_nothing(shop: Scenario, speed: float) -> None:
    board = Dashboard(shop)
    with pytest.raises(InputError, match="speed="):
        board.speed = speed
    assert (board.speed, shop.speed) == (1, 1)


def test_only_a_scenario_has_a_speed(listen: Listen) -> None:
    board = group_lag(history(sampled(1)))
    assert (board.state, board.speed) == ("done", 1)
    with pytest.raises(InputError, match="speed=2: this board shows no scenario"):
        board.speed = 2
    with pytest.raises(traitlets.TraitError, match="read-only"):
        board.state = "running"


def test_what_is_selected_is_an_entry_id() -> None:
    board = group_lag(history(sampled(1)))
    board.selected = "5"
    assert board.selected == "5-0"
    with pytest.raises(InputError):
        board.selected = "first"
    board.selected = ""
    assert board.selected == ""


def test_a_summary_follows_what_is_appended() -> None:
    board = group_lag(history(sampled(1)))
    assert board.summary == "Group lag: g: 1 waiting."
    summaries: list[str] = []
    board.observe(lambda change: summaries.append(change["new"]), "summary")
    board.history.append(sampled(2))
    board.update()
    assert summaries == ["Group lag: g: 2 waiting."]
