"""A number of its own for each process that a check plays: what is restarted gets another one."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

NUMBERED = (
    " A new process has another number (`os.getpid()`), so it doesn't find what was saved under "
    "the old one."
)
_real_number = os.getpid
_numbers = count(2**22 + 1, 2)  # larger than Linux gives, and odd, as Windows gives none
_thread = threading.local()
_lock = threading.Lock()
_open = 0
_asked = False


@contextmanager
def new_process() -> Iterator[None]:
    """Let the code of a notebook's cells see another process number, in this thread.

    Modules see the real one: redis-py compares it, to tell whether it runs in a forked process, and
    so does the kernel before it sends what was printed.
    """
    global _open
    outer = getattr(_thread, "number", None)
    with _lock:
        _open += 1
        vars(os)["getpid"] = _number
    try:
        _thread.number = next(_numbers)
        yield
    finally:
        _thread.number = outer
        with _lock:
            _open -= 1
            if not _open:
                vars(os)["getpid"] = _real_number


def _number() -> int:
    global _asked
    number: int | None = getattr(_thread, "number", None)
    if number is None or sys._getframe(1).f_globals.get("__name__") != "__main__":
        return _real_number()
    _asked = True
    return number


def forget() -> None:
    """Forget whether a process has asked for its number."""
    global _asked
    _asked = False


def hint() -> str:
    """Return a hint if a process has asked for its number since `forget`, or else nothing."""
    return NUMBERED * _asked
