from __future__ import annotations

import functools
import io
import os
import random
import re
import resource
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import av
import pytest
import resvg_py
from PIL import Image, ImageChops, ImageFilter, ImageStat
from plots.histories import EDGES, group, history, sample

from streamviz.cli import PLOTS, main
from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError, PlotWarning, RecordingError, StreamVizError
from streamviz.export import (
    images,
    options,
    payload,
    raster,
    to_animation,
    to_embed,
    to_html,
    to_still,
)
from streamviz.export.animation import gif
from streamviz.export.embed import PLAYER_FILE, script_tag
from streamviz.export.formats import format_of
from streamviz.export.painter import paint
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import Sample
from streamviz.plots import AckProgress, Flow, GroupLag, Plot, StreamMap, default_plots
from streamviz.plots.drawing import draw
from streamviz.plots.traces import Trace
from streamviz.recording import save
from streamviz.widgets import replay


@pytest.fixture
def run(tmp_path: Path) -> Path:
    events = {10: [Event("killed", "ann")]}
    samples = [sample(n, group("g", n), events=events.get(n, [])) for n in range(1, 42)]
    path = tmp_path / "run.jsonl"
    save(history(*samples), path, captions=[(2, "two seconds in")])
    return path


def test_a_page_is_one_file_under_800_kb_and_loads_nothing(run: Path, tmp_path: Path) -> None:
    path = to_html(run, tmp_path / "talk.html")
    text = path.read_text("utf-8")
    assert 500_000 < path.stat().st_size < 800_000
    packed = re.compile(r'(<script type="application/gzip"[^>]*>)[^<]*')
    ours = packed.sub(r"\1", text)
    assert len(ours) < 100_000
    assert set(re.findall(r"https?://[^'\"\s%]+", ours)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|href)=\"(?!data:)", ours)
    blobs = ours.count("createObjectURL(")
    assert ours.count("await import(") <= blobs, "only what the page contains"
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "innerHTML"):
        assert word not in ours


def test_the_same_recording_gives_the_same_page(run: Path, tmp_path: Path) -> None:
    pages = [to_html(run, tmp_path / f"{i}.html").read_bytes() for i in range(2)]
    assert pages[0] == pages[1]


EXPORTS: dict[str, Callable[..., Path]] = {
    "talk.html": to_html,
    "still.svg": to_still,
    "still.png": to_still,
    "animated.gif": to_animation,
    "animated.mp4": to_animation,
    "run.frames.jsonl": to_embed,
}

SHORT = {"animated.gif": {"end_s": 1}, "animated.mp4": {"end_s": 1}}

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"plots": []}, "plots"),
    ({"plots": ["lag"]}, "plots"),
    ({"stream": "other"}, "holds no stream 'other'"),
    ({"size": (10, 10)}, "size=(10, 10): give (width, height) in pixels"),
    ({"size": 720}, "size=720"),
    ({"size": (1280.0, 720)}, "size="),
    ({"theme": "blue"}, "theme='blue': give one of light, dark, auto"),
    ({"speed": 0}, "speed=0"),
    ({"start_s": 99}, "the recording is 4 s long"),
    ({"end_s": -1}, "end_s=-1"),
    ({"poster": "first"}, "poster='first'"),
    ({"poster": 500}, "poster=500: the span goes from 0 to 4 s"),
    ({"poster": 1, "start_s": 2}, "poster=1: the span goes from 2 to 4 s"),
    ({"rate_hz": 51}, "rate_hz=51"),
]


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        (name, wrong, says)
        for name, function in EXPORTS.items()
        for wrong, says in WRONG
        if set(wrong) <= set(signature(function).parameters)
    ],
)
def test_bad_input_is_refused_and_nothing_written(
    run: Path, tmp_path: Path, name: str, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        EXPORTS[name](run, tmp_path / name, **wrong)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", EXPORTS)
def test_an_existing_file_is_kept(run: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("mine")
    with pytest.raises(RecordingError, match=r"already exists.*overwrite=True"):
        EXPORTS[name](run, path, **SHORT.get(name, {}))
    assert path.read_text() == "mine"
    assert EXPORTS[name](run, path, overwrite=True, **SHORT.get(name, {})) == path
    assert path.stat().st_size > 1000
    with pytest.raises(RecordingError, match=r"can't be written: No such (file|folder)"):
        EXPORTS[name](run, tmp_path / "nowhere" / name, **SHORT.get(name, {}))


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 100 bytes, as if the disk were full."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", EXPORTS)
def test_on_a_full_disk_the_old_file_stays_and_nothing_else(
    run: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str, overwrite: bool
) -> None:
    path, player = tmp_path / "out" / name, tmp_path / "out" / PLAYER_FILE
    path.parent.mkdir()
    for file in (path, player) if overwrite else ():
        file.write_text("mine")
    request.getfixturevalue("full_disk")
    for _ in range(2):
        with pytest.raises(RecordingError, match="can't be written: File too large"):
            EXPORTS[name](run, path, overwrite=overwrite, **SHORT.get(name, {}))
    left = {file.name: file.read_text() for file in path.parent.iterdir()}
    assert left == ({name: "mine", PLAYER_FILE: "mine"} if overwrite else {})


def test_a_replaced_file_keeps_its_link_and_its_permissions(run: Path, tmp_path: Path) -> None:
    content = to_still(run, tmp_path / "still.svg").read_text("utf-8")
    folder, link = tmp_path / "real", tmp_path / "link.svg"
    folder.mkdir()
    link.symlink_to(folder / "old.svg")
    for mode in (0o640, 0o604):
        (folder / "old.svg").write_text("mine")
        (folder / "old.svg").chmod(mode)
        to_still(run, link, overwrite=True)
        assert link.is_symlink()
        assert [file.name for file in folder.iterdir()] == ["old.svg"]
        assert (folder / "old.svg").read_text("utf-8") == content
        assert (folder / "old.svg").stat().st_mode & 0o777 == mode
    (folder / "old.svg").unlink()
    with pytest.raises(RecordingError, match="already exists"):
        to_still(run, link)
    assert to_still(run, link, overwrite=True).is_symlink()
    assert (folder / "old.svg").read_text("utf-8") == content
    with pytest.raises(RecordingError, match="can't be written: Is a directory"):
        to_still(run, _made(tmp_path / "folder.svg"), overwrite=True)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_what_can_not_be_replaced_is_written_as_it_is(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = to_still(run, tmp_path / "still.svg").read_bytes()
    os.mkfifo(tmp_path / "pipe.svg")
    pipe = os.open(tmp_path / "pipe.svg", os.O_RDWR)
    to_still(run, tmp_path / "pipe.svg", overwrite=True)
    assert os.read(pipe, 2 * len(content)) == content
    os.close(pipe)
    assert (tmp_path / "pipe.svg").is_fifo()
    (tmp_path / "output.svg").symlink_to("/dev/stdout")
    words = ["export", run, "-o", tmp_path / "output.svg", "--overwrite"]
    done = subprocess.run([sys.executable, "-m", "streamviz", *words], capture_output=True)
    assert done.stdout.startswith(content)
    old = tmp_path / "old.svg"
    old.write_text("mine")
    number = old.stat().st_ino
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    to_still(run, old, overwrite=True)  # in a folder that takes no new file
    assert (old.stat().st_ino, old.read_bytes()) == (number, content)


def test_a_player_of_another_version_is_kept_and_named(run: Path, tmp_path: Path) -> None:
    player, frames = tmp_path / PLAYER_FILE, tmp_path / "run.frames.jsonl"
    player.write_text("old")
    with pytest.raises(RecordingError, match=r"is of another version of streamviz: .*--overwrite"):
        to_embed(run, frames)
    assert (player.read_text(), frames.exists()) == ("old", False)
    to_embed(run, frames, overwrite=True)
    assert "streamvizEmbed" in player.read_text("utf-8")
    to_embed(run, tmp_path / "second.frames.jsonl")


def test_the_line_for_a_page_names_a_file_of_any_bytes() -> None:
    file = Path(os.fsdecode(b"b\xff \xc3\xa9.frames.jsonl"))
    assert 'data-frames="b%FF%20%C3%A9.frames.jsonl"' in script_tag(file)


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_a_still_has_the_requested_size_and_colours(run: Path, tmp_path: Path, theme: Any) -> None:
    path = to_still(run, tmp_path / "still.png", size=(640, 400), theme=theme)
    with Image.open(path) as image:
        assert image.size == (640, 400)
        corner = image.convert("RGBA").getpixel((0, 0))
        colours = image.convert("RGBA").getcolors(100_000)
    expected = {"light": (255, 255, 255, 255), "dark": (30, 30, 30, 255), "auto": (0, 0, 0, 0)}
    assert corner == expected[theme]
    assert colours is not None
    line = (61, 157, 224) if theme == "dark" else (0, 114, 178)
    assert any(colour[:3] == line for _, colour in colours), "the line is drawn"


def test_a_still_shows_its_moment(run: Path, tmp_path: Path) -> None:
    texts = [
        to_still(run, tmp_path / f"{at_s}.svg", at_s=at_s).read_text("utf-8") for at_s in (1, 3.0)
    ]
    assert "g: 11 waiting" in texts[0]
    assert "g: 31 waiting" in texts[1]
    assert "g: 41 waiting" in to_still(run, tmp_path / "end.svg").read_text("utf-8")


def test_a_poster_between_two_samples_is_the_earlier_one(run: Path, tmp_path: Path) -> None:
    page = to_html(run, tmp_path / "talk.html", poster=1.05).read_text("utf-8")
    (picture,) = re.findall(r'<img alt="g: (\d+) waiting', page)
    assert picture == "11", "as the player shows it"


@pytest.mark.parametrize("many", [1, 2, 3, 4])
def test_several_plots_share_a_still_without_overlap(run: Path, tmp_path: Path, many: int) -> None:
    plots = [StreamMap(), GroupLag(), AckProgress(), GroupLag("seconds")][:many]
    root = ET.fromstring(to_still(run, tmp_path / "s.svg", plots=plots).read_text("utf-8"))
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    boxes = []
    for one in root.findall("{http://www.w3.org/2000/svg}svg"):
        x, y, w, h = (float(one.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 <= x < x + w <= wide
        assert 0 <= y < y + h <= high + 1
        boxes.append((x, y, w, h))
    assert len(boxes) == len(set(boxes)) == many
    assert sum(w * h for *_, w, h in boxes) <= wide * (high + 1)


def test_hostile_names_leave_a_still_well_formed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    save(history(*EDGES["hostile names"]), path, captions=[(0, "<script>alert(1)</script>")])
    text = to_still(path, tmp_path / "s.svg", plots=[StreamMap(), GroupLag()]).read_text("utf-8")
    ET.fromstring(text)
    assert "<script" not in text
    assert to_still(path, tmp_path / "s.png").stat().st_size > 1000
    assert to_animation(path, tmp_path / "s.gif").stat().st_size > 1000


def test_a_gif_has_the_images_of_its_span_at_its_rate_and_loops(run: Path, tmp_path: Path) -> None:
    path = to_animation(
        run, tmp_path / "animated.gif", start_s=1, end_s=3, speed=2, rate_hz=10, size=(320, 200)
    )
    with Image.open(io.BytesIO(path.read_bytes())) as video:
        assert video.size == (320, 200)
        assert video.info["loop"] == 0
        durations_ms = []
        shown = []
        for place in range(video.n_frames):  # type: ignore[attr-defined]
            video.seek(place)
            durations_ms.append(video.info["duration"])
            shown.append(video.convert("RGB").tobytes())
    assert len(set(shown)) == 11, "a second of 10 pictures, and the first"
    assert sum(durations_ms) == 11 * 100 + 2000
    with pytest.raises(InputError, match="images, and the limit is 2,000"):
        to_animation(run, tmp_path / "long.gif", speed=0.01)


@pytest.mark.parametrize("speed", [1, 1.7, 1000])
def test_an_animation_ends_at_the_end_of_its_span(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speed: float
) -> None:
    painted = []
    monkeypatch.setattr(images, "paint", lambda svg, size: painted.append(svg) or paint(svg, size))
    to_animation(run, tmp_path / "a.gif", start_s=1, end_s=3.05, speed=speed, rate_hz=4)
    assert ">1.0 s<" in painted[0]
    assert ">3.0 s<" in painted[-1]


def test_a_video_is_h264_and_has_the_images_of_its_span(run: Path, tmp_path: Path) -> None:
    path = to_animation(run, tmp_path / "animated.mp4", end_s=2, size=(641, 360))
    with av.open(path) as video:
        (stream,) = video.streams.video
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p", "what every player knows"
        assert stream.average_rate == 15
        assert (stream.width, stream.height) == (640, 360)
        frames: list[Any] = [one.to_image() for one in video.decode(video=0)]
    assert len(frames) == 31, "two seconds, and the last image"
    still = Image.open(to_still(run, tmp_path / "s.png", size=(640, 360), caption=" ", at_s=2))
    change = ImageChops.difference(still.convert("RGB"), frames[-1]).convert("L")
    assert ImageStat.Stat(change).mean[0] < 5
    assert ImageStat.Stat(frames[-1].convert("L")).mean[0] < 254


class Wrong(Plot):
    """A plot with a text among its values, or one that raises."""

    value: str | None = "abc"

    def structure_key(self, history: History) -> None:
        return None

    def traces(self, history: History) -> list[Trace]:
        return [{"type": "scatter", "x": [], "y": []}]

    def layout(self, history: History) -> dict[str, Any]:
        return {}

    def summary(self, history: History) -> str:
        return "one line."

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        if sample.n == 30 and self.value is None:
            raise KeyError("late")
        return [self.value]


@pytest.mark.parametrize("suffix", [".svg", ".png", ".gif", ".html", ".frames.jsonl"])
def test_a_plot_that_cannot_be_drawn_is_told_in_its_place_and_in_a_warning(
    run: Path, tmp_path: Path, suffix: str
) -> None:
    """The other plot is drawn; one that a page shows while it plays is none that can't be drawn."""
    write = format_of(tmp_path / f"a{suffix}").write
    late: Any = type("Late", (Wrong,), {"value": None})
    path = tmp_path / f"late{suffix}"
    span = {} if suffix in (".svg", ".png") else {"progress": False}
    with pytest.warns(PlotWarning, match=r"^Late can't be drawn: KeyError: 'late' \(line"):
        write(run, path, plots=[late(), StreamMap()], **span)
    assert path.stat().st_size > 1000
    if suffix == ".svg":
        assert "can't be drawn: KeyError" in path.read_text("utf-8").replace("&#x27;", "'")
        assert "Stream map" in path.read_text("utf-8")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        write(run, tmp_path / f"b{suffix}", plots=[Wrong(), StreamMap()], **span)
    told = [str(one.message) for one in warned]
    still = "Wrong can't be drawn: a still picture can't place 'abc' on the y axis"
    assert [one[: len(still)] for one in told] == [still] * (suffix in (".svg", ".png", ".gif"))


@pytest.mark.parametrize("name", PLOTS)
def test_animations_look_like_stills(name: str) -> None:
    """Both draw the same SVG: one for speed, the other for every letter."""
    figure = draw(PLOTS[name](), history(*EDGES["hostile names"]))[0]
    size = (640, 360)
    svg = images._svg([figure], {}, size, "dark", ("a caption — 10 %", "1.0 s"))
    exact = Image.open(io.BytesIO(raster.png(svg, size))).convert("RGB")
    assert ImageStat.Stat(exact.convert("L")).stddev[0] > 10, "something is drawn"
    change = ImageChops.difference(exact, paint(svg, size)).convert("L")
    assert ImageStat.Stat(change).mean[0] < 3.5
    areas: Any = change.filter(ImageFilter.BoxBlur(6)).getextrema()  # edges differ, areas do not
    assert areas[1] < 70


def drawn(path: Path, frame: int = 0) -> bytes:
    """Return a picture's pixels."""
    with Image.open(path) as image:
        image.seek(frame)
        return image.convert("RGB").tobytes()


def test_text_is_drawn_without_the_fonts_of_the_system(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = resvg_py.svg_to_bytes
    only_ours = functools.partial(real, skip_system_fonts=True)
    monkeypatch.setattr(resvg_py, "svg_to_bytes", only_ours)
    picture = to_still(run, tmp_path / "s.svg", caption="A day").read_text("utf-8")
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", picture)
    assert {"A day", "4.0 s", "g", "Oldest pending entry, seconds since it was added"} <= set(texts)
    size = (640, 360)
    whole = raster.png(picture, size)
    for text in {*texts}:
        blank = raster.png(picture.replace(f">{text}</text>", "></text>"), size)
        assert blank != whole, text


def test_a_missing_font_is_an_error(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raster, "FONT", "No Such Font")
    with pytest.raises(InputError, match=r"needs the font No Such Font: pip install '.\["):
        to_still(run, tmp_path / "s.png")
    monkeypatch.setitem(sys.modules, "fontpkg", None)
    with pytest.raises(InputError, match="needs the font"):
        to_animation(run, tmp_path / "s.gif")


def test_a_caption_is_on_stills_and_in_animations(run: Path, tmp_path: Path) -> None:
    long = "a caption that is as long as a sentence & goes on " * 3
    still = to_still(run, tmp_path / "s.svg", plots=[GroupLag()], at_s=1, caption=long)
    text = still.read_text("utf-8")
    assert ">1.0 s<" in text
    match = re.search(r"font-size='([\d.]+)' [^>]*>a caption .*?&amp; goes", text)
    assert match is not None
    assert float(match[1]) < 8, "the whole caption fits"
    shown = [
        drawn(to_animation(run, tmp_path / f"{i}.gif", plots=[Flow()], end_s=1, caption=caption))
        for i, caption in enumerate(("", "hello"))
    ]
    assert shown[0] != shown[1]


def test_a_gif_keeps_a_rare_colour_that_its_last_image_lacks() -> None:
    """The square of a dead consumer's entry is red, small, and gone at the end."""
    red = (209, 36, 47)
    images = []
    for n in range(60):
        image = Image.new("RGB", (400, 200), (255, 255, 255))
        for x in range(200):  # what else there is has more than 64 colours
            image.paste((x, 114, 255 - x), (x, 0, x + 1, 150))
        if 20 <= n < 40:
            image.paste(red, (300, 100, 311, 111))
        images.append(image)
    content = gif(iter(images), images[::10], len(images), 10, loop=False)
    animated = Image.open(io.BytesIO(content))
    for place, expected in enumerate(((255, 255, 255), red, (255, 255, 255))):
        animated.seek(place)  # images that are alike are one in the file
        seen: Any = animated.convert("RGB").getpixel((305, 105))
        assert all(abs(a - b) < 12 for a, b in zip(seen, expected, strict=True)), (place, seen)


def test_a_gif_can_play_once(run: Path, tmp_path: Path) -> None:
    with Image.open(to_animation(run, tmp_path / "f.gif", end_s=1, loop=False)) as video:
        assert "loop" not in video.info


@pytest.mark.parametrize(
    ("function", "name", "says"),
    [
        (to_html, "a.mp4", "ends in .html"),
        (to_html, "a", "ends in .html"),
        (to_still, "a.jpg", "ends in .svg or .png"),
        (to_animation, "a.webm", "ends in .gif or .mp4"),
        (to_embed, "a.jsonl", "ends in .frames.jsonl"),
        (to_embed, ".frames.jsonl", "ends in .frames.jsonl"),
    ],
)
def test_an_unknown_suffix_is_refused(
    run: Path, tmp_path: Path, function: Callable[..., Path], name: str, says: str
) -> None:
    with pytest.raises(InputError, match=rf"can't export to {name!r}: give a name that {says}"):
        function(run, tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    "name", ["talk.HTML", "still.Png", "still.SVG", "animated.GIF", "a.Frames.JSONL"]
)
def test_a_suffix_in_capitals_is_accepted(run: Path, tmp_path: Path, name: str) -> None:
    assert main(["export", str(run), "-o", str(tmp_path / name), "--end", "1"]) == 0
    start = (tmp_path / name).read_bytes()[:15]
    known = {"h": b"<!doctype html>", "p": b"\x89PNG", "s": b"<svg ", "g": b"GIF89a"}
    assert start.startswith(known.get(name.split(".")[1][0].lower(), b'{"streamviz_fra'))


@pytest.mark.parametrize("name", ["talk.webm", "talk.jpg", "talk.pdf", "talk"])
def test_the_command_line_lists_the_suffixes_that_it_knows(
    run: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run), "-o", str(tmp_path / name)]) == 1
    said = capsys.readouterr().err
    assert "ends in .html, .svg, .png, .gif, .mp4 or .frames.jsonl" in said
    assert not (tmp_path / name).exists()


OPTIONS = {
    "plot": "group-lag",
    "stream": "s",
    "size": "320x200",
    "theme": "dark",
    "start": "1",
    "end": "3",
    "speed": "2",
    "poster": "2",
    "caption": "hi",
    "loop": "",
    "rate": "5",
    "autoplay": "",
    "saved": "",
}
PICTURE = {"plot", "stream", "size", "theme", "end", "caption"}
PLAYBACK = {"plot", "stream", "start", "end", "speed", "caption"}
HAS = {
    "talk.html": {*OPTIONS} - {"saved", "rate"},
    "still.svg": PICTURE,
    "still.png": PICTURE,
    "animated.gif": PICTURE | PLAYBACK | {"rate", "loop"},
    "animated.mp4": PICTURE | PLAYBACK | {"rate"},
    "run.frames.jsonl": PLAYBACK | {"loop", "autoplay"},
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", HAS)
def test_an_option_is_followed_or_refused(
    run: Path, tmp_path: Path, name: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"--{option}", *([OPTIONS[option]] if OPTIONS[option] else [])]
    if name.startswith("animated."):  # a few pictures of it
        words += ["--end", "1.5", "--size", "160x100"]
    done = main(["export", str(run), "-o", str(tmp_path / name), *words])
    assert (done == 0) is (option in HAS[name]) is (tmp_path / name).exists()
    if done:
        said = capsys.readouterr().err
        assert re.match(
            rf"streamviz: --{option} is not an option of an? .*: leave it out, or make ", said
        )
        first = {"saved": ".slides", "rate": ".gif"}.get(option, ".html")
        assert re.findall(r"[ (](\.\w+)", said)[0] == first


def test_a_recording_that_is_too_long_for_a_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    save(history(*(sample(n) for n in range(1, 20_003)), limit=30_000), path)
    for make, name in ((to_html, "talk.html"), (to_embed, "talk.frames.jsonl")):
        with pytest.raises(InputError, match=r"20,002 samples are too many for a page: .* --start"):
            make(path, tmp_path / name)


def test_an_image_and_an_animation_of_a_recording_that_is_too_long_for_a_page(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "MAX_FRAMES", 40)
    with pytest.raises(InputError, match="41 samples are too many"):
        to_html(run, tmp_path / "talk.html")
    assert "g: 41 waiting" in to_still(run, tmp_path / "end.svg").read_text("utf-8")
    assert to_animation(run, tmp_path / "fast.gif", speed=10).exists()


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """Record 30 s in which each sample has 30 new entries."""
    chance = random.Random(1)
    samples = [
        sample(
            n,
            group("g", n),
            length=30 * n,
            ids=[EntryId(100 * n + i, chance.randrange(1, 10**6)) for i in range(30)],
        )
        for n in range(1, 302)
    ]
    path = tmp_path / "busy.jsonl"
    save(history(*samples, max_entries=100_000), path)
    return path


def test_a_page_that_would_be_too_large_is_refused_with_the_span_that_fits(
    busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plots = tmp_path / "busy.html", [StreamMap()]

    def size_of(name: str, **span: float) -> int:
        return to_html(busy, tmp_path / name, plots=plots, autoplay=True, **span).stat().st_size

    size, small = size_of("busy.html"), size_of("small.html", end_s=0)
    late = size_of("late.html", start_s=10)
    frames_bytes = size - small
    assert frames_bytes > 100_000
    most = small + frames_bytes * 2 // 3
    monkeypatch.setattr(payload, "MAX_PAGE", most)
    for start_s, whole in ((0.0, size), (10.0, late)):
        with pytest.raises(InputError, match="would make a page of about") as raised:
            to_html(busy, path, plots=plots, autoplay=True, start_s=start_s, overwrite=True)
        said = re.search(
            r"about ([\d.]+) MB, but the limit is ([\d.]+) MB: end at ([\d.]+) s",
            str(raised.value),
        )
        assert said is not None
        about, limit, end_s = map(float, said.groups())
        assert about == pytest.approx(whole / 1e6, abs=0.1)
        assert limit == pytest.approx(most / 1e6, abs=0.1)
        assert path.stat().st_size == size, "the existing file is unchanged"
        fits = tmp_path / f"from {start_s}.html"
        to_html(busy, fits, plots=plots, autoplay=True, start_s=start_s, end_s=end_s)
        assert 0.85 * (most - small) < fits.stat().st_size - small <= most - small
        assert end_s > start_s + 5
    monkeypatch.setattr(payload, "MAX_PAGE", small + 1000)
    with pytest.raises(InputError, match="MB: start later, or choose other plots"):
        to_html(busy, path, plots=plots, autoplay=True, start_s=10.0, end_s=10.0, overwrite=True)
    monkeypatch.setattr(payload, "MAX_PAGE", most)
    maps = [StreamMap(), StreamMap()]
    two = to_html(busy, tmp_path / "two.html", plots=maps, autoplay=True, end_s=20)
    assert most < two.stat().st_size, "each plot may add as much"


@pytest.mark.parametrize("name", EXPORTS)
def test_the_command_line_exports_each_format(
    run: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    assert main(["export", str(run), "-o", str(path), "--end", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == str(path)
    assert [line for line in said[1:] if f'data-frames="{name}"' not in line] == []
    assert path.stat().st_size > 1000
    assert main(["export", str(run), "-o", str(path)]) == 1
    assert "streamviz: " in (error := capsys.readouterr().err)
    assert "already exists" in error


def test_the_command_line_knows_every_plot_and_option(run: Path, tmp_path: Path) -> None:
    shown = [name for name in PLOTS if PLOTS[name]().needs not in ("readers", "partitions")]
    plots = [word for name in shown for word in ("--plot", name)]
    options = "--theme dark --start 1 --end 3 --speed 2 --poster 2 --caption hi --loop --autoplay"
    path = run.with_suffix(".html")
    assert main(["export", str(run), *plots, *options.split()]) == 0
    assert f'data-theme="dark" data-plots="{len(shown)}"' in path.read_text("utf-8")
    assert (len(PLOTS), len(shown)) == (12, 10)


def test_the_command_line_says_how_to_overwrite(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "talk.html"
    path.write_text("mine")
    assert main(["export", str(run), "-o", str(path)]) == 1
    assert "choose another name, or give --overwrite\n" in capsys.readouterr().err


def test_the_command_line_reports_in_one_line_what_is_left_out(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.write_bytes(run.read_bytes()[:-20])
    assert main(["export", str(run), "-o", str(tmp_path / "s.svg")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"streamviz: {run}, block ")
    assert "this last block is left out" in line


def test_the_command_line_plays_a_recording_in_the_browser(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["replay", str(run), "--theme", "dark", "--end", "3"]) == 0
    page = Path(capsys.readouterr().out.strip())
    assert opened == [page.as_uri()]
    assert page.name == "run.html"
    assert 'data-theme="dark"' in page.read_text("utf-8")
    assert main(["replay", str(run), "--no-browser"]) == 0
    assert len(opened) == 1
    before = sorted(tmp_path.iterdir())
    assert main(["replay", str(tmp_path / "no.jsonl")]) == 1
    assert sorted(tmp_path.iterdir()) == before, "nothing is left behind"


@pytest.mark.parametrize(
    "words",
    [["no"], ["export"], ["export", "x", "--plot", "pie"], ["export", "x", "--size", "big"]],
)
def test_a_wrong_command_line_ends_with_status_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "program",
    [[Path(sys.executable).with_name("streamviz")], [sys.executable, "-m", "streamviz"]],
    ids=["command", "module"],
)
def test_the_command_is_installed_and_the_module_runs_it(run: Path, program: list[Any]) -> None:
    words = [*program, "export", run.with_name("no.jsonl")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("no.jsonl can't be read: No such file or directory\n")
    assert "Traceback" not in done.stderr


def test_without_the_extra_the_error_says_what_to_install(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(StreamVizError, match=r"pip install 'redis-streamviz\[export\]'"):
        to_still(run, tmp_path / "s.png")
    assert to_still(run, tmp_path / "s.svg").exists()


@pytest.mark.timeout(300)
def test_the_readmes_animation_is_what_make_gif_makes(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    rule = re.search(r"^gif: .*\n((?:\t.*\n)+)", (root / "Makefile").read_text("utf-8"), re.M)
    assert rule is not None
    words = rule[1].replace("\\\n", " ").split()[2:]
    made = tmp_path / "animated.gif"
    words[0] = str(root / words[0])
    kept = root / words[words.index("-o") + 1]
    words[words.index("-o") + 1] = str(made)
    assert main(["export", *words]) == 0
    assert kept.stat().st_size < 1_000_000
    with Image.open(made) as new, Image.open(kept) as old:
        assert new.size == old.size
        assert new.n_frames == old.n_frames > 50  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("plot", "says"),
    [
        ("partition-lanes", "Partitions: nothing to show: no partitions in this recording"),
        ("side-by-side", "Sent and received: nothing to show: no readers in this recording"),
        ("swim-lanes", "Who holds what: nothing to show: no consumer groups in this recording"),
        ("group-lag", "Group lag: nothing to show: no consumer groups in this recording"),
    ],
)
def test_a_plot_without_data_is_refused_by_name(tmp_path: Path, plot: str, says: str) -> None:
    path = tmp_path / "run.jsonl"
    save(history(sample(1), sample(2)), path)
    with pytest.raises(InputError, match=says):
        to_still(path, tmp_path / "s.svg", plots=[StreamMap(), PLOTS[plot]()])
    with pytest.raises(InputError, match=says):
        replay(path, plots=[StreamMap(), PLOTS[plot]()])
    assert to_still(path, tmp_path / "s.svg").exists(), "the default plots are never refused"
    shown = [type(one) for one in replay(path).frames.plots]
    assert shown == [type(one) for one in default_plots()], "a replay shows what a file shows"
