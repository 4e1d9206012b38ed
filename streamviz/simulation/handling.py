"""Handle an entry as a simulated client: succeed, fail or crash, as its behaviour says."""

from __future__ import annotations

import random

from streamviz.client.models import Entry
from streamviz.simulation.behaviour import ConsumerBehaviour
from streamviz.simulation.context import Context
from streamviz.simulation.lifecycle import SimulatedClient


class Handler(SimulatedClient):
    """A simulated client that crashes, fails and calls functions as a behaviour says."""

    _outcome = ", which stays pending"

    def __init__(
        self,
        context: Context,
        name: str,
        rng: random.Random,
        behaviour: ConsumerBehaviour,
        crash_after: int | None,
    ) -> None:
        super().__init__(context, name, rng, behaviour.revive_after_s)
        self._behaviour = behaviour
        self._crash_after = crash_after

    def _crashes(self) -> bool:
        if self._crash_after is not None and self.handled >= self._crash_after:
            self._crash_after = None  # it happens once
            return True
        crash_chance = self._behaviour.crash_chance
        return crash_chance > 0 and self._rng.random() < crash_chance

    def _call(self, entry: Entry) -> str:
        """Let the behaviour's functions handle an entry; return why they could not, or nothing."""
        behaviour = self._behaviour
        if callable(behaviour.fail) or behaviour.handler is not None:
            self.context.before_callers_code()
        if behaviour.fail_when == "before" and (why := self._decide(entry)):
            return why
        try:
            if behaviour.handler is not None:
                behaviour.handler(entry)
        except Exception as cause:
            return self._function_raised("handler", entry, cause)
        return self._decide(entry) if behaviour.fail_when == "after" else ""

    def _decide(self, entry: Entry) -> str:
        """Return why an entry fails, according to `fail`; an empty text if it does not."""
        fail = self._behaviour.fail
        try:
            fails = fail(entry) if callable(fail) else self._rng.random() < fail
        except Exception as cause:
            return self._function_raised("fail", entry, cause)
        if fails:
            self._report("failed", detail=str(entry.id))
        return fails if isinstance(fails, str) else "failed" if fails else ""
