"""For `pytest --nbval`: what a notebook says of the server is compared on the one it was saved on.

Such a cell asks `can`, the server's capabilities, or `server_name`. On another server it must still
run.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from streamviz import connect

_ASKS = re.compile(r"\b(can|server_name)\b")
_SAVED_ON = re.compile(r"this server is Redis (\d+\.\d+)\.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the outputs of cells that ask for the server uncompared on another version."""
    cells: list[Any] = [item for item in items if hasattr(item, "cell")]
    asking = [item for item in cells if _ASKS.search(item.cell.source)]
    saved_on = {
        path: _SAVED_ON.search(path.read_text("utf-8")) for path in {i.path for i in asking}
    }
    if not any(saved_on.values()):
        return
    client = connect()
    version = client.info("server")["redis_version"]
    client.close()
    for item in asking:
        found = saved_on[item.path]
        if found is not None and not version.startswith(f"{found[1]}."):
            item.options["check"] = False
