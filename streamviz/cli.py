"""Take the course, watch or record a stream, and play or export a recording."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, get_args

from streamviz import __version__
from streamviz.client.progress import progress_bar
from streamviz.errors import InputError, PlotWarning, StreamVizError, path_of
from streamviz.export.browser import link_in_browser, temporary_page
from streamviz.export.course import FIRST, copy_course, open_lab
from streamviz.export.embed import FRAMES_SUFFIX, script_tag
from streamviz.export.formats import RECORDING_FORMATS, export
from streamviz.export.options import Theme
from streamviz.export.terminal import Parser, say, until_ctrl_c
from streamviz.plots.figure import Plot
from streamviz.plots.named import PLOTS, new_plot
from streamviz.recording.output_file import already_exists

Option = tuple[tuple[str, ...], dict[str, Any]]
Handler = Callable[[argparse.Namespace], None]


parser = Parser(
    prog="streamviz",
    description=__doc__,
    epilog="Shell completion: pip install shtab, then shtab --shell bash streamviz.cli.parser",
)
parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
parser.set_defaults(handler=lambda _: parser.print_help())
_COMMANDS = parser.add_subparsers(metavar="command", title="commands")


def _option(*flags: str, **settings: Any) -> Option:
    return flags, settings


def _command(name: str, *options: Option, description: str = "") -> Callable[[Handler], Handler]:
    """Make a function a command, whose help is the function's docstring."""

    def add(handler: Handler) -> Handler:
        doc = str(handler.__doc__)
        made = _COMMANDS.add_parser(name, help=doc[0].lower() + doc[1:-1], description=description)
        made.set_defaults(handler=handler)
        for flags, settings in options:
            made.add_argument(*flags, **settings)
        return handler

    return add


def _plot(text: str) -> Plot:
    try:
        return new_plot(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size: give width x height, for example 1280x720"
        )
    return int(width), int(height)


_NO_BROWSER = _option("--no-browser", action="store_true", help="only print the address")
_OVERWRITE = _option("--overwrite", action="store_true", help="replace an existing file")
_SOURCE = (
    _option("url", nargs="?", help="redis://host:6379/0 (default: REDIS_URL)"),
    _option("stream", help="the stream's key"),
    _option("--rate", type=float, default=10.0, metavar="HZ", help="samples a second (10)"),
)
_PLOT_HELP = f"{', '.join(PLOTS)}, or your own as module:Class; repeat for several plots"
_RECORDING = (  # without defaults: the exporting function has them
    _option("--plot", dest="plots", metavar="PLOT", action="append", type=_plot, help=_PLOT_HELP),
    _option("--stream", help="which stream (default: the recording's first)"),
    _option("--size", type=_size, metavar="WIDTHxHEIGHT", help="in pixels"),
    _option("--theme", choices=get_args(Theme), help="the colours"),
    _option("--start", type=float, metavar="SECONDS", help="begin at this second of the recording"),
    _option("--end", type=float, metavar="SECONDS", help="end at this second of the recording"),
    _option("--speed", type=float, help="2 plays twice as fast as recorded"),
    _option("--loop", action=argparse.BooleanOptionalAction, help="start again at the end"),
)
_FORMATS = "; ".join(f"{', '.join(one.suffixes)}: {one.description}" for one in RECORDING_FORMATS)


@_command(
    "tutorial",
    _option("folder", nargs="?", default="streamviz-course", help="where (default: %(default)s)"),
    _option("--no-lab", action="store_true", help="copy, but do not open JupyterLab"),
    _option(
        "--allow-writes",
        action="store_true",
        help="let the course write to the server of REDIS_URL, even if other programs use it",
    ),
    _NO_BROWSER,
    description="The notebooks come without outputs. Files that exist are kept.",
)
def tutorial(args: argparse.Namespace) -> None:
    """Copy the course into a folder, and open its first notebook in JupyterLab."""
    if not args.no_lab and os.environ.get("REDIS_URL"):
        from streamviz.server.embedded import connect
        from streamviz.simulation.permission import ALLOW_WRITES, check_may_write

        if args.allow_writes:
            os.environ[ALLOW_WRITES] = "1"  # the notebooks ask, too
        else:
            check_may_write(connect(), "the course", "run streamviz tutorial --allow-writes")
    written, kept = copy_course(args.folder)
    also = f"; {len(kept)} that exist are kept: delete one to get a new copy" if kept else ""
    say(f"{args.folder}: {len(written)} files copied{also}")
    if not args.no_lab:
        open_lab(Path(args.folder) / FIRST, browser=not args.no_browser)


@_command(
    "watch",
    *_SOURCE,
    _option("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"),
    _option("--port", type=int, default=0, help="port (default: a free one)"),
    _NO_BROWSER,
    description="The link has a token. Without --host, it works on this machine only. "
    "The page has no values of entries' fields.",
)
def watch(args: argparse.Namespace) -> None:
    """Show a stream live on a page in the browser, without writing to Redis."""
    from streamviz.export import DashboardServer

    with (
        until_ctrl_c() as wait,
        DashboardServer(_observe(args), args.stream, host=args.host, port=args.port) as server,
    ):
        say(f"{args.stream}: {server.url}")
        with nullcontext() if args.no_browser else link_in_browser(server.url):
            wait("Press Ctrl-C to stop.")


@_command(
    "record",
    *_SOURCE,
    _option("-o", "--output", required=True, help="the file to write, such as run.jsonl.gz"),
    _OVERWRITE,
)
def record(args: argparse.Namespace) -> None:
    """Record a stream to a file until Ctrl-C, without writing to Redis."""
    from streamviz.recording import record

    if os.path.exists(args.output) and not args.overwrite:
        raise already_exists(Path(args.output), "--overwrite")
    with until_ctrl_c() as wait:
        with (
            _observe(args) as source,
            record(source, args.output, overwrite=args.overwrite) as file,
            progress_bar(True, "Recording", unit="samples") as advance,
        ):
            source.on_sample.append(lambda _: advance(1))
            source.start()
            text = f"recording {args.stream} to {file.path}. Press Ctrl-C to stop."
            wait(text, ended=lambda: file.closed)  # and why it ended, the file says when it closes
        step = source.history.last.trouble or "Play it with streamviz replay"
        say(f"{file.path}: {file.sample_count} samples. {step}")


def _observe(args: argparse.Namespace) -> Any:
    """Return what observes the stream that the arguments name."""
    from streamviz.server.embedded import connect
    from streamviz.server.url import SCHEMES, validate
    from streamviz.simulation.scenario import Scenario

    command = f"streamviz {args.handler.__name__}"
    if args.url is None and args.stream.lower().startswith(SCHEMES):  # with a password, perhaps
        raise InputError(f"the stream's name is missing: run {command} URL STREAM")
    if args.url is None and not os.environ.get("REDIS_URL"):
        raise InputError(f"no server given: run {command} redis://host:6379 {args.stream}")
    if not 0 < args.rate <= 100:
        raise InputError(f"--rate {args.rate}: give samples a second, above 0 and at most 100")
    if args.url is not None and "***" in validate(args.url):
        _print_error("others see the password in the list of processes: put the URL into REDIS_URL")
    source = Scenario(connect(args.url), sample_every_ms=1000 / args.rate, fields="hide")
    return source.watch(args.stream)


@_command(
    "lab",
    _option("path", nargs="?", default=".", help="what to open (default: this folder)"),
    _NO_BROWSER,
)
def lab(args: argparse.Namespace) -> None:
    """Open a notebook or a folder in JupyterLab."""
    open_lab(args.path, browser=not args.no_browser)


@_command(
    "replay",
    _option("recording", help="a file that streamviz record wrote"),
    *_RECORDING,
    _NO_BROWSER,
    description="Writes a page that plays the recording into a temporary folder, and opens it.",
)
def replay(args: argparse.Namespace) -> None:
    """Play a recording in the browser."""
    source = path_of("recording", args.recording)
    if source.suffix.lower() == ".ipynb":
        raise InputError(f"{source} is a notebook: run streamviz export {source}")
    page = temporary_page(source, {"autoplay": True, **_options(args)})
    say(page)
    if not args.no_browser:
        webbrowser.open(page.as_uri())


@_command(
    "export",
    _option("recording", help="a file that streamviz record wrote, or a notebook"),
    _option("--slides", action="store_true", help="export a notebook as slides"),
    _option("--saved", action="store_true", help="use a notebook's saved outputs"),
    _option("-o", "--output", type=Path, help="file (default: the recording's name with .html)"),
    *_RECORDING,
    _option("--caption", help="a caption for the beginning"),
    _option("--rate", type=float, metavar="HZ", help="images a second of a GIF or an MP4 (15)"),
    _option("--poster", type=float, metavar="SECONDS", help="show this second before it plays"),
    _option("--autoplay", action="store_true", default=None, help="start without a click"),
    _OVERWRITE,
    description=f"The suffix of the output selects the format. {_FORMATS}. Use an MP4 or a "
    "GIF on slides that take no HTML. A notebook becomes one .html file.",
)
def export_file(args: argparse.Namespace) -> None:
    """Export a recording as a page that plays it, an image, an animated image or a video."""
    source, options = args.recording, _options(args)
    path = export(source, args.output, options, slides=args.slides, overwrite=args.overwrite)
    say(path)
    if path.name.lower().endswith(FRAMES_SUFFIX):
        say(f"in a page in the same folder: {script_tag(path)}")


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options on the command line, without those that are left out."""
    options = {name: getattr(args, name, None) for one in RECORDING_FORMATS for name in one.options}
    options["run"] = False if getattr(args, "saved", False) else None
    return {name: value for name, value in options.items() if value is not None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 with the reason on stderr.

    Without arguments, print the help. Arguments that cannot be read end the program with status 2.
    """
    warned: set[type] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: warned.add(type(_print_error(message)))
        try:
            args = parser.parse_args(arguments)
            args.handler(args)
            say(end="")
        except StreamVizError as error:
            _print_error(error)
            return 1
    return int(PlotWarning in warned)


def _print_error(message: object) -> object:
    with suppress(OSError):  # the terminal may be gone
        print(f"streamviz: {message}", file=sys.stderr)
    return message
