"""``streamviz``: a look at a stream, a notebook opened, a file made, from the command line."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from streamviz.errors import InputError, StreamVizError
from streamviz.export import to_animation, to_document, to_embed, to_html, to_slides, to_still
from streamviz.export.common import Theme
from streamviz.export.embed import ENDING, tag
from streamviz.plots import AckProgress, GroupLag, PendingAge, Plot, StreamMap, SwimLanes

PLOTS: dict[str, Callable[[], Plot]] = {
    "stream-map": StreamMap,
    "group-lag": GroupLag,
    "group-lag-seconds": lambda: GroupLag("seconds"),
    "ack-progress": AckProgress,
    "pending-age": PendingAge,
    "swim-lanes": SwimLanes,
}
PICTURES = (".svg", ".png")
MOVING = (".gif",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit status: 0, or 1 with the reason on stderr."""
    given = _parser().parse_args(arguments)
    try:
        given.do(given)
    except StreamVizError as error:
        print(f"streamviz: {error}", file=sys.stderr)
        return 1
    return 0


def watch(given: argparse.Namespace) -> None:
    """Show a stream on a page of its own until Ctrl-C; nothing is written to Redis."""
    from streamviz.scenario import Scenario
    from streamviz.server import connect
    from streamviz.wall import Wall

    if given.url is None and not os.environ.get("REDIS_URL"):
        raise InputError("whose stream? Give its server: streamviz watch redis://host:6379 orders")
    if not 0 < given.rate <= 100:
        raise InputError(f"--rate {given.rate}: give looks a second, above 0 and at most 100")
    source = Scenario(connect(given.url), look_every_ms=1000 / given.rate).watch(given.stream)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as Ctrl-C does
    with Wall(source, given.stream, host=given.host, port=given.port) as wall:
        print(f"{given.stream}: {wall.url}\nCtrl-C ends it.", flush=True)
        if not given.no_browser:
            webbrowser.open(wall.url)
        try:
            while True:
                time.sleep(3600)
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


def make(given: argparse.Namespace) -> None:
    """Write a file, and say its name, and for a film the line that shows it."""
    made = export(given)
    print(made)
    if made.name.endswith(ENDING):
        print(f"beside it in a page: {tag(made)}")


def export(given: argparse.Namespace) -> Path:
    """Write what the options ask for, by the ending of the file, and return it."""
    if given.slides or Path(given.recording).suffix == ".ipynb":
        return (to_slides if given.slides else to_document)(
            given.recording,
            given.output,
            theme=given.theme or "light",
            run=not given.saved,
            overwrite=given.overwrite,
        )
    target = Path(given.output or Path(given.recording).with_suffix(".html"))
    plots = [PLOTS[name]() for name in given.plot or ["group-lag"]]
    about = {"plots": plots, "stream": given.stream, "size": given.size}
    about["theme"] = given.theme or "auto"
    about["overwrite"] = given.overwrite
    if target.suffix in PICTURES:
        return to_still(given.recording, target, at_s=given.end, **about)
    about |= {"start_s": given.start, "end_s": given.end, "speed": given.speed}
    if target.suffix in MOVING:
        return to_animation(given.recording, target, **about)
    about |= {"loop": given.loop, "autoplay": given.autoplay, "caption": given.caption}
    if target.name.endswith(ENDING):
        del about["size"], about["theme"]
        return to_embed(given.recording, target, **about)
    return to_html(given.recording, target, poster=given.poster, **about)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="streamviz", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    _watch_options(commands)
    _lab_options(commands)
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


def _export_options(commands: Any) -> None:
    one = commands.add_parser(
        "export",
        help="a recording as a page that plays by itself, a picture, or a moving picture",
        description="The ending of the output says what is made: "
        f".html, {', '.join(PICTURES)} (of the moment --end), {', '.join(MOVING)}, "
        f"{ENDING} (for another page, with its player).",
    )
    one.add_argument(
        "recording", help="a file that streamviz.record() wrote, or with --slides a notebook"
    )
    one.add_argument("--slides", action="store_true", help="a notebook as slides that play")
    one.add_argument("--saved", action="store_true", help="do not run the notebook before")
    one.add_argument("-o", "--output", help="the file to write (default: the recording's, .html)")
    one.add_argument("--plot", action="append", choices=PLOTS, help="may be given several times")
    one.add_argument("--stream", help="which of its streams (default: the first)")
    one.add_argument("--size", type=_size, default=(1280, 720), metavar="WIDTHxHEIGHT")
    one.add_argument("--theme", choices=get_args(Theme))
    one.add_argument("--start", type=float, default=0.0, metavar="SECONDS")
    one.add_argument("--end", type=float, default=None, metavar="SECONDS")
    one.add_argument("--speed", type=float, default=1.0)
    one.add_argument("--poster", type=float, default=None, metavar="SECONDS")
    one.add_argument("--caption", default="", help="a text to show from the beginning on")
    one.add_argument("--loop", action="store_true")
    one.add_argument("--autoplay", action="store_true")
    one.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    one.set_defaults(do=make)


def _size(text: str) -> tuple[int, int]:
    wide, _, high = text.partition("x")
    if not (wide.isdecimal() and high.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 1280x720")
    return int(wide), int(high)
