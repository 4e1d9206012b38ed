"""Every kind of client in turn: RESP2 and RESP3, text and bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as redis_py

from streamviz import Stream
from streamviz.server.embedded import EmbeddedServer

# Input is checked before any client is asked: one will do.
one_client = pytest.mark.parametrize(("protocol", "redis"), [(3, False)], indirect=True)


@pytest.fixture(scope="module", params=[2, 3], ids=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module", params=[True, False], ids=["text", "bytes"])
def redis(
    server: EmbeddedServer, protocol: int, request: pytest.FixtureRequest
) -> Iterator[redis_py.Redis]:
    """Each kind of client, in place of the one that other tests use."""
    client = server.client(protocol=protocol, decode_responses=request.param)
    yield client
    client.close()


@pytest.fixture
def stream(redis: redis_py.Redis, key: str) -> Stream:
    return Stream(redis, key)


@pytest.fixture
def five(stream: Stream) -> Stream:
    for which in ("1-1", "1-2", "2-0", "10-0", "10-7"):
        stream.add({"f": which}, which)
    return stream
