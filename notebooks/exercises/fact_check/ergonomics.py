"""Claims about ergonomics: commands, replies, positions, lines of code."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import redis

from exercises.fact_check.claims import Finding, judged
from exercises.fact_check.processes import again, fresh
from exercises.levels import depth
from go_game import game_store, judge
from go_game.variants.benchmark import lines_of_code, with_transactions
from go_game.variants.runner import STYLES, source
from streamviz.client import Connection, Stream
from streamviz.errors import CommandRefused

Job = Callable[[redis.Redis, str], dict[str, int]]
_PRICES = (("ada", "5"), ("ben", "3"), ("ada", "4"), ("vic", "2"), ("ben", "1"))


def are_server_commands(client: redis.Redis, *, category: str = "stream") -> Finding:
    """Check that Redis Streams are commands of the server, not a library.

    Parameters
    ----------
    client : redis.Redis
        The server.
    category : str
        The category of commands to count.
    """
    names = Connection(client).call("COMMAND", "LIST", "FILTERBY", "ACLCAT", category)
    reply = typed_in(client, f"XADD {fresh(client, 'plain').key} 1-0 word hello")
    return judged(
        "Redis Streams are not a library: they consist of the server's own commands.",
        "the server lists its stream commands, and receives one as plain text",
        f"{'20 or more' if len(names) >= 20 else len(names)} commands, and the answer is {reply}",
        holds=len(names) >= 20 and reply == "1-0",
        limits="we did not test that Kafka Streams is a library on top of a broker, as its "
        "developers say. Its counterpart in Python, Quix Streams, is a library: in notebook 11 it "
        "ran on a broker that knows nothing about it",
        said="It is a set of commands exposed by the server, not a separate lib",
    )


def typed_in(client: redis.Redis, line: str) -> str:
    """Return the reply to a line that is sent unchanged, as if typed into a terminal."""
    pool: Any = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_packed_command([f"{line}\r\n".encode()])
        reply: Any = connection.read_response(disable_decoding=True)
        return reply.decode() if isinstance(reply, bytes) else repr(reply)
    finally:
        pool.release(connection)


def came_with_five(client: redis.Redis, *, command: str = "XADD") -> Finding:
    """Check that streams came with Redis 5.0.

    Parameters
    ----------
    client : redis.Redis
        The server.
    command : str
        The command to ask about.
    """
    since, later = _since(client, command), _since(client, "XAUTOCLAIM")
    return judged(
        "Streams came with Redis 5.0.",
        f"the server is asked which version introduced {command}",
        f"since {since}",
        holds=since.startswith("5.0"),
        limits=f"not all commands: XAUTOCLAIM came with {later}, and others came later",
        said="Redis Streams was released as part of Redis 5.0",
    )


def replies_are_nested(client: redis.Redis, *, command: tuple[str, ...] = ()) -> Finding:
    """Check that the replies are deeply nested.

    Parameters
    ----------
    client : redis.Redis
        The server.
    command : tuple of str
        The command; by default, XREAD of one entry.
    """
    tea = fresh(client, "tea")
    tea.add({"cup": "oolong"}, id="1-0")
    words = command or ("XREAD", "STREAMS", tea.key, "0")
    raw = {version: _reply(client, version, words) for version in (2, 3)}
    return judged(
        "A reply consists of nested lists, many levels deep.",
        f"count the nested lists and maps in the raw reply to {words[0]!s}",
        f"{depth(raw[2])} deep in RESP2, {depth(raw[3])} in RESP3",
        holds=depth(raw[2]) > 3,
        limits=f"a client can hide this: the typed reply is {depth(tea.read('0'))} deep",
        said="The data types exposed by Redis Streams are somewhat deeply nested",
    )


def position_is_a_burden(client: redis.Redis, *, remembers: bool = False) -> Finding:
    """Check that keeping track of your position is a burden.

    Parameters
    ----------
    client : redis.Redis
        The server.
    remembers : bool
        Whether the plain reader has saved its position.
    """
    cars = fresh(client, "cars")
    group = cars.group("camera")
    group.create("0", mkstream=True)
    cars.add_many((f"{n}-0", {"car": n}) for n in range(1, 5))
    seen = [entry.id for entry in cars.read("0")]
    group.ack(*(entry.id for entry in group.consumer("one").read()))
    cars.add_many((f"{n}-0", {"car": n}) for n in range(5, 8))  # while both are away
    plain = [entry.id for entry in cars.read(seen[-1] if remembers else "0")]
    from_now = cars.read("$")
    grouped = group.consumer("one").read()
    doubled, lost = len(set(plain) & set(seen)), 0 if remembers else 3 - len(from_now)
    return judged(
        "Keeping track of your position in a stream is a burden.",
        "a reader has read 4 entries and restarts, and 3 arrive in the meantime",
        f"a plain reader repeats {doubled} from `0`, or loses {lost} from `$`",
        holds=doubled + lost > 0,
        only_within=True,
        limits=f"a group keeps the position: its consumer gets {len(grouped)} of 3, none twice"
        if [entry.id.ms for entry in grouped] == [5, 6, 7]
        else "",
        said="Tracking your position in the stream can get a bit unwieldy",
    )


def level_is_low(client: redis.Redis, *, low: Job | None = None) -> Finding:
    """Check that the API is low-level, by the number of lines that a job takes.

    Parameters
    ----------
    client : redis.Redis
        The server.
    low : callable, optional
        A replacement for `by_commands`.

    Returns
    -------
    Finding
        The claim does not hold, either, if one of the two does the job wrong.
    """
    jobs = {"commands": low or by_commands, "typed": by_typed_calls}
    long, short = (lines_of(job) for job in jobs.values())
    done = [job(client, _till(client)) for job in jobs.values()]
    right = done == [{"ada": 9, "ben": 4, "vic": 2}] * 2
    return judged(
        "The API is low-level, and a higher-level one would take less code.",
        "add up each customer's payments, including a dead consumer's, in two styles",
        f"{long} lines with commands, {short} typed, {long / short:.1f} times as many",
        holds=right and long >= 1.5 * short,
        limits="the library sets the level, not the server",
        said="Redis Streams is quite low-level",
    )


def declarative_is_shorter(
    client: redis.Redis, *, sources: Mapping[str, str] | None = None
) -> Finding:
    """Check that a declarative style is shorter, where both keep the same promise.

    With several workers, notebook 09's judge keeps the order of each game, and so would the style
    of Kafka Streams. The judges in other styles are for one worker.

    Parameters
    ----------
    client : redis.Redis
        Not used.
    sources : mapping of str to str, optional
        Programs by style, instead of those of `go_game.variants.runner`, and ``many`` for that of
        notebook 09.
    """
    programs = {style: source(style) for style in STYLES} | dict(sources or {})
    lines = {"many": _lines_of_many()}
    lines |= {name: lines_of_code(text) for name, text in programs.items()}
    whole = lines_of_code(with_transactions(programs["quix"]))
    return judged(
        "A declarative style takes fewer lines than the commands.",
        "lines of two judges made to keep each game's order with several workers, without blank "
        "lines and comments",
        f"{whole} lines with Quix Streams on a broker with transactions, {lines['many']} for "
        "notebook 09's judge and its store of games, without its loop and its Lua scripts",
        holds=whole < lines["many"],
        only_within=True,
        limits=f"for one worker, commands take {lines['plain']} lines, typed calls "
        f"{lines['typed']}, and FastStream {lines['declarative']}. The {whole} lines were counted "
        f"and not run: on our broker, which does not isolate transactions, Quix's judge takes "
        f"{lines['quix']}. Kafka Streams itself did not run here",
        said="we could just focus on the logic required by our game system, and didn't have to "
        "write quite as much boilerplate",
    )


def _lines_of_many() -> int:
    """Count the lines of notebook 09's judge, which works beside others, and of its store.

    The other judges have their store in the same module. The loop (`go_game.worker_loop`) and the
    scripts are shared with the lobby, and are left out.
    """
    return sum(lines_of_code(inspect.getsource(module)) for module in (judge, game_store))


def by_commands(client: redis.Redis, key: str) -> dict[str, int]:
    """Add up each customer's payments, with commands as strings and raw replies."""
    connection, totals = Connection(client), dict[str, int]()
    try:
        connection.call("XGROUP", "CREATE", key, "sum", "0", "MKSTREAM")
    except CommandRefused as refused:
        if "BUSYGROUP" not in str(refused):
            raise
    _, pairs, _ = connection.call("XAUTOCLAIM", key, "sum", "me", 0, "0-0")
    reply = connection.call("XREADGROUP", "GROUP", "sum", "me", "STREAMS", key, ">")
    if isinstance(reply, dict):
        reply = reply.items()
    for _, entries in reply or ():
        pairs += entries
    for entry_id, flat in pairs:
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        customer = fields[b"customer"].decode()
        totals[customer] = totals.get(customer, 0) + int(fields[b"price"])
        connection.call("XACK", key, "sum", entry_id)
    return totals


def by_typed_calls(client: redis.Redis, key: str) -> dict[str, int]:
    """Add up each customer's payments, with the typed API."""
    group, totals = Stream(client, key).group("sum"), Counter[str]()
    group.create("0", mkstream=True, exist_ok=True)
    me = group.consumer("me")
    for entry in [*me.autoclaim(min_idle_ms=0).entries, *me.read()]:
        totals[entry.fields["customer"]] += int(entry.fields["price"])
        group.ack(entry.id)
    return dict(totals)


def lines_of(job: Callable[..., Any]) -> int:
    """Count a function's lines of code, without blank lines, comments and docstring."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(job)))
    function: Any = tree.body[0]
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    function.body = body or [ast.Pass()]
    return len(ast.unparse(tree).splitlines())


def _till(client: redis.Redis) -> str:
    """Return the key of a stream with five payments, two of them pending for a dead consumer."""
    till = fresh(client, "till")
    for n, (customer, price) in enumerate(_PRICES, 1):
        till.add({"customer": customer, "price": price}, id=f"{n}-0")
    till.group("sum").create("0")
    till.group("sum").consumer("dead").read(2)
    return till.key


def _reply(client: redis.Redis, protocol: int, command: tuple[str, ...]) -> Any:
    other = again(client, protocol=protocol)
    try:
        return Connection(other).call(*command)
    finally:
        other.close()


def _since(client: redis.Redis, command: str) -> str:
    docs: Any = Connection(client).call("COMMAND", "DOCS", command)
    _, doc = next(iter(docs.items())) if isinstance(docs, dict) else docs[:2]
    pairs = doc if isinstance(doc, dict) else dict(zip(doc[::2], doc[1::2], strict=True))
    return str(pairs[b"since"].decode())
