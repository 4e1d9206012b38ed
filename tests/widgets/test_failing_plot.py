"""A board with a plot that raises shows what it raised in its place; the other plots go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from plots.histories import group, history, sample
from widgets.conftest import Listen

from streamviz import Dashboard, Scenario, replay
from streamviz.export import to_html, to_still
from streamviz.export.viewer import Viewer
from streamviz.observation.history import History
from streamviz.plots import AckProgress, Flow, GroupLag
from streamviz.plots.figure import apply
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
    viewer._dashboard.plots = (Shaky(), AckProgress())
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
    assert shop.error is None, "the board took every sample"
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
    still = to_still(recording, tmp_path / "run.svg", plots=[Shaky(), GroupLag()])
    assert "can&#x27;t be drawn" in still.read_text("utf-8")
    assert to_html(recording, tmp_path / "run.html", plots=[Shaky()]).stat().st_size
