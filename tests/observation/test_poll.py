"""A poll's commands and the reading of its replies, without a server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import redis as redis_py

from streamviz.client.entry_id import EntryId
from streamviz.client.replies import as_dict
from streamviz.errors import CommandRefused, NoSuchGroup, ServerAuthError, StreamVizError
from streamviz.observation.counting import Lookahead
from streamviz.observation.idle_groups import GroupReplies
from streamviz.observation.observer import Observer
from streamviz.observation.pages import Page
from streamviz.observation.poll import Poll
from streamviz.observation.reply_checks import LastReplies

FIRST = Poll(
    key="s",
    after=None,
    pages=(),
    cursors={},
    idle={},
    readers=None,
    memory=False,
    max_entries=200,
    max_pending=50,
    count_up_to=1,
)
WITH_ALL = replace(
    FIRST,
    after=EntryId(5),
    pages=(Page(EntryId(7), 2, back=True),),
    memory=True,
    readers="s:readers",
    cursors={"g": EntryId(3)},
)


def replies(redis: redis_py.Redis, key: str, poll: Poll) -> list[Any]:
    """Return what the server replies to a poll, as bytes."""
    results = []
    for command in replace(poll, key=key).commands():
        connection = redis.connection_pool.get_connection()
        try:
            connection.send_command(*command)
            results.append(connection.read_response(disable_decoding=True))
        finally:
            redis.connection_pool.release(connection)
    return results


@pytest.fixture
def results(redis: redis_py.Redis, key: str) -> list[Any]:
    """Return the replies about a stream of nine entries with one group and one reader."""
    for ms in range(1, 10):
        redis.xadd(key, {"n": ms}, f"{ms}-0")
    redis.xgroup_create(key, "g", "0")
    redis.xreadgroup("g", "ann", {key: ">"}, count=3)
    readers = f"{key}:readers"
    redis.hset(readers, "zoe", "4-0")
    return replies(redis, key, replace(WITH_ALL, readers=readers))


def test_the_first_poll_asks_about_the_stream_alone() -> None:
    assert [command[:2] for command in FIRST.commands()] == [
        ("XINFO", "STREAM"),
        ("XINFO", "GROUPS"),
        ("XREVRANGE", "s"),
    ]


def test_about_an_idle_group_only_the_consumers_are_asked() -> None:
    idle = GroupReplies((), (), Lookahead(EntryId(3), [], complete=True))
    names = [command[0] for command in WITH_ALL.commands()]
    assert names[-3:] == ["XINFO", "XPENDING", "XRANGE"]
    assert [one[0] for one in replace(WITH_ALL, idle={"g": idle}).commands()] == names[:-2]


def test_replies_are_read_in_the_order_of_the_commands(results: list[Any]) -> None:
    poll = WITH_ALL.read(results, LastReplies(hides=False))
    assert (poll.stream.length, [group.name for group in poll.groups]) == (9, ["g"])
    assert [entry.id.ms for entry in poll.new] == [6, 7, 8, 9]
    assert poll.new_ids.ids == [b"6-0", b"7-0", b"8-0", b"9-0"]
    (page,) = poll.pages
    assert (page.ids, page.after, page.end) == ([b"6-0", b"7-0"], EntryId(6).previous(), EntryId(7))
    assert poll.memory_bytes is not None
    assert poll.memory_bytes > 0
    assert poll.positions == {"zoe": EntryId(4)}
    group = poll.by_group["g"]
    assert [one.name for one in group.consumers] == ["ann"]
    assert [one.id.ms for one in group.oldest] == [1, 2, 3]
    assert group.lookahead == Lookahead(EntryId(3), [b"4-0", b"5-0"], complete=False)


@pytest.mark.parametrize("which", [-3, -2, -1])
def test_a_group_that_was_destroyed_meanwhile_is_left_out(results: list[Any], which: int) -> None:
    results[which] = NoSuchGroup("NOGROUP")
    assert WITH_ALL.read(results, LastReplies(hides=False)).by_group == {}


@pytest.mark.parametrize("which", range(6))
def test_an_error_about_the_stream_is_raised(results: list[Any], which: int) -> None:
    results[which] = CommandRefused("WRONGTYPE", "s")
    with pytest.raises(CommandRefused):
        WITH_ALL.read(results, LastReplies(hides=False))


@pytest.mark.parametrize("error", [ServerAuthError("NOPERM"), CommandRefused("unknown command")])
def test_what_is_refused_of_a_group_is_raised(results: list[Any], error: StreamVizError) -> None:
    results[-1] = error
    with pytest.raises(type(error)):
        WITH_ALL.read(results, LastReplies(hides=False))


@pytest.mark.parametrize("column", [2, 3])
@pytest.mark.parametrize("number", [b"5", None, True, 1.5, []])
def test_a_pending_entry_with_something_else_in_the_place_of_a_number_is_refused(
    results: list[Any], column: int, number: object
) -> None:
    results[-2][0][column] = number
    with pytest.raises(TypeError, match="in the place of a number"):
        WITH_ALL.read(results, LastReplies(hides=False))


def test_a_number_of_something_is_not_negative(results: list[Any]) -> None:
    stream, groups, pending = results[0], results[1], results[-2]
    wrong = [
        (0, as_dict(stream) | {b"radix-tree-keys": -1}),
        (1, [as_dict(groups[0]) | {b"pending": -1}]),
        (len(results) - 2, [[*pending[0][:3], -1], *pending[1:]]),
    ]
    for at, reply in wrong:
        with pytest.raises(ValueError, match="less than nothing"):
            WITH_ALL.read([*results[:at], reply, *results[at + 1 :]], LastReplies(hides=False))


@pytest.mark.parametrize("number", [True, 1.5])
def test_how_long_a_consumer_received_nothing_is_an_integer(
    results: list[Any], number: object
) -> None:
    results[-3] = [as_dict(results[-3][0]) | {b"inactive": number}]
    with pytest.raises(TypeError, match="in the place of a number"):
        WITH_ALL.read(results, LastReplies(hides=False))


def test_deliveries_that_redis_writes_as_a_negative_number_are_counted(
    redis: redis_py.Redis, key: str, results: list[Any]
) -> None:
    redis.execute_command("XCLAIM", key, "g", "ann", 0, "2-0", "RETRYCOUNT", 2**63 - 1)
    redis.execute_command("XCLAIM", key, "g", "ann", 0, "2-0")
    results[-2] = replies(redis, key, replace(WITH_ALL, readers=f"{key}:readers"))[-2]
    assert results[-2][1][3] == -(2**63)
    poll = WITH_ALL.read(results, LastReplies(hides=False))
    assert [one.deliveries for one in poll.by_group["g"].oldest] == [1, 2**63, 1]


def test_a_counter_that_xsetid_made_too_large_spoils_no_sample(
    redis: redis_py.Redis, key: str
) -> None:
    last = redis.xadd(key, {"n": 1})
    redis.execute_command("XSETID", key, last, "ENTRIESADDED", 2**63 - 1, "MAXDELETEDID", "0-0")
    observer = Observer(redis, key)
    observer.sample()
    redis.xadd(key, {"n": 2})
    assert redis.xinfo_stream(key)["entries-added"] == -(2**63)
    assert [observer.sample().length for _ in range(3)] == [2, 2, 2]
    assert Observer(redis, key).sample().length == 2
