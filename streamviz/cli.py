"""``streamviz``: a look at a stream, a notebook opened, a file made, from the command line."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import warnings
import webbrowser
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from streamviz.errors import InputError, StreamVizError
from streamviz.export.embed import ENDING, tag
from streamviz.export.formats import RECORDING, export
from streamviz.export.options import Theme
from streamviz.plots import (
    AckProgress,
    Cursors,
    GroupLag,
    PartitionLanes,
    PendingAge,
    Plot,
    SideBySide,
    StreamMap,
    SwimLanes,
    TrimSawtooth,
)

PLOTS: dict[str, Callable[[], Plot]] = {
    "stream-map": StreamMap,
    "group-lag": GroupLag,
    "group-lag-seconds": lambda: GroupLag("seconds"),
    "ack-progress": AckProgress,
    "pending-age": PendingAge,
    "swim-lanes": SwimLanes,
    "trim-sawtooth": TrimSawtooth,
    "cursors": Cursors,
    "side-by-side": SideBySide,
    "partition-lanes": PartitionLanes,
}
OPTIONS = (
    "stream",
    "size",
    "theme",
    "start",
    "end",
    "speed",
    "poster",
    "caption",
    "loop",
    "autoplay",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit status: 0, or 1 with the reason on stderr."""
    given = _parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: _say(message)
        try:
            given.do(given)
        except StreamVizError as error:
            _say(error)
            return 1
    return 0


def _say(words: object) -> None:
    print(f"streamviz: {words}", file=sys.stderr)


def watch(given: argparse.Namespace) -> None:
    """Show a stream on a page of its own until Ctrl-C; nothing is written to Redis."""
    from streamviz.export import DashboardServer
    from streamviz.server.embedded import connect
    from streamviz.simulation.scenario import Scenario

    if given.url is None and not os.environ.get("REDIS_URL"):
        raise InputError("whose stream? Give its server: streamviz watch redis://host:6379 orders")
    if not 0 < given.rate <= 100:
        raise InputError(f"--rate {given.rate}: give looks a second, above 0 and at most 100")
    source = Scenario(connect(given.url), sample_every_ms=1000 / given.rate).watch(given.stream)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as Ctrl-C does
    with DashboardServer(source, given.stream, host=given.host, port=given.port) as wall:
        print(f"{given.stream}: {wall.url}\nCtrl-C ends it.", flush=True)
        if not given.no_browser:
            webbrowser.open(wall.url)
        try:
            threading.Event().wait()  # for ever
        except KeyboardInterrupt:
            print()


def lab(given: argparse.Namespace) -> None:
    """Open a notebook, or a folder, in JupyterLab, which takes this process over."""
    if find_spec("jupyterlab") is None:
        raise InputError("JupyterLab is not installed: pip install 'streamviz[lab]'")
    if not Path(given.path).exists():
        raise InputError(f"{given.path!r} is not there: give a notebook or a folder")
    options = ["--ServerApp.ip=127.0.0.1", *(["--no-browser"] if given.no_browser else [])]
    arguments = [sys.executable, "-m", "jupyterlab", *options, given.path]
    os.execv(sys.executable, arguments)


def play(given: argparse.Namespace) -> None:
    """Open a recording in the browser, as a page in a folder for what is temporary."""
    source = Path(given.recording)
    page = Path(tempfile.mkdtemp(prefix="streamviz-")) / f"{source.stem or 'recording'}.html"
    try:
        export(source, page, {"autoplay": True, **_options(given)})
    except BaseException:
        page.parent.rmdir()
        raise
    print(page)
    if not given.no_browser:
        webbrowser.open(page.as_uri())


def make(given: argparse.Namespace) -> None:
    """Write a file, and say its name, and for a film the line that shows it."""
    output = Path(given.output) if given.output is not None else None
    source = Path(given.recording)
    made = export(source, output, _options(given), slides=given.slides, overwrite=given.overwrite)
    print(made)
    if made.name.lower().endswith(ENDING):
        print(f"beside it in a page: {tag(made)}")


def _options(given: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given."""
    found = {name: getattr(given, name, None) for name in OPTIONS}
    found["plots"] = [PLOTS[name]() for name in given.plot] if given.plot else None
    found["run"] = False if getattr(given, "saved", False) else None
    return {name: value for name, value in found.items() if value is not None}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="streamviz", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    _watch_options(commands)
    _lab_options(commands)
    _replay_options(commands)
    _export_options(commands)
    return parser


def _watch_options(commands: Any) -> None:
    one = commands.add_parser(
        "watch",
        help="a stream of yours, live on a page in the browser; it only reads",
        description="The page can be opened from this machine only, with the token in its link.",
    )
    one.add_argument("url", nargs="?", help="redis://host:6379/0 (default: REDIS_URL)")
    one.add_argument("stream", help="the stream's key")
    one.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    one.add_argument("--port", type=int, default=0, help="default: one that is free")
    one.add_argument("--rate", type=float, default=10.0, metavar="HZ", help="looks a second")
    one.add_argument("--no-browser", action="store_true", help="only print the link")
    one.set_defaults(do=watch)


def _lab_options(commands: Any) -> None:
    one = commands.add_parser("lab", help="a notebook, or a folder, in JupyterLab")
    one.add_argument("path", nargs="?", default=".")
    one.add_argument("--no-browser", action="store_true")
    one.set_defaults(do=lab)


def _replay_options(commands: Any) -> None:
    one = commands.add_parser(
        "replay",
        help="a recording, played in the browser",
        description="It is written as one page that plays by itself into a temporary folder.",
    )
    one.add_argument("recording", help="a file that streamviz.record() wrote")
    _recording_options(one)
    one.add_argument("--no-browser", action="store_true", help="only print the page's path")
    one.set_defaults(do=play)


def _export_options(commands: Any) -> None:
    made = "; ".join(f"{', '.join(kind.endings)}: {kind.name}" for kind in RECORDING)
    one = commands.add_parser(
        "export",
        help="a recording as a page that plays by itself, a picture, or a moving picture",
        description=f"The ending of the output says what is made: {made}. A GIF is what moves on "
        "slides that take no HTML; there is no MP4. A notebook becomes one .html.",
    )
    one.add_argument("recording", help="a file that streamviz.record() wrote, or a notebook")
    one.add_argument("--slides", action="store_true", help="a notebook as slides that play")
    one.add_argument("--saved", action="store_true", help="do not run the notebook before")
    one.add_argument("-o", "--output", help="the file to write (default: the recording's, .html)")
    _recording_options(one)
    one.add_argument("--caption", help="a text to show from the beginning on")
    one.add_argument("--poster", type=float, metavar="SECONDS", help="what a page shows first")
    one.add_argument("--autoplay", action="store_true", default=None, help="begin without a click")
    one.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    one.set_defaults(do=make)


def _recording_options(one: argparse.ArgumentParser) -> None:
    """Add the options of a page; they have no defaults: what is not given, the maker decides."""
    one.add_argument("--plot", action="append", choices=PLOTS, help="may be given several times")
    one.add_argument("--stream", help="which of its streams (default: the first)")
    one.add_argument("--size", type=_size, metavar="WIDTHxHEIGHT")
    one.add_argument("--theme", choices=get_args(Theme))
    one.add_argument("--start", type=float, metavar="SECONDS")
    one.add_argument("--end", type=float, metavar="SECONDS")
    one.add_argument("--speed", type=float, help="2 is twice as fast as it was")
    loop = argparse.BooleanOptionalAction
    one.add_argument("--loop", action=loop, default=None, help="begin again at the end, or do not")


def _size(text: str) -> tuple[int, int]:
    wide, _, high = text.partition("x")
    if not (wide.isdecimal() and high.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 1280x720")
    return int(wide), int(high)
