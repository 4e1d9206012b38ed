"""Which commands the server ran while something was done, and which of them write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamviz.client import Connection, as_text

_CONNECTING = ("client", "hello", "auth", "info")  # of the connection, and of this count


class CommandsSent:
    """The commands that the server ran in the `with` blocks of this object (INFO commandstats).

    Other clients' commands count, too. In words, it is their names, and how many of them write.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.names: set[str] = set()
        self._before: Mapping[str, int] = {}

    def __enter__(self) -> None:
        self._before = self._calls()

    def __exit__(self, *_: object) -> None:
        self.names |= {
            name for name, calls in self._calls().items() if calls > self._before.get(name, 0)
        }

    def __repr__(self) -> str:
        names = sorted(self.names)
        found = Connection(self.client).call("COMMAND", "LIST", "FILTERBY", "ACLCAT", "write")
        writes = set(map(as_text, found)) & {name.partition("|")[0] for name in names}
        return f"{', '.join(names)}; {len(writes)} of these write"

    def _calls(self) -> dict[str, int]:
        stats = self.client.info("commandstats")
        calls = {key.removeprefix("cmdstat_"): one["calls"] for key, one in stats.items()}
        return {name: n for name, n in calls.items() if name.partition("|")[0] not in _CONNECTING}
