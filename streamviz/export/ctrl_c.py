"""Run a command until Ctrl-C, and let it close its files and connections undisturbed."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from streamviz.export.printing import say

_CHECK_S = 0.1


class Wait(Protocol):
    """Print a text, and wait for the end."""

    def __call__(self, text: str, ended: Callable[[], bool] = ...) -> None:
        """Wait for a signal, or until `ended` returns True."""


@contextmanager
def until_ctrl_c() -> Iterator[Wait]:
    """Yield a function that prints a text, and waits for Ctrl-C, SIGTERM or a closed terminal.

    After the first signal, all others are ignored for good, so that nothing interrupts the closing
    of files and connections, or the end of Python. A signal that was ignored before, as in the
    background, still is.
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
