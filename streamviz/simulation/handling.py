"""How a simulated client handles an entry, as its group's behaviour says: well, not, or fatally."""

from __future__ import annotations

import random

from streamviz.client.models import Entry
from streamviz.simulation.behaviour import ConsumerBehaviour
from streamviz.simulation.context import Context
from streamviz.simulation.lifecycle import SimulatedClient


class Handler(SimulatedClient):
    """A simulated client that crashes, fails and calls functions as a behaviour says."""

    def __init__(
        self, context: Context, name: str, rng: random.Random, behaviour: ConsumerBehaviour
    ) -> None:
        super().__init__(context, name, rng)
        self._behaviour = behaviour
        self._has_crashed_after = False  # `crash_after` happens once

    @property
    def _is_first(self) -> bool:
        """Whether it is the first of its group: `crash_after` is about that one."""
        raise NotImplementedError

    def _crashes(self) -> bool:
        behaviour = self._behaviour
        due = behaviour.crash_after is not None and self.handled >= behaviour.crash_after
        if due and self._is_first and not self._has_crashed_after:
            self._has_crashed_after = True
            return True
        return behaviour.crash_chance > 0 and self._rng.random() < behaviour.crash_chance

    def _call(self, entry: Entry) -> str:
        """Let the behaviour's functions handle an entry; return why they could not, or nothing."""
        fail, handler = self._behaviour.fail, self._behaviour.handler
        if callable(fail) or handler is not None:
            self.context.unread.forget()  # they may add entries
        outcome = ", which stays pending"
        try:
            fails = fail(entry) if callable(fail) else self._rng.random() < fail
        except Exception as cause:
            self._function_raised("fail", entry, cause, outcome)
            return f"{type(cause).__name__}: {cause}"
        if fails:
            self._report("failed", detail=str(entry.id))
            return fails if isinstance(fails, str) else "failed"
        try:
            if handler is not None:
                handler(entry)
        except Exception as cause:
            self._function_raised("handler", entry, cause, outcome)
            return f"{type(cause).__name__}: {cause}"
        return ""
