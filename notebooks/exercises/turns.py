"""Four buyers of notebook 10 that are stopped before the same command, and then go on in turn."""

from __future__ import annotations

import threading

BUYERS = 4
_ARRIVAL_S, _TURN_S = 3, 0.2


class Turns:
    """Stop each of four buyers of a seat before one of its commands; then let them go on in turn.

    Parameters
    ----------
    before : int
        The number of that command, from 1; with 0, no buyer is stopped.
    """

    def __init__(self, before: int) -> None:
        self._before = before
        self._changed = threading.Condition()
        self._stopped: set[int] = set()
        self._done: set[int] = set()
        self.stuck = False

    def stop(self, buyer: int, command: int) -> None:
        """Before the given command, wait until all have stopped and all earlier buyers are done."""
        if command == self._before:
            with self._changed:
                self._stopped.add(buyer)
                self._changed.notify_all()
                if self._changed.wait_for(self._have_all_arrived, _ARRIVAL_S):
                    self._changed.wait_for(lambda: self._is_next(buyer), _TURN_S)
                else:
                    self.stuck = True

    def finish(self, buyer: int) -> None:
        """Let the next buyer go on."""
        with self._changed:
            self._done.add(buyer)
            self._changed.notify_all()

    def _is_next(self, buyer: int) -> bool:
        return self._done >= set(range(buyer))

    def _have_all_arrived(self) -> bool:
        return self.stuck or len(self._stopped | self._done) == BUYERS
