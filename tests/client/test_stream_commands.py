"""The table of stream commands: all that the course meets are in it, and each row is true."""

from __future__ import annotations

import pytest
import redis as redis_py
from course_map.commands import ROWS

from streamviz.client.connection import Connection
from streamviz.client.stream_commands import COMMANDS, StreamCommand, facts, key_of, keys_of

NAMES = sorted({row.command.split()[0] for row in ROWS})


def test_every_stream_command_has_a_row_and_a_new_one_is_taken_for_one_that_changes_all() -> None:
    assert len(NAMES) > 15
    assert {*NAMES} == {name for name in COMMANDS if name.startswith("X")}
    assert facts(["XBREW", "tea"]) == StreamCommand("stream", "unknown")
    assert facts([b"get", "tea"]) == StreamCommand("nothing", "unknown")
    assert facts(["xlen", "tea"]) is COMMANDS["XLEN"]


@pytest.mark.parametrize("name", NAMES)
def test_a_row_agrees_with_what_the_server_says_of_its_command(
    redis: redis_py.Redis, name: str
) -> None:
    (info,) = Connection(redis).call("COMMAND", "INFO", name)
    if not info:
        pytest.skip(f"this server has no {name}")
    _, _, flags, first_key, *_ = info
    if first_key:  # XGROUP and XINFO say it of their subcommands
        assert COMMANDS[name].key_at == first_key
        assert (COMMANDS[name].changes != "nothing") == (b"write" in flags)


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (("XADD", "a", "*", "n", 1), ["a"]),
        (("XINFO", "STREAM", b"a"), ["a"]),
        (("XGROUP", "CREATE", "a", "g", "$"), ["a"]),
        (("XREADGROUP", "GROUP", "g", "c", "STREAMS", "a", "b", ">", ">"), ["a", "b"]),
        (("EVAL", "return 1", 2, "a", "b", "c"), ["a", "b"]),
        (("XREAD", "COUNT", 1), ["COUNT"]),
        (("PING",), []),
    ],
    ids=str,
)
def test_the_keys_of_a_command(command: tuple[str | bytes | int, ...], keys: list[str]) -> None:
    assert keys_of(command) == keys
    assert key_of(command) == (keys[0] if keys else "")
