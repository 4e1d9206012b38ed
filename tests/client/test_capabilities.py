"""Capabilities: the server says what it supports, and everyone can read the display."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import redis as redis_py

from streamviz import Stream
from streamviz.client import badges
from streamviz.client.capabilities import FEATURES, Capabilities, Capability, Feature, capabilities
from streamviz.client.server_version import ServerVersion
from streamviz.client.stream import read_streams
from streamviz.errors import InputError, ServerUnreachable, UnsupportedCommand
from streamviz.server.embedded import EmbeddedServer

Do = Callable[[Stream], object]


@pytest.fixture
def stream(redis: redis_py.Redis, key: str) -> Stream:
    stream = Stream(redis, key)
    stream.add({"f": 1}, "1-0")
    stream.group("g").create("0", entries_read=0)
    return stream


DO: dict[str, Do] = {
    "XAUTOCLAIM": lambda s: s.group("g").consumer("c").autoclaim(0),
    "NOMKSTREAM": lambda s: s.add({"f": 1}, create=False),
    "MINID": lambda s: s.trim(minid="1"),
    "(": lambda s: s.range("(0-1"),
    "<ms>-*": lambda s: s.add({"f": 1}, "9-*"),
    "XREAD +": lambda s: s.read("+"),
    "XDELEX": lambda s: s.delete_ex("7-7"),
    "XACKDEL": lambda s: s.group("g").ack_delete("7-7"),
    "ACKED": lambda s: s.trim(maxlen=9, refs="ACKED"),
    "CLAIM": lambda s: s.group("g").consumer("c").read(claim_idle_ms=9),
    "IDMP": lambda s: s.add({"f": 1}, idmp=("me", "1")),
    "IDMPAUTO": lambda s: s.add({"f": 1}, idmp_auto="me"),
    "XCFGSET": lambda s: s.configure(idmp_maxsize=9),
    "XNACK": lambda s: s.group("g").nack("1-0"),
    "MAXCOUNT": lambda s: read_streams(s.client, {s.key: "0"}, max_count=1),
    "MAXSIZE": lambda s: read_streams(s.client, {s.key: "0"}, max_bytes=1),
}
SHOWS: dict[str, Do] = {
    "lag": lambda s: s.group("g").info().lag,
    "ENTRIESREAD": lambda s: s.group("g").info().lag,
    "inactive": lambda s: s.group("g").consumers()[0].inactive_ms,
}


def test_every_feature_is_tried_below() -> None:
    names = [feature.name for feature in FEATURES]
    assert sorted(names) == sorted([*DO, *SHOWS])
    assert [feature.since for feature in FEATURES] == sorted(f.since for f in FEATURES)


@pytest.mark.parametrize("name", DO)
def test_a_badge_is_right(stream: Stream, name: str) -> None:
    if capabilities(stream.client).has(name):
        DO[name](stream)
    else:
        with pytest.raises(UnsupportedCommand):
            DO[name](stream)


@pytest.mark.parametrize("name", SHOWS)
def test_a_badge_for_a_number_is_right(stream: Stream, name: str) -> None:
    stream.group("g").consumer("c").read(1)
    assert capabilities(stream.client).has(name) == (SHOWS[name](stream) is not None)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [True, False])
def test_every_client_sees_the_same_and_nothing_is_written(
    server: EmbeddedServer, redis: redis_py.Redis, protocol: int, decode: bool
) -> None:
    keys = redis.dbsize()
    client = server.client(protocol=protocol, decode_responses=decode)
    can = capabilities(client)
    client.close()
    assert can.capabilities == capabilities(redis).capabilities
    assert {one.source for one in can.capabilities} == {"documented", "tried"}
    assert redis.dbsize() == keys


def test_redis_supports_the_features_of_its_version(redis: redis_py.Redis) -> None:
    can = capabilities(redis)
    if can.server.name == "Redis":
        assert [one.supported for one in can.capabilities] == [
            can.server.has(f.since) for f in FEATURES
        ]
    else:
        assert can.has("lag")
        assert not can.has("XNACK")


def test_the_version_decides_if_the_user_may_not_ask(
    server: EmbeddedServer, redis: redis_py.Redis
) -> None:
    redis.execute_command("ACL", "SETUSER", "shy", "on", ">pw", "+info", "+ping", "+hello")
    shy = server.client(username="shy", password="pw")
    try:
        can = capabilities(shy)
    finally:
        shy.close()
        redis.execute_command("ACL", "DELUSER", "shy")
    assert {one.source for one in can.capabilities} == {"by version"}
    assert [one.supported for one in can.capabilities] == [
        can.server.has(f.since) for f in FEATURES
    ]


def test_a_stopped_server_is_unreachable() -> None:
    server = EmbeddedServer()
    client = server.client()
    server.stop()
    with pytest.raises(ServerUnreachable):
        capabilities(client)


@pytest.fixture
def can() -> Capabilities:
    """Return capabilities whose names need escaping."""
    found = [
        Capability(Feature("<ms>-*", (7, 0), "a & b", "xadd"), True, "documented"),
        Capability(Feature("XNACK", (8, 10), "give back", "xnack"), False, "by version"),
    ]
    return Capabilities(ServerVersion("Redis", (8, 2, 3)), tuple(found))


def test_the_repr_is_a_table(can: Capabilities) -> None:
    assert repr(can).splitlines() == [
        "Redis 8.2 supports 1 of 2 of these features:",
        "  7.0  yes  <ms>-*       a & b",
        " 8.10  no   XNACK        give back",
    ]


def test_the_html_has_a_table_for_screen_readers(can: Capabilities) -> None:
    page = can._repr_html_()
    table = ElementTree.fromstring(re.search(r"<table.*</table>", page)[0])  # type: ignore[index]
    assert table.findtext("caption") == "Stream features of Redis 8.2"
    assert {head.get("scope") for head in table.findall("thead/tr/th")} == {"col"}
    rows = [["".join(cell.itertext()) for cell in row] for row in table.findall("tbody/tr")]
    assert rows == [
        ["<ms>-*", "7.0", "a & b", "yes", "documented"],
        ["XNACK", "8.10", "give back", "no", "by version"],
    ]
    assert all(row[0].get("scope") == "row" for row in table.findall("tbody/tr"))
    assert 'alt="Redis 8.2 supports 1 of 2 features; it lacks XNACK."' in page


def test_the_badges_differ_by_more_than_colour(can: Capabilities) -> None:
    address = re.search(r'src="data:image/svg\+xml,([^"]+)"', can._repr_html_())
    assert address is not None
    assert not set("#<>") & set(address[1])  # a browser would take the rest for something else
    svg = ElementTree.fromstring(unquote(address[1]))
    space = "{http://www.w3.org/2000/svg}"
    words = [text.text for text in svg.iter(f"{space}text")]
    assert words == [
        *("Stream features of Redis 8.2", "since Redis"),
        *("7.0", "✓ <ms>-*", "a & b", "8.10", "– XNACK", "give back"),
    ]
    assert [rect.get("stroke-dasharray") for rect in svg.iter(f"{space}rect")] == [None, "4 3"]
    assert svg.findtext(f"{space}desc") == "7.0: <ms>-* yes; 8.10: XNACK no"


def test_the_badges_of_all_features_fit_the_image() -> None:
    rows: dict[str, list[tuple[str, bool, str]]] = {}
    for feature in FEATURES:
        row = rows.setdefault(str(feature.since), [])
        row.append((feature.name, True, feature.purpose))
    svg = ElementTree.fromstring(badges.render("all", rows))
    rects = list(svg.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(rects) == len(FEATURES)
    assert max(float(r.get("x", 0)) + float(r.get("width", 0)) for r in rects) < badges._PURPOSE
    longest = max(len(feature.purpose) for feature in FEATURES)
    assert badges._PURPOSE + 6.5 * longest < badges.WIDTH  # at this size, a letter's mean width


def test_what_is_missing_is_said_with_both_versions(can: Capabilities) -> None:
    assert can.missing("XNACK") == "XNACK needs Redis 8.10; this server is Redis 8.2."


@pytest.mark.parametrize("ask", [Capabilities.has, Capabilities.missing])
def test_an_unknown_feature_is_refused_with_the_known_ones(
    can: Capabilities, ask: Callable[[Capabilities, str], object]
) -> None:
    with pytest.raises(InputError, match=r"'XBACK' is not a stream feature.*'<ms>-\*', 'XNACK'"):
        ask(can, "XBACK")
