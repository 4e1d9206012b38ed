"""The command line: what it lists, and what it says of a mistake."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import redis as redis_py
from slow import slow_but

import streamviz
from streamviz import Stream, load
from streamviz.cli import main, parser
from streamviz.server.embedded import EmbeddedServer

ROOT = Path(__file__).parent.parent
ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SECRET = "s3cret"
RECORDING = str(ROOT / "notebooks" / "recordings" / "crash_and_rescue.jsonl.gz")


@pytest.fixture(autouse=True)
def _endings_are_heard() -> Iterator[None]:
    """What ignores a signal, as under nohup, has what it starts ignore it, too."""
    before = {one: signal.getsignal(one) for one in ENDINGS}
    for one in ENDINGS:
        if before[one] == signal.SIG_IGN:
            signal.signal(one, signal.SIG_DFL)
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def commands() -> dict[str, argparse.ArgumentParser]:
    (found,) = (one for one in parser._actions if isinstance(one.choices, dict))
    return dict(found.choices)


def test_it_starts_without_ipywidgets_which_would_take_more_time_than_all_else() -> None:
    code = "import sys, streamviz.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "streamviz.export.html" in loaded
    assert not {"ipywidgets", "IPython"} & set(loaded)


def test_without_arguments_it_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert len(commands()) >= 4
    for name in commands():
        assert f"    {name} " in printed


@pytest.mark.parametrize(
    "start", [["-m", "streamviz"], ["-c", "import streamviz.cli as c; c.main()"]]
)
def test_it_tells_its_version(start: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *start, "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"streamviz {streamviz.__version__}\n"


def test_a_plot_that_raises_is_told_and_the_status_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from streamviz.plots import GroupLag\nclass Raise(GroupLag):\n    "
    (tmp_path / "raising.py").write_text(f"{code}def summary(self, history): return 1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    target = str(tmp_path / "a.svg")
    command = ["export", RECORDING, "--plot", "raising:Raise", "--plot", "flow", "-o", target]
    assert main(command) == 1
    printed = capsys.readouterr()
    assert printed.out == f"{target}\n"
    assert printed.err.startswith("streamviz: Raise can't be drawn: ZeroDivisionError")
    assert printed.err.count("\n") == 1
    assert main([*command[:2], *command[4:], "--overwrite"]) == 0
    assert capsys.readouterr().err == ""


INTERRUPTED = """
import signal, sys
from streamviz.__main__ import run

class Interrupts:
    module = sys.argv.pop(1)

    def find_spec(self, name, *_):
        if name == self.module:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
sys.exit(run())
"""


@pytest.mark.parametrize("module", ["streamviz.cli", "streamviz.export.html"])
def test_ctrl_c_ends_a_command_without_a_traceback(module: str, tmp_path: Path) -> None:
    command = [module, "export", RECORDING, "-o", str(tmp_path / "run.html")]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *command], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert not list(tmp_path.iterdir())


def test_a_terminal_that_cannot_show_a_name_gets_it_escaped(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streamviz", "export", RECORDING, "-o", tmp_path / "Ω.svg"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\\u03a9.svg\n")


def test_each_argument_has_help() -> None:
    arguments = [(name, one) for name, command in commands().items() for one in command._actions]
    assert len(arguments) > 30
    assert [(name, one.dest) for name, one in arguments if not one.help] == []


MISTAKES = {
    "exprot run.jsonl.gz": "did you mean 'export'? See streamviz --help",
    "export run.jsonl.gz --sped 2": "did you mean '--speed'? See streamviz export --help",
    "export run.jsonl.gz --sped=2": "did you mean '--speed'? See streamviz export --help",
    "watch --prot 5 orders": "did you mean '--port'? See streamviz watch --help",
    "export run.jsonl.gz --theme drak": "did you mean 'dark'? See streamviz export --help",
    "replay": "required: recording; see streamviz replay --help",
    "export run.jsonl.gz --speed fast": "'fast'; see streamviz export --help",
    "export run.jsonl.gz --size big": "for example 1280x720; see streamviz export --help",
    "replay one two": "two; see streamviz replay --help",
    "--qqq": "--qqq; see streamviz --help",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_in_one_line(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.startswith("streamviz")
    assert printed.err.endswith(f"{MISTAKES[line]}\n")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("plot", "words"),
    [
        ("swimlanes", "did you mean 'swim-lanes'? Choose from"),
        ("pie", "choose from ack-progress, cursors, flow"),
        ("nowhere:Pie", "ModuleNotFoundError: No module named 'nowhere'"),
        ("pathlib:Pie", "module 'pathlib' has no attribute 'Pie'"),
        ("pathlib:PurePath", "Path, not a Plot"),
        (
            "streamviz.plots:Plot",
            "Plot lacks layout(), sampled_values(), structure_key(), summary(), traces(): write",
        ),
    ],
)
def test_a_plot_that_is_none_is_named(
    plot: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["export", "run.jsonl.gz", "--plot", plot])
    printed = capsys.readouterr().err
    assert f"no plot {plot!r}: " in printed
    assert words in printed


def test_replay_of_a_notebook_blames_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "talk.ipynb"]) == 1
    printed = capsys.readouterr().err
    assert "talk.ipynb is a notebook: run streamviz export talk.ipynb" in printed
    assert "--" not in printed


def test_an_option_is_named_as_it_was_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", RECORDING, "-o", str(tmp_path / "a.svg"), "--no-loop"]) == 1
    assert "streamviz: --no-loop is not an option of an image" in capsys.readouterr().err


@pytest.mark.parametrize("ended_by", ENDINGS)
@pytest.mark.parametrize("name", slow_but("run.jsonl.gz", of=["run.jsonl.gz", "run.jsonl"]))
def test_record_writes_what_happens_until_it_is_stopped(
    redis: redis_py.Redis,
    server: Any,
    key: str,
    tmp_path: Path,
    until: Callable[..., None],
    ended_by: int,
    name: str,
) -> None:
    stream, target = Stream(redis, key), tmp_path / name
    stream.add({"n": 1})
    before = redis.dump(key)
    process = subprocess.Popen(
        [sys.executable, "-m", "streamviz", "record", server.url, key, "-o", str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline().startswith(f"recording {key} to {target}")
        until(lambda: len(redis.client_list()) > 1)
        assert redis.dump(key) == before
        stream.add({"n": 2})
        until(lambda: (last := load(target).newest) and last.length == 2, 20)
    finally:
        process.send_signal(ended_by)
        said, _ = process.communicate(timeout=15)
    assert process.returncode == 0
    assert said == f"{target}: {said.split()[1]} samples. Play it with streamviz replay\n"
    assert load(target).last.length == 2


def test_record_goes_on_after_ctrl_z_at_its_own_pace(
    redis: redis_py.Redis,
    server: EmbeddedServer,
    key: str,
    tmp_path: Path,
    until: Callable[..., None],
) -> None:
    """It makes up for no sample that it has missed: the server would be asked all at once."""
    Stream(redis, key).add({"n": 1})
    target = tmp_path / "run.jsonl.gz"
    process = started("record", server.url, key, "-o", str(target))
    try:
        until(lambda: load(target).newest)
        process.send_signal(signal.SIGSTOP)
        time.sleep(3)  # it is stopped for so long
        process.send_signal(signal.SIGCONT)
        before = len(load(target).samples)
        until(lambda: len(load(target).samples) > before + 20)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
    times_ms = [one.time_ms for one in load(target).samples]
    steps_ms = [new - old for old, new in itertools.pairwise(times_ms)]
    longest = max(steps_ms)
    assert longest > 2500
    at = steps_ms.index(longest) + 1
    assert times_ms[at + 8] - times_ms[at] > 400, "thirty are missed"


@pytest.mark.parametrize("ended_by", ENDINGS)
@pytest.mark.parametrize("command", ["watch", "record"])
def test_a_second_ctrl_c_does_not_interrupt_the_end(
    redis: redis_py.Redis,
    server: EmbeddedServer,
    key: str,
    tmp_path: Path,
    until: Callable[..., None],
    command: str,
    ended_by: int,
) -> None:
    Stream(redis, key).add({"n": 1})
    target = tmp_path / "run.jsonl.gz"
    options = ["--no-browser"] if command == "watch" else ["-o", str(target)]
    process = started(command, server.url, key, *options)
    until(lambda: command == "watch" or load(target).newest)
    sent = 0
    while process.poll() is None:  # as if the key was held down
        process.send_signal(ended_by)
        sent += 1
        time.sleep(0.001)
    assert sent > 1
    assert (process.returncode, process.communicate()[1]) == (0, "")
    if command == "record":
        assert load(target).last.length == 1


@pytest.mark.parametrize("ignored", [signal.SIGINT, signal.SIGHUP])  # by a shell's &, by nohup
def test_in_the_background_an_ignored_signal_does_not_end_a_command(
    redis: redis_py.Redis,
    server: EmbeddedServer,
    key: str,
    until: Callable[..., None],
    ignored: signal.Signals,
) -> None:
    background = shell(f"trap '' {ignored.name[3:]}")
    process = started("watch", server.url, key, "--no-browser", first=background)
    process.send_signal(ignored)
    before = samples(redis)
    until(lambda: samples(redis) > before + 2)
    process.terminate()
    assert process.communicate(timeout=15)[1] == ""
    assert process.returncode == 0


@pytest.mark.parametrize("ended_by", ENDINGS)
def test_watch_leaves_no_page_with_its_token(
    server: EmbeddedServer,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ended_by: signal.Signals,
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("BROWSER", "true")
    process = started("watch", server.url, key)
    assert [page.name for page in tmp_path.rglob("*.html")] == ["watch.html"]
    process.send_signal(ended_by)
    assert process.communicate(timeout=15)[1] == ""
    assert process.returncode == 0
    assert not list(tmp_path.iterdir())


def test_ctrl_c_sigterm_and_a_closed_terminal_end_any_command_alike(tmp_path: Path) -> None:
    """SIGHUP arrives while the page is being written: nothing of it stays."""
    command = ["streamviz.export.html", "replay", RECORDING, "--no-browser"]
    for ended_by in ENDINGS:
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED.replace("SIGINT", ended_by.name), *command],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
        assert not list(tmp_path.iterdir())


def test_record_ends_when_the_disk_is_full_and_counts_what_is_in_the_file(
    redis: redis_py.Redis,
    server: EmbeddedServer,
    key: str,
    tmp_path: Path,
    until: Callable[..., None],
) -> None:
    for n in range(9):
        redis.xgroup_create(key, f"{n * 7**9}", "0", mkstream=True)
    target = tmp_path / "run.jsonl.gz"
    words = ["record", server.url, key, "-o", str(target)]
    process = started(*words, first=shell("ulimit -f 8"))  # no file may grow beyond 8 blocks
    until(lambda: (redis.xadd(key, {"n": 1}), process.poll())[1] is not None)
    out, error = process.communicate(timeout=15)
    assert (process.returncode, out) == (1, "")
    assert error.startswith(f"streamviz: {target} can't grow (File too large): the recording ends")
    with pytest.warns(UserWarning, match="this last block is left out"):
        count = len(load(target))
    assert error.endswith(f" here. Samples written: {count}\n")
    assert 0 < count < redis.xlen(key)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is a device of Linux")
@pytest.mark.parametrize("command", ["export", "watch", "record", "--help", ""])
def test_an_output_that_is_full_is_told_in_one_line(
    server: EmbeddedServer, key: str, tmp_path: Path, command: str
) -> None:
    words = {
        "export": [RECORDING, "-o", str(tmp_path / "a.svg")],
        "watch": [server.url, key, "--no-browser"],
        "record": [server.url, key, "-o", str(tmp_path / "run.jsonl.gz")],
    }
    arguments = [*filter(None, [command]), *words.get(command, [])]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "streamviz", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )
    says = "streamviz: can't print: No space left on device: send the standard output elsewhere\n"
    assert (done.returncode, done.stderr) == (1, says)


def test_a_command_without_an_output_ends_in_peace(
    redis: redis_py.Redis, server: EmbeddedServer, key: str, until: Callable[..., None]
) -> None:
    before = samples(redis)
    words = [sys.executable, "-m", "streamviz", "watch", server.url, key, "--no-browser"]
    process = subprocess.Popen([*shell("exec >&-"), *words], stderr=subprocess.PIPE, text=True)
    until(lambda: samples(redis) > before + 2)
    process.terminate()
    assert process.communicate(timeout=15)[1] == ""
    assert process.returncode == 0


def samples(redis: redis_py.Redis) -> int:
    """Return how many samples were taken on this server."""
    return int(redis.info("commandstats").get("cmdstat_multi", {"calls": 0})["calls"])


def shell(command: str) -> list[str]:
    """Return the beginning of a command line that a shell runs after this command."""
    return ["sh", "-c", f'{command}; exec "$@"', "sh"]


def started(*words: str, first: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a command, and return it when it can be stopped."""
    process = subprocess.Popen(
        [*first, sys.executable, "-m", "streamviz", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    while not (line := process.stdout.readline()).endswith("Press Ctrl-C to stop.\n"):
        assert line, "it ended too early"
    return process


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["record", "orders", "-o", "x"], "no server given: run streamviz record redis://"),
        (["record", "redis://127.0.0.1:1", "orders", "-o", "x"], "127.0.0.1:1"),
        (["record", "redis://x", "orders", "-o", "x", "--rate", "0"], "--rate 0.0: give samples"),
    ],
)
def test_record_says_what_is_wrong(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert main(words) == 1
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("command", [["watch"], ["record", "-o", "x"]])
@pytest.mark.parametrize("environment", ["", "redis://127.0.0.1:1"])
@pytest.mark.parametrize("url", ["redis://:{}@127.0.0.1:1/0", "REDISS://u:{}@h", "unix://:{}@/s"])
def test_a_url_without_a_stream_is_not_taken_for_the_stream(
    command: list[str],
    environment: str,
    url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", environment)
    assert main([*command, url.format(SECRET)]) == 1
    step = f"run streamviz {command[0]} URL STREAM"
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"streamviz: the stream's name is missing: {step}\n")


@pytest.mark.parametrize(
    "words", [["export", ""], ["export", "", "--slides"], ["export", "/"], ["replay", ""]]
)
def test_a_recording_without_a_name_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    says = f"streamviz: recording={words[1]!r}: give a file's name\n"
    assert capsys.readouterr().err == says


def test_record_keeps_an_existing_file(
    server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "run.jsonl.gz"
    target.write_text("mine")
    assert main(["record", server.url, "orders", "-o", str(target)]) == 1
    says = "already exists: choose another name, or give --overwrite\n"
    assert capsys.readouterr().err.endswith(says)
    assert target.read_text() == "mine"


def test_without_a_browser_the_printed_link_opens_the_first_notebook(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME")}
    process = subprocess.Popen(
        [sys.executable, "-m", "streamviz", "tutorial", "--no-browser", "my course"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "REDIS_URL"} | folders,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout
        links = (re.search(r"http://127\S+[?]token=\w+", line) for line in process.stdout)
        link = urlsplit(next(hit[0] for hit in links if hit))
        assert link.path == "/lab/tree/00_start_here.ipynb"
        there = link._replace(path=link.path.replace("/lab/tree/", "/api/contents/"))

        def served() -> Any:
            with suppress(URLError), urlopen(there.geturl()) as reply:
                return json.load(reply)["name"]

        until(lambda: served() == "00_start_here.ipynb", 20)
    finally:
        process.terminate()
        process.communicate(timeout=20)
