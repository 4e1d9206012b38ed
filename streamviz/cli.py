"""Take the course, watch or record a stream, and play or export a recording."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
import threading
import warnings
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn, get_args
from urllib.parse import urlsplit

from streamviz import __version__, plots
from streamviz.errors import InputError, StreamVizError, install_command
from streamviz.export.course import FIRST, copy_course
from streamviz.export.embed import FILM_SUFFIX, script_tag
from streamviz.export.formats import RECORDING_FORMATS, export
from streamviz.export.options import Theme
from streamviz.plots import GroupLag, Plot

_KINDS = (getattr(plots, name) for name in dir(plots))
PLOTS: dict[str, Callable[[], Plot]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower(): kind
    for kind in _KINDS
    if isinstance(kind, type) and issubclass(kind, Plot) and kind is not Plot
} | {"group-lag-seconds": lambda: GroupLag("seconds")}
"""The plots by the names that ``--plot`` takes: every public plot is there."""

_LAB_CONFIG = Path(__file__).parent / "export" / "static" / "jupyter"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 with the reason on stderr.

    Without arguments, print the help. Arguments that cannot be read end the program with status 2.
    """
    args = parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: _print_error(message)
        try:
            args.handler(args)
        except StreamVizError as error:
            _print_error(error)
            return 1
    return 0


def _print_error(message: object) -> None:
    print(f"streamviz: {message}", file=sys.stderr)


def watch(args: argparse.Namespace) -> None:
    """Show a stream on a page in the browser until Ctrl-C; writes nothing to Redis."""
    from streamviz.export import DashboardServer

    source = _observe(args)
    with (
        DashboardServer(source, args.stream, host=args.host, port=args.port) as server,
        tempfile.TemporaryDirectory(prefix="streamviz-") as folder,  # only this user can read it
    ):
        print(f"{args.stream}: {server.url}\nPress Ctrl-C to stop.", flush=True)
        if not args.no_browser:  # all users can read the browser's arguments, so: without the token
            page = Path(folder) / "watch.html"
            page.write_text(f'<meta http-equiv="refresh" content="0; url={escape(server.url)}">')
            webbrowser.open(page.as_uri())
        with suppress(KeyboardInterrupt):
            threading.Event().wait()  # for ever
    print()


def record(args: argparse.Namespace) -> None:
    """Record a stream to a file until Ctrl-C; writes nothing to Redis."""
    from streamviz.recording import record

    with (
        _observe(args) as source,
        record(source, args.output, overwrite=args.overwrite) as file,
        suppress(KeyboardInterrupt),
    ):
        source.start()
        print(f"recording {args.stream} to {file.path}. Press Ctrl-C to stop.", flush=True)
        threading.Event().wait()  # for ever
    last = source.history.last
    print(f"{file.path}: {last.n} samples. {last.trouble or 'Play it with streamviz replay'}")


def _observe(args: argparse.Namespace) -> Any:
    """Return what observes the stream that the arguments name."""
    from streamviz.server.embedded import connect
    from streamviz.simulation.scenario import Scenario

    if args.url is None and not os.environ.get("REDIS_URL"):
        command = f"streamviz {args.handler.__name__} redis://host:6379 {args.stream}"
        raise InputError(f"no server given: run {command}")
    if not 0 < args.rate <= 100:
        raise InputError(f"--rate {args.rate}: give samples a second, above 0 and at most 100")
    if args.url is not None and urlsplit(args.url).password:
        _print_error("others see the password in the list of processes: put the URL into REDIS_URL")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the command like Ctrl-C
    return Scenario(connect(args.url), sample_every_ms=1000 / args.rate).watch(args.stream)


def lab(args: argparse.Namespace) -> None:
    """Open a notebook or a folder in JupyterLab, which replaces this process."""
    if find_spec("jupyterlab") is None:
        raise InputError(f"JupyterLab is not installed: {install_command('lab')}")
    if not Path(args.path).exists():
        raise InputError(f"{args.path!r} does not exist: give a notebook or a folder")
    options = ["--ServerApp.ip=127.0.0.1"]
    if args.no_browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        options.append("--allow-root")
    # The first thing on the page is the notebook, and not a question about news of Jupyter.
    paths = [str(_LAB_CONFIG), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options, str(args.path)])


def tutorial(args: argparse.Namespace) -> None:
    """Copy the course into a folder, and open its first notebook in JupyterLab."""
    written, kept = copy_course(args.folder)
    also = f"; {len(kept)} that exist are kept: delete one to get it anew" if kept else ""
    print(f"{args.folder}: {len(written)} files copied{also}", flush=True)
    if not args.no_lab:
        lab(argparse.Namespace(path=Path(args.folder) / FIRST, no_browser=args.no_browser))


def replay(args: argparse.Namespace) -> None:
    """Play a recording in the browser, as a page in a temporary folder."""
    source = Path(args.recording)
    if source.suffix.lower() == ".ipynb":
        raise InputError(f"{source} is a notebook: run streamviz export {source}")
    page = Path(tempfile.mkdtemp(prefix="streamviz-")) / f"{source.stem or 'recording'}.html"
    try:
        export(source, page, {"autoplay": True, **_options(args)})
    except BaseException:
        page.parent.rmdir()
        raise
    print(page)
    if not args.no_browser:
        webbrowser.open(page.as_uri())


def export_file(args: argparse.Namespace) -> None:
    """Export a file and print its path; for a film, also the HTML that shows it."""
    output = Path(args.output) if args.output is not None else None
    source = Path(args.recording)
    path = export(source, output, _options(args), slides=args.slides, overwrite=args.overwrite)
    print(path)
    if path.name.lower().endswith(FILM_SUFFIX):
        print(f"in a page in the same folder: {script_tag(path)}")


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options on the command line, without those that are left out."""
    options = {
        name: getattr(args, name, None) for known in RECORDING_FORMATS for name in known.options
    }
    options["plots"] = [PLOTS[name]() for name in args.plot] if args.plot else None
    options["run"] = False if getattr(args, "saved", False) else None
    return {name: value for name, value in options.items() if value is not None}


class _Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line, with what may have been meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and refuse unknown arguments here, where the command's options are known."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        """Print the mistake and the name that is most like it, and exit with status 2."""
        names = [name for action in self._actions for name in action.option_strings]
        names += [str(name) for action in self._actions for name in action.choices or ()]
        wrong = re.search(r"(?:invalid choice: '|unrecognized arguments: )([^'\s=]+)", message)
        close = get_close_matches(wrong[1], names, 1) if wrong else []
        hint = f"did you mean {close[0]}?" if close else f"see {self.prog} --help"
        self.exit(2, f"{self.prog}: {message}; {hint}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="streamviz",
        description=__doc__,
        epilog="Shell completion: pip install shtab, then shtab --shell bash streamviz.cli.parser",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(handler=lambda _: parser.print_help())
    commands = parser.add_subparsers(metavar="command", title="commands")
    _add_tutorial(commands)
    _add_watch(commands)
    _add_record(commands)
    _add_lab(commands)
    _add_replay(commands)
    _add_export(commands)
    return parser


def _add_tutorial(commands: Any) -> None:
    command = commands.add_parser(
        "tutorial",
        help="copy the course into a folder, and open its first notebook in JupyterLab",
        description="The notebooks come without outputs. Files that exist are kept.",
    )
    command.add_argument(
        "folder", nargs="?", default="streamviz-course", help="default: %(default)s"
    )
    command.add_argument("--no-lab", action="store_true", help="only copy")
    command.add_argument("--no-browser", action="store_true", help="only print JupyterLab's link")
    command.set_defaults(handler=tutorial)


def _add_watch(commands: Any) -> None:
    command = commands.add_parser(
        "watch",
        help="show a stream live on a page in the browser, without writing to Redis",
        description="The link has a token. Without --host, only this machine can open it.",
    )
    _add_source(command)
    command.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    command.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    command.add_argument("--no-browser", action="store_true", help="only print the link")
    command.set_defaults(handler=watch)


def _add_record(commands: Any) -> None:
    command = commands.add_parser("record", help="record a stream to a file until Ctrl-C")
    _add_source(command)
    command.add_argument("-o", "--output", required=True, help="the file, run.jsonl.gz for example")
    command.add_argument("--overwrite", action="store_true", help="replace an existing file")
    command.set_defaults(handler=record)


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument("url", nargs="?", help="redis://host:6379/0 (default: REDIS_URL)")
    command.add_argument("stream", help="the stream's key")
    command.add_argument("--rate", type=float, default=10.0, metavar="HZ", help="samples a second")


def _add_lab(commands: Any) -> None:
    command = commands.add_parser("lab", help="open a notebook or a folder in JupyterLab")
    command.add_argument("path", nargs="?", default=".", help="what to open (default: this folder)")
    command.add_argument("--no-browser", action="store_true", help="only print the link")
    command.set_defaults(handler=lab)


def _add_replay(commands: Any) -> None:
    command = commands.add_parser(
        "replay",
        help="play a recording in the browser",
        description="Writes a page that plays the recording into a temporary folder, and opens it.",
    )
    command.add_argument("recording", help="a file that streamviz.record() wrote")
    _add_recording_options(command)
    command.add_argument("--no-browser", action="store_true", help="only print the page's path")
    command.set_defaults(handler=replay)


def _add_export(commands: Any) -> None:
    formats = "; ".join(
        f"{', '.join(known.suffixes)}: {known.description}" for known in RECORDING_FORMATS
    )
    command = commands.add_parser(
        "export",
        help="export a recording as a page that plays it, an image, an animated image or a video",
        description=f"The suffix of the output selects the format. {formats}. Use an MP4 "
        "or a GIF on slides that take no HTML. A notebook becomes one .html file.",
    )
    command.add_argument("recording", help="a file that streamviz.record() wrote, or a notebook")
    command.add_argument("--slides", action="store_true", help="export a notebook as slides")
    command.add_argument("--saved", action="store_true", help="do not run the notebook first")
    command.add_argument(
        "-o", "--output", help="the file to write (default: the recording's name with .html)"
    )
    _add_recording_options(command)
    command.add_argument("--caption", help="a caption for the beginning")
    command.add_argument(
        "--rate", type=float, metavar="HZ", help="images a second of a GIF or an MP4 (default: 15)"
    )
    command.add_argument(
        "--poster", type=float, metavar="SECONDS", help="the moment a page shows before it plays"
    )
    command.add_argument(
        "--autoplay", action="store_true", default=None, help="start without a click"
    )
    command.add_argument("--overwrite", action="store_true", help="replace an existing file")
    command.set_defaults(handler=export_file)


def _add_recording_options(command: argparse.ArgumentParser) -> None:
    """Add the options of a recording, without defaults: the exporting function has them."""
    command.add_argument(
        "--plot",
        action="append",
        choices=PLOTS,
        metavar="PLOT",
        help=f"repeat for several plots: {', '.join(PLOTS)} (default: those of a dashboard)",
    )
    command.add_argument("--stream", help="which stream (default: the recording's first)")
    command.add_argument("--size", type=_size, metavar="WIDTHxHEIGHT", help="in pixels")
    command.add_argument("--theme", choices=get_args(Theme), help="the colours")
    command.add_argument("--start", type=float, metavar="SECONDS", help="since the recording began")
    command.add_argument("--end", type=float, metavar="SECONDS", help="since the recording began")
    command.add_argument("--speed", type=float, help="2 plays twice as fast as recorded")
    command.add_argument(
        "--loop",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether to start again at the end",
    )


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size: give width x height, for example 1280x720"
        )
    return int(width), int(height)
