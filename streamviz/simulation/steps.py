"""Step mode: run a few lines of Python one at a time, on the real server."""

from __future__ import annotations

import ast
import linecache
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from types import NoneType
from typing import Any

import redis

from streamviz.client.command_log import CommandLog, LoggedCommand
from streamviz.client.hidden_values import FieldsShown, hide_literals, is_hidden
from streamviz.errors import HandlerError, InputError, check_type
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.observer import Observer

_FILE_NUMBERS = count(1)


class UpcomingStep(LoggedCommand):
    """A statement that has not run yet, as a row of the log."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"not run yet: {self.call}"


class StepLog(CommandLog):
    """The commands of the steps that have run; an iteration then yields the remaining steps."""

    def __init__(self, client: redis.Redis, upcoming: Callable[[], Sequence[str]]) -> None:
        super().__init__(client)
        self._upcoming = upcoming

    def __iter__(self) -> Iterator[LoggedCommand]:
        yield from super().__iter__()
        for source in self._upcoming():
            yield UpcomingStep(source, "not run yet", "", ())


class Steps:
    """Run Python statements one per click, and show what each one does to a stream.

    Show them with a `Dashboard`. A saved dashboard lists the steps that have run, and the others.
    The time of a sample is the stream's own: the time of its newest ID.

    Parameters
    ----------
    client : redis.Redis
        The server.
    stream : str
        The key of the stream that the plots show.
    source : str
        Python statements. Each one is a step.
    names : mapping, optional
        The variables that the statements can use. By default, the global variables where `Steps`
        was called.
    fields : {"show", "hide"}
        Whether to show the values of entries' fields. Otherwise the statements are shown without
        texts and numbers, and the commands without values.

    Raises
    ------
    InputError
        If the source is not Python, or has no statement.

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
        fields: FieldsShown = "show",
    ) -> None:
        check_type("source", source, str, "Python statements, as text")
        check_type("names", names, (Mapping, NoneType), "a dict of names and values")
        self._observer = Observer(client, stream, fields=fields)
        self._names = dict(sys._getframe(2).f_globals if names is None else names)  # 1 is a wrapper
        text = textwrap.dedent(source).strip() + "\n"
        self._file = f"<steps {next(_FILE_NUMBERS)}>"
        try:
            statements = ast.parse(text).body
            self._codes = [compile(ast.Module([one], []), self._file, "exec") for one in statements]
        except SyntaxError as error:
            where = f"line {error.lineno}" if error.lineno else "the source"
            raise InputError(f"{where} is not Python: {error.msg}") from error
        except UnicodeEncodeError as error:
            raise InputError(f"{source!r} has half a character: remove it") from error
        if not statements:
            raise InputError("there is no statement in the source: write one statement per line")
        self.sources = [ast.get_source_segment(text, one) or "" for one in statements]
        linecache.cache[self._file] = (len(text), None, text.splitlines(True), self._file)
        self.client = client
        self.index = 0
        self.history = History()
        self.log = StepLog(client, lambda: self.sources[self.index :])
        if is_hidden(fields):
            self.hide_fields()
        self._sample(())

    def hide_fields(self) -> None:
        """Hide the values of entries' fields from now on, as ``fields="hide"`` does."""
        self.sources = list(map(hide_literals, self.sources))
        self.log.hides = True
        self.history.hide_fields()

    @property
    def next(self) -> str:
        """The statement that the next step runs; empty at the end."""
        return "" if self.done else self.sources[self.index]

    @property
    def done(self) -> bool:
        """Whether all steps have run."""
        return self.index == len(self.sources)

    def step(self) -> list[LoggedCommand]:
        """Run the next statement, and return the commands that it sent.

        InputError if no step is left; HandlerError if the statement raises. The next call runs the
        statement after it.
        """
        if self.done:
            raise InputError("all steps are done: create a new Steps to start again")
        log_count, source = self.log.count, self.next
        code = self._codes[self.index]
        self.index += 1
        try:
            with self.log:
                exec(code, self._names)
        except Exception as error:
            text, cause = ("", None) if self.log.hides else (f": {error}", error)
            raise HandlerError(f"{source}: {type(error).__name__}{text}") from cause
        finally:
            self._sample((Event("statement", detail=source),))
        return self.log.since(log_count)

    def run(self) -> History:
        """Run all remaining steps, and return the history."""
        while not self.done:
            self.step()
        return self.history

    def __repr__(self) -> str:
        return f"<Steps: {self.index} of {len(self.sources)} done>"

    def _sample(self, events: tuple[Event, ...]) -> None:
        sample, last = self._observer.sample(0, events), self.history.newest
        time_ms = max(sample.last_id.ms, last.time_ms + 1 if last else 0)
        self.history.append(replace(sample, time_ms=time_ms))
