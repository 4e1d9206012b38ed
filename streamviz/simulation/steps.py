"""Step mode: a few lines of Python, one at a time, on the real server."""

from __future__ import annotations

import ast
import linecache
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import redis

from streamviz.client.command_log import CommandLog, LoggedCommand
from streamviz.errors import HandlerError, InputError
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.observer import Observer

_NUMBER = count(1)


class ToCome(LoggedCommand):
    """A statement that was not executed yet, as a row of the log."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"to come: {self.call}"


class StepLog(CommandLog):
    """The commands of the steps that were done; who goes through it meets the rest behind them."""

    def __init__(self, client: redis.Redis, to_come: Callable[[], Sequence[str]]) -> None:
        super().__init__(client)
        self._to_come = to_come

    def __iter__(self) -> Iterator[LoggedCommand]:
        yield from super().__iter__()
        for source in self._to_come():
            yield ToCome(source, "to come", "", ())


class Steps:
    """Python statements that wait for a click each, and what each of them does to a stream.

    Show it with a `Dashboard`; saved, it lists what was done and what is to come. The time of its
    pictures is the stream's own: that of its newest ID.

    Parameters
    ----------
    client : redis.Redis
        The server.
    stream : str
        The key of the stream that the pictures show.
    source : str
        Statements; each one is a step.
    names : mapping, optional
        What the statements may use; without it, the global names where `Steps` was called.

    Raises
    ------
    InputError
        If the source is no Python, or has no statement.

    Examples
    --------
    >>> from streamviz import Stream, connect
    >>> redis = connect()
    >>> _ = redis.delete("doctest:steps")
    >>> tour = Steps(redis, "doctest:steps", '''
    ...     orders.add({"dish": "soup"}, id="1-0")
    ...     orders.trim(maxlen=0)
    ... ''', names={"orders": Stream(redis, "doctest:steps")})
    >>> [one.command for one in tour.step()]
    ['XADD doctest:steps 1-0 dish soup']
    >>> tour.next
    'orders.trim(maxlen=0)'
    """

    def __init__(
        self,
        client: redis.Redis,
        stream: str,
        source: str,
        *,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        self._names = dict(sys._getframe(1).f_globals if names is None else names)
        text = textwrap.dedent(source).strip() + "\n"
        try:
            self._statements = ast.parse(text).body
        except SyntaxError as error:
            raise InputError(f"line {error.lineno} is no Python: {error.msg}") from error
        if not self._statements:
            raise InputError("there is no statement in the source: write one a line")
        self.sources = [ast.get_source_segment(text, one) or "" for one in self._statements]
        self._file = f"<steps {next(_NUMBER)}>"
        linecache.cache[self._file] = (len(text), None, text.splitlines(True), self._file)
        self.client = client
        self.place = 0
        self.history = History()
        self.log = StepLog(client, lambda: self.sources[self.place :])
        self._observer = Observer(client, stream)
        self._look(())

    @property
    def next(self) -> str:
        """The statement that the next step executes; empty at the end."""
        return "" if self.done else self.sources[self.place]

    @property
    def done(self) -> bool:
        """Whether there is no step left."""
        return self.place == len(self.sources)

    def step(self) -> list[LoggedCommand]:
        """Execute the next statement, and return the commands that it sent.

        Raises
        ------
        InputError
            If there is none left.
        HandlerError
            If the statement raises; the next step goes on behind it.
        """
        if self.done:
            raise InputError("all steps are done: make a new Steps to begin again")
        before, source = self.log.count, self.next
        code = compile(ast.Module([self._statements[self.place]], []), self._file, "exec")
        self.place += 1
        try:
            with self.log:
                exec(code, self._names)
        except Exception as error:
            raise HandlerError(f"{source}: {type(error).__name__}: {error}") from error
        finally:
            self._look((Event("statement", detail=source),))
        return self.log.since(before)

    def run(self) -> History:
        """Execute all that is left, and return the history."""
        while not self.done:
            self.step()
        return self.history

    def __repr__(self) -> str:
        return f"<Steps: {self.place} of {len(self.sources)} done>"

    def _look(self, events: tuple[Event, ...]) -> None:
        sample, last = self._observer.sample(0, events), self.history.last
        now = max(sample.last_id.ms, last.time_ms + 1 if last else 0)
        self.history.append(replace(sample, time_ms=now))
