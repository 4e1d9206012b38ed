"""Give a sample a deadline as a whole.

A time-out applies to each read alone. A server that sends a byte now and then meets each of them,
and would hold up a sample for ever.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import ContextDecorator
from typing import Any

SAMPLE_S = 5.0
"""How long a sample may read, in seconds; as long again after it has opened a connection."""


class _SampleDeadline(threading.local, ContextDecorator):
    """Lets the observer's connections read for a while in this thread; then TimeoutError."""

    at_s = math.inf

    def __enter__(self) -> None:
        self.at_s = time.monotonic() + SAMPLE_S

    def __exit__(self, *_error: object) -> None:
        self.at_s = math.inf

    def connected(self) -> None:
        """Restart the time, because a new connection is ready."""
        if self.at_s < math.inf:
            self.at_s = time.monotonic() + SAMPLE_S


sample_deadline = _SampleDeadline()


class DeadlineSocket:
    """A socket whose reads keep the deadline of the sample that they are for."""

    def __init__(self, inner: Any) -> None:
        names = {name for name in dir(inner) if not name.startswith("_")}
        # copied, because looking each one up would cost a percent of a sample
        vars(self).update({name: getattr(inner, name) for name in names - vars(type(self)).keys()})
        self._recv, self._recv_into = inner.recv, inner.recv_into

    def recv(self, *args: Any) -> Any:
        """Receive bytes, as a socket does."""
        _check()
        return self._recv(*args)

    def recv_into(self, *args: Any) -> Any:
        """Receive bytes into a buffer, as a socket does."""
        _check()
        return self._recv_into(*args)


def _check() -> None:
    if time.monotonic() > sample_deadline.at_s:
        raise TimeoutError(f"the replies have not come in {SAMPLE_S:g} s")
