"""The server's product and version, as INFO reports them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """The product, Redis or Valkey, and its own version, for example ``(8, 2, 3)``."""

    name: str
    number: tuple[int, ...]

    @classmethod
    def parse(cls, info: bytes) -> ServerVersion:
        """Read the version from the server's reply to INFO."""
        lines = info.decode("utf-8", "replace").splitlines()
        return cls.of(dict(line.split(":", 1) for line in lines if ":" in line))

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> ServerVersion:
        """Take the version from the fields of INFO."""
        valkey = fields.get("valkey_version")
        number = re.findall(r"\d+", str(valkey or fields.get("redis_version") or "0"))[:3]
        return cls("Valkey" if valkey else "Redis", tuple(map(int, number)))

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.number))}"

    def has(self, redis_version: tuple[int, ...]) -> bool:
        """Tell whether this server has the features of that Redis version.

        Valkey forked from Redis 7.2.4, so it has none of the features that Redis added later.
        """
        compatible = self.number if self.name == "Redis" else min(self.number, (7, 2, 4))
        return compatible >= redis_version
