"""A function as a process that dies between two of its commands, and is started again later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import redis

from exercises import journal
from exercises.bounded import bounded
from exercises.claims import TEN_MINUTES_MS, left_ten_minutes_ago
from exercises.interrupted import EndlessLoop, interrupted, shared
from exercises.sale_keys import lives_of
from exercises.verdict import Verdict, count_of
from streamviz.client import Stream
from streamviz.errors import NoSuchStream

MOST_COMMANDS = 300
_MOST_PENDING = 1000
_ANOTHER_CLIENT = (
    "your function sends nothing over the client that it is called with. Use that one only, so "
    "that the check can cut it off."
)
LOCKED = " A lock of the dead process must have expired by then."
State = TypeVar("State")


class _Died(BaseException):
    """The death of a process; the process's own code must not catch it."""


class Process:
    """A learner's function that handles a stream, and can be killed before any of its commands.

    Parameters
    ----------
    client : redis.Redis
        The learner's client. What the function sends over it is cut off, too.
    work : callable
        The function. It is called with a client.
    key, prefix : str
        The key of the stream, and how the names of all other keys begin that a run may use.
    end : str
        A hint for a function that sends too many commands.

    Attributes
    ----------
    client : redis.Redis
        The check's own client, which outlives the process.
    sent : int
        The number of commands that the last run has sent.
    """

    def __init__(
        self,
        client: redis.Redis,
        work: Callable[[redis.Redis], object],
        *,
        key: str,
        prefix: str,
        end: str,
    ) -> None:
        self.client = bounded(client)
        self.prefix = prefix
        self.sent = 0
        self._learners = client
        self._work = work
        self._key = key
        self._end = end

    def clear(self) -> None:
        """Delete the stream, and all keys that begin with the prefix."""
        self.client.delete(self._key)
        for key in self.client.scan_iter(f"{self.prefix}*", count=1000):
            self.client.delete(key)

    def run(self, last: int | None = None) -> bool:
        """Call the function, and return whether it died: with `last`, after that many commands."""

        def before(number: int) -> None:
            if last is not None and number > last:
                raise _Died
            if number > MOST_COMMANDS:
                raise EndlessLoop(f"{MOST_COMMANDS} commands and no end. {self._end}")
            self.sent = number

        self.sent = 0
        try:
            with interrupted(self._learners, before) as mortal, shared(self._learners, mortal):
                self._work(mortal)
        except _Died:
            return True
        return False

    def restarts(self, new: Callable[[], State]) -> Iterator[tuple[State, int]]:
        """Kill the process before its first command, then before its second, and so on.

        Each time, `new` creates the keys, and after ten minutes the function is called again, to
        its end. Yield what `new` returned, and the number of commands before the death.
        """
        for last in range(MOST_COMMANDS):
            state = new()
            if not self.run(last):
                break
            self.let_ten_minutes_pass()
            try:
                self.run()
            except EndlessLoop as error:
                text = str(error)
                raise EndlessLoop(f"{told(last)} {text[:1].upper()}{text[1:]}") from error
            except Exception as error:
                error.add_note(f"In this run, {told(last)}")
                raise
            yield state, last

    def graded(
        self,
        new: Callable[[], State],
        whole: Callable[[State], Verdict],
        again: Callable[[], State],
        restarted: Callable[[State, Process, int], Verdict],
    ) -> Verdict:
        """Run the function undisturbed, then with each death, and return the verdict.

        `new` and `again` create the keys of the first run and of the others. `whole` grades the
        first run, and `restarted` a run after a death.
        """
        try:
            state = new()
            self.run()
            verdict = whole(state)
            if verdict.right and not self.sent:
                return Verdict(False, _ANOTHER_CLIENT)
            if verdict.right:
                for state, commands in self.restarts(again):
                    after = restarted(state, self, commands)
                    if not after.right:
                        return after
        except EndlessLoop as error:
            return Verdict(False, _ended(str(error)))
        finally:
            journal.close(self._key)
        return verdict

    def others(self, *known: str) -> bool:
        """Tell whether there are other keys with the prefix than these."""
        found = {*self.client.scan_iter(f"{self.prefix}*", count=1000)}
        return bool(found - {key.encode() for key in known})

    def let_ten_minutes_pass(self) -> None:
        """Age the pending entries, and delete what expires within ten minutes."""
        stream = Stream(self.client, self._key)
        with suppress(NoSuchStream):
            there = {entry.id for entry in stream.range()}  # a claim drops the others
            for group in (stream.group(one.name) for one in stream.groups()):
                for held in group.pending_entries(count=_MOST_PENDING):
                    if held.id in there:
                        left_ten_minutes_ago(group.consumer(held.consumer), [held.id])
        for key in self.client.scan_iter(f"{self.prefix}*", count=1000):
            for field, life_ms in lives_of(self.client, key).items():
                if life_ms <= TEN_MINUTES_MS:
                    self.client.hdel(key, field)
            if 0 <= self.client.pttl(key) <= TEN_MINUTES_MS:
                self.client.delete(key)


def told(commands: int) -> str:
    """Say what happened to a process that died after some commands."""
    if commands == 0:
        return "your function was called again with new keys."
    return (
        f"your process died after {count_of(commands, 'command')}, and was started again ten "
        "minutes later."
    )


def remembers(prefix: str) -> str:
    """Return a hint for a function that is only right when it is called for the first time."""
    return (
        "Does it remember something from before, in Python or in a key that doesn't begin with "
        f"`{prefix}`? A new process knows only what is in Redis, and the check deletes all keys "
        f"that begin with `{prefix}`."
    )


def _ended(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."
