"""Recording: what it costs a run, what an hour weighs, how fast it opens and is scrubbed."""

from __future__ import annotations

import gc
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis as redis_py
from benchmarks.tables import table
from browser.conftest import Notebook
from playwright.sync_api import Page

from streamviz import Observer, Scenario, Stream, replay, series
from streamviz.export import to_html
from streamviz.observation.sample import Sample
from streamviz.plots import AckProgress, GroupLag, PendingAge, StreamMap
from streamviz.recording import Recorder, Recording, record
from streamviz.recording.frames import PREVIEW_LENGTH, Frames

COST = "Recording a run: 3 groups of 4 consumers, 10 samples a second, with and without"
FILE = "A recording of an hour at 10 samples a second: 36,000 samples, 3 groups of 4 consumers"
DRAGGED = "Dragging: the slider of a page with ten minutes, drawn on a canvas or by plotly"
ROUNDS, DRAGS, SECONDS, HOUR = 16, 5, 5.0, 36_000


def busy(redis: redis_py.Redis, key: str, rate_hz: float, batch: int) -> Scenario:
    scenario = Scenario(redis, seed=3)
    scenario.produce(key, series.orders(rate_hz=rate_hz, seed=3), maxlen=5000)
    for name in ("billing", "email", "stock"):
        scenario.group(key, name, consumers=4, service_ms=3600 / rate_hz, batch=batch)
    return scenario


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("clock", "rate_hz"), [("wall", 300), ("virtual", 20), ("virtual", 300)])
def test_recording_costs_the_run_little(
    redis: redis_py.Redis, key: str, tmp_path: Path, clock: str, rate_hz: float
) -> None:
    alone, recorded, inside = [], [], []
    for turn in range(2 if clock == "wall" else ROUNDS):
        took = [0.0]
        # side by side, each of them first in turn: a noisy machine is noisy to both
        for times in (alone, recorded) if turn % 2 else (recorded, alone):
            redis.delete(key)
            gc.collect()  # what the one left is not the other's to clear away
            scenario = busy(redis, key, rate_hz, 1)
            if times is recorded:
                recorder = record(scenario, tmp_path / f"{turn}.jsonl.gz")
                scenario.on_sample[:] = [timed(recorder, took)]
            times.append(run(scenario, clock))
        inside.append(took[0] / (SECONDS if clock == "wall" else recorded[-1]))
        recorder.close()
    cost = statistics.median(r / a for r, a in zip(recorded, alone, strict=True)) - 1
    row = table(
        COST,
        "clock",
        "entries a second",
        "a sample's time, ms of CPU",
        "the same, recorded",
        "difference",
        "spent in recording",
    )
    samples = SECONDS * 10
    if clock == "wall":
        row.aim("spent in recording live, % of a core", statistics.median(inside) * 100, most=2)
    row.add(
        clock,
        f"{rate_hz:,}",
        f"{statistics.median(alone) / samples * 1000:.2f}",
        f"{statistics.median(recorded) / samples * 1000:.2f}",
        f"{cost:+.1%}",
        f"{statistics.median(inside):.2%} of {'a core' if clock == 'wall' else 'the run'}",
    )


def run(scenario: Scenario, clock: str) -> float:
    """Run for a while, and return how much CPU it took, in seconds."""
    began = time.process_time()
    if clock == "virtual":
        scenario.run(seconds=SECONDS)
    else:
        scenario.start()
        time.sleep(SECONDS)
        scenario.stop()
    return time.process_time() - began


def timed(call: Recorder, took: list[float]) -> Callable[[Sample], None]:
    def timed_call(sample: Sample) -> None:
        began = time.process_time()
        call(sample)
        took[0] += time.process_time() - began

    return timed_call


@pytest.fixture(scope="module")
def hour(server: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record an hour of a busy stream: more than a million entries."""
    return record_busy_stream(server, tmp_path_factory.mktemp("hour") / "hour.jsonl.gz", HOUR)


@pytest.fixture(scope="module")
def ten_minutes(server: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_busy_stream(server, tmp_path_factory.mktemp("ten") / "ten.jsonl.gz", HOUR // 6)


def record_busy_stream(server: object, path: Path, samples: int) -> Path:
    client: redis_py.Redis = server.client()  # type: ignore[attr-defined]
    key = f"bench:{path.stem}"
    stream = Stream(client, key)
    observer = Observer(client, key)
    row = {"item": "tea", "qty": "3"}
    began_ms = 1_767_225_600_000
    with record(observer, path):
        groups = [stream.group(name) for name in ("billing", "email", "stock")]
        for group in groups:
            group.create("0", mkstream=True)
        consumers = [[group.consumer(f"{group.name}-{i}") for i in range(4)] for group in groups]
        held: list[list[object]] = [[] for _ in groups]
        for n in range(samples):
            now = began_ms + n * 100
            stream.add_many((f"{now + i * 3}-0", row) for i in range(30))
            if n % 100 == 0:
                stream.trim(maxlen=5000)
            for g, group in enumerate(groups):
                if held[g]:
                    group.ack(*held[g])  # type: ignore[arg-type]
                held[g] = [entry.id for entry in consumers[g][n % 4].read(26 + n % 9)]
            note = [f"billing-{n % 4 + 1} was killed holding 3"] if n % 5000 == 4999 else []
            observer.sample(now + 99, note)
    client.delete(key)
    client.close()
    return path


@pytest.mark.timeout(1800)
def test_an_hour_is_small_and_opens_at_once(hour: Path) -> None:
    opened, shown, previews_s, segments_s = [], [], [], []
    for _ in range(3):
        began = time.perf_counter()
        recording = Recording(hour)
        opened.append(time.perf_counter() - began)
        began = time.perf_counter()
        replay(hour)
        shown.append(time.perf_counter() - began)
    assert len(recording.track()) == HOUR
    frames = Frames(recording, [StreamMap(), GroupLag(), AckProgress()])
    for number in range(len(frames.preview_frames) // PREVIEW_LENGTH):
        began = time.perf_counter()
        frames.preview(number)
        previews_s.append(time.perf_counter() - began)
    for place in range(500, HOUR, 1777):
        began = time.perf_counter()
        frames.segment(place)
        segments_s.append(time.perf_counter() - began)
    row = table(FILE, "what", "measured")
    row.aim("its size, MB", hour.stat().st_size / 1e6, most=50)
    row.aim("`replay()` of it, s", statistics.median(shown), most=2)
    row.add("its size, with 1,080,000 entries", f"{hour.stat().st_size / 1e6:.1f} MB")
    row.add("indexed", f"{statistics.median(opened):.2f} s")
    row.add("`replay()` of it", f"{statistics.median(shown):.2f} s")
    row.add("a preview of 200 frames", f"{statistics.median(previews_s) * 1000:.0f} ms")
    row.add("a segment of 100 frames", f"{statistics.median(segments_s) * 1000:.0f} ms")


DRAG = """async seconds => {
  const slider = document.querySelector('.streamviz-player input[type=range]');
  const plot = [...document.querySelectorAll('.streamviz-plot')].pop();
  let [drawn, last, longest] = [0, performance.now(), 0];
  const note = () => {
    const now = performance.now();
    [drawn, longest, last] = [drawn + 1, Math.max(longest, now - last), now];
  };
  plot.on('plotly_afterplot', note);
  // A dragged frame is drawn on a canvas, which is wiped first.
  const { clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...given) {
    if (plot.contains(this.canvas)) note();
    return clearRect.apply(this, given);
  };
  const began = performance.now();
  const frame = () => new Promise(requestAnimationFrame);
  for (let passed = 0; passed < seconds; passed = (performance.now() - began) / 1000) {
    slider.value = String(Math.round(Number(slider.max) * passed / seconds));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await frame();
  }
  return [drawn / ((performance.now() - began) / 1000), longest];
}"""
PLOTS = {"one plot": [GroupLag()], "three plots": [StreamMap(), GroupLag(), AckProgress()]}


def drag(page: Page) -> tuple[float, float]:
    """Drag the slider from end to end, twice; return frames a second, and the longest in ms."""
    page.locator(".streamviz-plot .main-svg").first.wait_for()
    page.evaluate(DRAG, 4)
    page.wait_for_function("() => !document.querySelector('[data-on-canvas]')")
    rate, longest_ms = page.evaluate(DRAG, 8)
    return rate, longest_ms


def note_drag(page: Page, where: str, what: str) -> None:
    rate, _ = drag(page)
    row = table(FILE, "what", "measured")
    row.aim(f"frames a second, {what} dragged in {where}", rate, least=20)
    row.add(f"{what} dragged from end to end in {where}", f"{rate:.0f} frames a second")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", PLOTS)
def test_an_hour_is_scrubbed_in_jupyterlab(
    hour: Path, open_notebook: Callable[..., Notebook], what: str
) -> None:
    plots = ", ".join(f"{type(plot).__name__}()" for plot in PLOTS[what])
    cell = "from streamviz import replay\nfrom streamviz.plots import *\n"
    notebook = open_notebook([f"{cell}replay({str(hour)!r}, plots=[{plots}])"]).run_all()
    notebook.page.locator("[data-streamviz] .streamviz-player").wait_for()
    note_drag(notebook.page, "JupyterLab", what)
    assert not notebook.problems


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", PLOTS)
def test_ten_minutes_are_scrubbed_in_an_exported_page(
    hour: Path, page: Page, tmp_path: Path, what: str
) -> None:
    page.goto(to_html(hour, tmp_path / "talk.html", plots=PLOTS[what], end_s=600).as_uri())
    note_drag(page, "an exported page of ten minutes", what)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", ["one plot", "four plots"])
def test_a_preview_on_a_canvas_keeps_up_with_the_pointer(
    ten_minutes: Path, page: Page, tmp_path: Path, what: str
) -> None:
    plots = PLOTS.get(what) or [*PLOTS["three plots"], PendingAge()]
    path = to_html(ten_minutes, tmp_path / "canvas.html", plots=plots)
    by_plotly, changed = re.subn(  # the preview's condition, never true
        r"style\.coarse(?=&&!node\.drawFlow)", "false", path.read_text("utf-8")
    )
    assert changed == 1
    (tmp_path / "plotly.html").write_text(by_plotly, "utf-8")
    drags: dict[str, list[tuple[float, float]]] = {"canvas": [], "plotly": []}
    for turn in range(DRAGS):
        for by in sorted(drags, reverse=turn % 2 == 1):
            page.goto((tmp_path / f"{by}.html").as_uri())
            drags[by].append(drag(page))
    columns = ("frames a second, median", "least to most", "longest frame, ms, median")
    row = table(DRAGGED, "plots", "drawn by", *columns)
    for by, measured in drags.items():
        rates, longest_ms = zip(*measured, strict=True)
        least_to_most = f"{min(rates):.0f} to {max(rates):.0f}"
        longest = f"{statistics.median(longest_ms):.0f}"
        row.add(what, by, f"{statistics.median(rates):.0f}", least_to_most, longest)
    rate = statistics.median(one for one, _ in drags["canvas"])
    row.aim(f"frames a second on the canvas, {what}", rate, least=20)
