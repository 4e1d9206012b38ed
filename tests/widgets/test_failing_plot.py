"""A dashboard with a plot that raises shows what it raised in its place; the other plots go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from plots.histories import group, history, sample
from widgets.conftest import Listen

from streamviz import Dashboard, Scenario, replay
from streamviz.errors import PlotWarning
from streamviz.export import to_html, to_still
from streamviz.export.viewer import Viewer
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots import AckProgress, Flow, GroupLag
from streamviz.plots.drawing import draw
from streamviz.plots.figure import apply
from streamviz.plots.svg import render_saved
from streamviz.recording import Recording, save

Until = Callable[..., None]
SAYS = "Shaky can't be drawn: RuntimeError: no second sample (line"


class Shaky(GroupLag):
    """A plot that raises at each even sample."""

    title = "Shaky"

    def summary(self, history: History) -> str:
        if history.newest is not None and history.newest.n % 2 == 0:
            raise RuntimeError("no second sample")
        return super().summary(history)


class ShakyFlow(Flow):
    """A flow that raises at each even sample."""

    summary = Shaky.summary


def sampled(n: int) -> object:
    return sample(n, group("g", n), length=n)


def test_a_plot_that_raises_says_so_and_the_others_go_on(listen: Listen) -> None:
    seen = history(sampled(1))
    talk = listen(Dashboard(seen, plots=[Shaky(), GroupLag()]))
    (answer,) = talk.say("hello")
    shown = answer["figures"]
    for n in range(2, 8):
        seen.append(sample(n, group("g", n), length=n))
        talk.live.update()
        assert talk.heard[-1]["type"] == "frame"
        shown = [apply(f, d) for f, d in zip(shown, talk.heard[-1]["deltas"], strict=True)]
        assert shown[0]["summary"].startswith(SAYS) is (n % 2 == 0)
        assert shown[1] == GroupLag().figure(seen), "the other plot goes on"
        assert talk.live.summary.startswith(f"Group lag: {SAYS}") is (n % 2 == 0)
    assert shown[0] == Shaky().figure(seen), "and it is drawn again when it can be"


def test_a_new_view_and_the_saved_pictures_show_it_too(listen: Listen) -> None:
    seen = history(sampled(1), sampled(2))
    live = Dashboard(seen, plots=[Shaky(), GroupLag(), ShakyFlow()])
    (answer,) = listen(live).say("hello")
    assert [SAYS in figure["summary"] for figure in answer["figures"]] == [True, False, False]
    assert "ShakyFlow can't be drawn" in answer["figures"][2]["data"][1]["meta"]["headline"]
    output = live._mimebundle("x")
    assert SAYS in output["text/plain"].splitlines()[0]
    assert output["text/html"].count("<img") == 3
    assert {trace.xaxis for trace in live.figure.data} == {"x2"}, "the group lag's"


def test_the_page_of_watch_shows_it(shop: Scenario, key: str, until: Until) -> None:
    viewer = Viewer(shop, key)
    viewer.plots = (Shaky(), AckProgress())
    assert viewer.receive({"type": "hello"})
    texts: list[str] = []

    def heard(text: str) -> bool:
        message = viewer.next_message(0.05)
        texts.extend([message[1]] if message else [])
        viewer.receive({"type": "grant", "frames": 8})
        return any(text in one for one in texts)

    until(lambda: heard("can't be drawn: RuntimeError: no second sample"))
    texts.clear()
    until(lambda: heard('"full"') and len(texts) > 3, seconds=20)
    assert shop.error is None, "the dashboard took every sample"
    viewer.close()


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    save(history(*(sampled(n) for n in range(1, 7))), tmp_path / "run.jsonl.gz")
    return Recording(tmp_path / "run.jsonl.gz")


def test_a_replay_and_its_exports_show_it(recording: Recording, tmp_path: Path) -> None:
    player = replay(recording, plots=[Shaky(), GroupLag()])
    segment = player.frames.segment(0)
    assert len(segment["deltas"]) == 5
    assert [SAYS in str(first) for first, _ in segment["deltas"]] == [True, False] * 2 + [True]
    assert not any("can't be drawn" in str(second) for _, second in segment["deltas"])
    with pytest.warns(PlotWarning, match="Shaky can't be drawn"):
        still = to_still(recording, tmp_path / "run.svg", plots=[Shaky(), GroupLag()])
    assert "can&#x27;t be drawn" in still.read_text("utf-8")
    with pytest.warns(PlotWarning, match="Shaky can't be drawn"):
        assert to_html(recording, tmp_path / "run.html", plots=[Shaky()]).stat().st_size


class Own(GroupLag):
    """A plot of one's own with three points, and what else a trace says of them."""

    title = "Own"
    trace: ClassVar[dict[str, Any]] = {}

    def traces(self, history: History) -> list[dict[str, Any]]:
        return [{"type": "scatter"}]

    def structure_key(self, history: History) -> Any:
        return None

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        return []

    def current_state(self, history: History) -> list[dict[str, Any]]:
        return [{"x": [1, 2, 3], "y": [1, 2, 3], **self.trace}]

    def layout(self, history: History) -> dict[str, Any]:
        return {"title": "Mine", "xaxis": {"title": "seconds"}}


@pytest.mark.parametrize(
    ("trace", "says"),
    [
        ({"mode": "text", "text": ["a"]}, "1 values in 'text' and 3 in 'x'"),
        ({"mode": "text", "text": list("abcd")}, "4 values in 'text' and 3 in 'x'"),
        ({"customdata": ["1-1"]}, "1 values in 'customdata' and 3 in 'x'"),
        ({"y": [1, 2]}, "2 values in 'y' and 3 in 'x'"),
        ({"mode": "markers", "marker": {"color": ["red"]}}, "1 values in 'marker.color' and 3"),
        ({"type": "bar", "x": ["a", "b", "c"]}, "a still picture can't show it: TypeError"),
        ({"line": None}, "a still picture can't show it: TypeError"),
    ],
)
def test_a_bad_trace_says_so_in_its_own_place_of_the_saved_picture(
    trace: dict[str, Any], says: str
) -> None:
    dashboard = Dashboard(
        history(sampled(1)), plots=[type("Own", (Own,), {"trace": trace})(), GroupLag()]
    )
    output = dashboard._mimebundle("x")
    assert output["text/html"].count("<img") == 2
    assert f"Own can't be drawn: {says}" in output["text/plain"].replace("trace 0 has ", "")


@pytest.mark.parametrize(
    ("trace", "drawn"),
    [
        ({"mode": "text", "text": "all"}, ">all<"),
        ({"mode": "text", "text": [7, 8, 9], "textposition": "top"}, ">8<"),
        ({"mode": "text", "text": list("abc"), "textfont": {"color": "red"}}, "fill='red'"),
        ({"mode": "text"}, ">seconds<"),
        ({"mode": "markers", "marker": {"color": ["red", "#0072B2", "blue"]}}, "fill='blue'"),
        ({"line": {"color": "red"}, "fill": "tozeroy"}, "fill='red'"),
        ({"line": {"color": "red"}, "fillcolor": "pink", "fill": "tozeroy"}, "fill='pink'"),
    ],
)
def test_what_plotly_takes_the_saved_picture_shows(trace: dict[str, Any], drawn: str) -> None:
    figure, _ = draw(type("Own", (Own,), {"trace": trace})(), history(sampled(1)), static=True)
    assert drawn in render_saved(figure)
