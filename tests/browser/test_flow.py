"""The flow on the screen: where its squares stand, how they move, and that they can stay still."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from browser.conftest import RESULTS, SHAPES, Heard, Notebook, settled
from PIL import Image
from playwright.sync_api import Page
from plots.histories import group, history, sample

from streamviz import Scenario, Stream
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.export import DashboardServer, to_html
from streamviz.observation.events import Event
from streamviz.observation.sample import GroupState, Sample
from streamviz.plots import Flow, GroupLag
from streamviz.recording import save

FRAMES = 60
MOVING = """() => {
  const flow = document.querySelector('.streamviz-flow');
  const squares = flow.drawn().filter(({ at, to }) => at !== to);
  return squares.length + flow.getAnimations({subtree: true}).length;
}"""
AT_REST = f"() => ({MOVING})() === 0"
ARRIVED = """key => document.querySelector('.streamviz-flow').drawn()
  .some(({ shape, at, to }) => shape.key === key && at === to)"""


def state(n: int) -> GroupState:
    """Return a group in which ann holds entry 20 from frame 20 to 29, then bob; he acks at 40."""
    holder = "ann" if n < 30 else "bob"
    busy = 20 <= n < 40
    consumers = tuple(
        ConsumerInfo(one, int(busy and one == holder), 0, None) for one in ("ann", "bob")
    )
    held = [PendingEntry(EntryId(20), holder, 9, 1 + (n >= 30))] if busy else []
    cursor = EntryId(n if n < 20 else 20)
    waiting = 0 if n < 20 else n - 20
    made = group("g", waiting, cursor=cursor, pending=int(busy), oldest=held)
    return GroupState("g", cursor, None, made.lag, int(busy), consumers, tuple(held), 0)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Write a recording of 60 frames, each with a new entry; ann is killed at frame 25."""
    samples: list[Sample] = []
    for n in range(FRAMES):
        about: dict[str, Any] = {"ids": [EntryId(n)] if n else [], "length": n, "first": EntryId(1)}
        events = [Event("killed", "ann", "g", 1)] if n == 25 else []
        samples.append(sample(n + 1, state(n), time_ms=1000 + 100 * n, events=events, **about))
    path = tmp_path / "run.jsonl"
    save(history(*samples), path)
    return path


class FlowPage:
    """An exported page with the flow, without a network."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        page.context.set_offline(True)
        page.goto(path.as_uri())
        page.locator(".streamviz-flow text").first.wait_for(state="attached")
        settled(page)

    def step(self, key: str, frame: int) -> None:
        """Press a key, and wait until its frame is drawn, whether or not it has come to rest."""
        self.page.keyboard.press(key)
        self.page.wait_for_function(
            f"() => document.querySelector('.streamviz-player').dataset.frame === '{frame}'"
        )

    def at(self, frame: int) -> dict[str, Any]:
        """Go to a frame with the slider, and return where everything is."""
        self.page.get_by_label("time").fill(str(frame))
        self.page.wait_for_function(
            f"() => document.querySelector('.streamviz-player').dataset.frame === '{frame}'"
        )
        return self.rest()

    def rest(self) -> dict[str, Any]:
        self.page.wait_for_function(AT_REST)
        return dict(self.page.evaluate(SHAPES))

    def chosen(self, *keys: str) -> None:
        """Wait until these shapes have a ring, and no others."""
        self.page.wait_for_function(
            f"""keys => Object.entries(({SHAPES})())
              .filter(([, one]) => one.ring).map(([key]) => key).sort().join() === keys""",
            arg=",".join(sorted(keys)),
        )

    def moving(self) -> int:
        return int(self.page.evaluate(MOVING))


@pytest.fixture
def open_flow(
    page: Page, heard: Heard, tmp_path: Path, run: Path
) -> Iterator[Callable[..., FlowPage]]:
    def open_(**options: Any) -> FlowPage:
        page.set_viewport_size({"width": 1280, "height": 720})
        chosen = {"plots": [Flow()]} | options
        return FlowPage(page, to_html(run, tmp_path / "flow.html", overwrite=True, **chosen))

    yield open_
    assert not heard.said


def inside(box: list[int], around: list[int]) -> bool:
    x, y, wide, high = box
    left, top, width, height = around
    return left <= x <= left + width - wide and top <= y <= top + height - high


HELD = "group 0 held 20-0"


def test_an_entry_is_on_the_tape_then_with_its_consumer_then_with_another_and_gone(
    open_flow: Callable[..., FlowPage],
) -> None:
    shown = open_flow()
    before = shown.at(19)
    assert HELD not in before
    assert "tape 19" in before
    assert "tape 20" not in before
    assert before["tape 19"]["title"] == "19-0"
    held = shown.at(20)
    assert inside(held[HELD]["box"], held["group 0 0"]["box"])
    assert held[HELD]["title"] == "20-0, delivery 1, held 0.0 s"
    waits = shown.at(29)
    lane = [one for one in waits.values() if one["kind"] == "waits"]
    assert len(lane) == 9
    assert {one["box"][0] for one in lane} <= {
        one["box"][0] for one in waits.values() if one["kind"] == "entry"
    }, "what waits stands under its entry"
    claimed = shown.at(30)
    assert inside(claimed[HELD]["box"], claimed["group 0 1"]["box"])
    assert HELD not in shown.at(40)


def test_the_killed_ones_square_is_red_and_the_headline_says_so(
    open_flow: Callable[..., FlowPage],
) -> None:
    shown = open_flow()
    alive, dead = shown.at(24), shown.at(26)
    assert (alive["group 0 0"]["kind"], dead["group 0 0"]["kind"]) == ("box", "dead")
    assert alive[HELD]["colour"] != dead[HELD]["colour"] == "#D1242F"
    assert dead["headline 0"]["text"] == "ann is dead and holds 1 entry for 0 s"
    summary = shown.page.locator(".streamviz-grid .streamviz-hidden").text_content()
    assert str(summary).startswith(dead["headline 0"]["text"])
    assert "from 1-0 to 26-0" in str(summary)
    RESULTS.mkdir(exist_ok=True)
    shown.page.screenshot(path=RESULTS / "flow.png")


FOLLOW = """() => {
  [window.places, window.gaps, window.inks, window.painted] = [[], [], [], 0];
  const { clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...given) {
    window.painted += 1;
    return clearRect.apply(this, given);
  };
  const flow = document.querySelector('.streamviz-flow');
  const canvas = flow.querySelector('canvas');
  const scale = canvas.width / flow.querySelector('svg').viewBox.baseVal.width;
  const copy = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const ink = (x, y) => {
    copy.clearRect(0, 0, 1, 1);
    copy.drawImage(canvas, Math.round(x * scale), Math.round(y * scale), 1, 1, 0, 0, 1, 1);
    return copy.getImageData(0, 0, 1, 1).data.join();
  };
  const find = key => flow.drawn().find(({ shape }) => shape.key === key)?.at;
  const follow = () => {
    const [one, other] = [find('tape 20'), find('tape 5')];
    if (!one || !other) return;
    const [x, y, wide, high] = one;
    window.places.push(canvas.getBoundingClientRect().x + x * scale);
    window.gaps.push(Math.round(x - other[0]));
    const middle = y + high / 2;
    window.inks.push([ink(x + wide / 2, middle), ink(other[0] + wide + 2, middle)]);
    requestAnimationFrame(follow);
  };
  follow();
}"""
PAINTED = """() => new Promise(done => {
  const before = window.painted;
  const wait = n => n ? requestAnimationFrame(() => wait(n - 1)) : done(window.painted - before);
  wait(5);
})"""


def test_from_frame_to_frame_entries_move_and_a_jump_moves_nothing(
    open_flow: Callable[..., FlowPage],
) -> None:
    shown = open_flow()
    there = shown.at(20)
    shown.page.locator(".streamviz-player").focus()
    shown.page.evaluate(FOLLOW)
    assert shown.page.evaluate(PAINTED) == 0, "what is at rest is not painted again and again"
    shown.step("ArrowRight", 21)
    after = shown.rest()
    start, end = there["tape 20"]["box"][0], after["tape 20"]["box"][0]
    assert start - end > 10
    shown.page.wait_for_function(
        "([start, end]) => window.places.some(x => end + 1 < x && x < start - 1)", arg=[start, end]
    )
    assert shown.page.evaluate("() => new Set(window.gaps).size") == 1, "the tape moves as one"
    inks = shown.page.evaluate("() => [...new Set(window.inks.map(one => one.join(' ')))]")
    assert inks == ["136,136,136,255 0,0,0,0"], "the canvas has a square where one is, and no other"
    assert shown.page.evaluate(PAINTED) == 0
    for way in ("Home", "End"):
        shown.page.keyboard.press(way)
        frame = 0 if way == "Home" else FRAMES - 1
        shown.page.wait_for_function(
            f"() => document.querySelector('.streamviz-player').dataset.frame === '{frame}'"
        )
        assert shown.moving() == 0


def test_what_is_acknowledged_flies_to_the_counter(open_flow: Callable[..., FlowPage]) -> None:
    shown = open_flow()
    start = shown.at(39)[HELD]["box"][0]
    shown.page.evaluate(
        """key => {
          window.places = [];
          const flow = document.querySelector('.streamviz-flow');
          const follow = () => {
            const one = flow.drawn().find(({ shape }) => shape.key === key);
            if (!one) return;
            const { x, width } = flow.querySelector('canvas').getBoundingClientRect();
            const scale = width / flow.querySelector('svg').viewBox.baseVal.width;
            window.places.push(x + one.at[0] * scale);
            requestAnimationFrame(follow);
          };
          follow();
        }""",
        HELD,
    )
    shown.page.locator(".streamviz-player").focus()
    shown.step("ArrowRight", 40)
    shown.page.wait_for_function("start => window.places.some(x => x > start + 20)", arg=start)
    assert HELD not in shown.rest()


def test_with_less_motion_squares_appear_and_vanish(
    open_flow: Callable[..., FlowPage], page: Page
) -> None:
    page.emulate_media(reduced_motion="reduce")
    shown = open_flow()
    shown.at(19)
    page.locator(".streamviz-player").focus()
    shown.step("ArrowRight", 20)
    assert shown.moving() == 0
    assert inside(*(page.evaluate(SHAPES)[key]["box"] for key in (HELD, "group 0 0")))
    shown.at(39)
    page.locator(".streamviz-player").focus()
    shown.step("ArrowRight", 40)
    assert HELD not in page.evaluate(SHAPES)


def test_a_second_showing_equals_the_first(open_flow: Callable[..., FlowPage]) -> None:
    shown = open_flow(plots=[Flow(), GroupLag()], speed=16)
    first = shown.at(35)
    for frame in (0, 59, 12):
        shown.at(frame)
    shown.page.locator(".streamviz-player").focus()
    shown.page.keyboard.press("Home")
    shown.step(" ", FRAMES - 1)
    shown.page.locator("[data-state=paused]").wait_for()
    assert shown.at(35) == first
    assert len(first) > 50


def test_it_follows_the_theme_and_its_box(open_flow: Callable[..., FlowPage], page: Page) -> None:
    page.emulate_media(color_scheme="light")
    shown = open_flow()
    light = shown.at(20)
    page.emulate_media(color_scheme="dark")
    page.locator(".streamviz-live[data-dark]").wait_for()
    dark = shown.at(20)
    assert dark["group 0 read"]["colour"] != light["group 0 read"]["colour"]
    assert dark["headline 0"]["fill"] != light["headline 0"]["fill"]
    page.set_viewport_size({"width": 400, "height": 700})
    page.wait_for_function(
        "() => document.querySelector('.streamviz-flow svg').viewBox.baseVal.width < 500"
    )
    settled(page)
    small = shown.rest()
    assert all(0 <= one["box"][0] <= 400 for one in small.values())
    assert small["headline 0"]["text"]


def test_its_entries_are_chosen_by_keyboard_and_by_pointer(
    open_flow: Callable[..., FlowPage],
) -> None:
    shown = open_flow()
    shown.at(25)
    flow, timeline = (
        shown.page.locator(".streamviz-flow"),
        shown.page.locator(".streamviz-timeline"),
    )
    flow.focus()
    shown.page.keyboard.press("End")
    assert timeline.text_content() == "25-0; waits for g"
    shown.chosen("tape 25", "group 0 waits 25")
    for _ in range(5):
        shown.page.keyboard.press("ArrowLeft")
    assert timeline.text_content() == "20-0; ann holds it"
    shown.chosen("tape 20", HELD)
    around = shown.rest()[HELD]["box"]
    assert colour_at(shown.page, [around[0] - 1, around[1] + 5, 1, 1]) == (51, 51, 51), "a ring"
    shown.page.keyboard.press("Escape")
    shown.chosen()
    x, y, wide, high = shown.rest()["tape 3"]["box"]
    shown.page.mouse.move(x + wide / 2, y + high / 2)
    shown.page.get_by_text("3-0; read by g").wait_for()
    assert shown.page.locator(".streamviz-flow canvas").get_attribute("title") == "3-0"
    shown.page.mouse.move(x + wide / 2, y - 8)
    shown.page.locator(".streamviz-flow canvas:not([title='3-0'])").wait_for()


WAY = """id => {
  window.way = [];
  const inside = ([x, y, w, h], [left, top, wide]) => x >= left && x + w <= left + wide && y >= top;
  const place = () => {
    const drawn = document.querySelector('.streamviz-flow').drawn();
    const of = kind => drawn.filter(({ shape }) => shape.kind === kind);
    const held = [...of('held'), ...of('old')].find(({ ids }) => ids.includes(id));
    const [box] = of('box');
    if (held) return inside(held.at, box.at) ? 'consumer' : 'moving';
    const [tape] = of('entry');
    const entry = of('entry').find(({ ids }) => ids.includes(id));
    if (!entry || window.way.includes('consumer')) return 'gone';
    return entry.at[1] < tape.at[1] - 4 ? 'producer' : 'tape';
  };
  const follow = () => {
    const now = place();
    if (window.way.at(-1) !== now) window.way.push(now);
    requestAnimationFrame(follow);
  };
  follow();
}"""


def colour_at(page: Page, box: list[int]) -> tuple[int, ...]:
    """Return the colour in the middle of a box, on the screen."""
    x, y, wide, high = box
    clip = {"x": x + wide // 2, "y": y + high // 2, "width": 1, "height": 1}
    image = Image.open(io.BytesIO(page.screenshot(clip=clip)))  # type: ignore[arg-type]
    return tuple(image.convert("RGB").getpixel((0, 0)))  # type: ignore[arg-type]


def test_an_entry_is_drawn_at_its_producer_on_the_tape_with_its_consumer_and_gone(
    redis: redis_py.Redis, key: str, page: Page, heard: Heard
) -> None:
    stream = Stream(redis, key)
    stream.add({"n": 0}, "1000-0")
    stream.group("g").create("$")
    page.set_viewport_size({"width": 1280, "height": 720})
    # In a browser that can't follow, a step over more than ten samples is a jump: nothing moves.
    with DashboardServer(Scenario(redis, sample_every_ms=200).watch(key), key) as server:
        page.goto(server.url)
        page.wait_for_function(f"() => 'tape 1' in ({SHAPES})()")
        page.wait_for_function(AT_REST)
        page.evaluate(WAY, "2000-0")
        stream.add({"n": 1}, "2000-0")
        page.wait_for_function("() => window.way.at(-1) === 'tape'")
        page.wait_for_function(AT_REST)
        there = page.evaluate(SHAPES)["tape 2"]["box"]
        assert colour_at(page, there) == (136, 136, 136), "a square is drawn there"
        redis.xreadgroup("g", "ann", {key: ">"}, count=1)
        page.wait_for_function("() => window.way.at(-1) === 'consumer'")
        page.wait_for_function(ARRIVED, arg="group 0 held 2000-0")  # it fills on as it grows old
        with_ann = page.evaluate(SHAPES)["group 0 held 2000-0"]["box"]
        pale = colour_at(page, with_ann)
        assert pale not in ((255, 255, 255), (136, 136, 136))
        redis.xack(key, "g", "2000-0")
        page.wait_for_function("() => window.way.at(-1) === 'gone'")
        page.wait_for_function(AT_REST)
        assert colour_at(page, with_ann) == (255, 255, 255), "nothing is left of it"
        way = page.evaluate("() => window.way")
        assert [one for one in way if one != "moving"] == [
            *("gone", "producer", "tape", "consumer", "gone")
        ]
    assert not heard.said


@pytest.mark.parametrize("size", [(400, 800), (900, 600), (1366, 768), (1920, 1080), (2560, 1440)])
def test_at_each_size_nothing_is_cut_off(
    redis: redis_py.Redis, key: str, page: Page, size: tuple[int, int]
) -> None:
    Stream(redis, key).add_many({"n": n} for n in range(60))
    for name in ("audit", "billing", "email"):
        Stream(redis, key).group(name).create("0")
        redis.xreadgroup(name, f"{name}-1", {key: ">"}, count=3)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    with DashboardServer(Scenario(redis, sample_every_ms=200).watch(key), key) as server:
        page.goto(server.url)
        page.wait_for_function(f"() => ({SHAPES})()['group 2 waiting']?.text === '57 waiting'")
        page.locator(".streamviz-plot .main-svg").first.wait_for()
        settled(page)
        page.wait_for_function(AT_REST)
        shapes = page.evaluate(SHAPES)
        RESULTS.mkdir(exist_ok=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=RESULTS / f"dashboard-{size[0]}-{scheme}.png")
        for name, one in shapes.items():
            x, _, wide, _ = one["box"]
            assert 0 <= x <= x + wide <= size[0] + 1, name
        small = page.evaluate(
            """() => Math.min(...[...document.querySelectorAll('.streamviz-flow text')]
              .map(one => 12 * one.getCTM().a))"""
        )
        assert small >= (10 if size[0] < 1900 else 15), "letters can be read"
        settled(page)
        low = page.evaluate("() => document.documentElement.scrollHeight")
        assert low <= size[1] or size[0] <= 700, "all is on one screen"


def test_a_long_name_is_cut_before_the_squares_beside_it(
    redis: redis_py.Redis, key: str, page: Page
) -> None:
    Stream(redis, key).add_many({"n": n} for n in range(20))
    Stream(redis, key).group("fn").create("0")
    for number in range(4):
        name = f"fn-{hashlib.md5(bytes([number])).hexdigest()}"
        redis.xreadgroup("fn", name, {key: ">"}, count=1 + number % 2)
    page.set_viewport_size({"width": 1200, "height": 1000})
    with DashboardServer(Scenario(redis, sample_every_ms=200).watch(key), key) as server:
        page.goto(server.url)
        page.wait_for_function(f"() => ({SHAPES})()['group 0 waiting']?.text === '14 waiting'")
        settled(page)
        page.wait_for_function(AT_REST)
        shapes = page.evaluate(SHAPES)
    squares = [one["box"] for name, one in shapes.items() if " held " in name]
    names = [one["box"] for one in shapes.values() if str(one.get("text")).startswith("fn-")]
    assert len(squares) > len(names) >= 3
    for x, y, wide, high in names:
        beside = [left for left, top, _, _ in squares if left > x and y - high < top < y + high]
        assert x + wide <= min(beside)


def test_with_forced_colours_kinds_differ_by_shape(
    open_flow: Callable[..., FlowPage], page: Page
) -> None:
    page.emulate_media(forced_colors="active")
    shown = open_flow()
    shapes = shown.at(26)
    kinds = {one["kind"] for one in shapes.values()}
    assert {"entry", "waits", "old", "dead", "box"} <= kinds
    looks = page.evaluate(
        """() => Object.fromEntries(['entry', 'waits', 'old', 'dead'].map(kind => {
          const flow = document.querySelector('.streamviz-flow');
          const { colour, line, dash } = flow.drawn().find(one => one.shape.kind === kind).paint;
          return [kind, [colour, line, ...dash].join()];
        }))"""
    )
    assert len(set(looks.values())) == len(looks)
    text = page.evaluate(
        "() => getComputedStyle(document.querySelector('.streamviz-flow text')).fill"
    )
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert text != ground
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / "flow-forced-colours.png")
    page.emulate_media(forced_colors="none")


def test_it_is_live_on_a_page_of_its_own(
    redis: redis_py.Redis, key: str, page: Page, heard: Heard
) -> None:
    stream = Stream(redis, key)
    stream.add_many({"n": n} for n in range(5))
    stream.group("g").create("0")
    page.set_viewport_size({"width": 1280, "height": 720})
    with DashboardServer(Scenario(redis, sample_every_ms=50).watch(key), key) as server:
        page.goto(server.url)
        waits = (
            f"n => Object.values(({SHAPES})()).filter(({{kind}}) => kind === 'waits').length === n"
        )
        page.wait_for_function(f"() => ({SHAPES})()['group 0 waiting']?.text === '5 waiting'")
        page.wait_for_function(waits, arg=5)
        ((_, [(entry, _)]),) = redis.xreadgroup("g", "ann", {key: ">"}, count=1)
        square = f"group 0 held {entry.decode()}"
        page.wait_for_function(f"key => key in ({SHAPES})()", arg=square)
        page.wait_for_function(waits, arg=4)
        page.wait_for_function(ARRIVED, arg=square)  # it fills on as it grows old
        shapes = page.evaluate(SHAPES)
        assert inside(shapes[square]["box"], shapes["group 0 0"]["box"])
        redis.xack(key, "g", entry)
        page.wait_for_function(f"key => !(key in ({SHAPES})())", arg=square)
        assert (
            page.evaluate(
                "() => document.querySelector('.streamviz-flow').getBoundingClientRect().bottom"
            )
            < 720
        )
    assert not heard.said


LIVE = """
from streamviz import Scenario, connect, flow, series
shop = Scenario(connect(), seed=7)
shop.produce("orders", series.constant(rate_hz=5))
shop.group("orders", "billing", consumers=2, service_ms=500)
live = flow(shop)
live
"""


def test_it_is_live_in_jupyterlab_and_a_picture_without_a_kernel(
    open_notebook: Callable[..., Notebook],
) -> None:
    notebook = open_notebook([LIVE]).run_all()
    flow = notebook.page.locator("[data-streamviz] .streamviz-flow")
    flow.wait_for()
    image = notebook.page.locator("[data-streamviz] img")
    notebook.until(lambda: "billing: " in str(image.first.get_attribute("alt")))
    notebook.until(lambda: "entry" in {one["kind"] for one in flow.evaluate(SHAPES).values()})
    high = flow.bounding_box()
    assert high is not None
    assert 150 < high["height"] < 300, "as high as its group needs"
    assert not notebook.problems
