from __future__ import annotations

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from plots.histories import EDGES, group, history, sample

from streamviz.cli import PLOTS, main
from streamviz.errors import InputError, RecordingError, StreamVizError
from streamviz.export import to_animation, to_embed, to_html, to_still
from streamviz.plots import AckProgress, GroupLag, StreamMap
from streamviz.recording import save


@pytest.fixture
def run(tmp_path: Path) -> Path:
    notes = {10: ["ann was killed"]}
    samples = [sample(n, group("g", n), notes=notes.get(n, [])) for n in range(1, 42)]
    path = tmp_path / "run.jsonl"
    save(history(*samples), path, captions=[(2, "two seconds in")])
    return path


def test_a_page_is_one_file_under_6_mb_that_names_no_network(run: Path, tmp_path: Path) -> None:
    path = to_html(run, tmp_path / "talk.html")
    text = path.read_text("utf-8")
    assert 1_000_000 < path.stat().st_size < 6_000_000
    packed = re.compile(r'(<script type="application/gzip"[^>]*>)[^<]*')
    ours = packed.sub(r"\1", text)
    assert len(ours) < 100_000
    assert set(re.findall(r"https?://[^'\"\s%]+", ours)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|href)=\"(?!data:)", ours)
    for word in ("await import(", "fetch(", "XMLHttpRequest", "WebSocket", "innerHTML"):
        assert word not in ours


def test_the_same_recording_gives_the_same_page(run: Path, tmp_path: Path) -> None:
    pages = [to_html(run, tmp_path / f"{i}.html").read_bytes() for i in range(2)]
    assert pages[0] == pages[1]


EXPORTS: dict[str, Callable[..., Path]] = {
    "talk.html": to_html,
    "still.svg": to_still,
    "still.png": to_still,
    "film.gif": to_animation,
    "run.film.jsonl": to_embed,
}


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
    ({"rate_hz": 51}, "rate_hz=51"),
]


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        (name, wrong, says)
        for name, function in EXPORTS.items()
        for wrong, says in WRONG
        if set(wrong) <= set(function.__kwdefaults__)
    ],
)
def test_bad_input_is_refused_and_nothing_written(
    run: Path, tmp_path: Path, name: str, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        EXPORTS[name](run, tmp_path / name, **wrong)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", EXPORTS)
def test_a_file_that_is_there_is_kept(run: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("mine")
    with pytest.raises(RecordingError, match=r"is there already.*overwrite=True"):
        EXPORTS[name](run, path)
    assert path.read_text() == "mine"
    assert EXPORTS[name](run, path, overwrite=True) == path
    assert path.stat().st_size > 1000
    with pytest.raises(RecordingError, match="can't be written: No such file"):
        EXPORTS[name](run, tmp_path / "nowhere" / name)


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_a_still_is_the_size_and_the_colour_that_was_asked_for(
    run: Path, tmp_path: Path, theme: Any
) -> None:
    path = to_still(run, tmp_path / "still.png", size=(640, 400), theme=theme)
    with Image.open(path) as image:
        assert image.size == (640, 400)
        corner = image.convert("RGBA").getpixel((0, 0))
        colours = image.convert("RGBA").getcolors(100_000)
    expected = {"light": (255, 255, 255, 255), "dark": (30, 30, 30, 255), "auto": (0, 0, 0, 0)}
    assert corner == expected[theme]
    assert colours is not None
    assert any(colour[:3] == (0, 114, 178) for _, colour in colours), "the line is drawn"


def test_a_still_is_of_its_moment(run: Path, tmp_path: Path) -> None:
    texts = [
        to_still(run, tmp_path / f"{at_s}.svg", at_s=at_s).read_text("utf-8") for at_s in (1, 3.0)
    ]
    assert "g: 11 waiting" in texts[0]
    assert "g: 31 waiting" in texts[1]
    assert "g: 41 waiting" in to_still(run, tmp_path / "end.svg").read_text("utf-8")


@pytest.mark.parametrize("many", [1, 2, 3, 4])
def test_several_plots_share_a_still_and_none_covers_another(
    run: Path, tmp_path: Path, many: int
) -> None:
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


def test_a_gif_has_the_spans_pictures_at_its_pace_and_goes_round(run: Path, tmp_path: Path) -> None:
    path = to_animation(
        run, tmp_path / "film.gif", start_s=1, end_s=3, speed=2, rate_hz=10, size=(320, 200)
    )
    with Image.open(io.BytesIO(path.read_bytes())) as film:
        assert film.size == (320, 200)
        assert film.info["loop"] == 0
        held = []
        shown = []
        for place in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(place)
            held.append(film.info["duration"])
            shown.append(film.convert("RGB").tobytes())
    assert len(set(shown)) == 11, "a second of 10 pictures, and the first"
    assert sum(held) == 11 * 100 + 2000
    with pytest.raises(InputError, match="pictures, and 2,000 are the most"):
        to_animation(run, tmp_path / "long.gif", speed=0.01)


@pytest.mark.parametrize(
    ("function", "name", "says"),
    [
        (to_still, "a.jpg", "give .svg or .png"),
        (to_animation, "a.mp4", "give .gif"),
        (to_embed, "a.jsonl", "ends in .film.jsonl"),
    ],
)
def test_an_ending_that_is_not_made_is_refused(
    run: Path, tmp_path: Path, function: Callable[..., Path], name: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        function(run, tmp_path / name)


def test_what_is_too_long_for_a_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    save(history(*(sample(n) for n in range(1, 20_003)), limit=30_000), path)
    with pytest.raises(InputError, match="20,002 samples are too many for one file"):
        to_html(path, tmp_path / "talk.html")


@pytest.mark.parametrize("name", EXPORTS)
def test_the_command_line_makes_each_kind(
    run: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    assert main(["export", str(run), "-o", str(path), "--size", "320x200"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == str(path)
    assert [line for line in said[1:] if f'data-film="{name}"' not in line] == []
    assert path.stat().st_size > 1000
    assert main(["export", str(run), "-o", str(path)]) == 1
    assert "streamviz: " in (error := capsys.readouterr().err)
    assert "is there already" in error


def test_the_command_line_knows_every_plot_and_option(run: Path, tmp_path: Path) -> None:
    plots = [word for name in PLOTS for word in ("--plot", name)]
    options = "--theme dark --start 1 --end 3 --speed 2 --poster 2 --caption hi --loop --autoplay"
    path = run.with_suffix(".html")
    assert main(["export", str(run), *plots, *options.split()]) == 0
    assert 'data-theme="dark" data-plots="6"' in path.read_text("utf-8")


@pytest.mark.parametrize(
    "words", [[], ["export"], ["export", "x", "--plot", "pie"], ["export", "x", "--size", "big"]]
)
def test_a_wrong_command_line_says_how(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_the_command_is_installed(run: Path) -> None:
    program = Path(sys.executable).with_name("streamviz")
    done = subprocess.run(
        [program, "export", run.with_name("no.jsonl")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.endswith("no.jsonl can't be read: No such file or directory\n")
    assert "Traceback" not in done.stderr


def test_without_the_extra_the_next_step_is_said(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(StreamVizError, match=r"pip install 'streamviz\[export\]'"):
        to_still(run, tmp_path / "s.png")
    assert to_still(run, tmp_path / "s.svg").exists()


def test_the_readmes_moving_picture_is_what_make_film_makes(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    rule = re.search(r"^film: .*\n((?:\t.*\n)+)", (root / "Makefile").read_text("utf-8"), re.M)
    assert rule is not None
    words = rule[1].replace("\\\n", " ").split()[2:]
    made = tmp_path / "film.gif"
    words[0] = str(root / words[0])
    kept = root / words[words.index("-o") + 1]
    words[words.index("-o") + 1] = str(made)
    assert main(["export", *words]) == 0
    assert kept.stat().st_size < 1_000_000
    with Image.open(made) as new, Image.open(kept) as old:
        assert new.size == old.size
        assert new.n_frames == old.n_frames > 50  # type: ignore[attr-defined]
