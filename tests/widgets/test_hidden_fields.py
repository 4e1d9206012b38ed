"""With fields="hide", no value of an entry's field reaches anything that an audience may see."""

from __future__ import annotations

import gc
import gzip
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
import redis as redis_py
from widgets.conftest import Listen

from streamviz import CommandLog, Dashboard, History, Observer, Scenario, Steps, Stream, record
from streamviz.cli import _observe, parser
from streamviz.client.connection import Connection
from streamviz.client.hidden_values import hide_command, hide_reply
from streamviz.errors import HandlerError, InputError
from streamviz.export import to_html
from streamviz.observation import PartitionObserver, Sample
from streamviz.patterns import Partitions
from streamviz.plots import Plot
from streamviz.server.embedded import EmbeddedServer
from streamviz.widgets import watch

SECRET = "4929771823"
VALUES = {"card": f"{SECRET}-a", "n": int(SECRET), "raw": SECRET.encode() + b"\xff"}
Until = Callable[..., None]


class Values(Plot):
    """A plot of one's own that draws every value that it can get."""

    def structure_key(self, history: History) -> None:
        """Return nothing."""

    def traces(self, history: History) -> list[dict[str, Any]]:
        """Return a line."""
        return [{"type": "scatter", "mode": "lines", "name": "values", "x": [], "y": []}]

    def layout(self, history: History) -> dict[str, Any]:
        """Return a title with all values."""
        shown = [value for entry in history.entries for pair in entry.pairs for value in pair]
        return {"xaxis": {"title": {"text": " ".join(shown)}}}

    def sampled_values(self, sample: Sample, history: History) -> list[Any]:
        """Return a number."""
        return [len(sample.entries)]

    def summary(self, history: History) -> str:
        """Return all values."""
        return str(self.layout(history))


def cannot(entry: Any) -> None:
    raise ValueError(entry.fields["card"])


def by_the_scenario(redis: redis_py.Redis, fields: Any) -> tuple[Scenario, dict[str, Any]]:
    return Scenario(redis, seed=1, sample_every_ms=20, fields=fields), {}


def by_the_dashboard(redis: redis_py.Redis, fields: Any) -> tuple[Scenario, dict[str, Any]]:
    return Scenario(redis, seed=1, sample_every_ms=20), {"fields": fields}


@pytest.mark.parametrize("door", [by_the_scenario, by_the_dashboard])
@pytest.mark.parametrize("fields", ["hide", "show"])
def test_a_dashboard_its_commands_and_its_recording_have_no_values(
    redis: redis_py.Redis,
    key: str,
    listen: Listen,
    until: Until,
    tmp_path: Path,
    door: Callable[..., tuple[Scenario, dict[str, Any]]],
    fields: str,
) -> None:
    scenario, options = door(redis, fields)
    scenario.produce(key, [(n * 10, VALUES) for n in range(30)])
    scenario.group(key, "g", service_ms=1, handler=cannot)
    dashboard = Dashboard(scenario, plots=[Values()], commands=True, **options)
    talk = listen(dashboard)
    recorded, page = tmp_path / "run.jsonl.gz", tmp_path / "run.html"
    with scenario, record(scenario, recorded):
        talk.say("hello")
        scenario.start()
        until(lambda: len(list(scenario.history.entries)) > 20 and scenario.error, 15)
        until(lambda: any("XADD" in row[1] for one in talk.heard for row in one.get("rows", ())))
    to_html(recorded, page)
    samples = scenario.history.samples
    shown = {
        "messages": [*talk.heard, talk.buffers],
        "samples": [samples, [one._repr_html_() for one in samples]],
        "entries": [one._repr_html_() for one in scenario.history.entries],
        "notebook": [dashboard._mimebundle("cell"), dashboard.get_state()],
        "error": [scenario.error, scenario.error and scenario.error.__cause__],
        "log": [dashboard.commands, dashboard.commands and dashboard.commands._repr_html_()],
        "events": [one.events for one in samples],
    }
    found = {name for name, value in shown.items() if SECRET in repr(value)}
    if fields == "show":
        assert found >= {"messages", "samples", "entries", "notebook", "error", "log"}
    else:
        assert found == set()
        entry = next(scenario.history.entries)
        assert entry.fields == {
            "card": "(12 bytes hidden)", "n": "(10 bytes hidden)", "raw": "(11 bytes hidden)"
        }  # fmt: skip
        assert "raised ValueError, at the entry" in str(scenario.error)
        assert "card '(12 bytes hidden)'" in repr(dashboard.commands)
    for file in (gzip.decompress(recorded.read_bytes()), page.read_bytes()):
        assert len(file) > 1000
        assert SECRET.encode() not in file, "a recording has no fields, whatever is asked for"


def test_what_an_observer_keeps_has_no_values(redis: redis_py.Redis, prefix: str) -> None:
    parts = Partitions(redis, f"{prefix}parts", 2)
    parts.add(SECRET[:3], VALUES)
    Stream(redis, f"{prefix}one").add(VALUES)
    redis.xadd(f"{prefix}one", {"large": SECRET * 300})
    observers: list[Any] = [
        Observer(redis, f"{prefix}one", fields="hide"),
        PartitionObserver(parts, fields="hide"),
    ]
    for observer in observers:
        assert observer.sample().entries
        redis.xadd(f"{prefix}one", {"same": SECRET})
        assert observer.sample().exists
        assert not [one for one in reachable(observer) if SECRET in one]
    shown = Observer(redis, f"{prefix}one")
    shown.sample()
    assert [one for one in reachable(shown) if SECRET in one]


def reachable(root: object) -> Iterator[str]:
    """Yield every text, and the repr of all bytes, that an object leads to."""
    seen, waiting = {id(root)}, [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str | bytes):
            yield str(one)
        if isinstance(one, type | ModuleType | FunctionType):
            continue
        for more in gc.get_referents(one):
            if id(more) not in seen and more is not sys.modules:
                seen.add(id(more))
                waiting.append(more)


def test_a_watched_stream_and_a_history_can_be_hidden(redis: redis_py.Redis, key: str) -> None:
    redis.xadd(key, {"card": SECRET}, "1-0")
    seen = History()
    seen.append(Observer(redis, key).sample(1))
    assert next(seen.entries).fields == {"card": SECRET}
    Dashboard(seen, fields="hide")
    redis.execute_command("XADD", key, "2-0", "card", SECRET, "card", "12")
    seen.append(replace(Observer(redis, key).sample(2), n=2))
    assert SECRET not in repr(seen.samples)
    hidden = list(seen.entries)[-1]
    assert hidden.pairs == (("card", "(10 bytes hidden)"), ("card", "(2 bytes hidden)"))
    dashboard = watch(redis, key, fields="hide")
    assert dashboard.scenario is not None
    assert dashboard.scenario.context.hides


@pytest.mark.parametrize("late", [False, True])
def test_steps_have_no_values(redis: redis_py.Redis, key: str, listen: Listen, late: bool) -> None:
    source = f"""
        add({{"card": "{SECRET}", "n": {SECRET}}}, id="1-0")
        add({{"card": f"{SECRET}{{1}}"}})
        orders.range()
        int("{SECRET}x")
    """
    orders = Stream(redis, key)
    names = {"orders": orders, "add": orders.add}
    steps = Steps(redis, key, source, names=names, fields="show" if late else "hide")
    dashboard = Dashboard(steps, fields="hide")
    talk = listen(dashboard)
    talk.say("hello")
    for _ in range(3):
        steps.step()
        dashboard.update()
    with pytest.raises(HandlerError) as raised:
        steps.step()
    said = [str(raised.value), raised.value.__cause__, talk.heard, steps.history.samples]
    assert SECRET not in repr([*said, list(steps.log), dashboard._mimebundle("cell")])
    assert steps.log[0].call == "add({'card': …, 'n': …}, id=…)"
    assert steps.log[0].command == f"XADD {key} 1-0 card '(10 bytes hidden)' n '(10 bytes hidden)'"
    assert "[card, '(10 bytes hidden)', n, '(10 bytes hidden)']" in steps.log[2].reply


HIDDEN = "(10 bytes hidden)"
COMMANDS = ["XADD k NOMKSTREAM MAXLEN ~ 5 LIMIT 100 DELREF *", "XADD k MAXLEN = 5 IDMP p 7 5-*"]


@pytest.mark.parametrize("start", COMMANDS)
def test_of_an_xadd_all_but_the_values_is_shown(start: str) -> None:
    command = [*start.split(), "card", SECRET, "5-5", SECRET]
    assert hide_command(command) == [*start.split(), "card", HIDDEN, "5-5", HIDDEN]


@pytest.mark.parametrize(
    "command",
    [
        ("XADD", "k", "NEWOPTION", "5-0", "5-1", SECRET, "a", SECRET),
        ("XADD", "k", "NEWOPTION", "7", "5-1", SECRET, "a", SECRET, "b", SECRET),
        ("PUBLISH", "k", SECRET),
        ("EVAL", "-- move", 1, "k", SECRET),
        ("XNEW", "k", "5-0", "card", SECRET),
        ("INCRBY", "k", SECRET),
    ],
)
def test_of_what_is_not_known_nothing_is_shown(command: tuple[Any, ...]) -> None:
    assert SECRET not in hide_command(command)
    assert "k" in hide_command(command)
    reply = [SECRET.encode(), {b"a": SECRET.encode()}, 5, [b"1-0", [b"a", SECRET.encode()]], b"OK"]
    if command[0] != "XADD":
        assert SECRET not in repr(hide_reply(command, reply))
    error = redis_py.ResponseError(f"OOM no {SECRET}")
    assert str(hide_reply(command, error)) == "OOM"


def test_of_entries_in_a_reply_the_names_are_shown(server: EmbeddedServer, key: str) -> None:
    for protocol in (2, 3):
        client = server.client(protocol=protocol)
        client.delete(key)
        with CommandLog(client, fields="hide") as log:
            orders = Stream(client, key)
            orders.add(VALUES, "1-0")
            orders.group("g").create("0")
            consumer = orders.group("g").consumer("ann")
            consumer.read(1)
            orders.range()
            orders.group("g").consumer("bob").autoclaim(0)
            orders.full()
        client.close()
        assert SECRET not in repr(log)
        assert SECRET not in log._repr_html_()
        assert len(log) == 6
        for one in log.since(2)[:3]:
            assert "1-0, [card, '(12 bytes hidden)', n, '(10 bytes hidden)', raw, " in one.reply


def test_an_error_of_the_server_repeats_no_arguments(redis: redis_py.Redis, key: str) -> None:
    said = f"ERR unknown command 'XADD', with args beginning with: '{key}' '*' 'card' '{SECRET}' "
    error = Connection(redis).explain(redis_py.ResponseError(said), ("XADD", key))
    assert "unknown command 'XADD'" in str(error)
    assert SECRET not in str(error)


def test_the_command_line_hides_them(
    redis: redis_py.Redis, server: EmbeddedServer, key: str
) -> None:
    redis.xadd(key, {"card": SECRET})
    source = _observe(parser.parse_args(["watch", server.url, key]))
    assert source.context.hides


def test_another_word_is_refused(redis: redis_py.Redis, key: str) -> None:
    with pytest.raises(InputError, match="fields='no': give 'show' or 'hide'"):
        watch(redis, key, fields="no")  # type: ignore[arg-type]
