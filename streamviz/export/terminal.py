"""The command line's terminal: explain mistakes, print at once, wait for Ctrl-C undisturbed."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from streamviz.errors import StreamVizError, meant

_CHECK_S = 0.1


class Parser(argparse.ArgumentParser):
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
        step = meant(wrong[1] if wrong else "", names, f"see {self.prog} --help")
        self.exit(2, f"{self.prog}: {message}; {step}\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit, when what was printed has been written."""
        say(end="")
        super().exit(status, message)


def say(*words: object, end: str = "\n") -> None:
    """Print a line, or only what waits to be printed; StreamVizError if that can't be written."""
    try:
        print(*words, end=end, flush=True)
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # else Python would try again at its end
        os.close(nowhere)
        raise StreamVizError(
            f"can't print: {error.strerror}: send the standard output elsewhere"
        ) from error


@contextmanager
def until_ctrl_c() -> Iterator[Callable[..., None]]:
    """Yield a function that prints a text, and waits for Ctrl-C, SIGTERM or a closed terminal.

    With the argument `ended`, it waits until that returns True, at most. After the first signal,
    all others are ignored for good, so that nothing interrupts the closing of files and
    connections, or the end of Python. A signal that was ignored before, as in the background,
    still is.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    usual = {number: signal.getsignal(number) for number in numbers}
    mine = [number for number, handler in usual.items() if handler is not signal.SIG_IGN]
    is_ending = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal is_ending
        is_ending = True
        for one in mine:
            signal.signal(one, signal.SIG_IGN)

    def wait(text: str, ended: Callable[[], bool] = lambda: False) -> None:
        for one in mine:
            signal.signal(one, stop)
        say(text)
        while not (is_ending or ended()):
            time.sleep(_CHECK_S)
        if is_ending and sys.stdout is not None and sys.stdout.isatty():
            say()  # after the terminal's ^C

    try:
        yield wait
    finally:
        if not is_ending:
            for one in mine:
                signal.signal(one, usual[one])
