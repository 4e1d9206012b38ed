"""Run a command until Ctrl-C, and close what it opened in peace."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue


@contextmanager
def until_ctrl_c() -> Iterator[Callable[[str], object]]:
    """Give a function that prints a text, and waits for Ctrl-C or SIGTERM.

    After the first one, all others are ignored, for good: nothing interrupts what closes files and
    connections, or the end of Python. What was ignored before, as in the background, still is.
    """
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    mine = [number for number, handler in usual.items() if handler is not signal.SIG_IGN]
    pressed: SimpleQueue[int] = SimpleQueue()  # an Event must not be set in a signal's handler
    is_ending = False

    def stop(number: int, _frame: object) -> None:
        nonlocal is_ending
        is_ending = True
        for one in mine:
            signal.signal(one, signal.SIG_IGN)
        pressed.put(number)

    def wait(text: str) -> None:
        for one in mine:
            signal.signal(one, stop)
        print(text, flush=True)
        pressed.get()

    try:
        yield wait
    finally:
        if not is_ending:
            for one in mine:
                signal.signal(one, usual[one])
