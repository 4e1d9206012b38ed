"""ServerVersion: which features a product and its version have."""

from __future__ import annotations

import pytest

from streamviz.client.server_version import ServerVersion


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        (ServerVersion("Redis", (8, 2, 3)), (8, 2), (8, 4)),
        (ServerVersion("Redis", (7, 0, 15)), (7, 0), (7, 2)),
        (ServerVersion("Valkey", (9, 1, 2)), (7, 2), (7, 4)),
        (ServerVersion("Redis", (10, 0)), (8, 10), (10, 1)),
    ],
)
def test_a_version_has_the_features_of_earlier_versions(
    version: ServerVersion, has: tuple[int, ...], lacks: tuple[int, ...]
) -> None:
    assert version.has(has)
    assert not version.has(lacks)
