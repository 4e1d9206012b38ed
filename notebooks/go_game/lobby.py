"""The lobby that seats players: run any number of lobbies at once, and kill each at any moment.

All players share one queue, and each request depends on all earlier ones. So every lobby reads all
requests in the order of time, from the lobbies' common progress on. It decides a batch of them, and
writes the results together with the new progress in one script, if no other lobby was faster. A
lobby that was too late starts again with the next requests. No entry is pending for a lobby, so a
dead lobby leaves nothing to recover.

The group ``lobby`` of each topic has no consumers. The script also moves its cursor, to show how
far the lobby has read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, cast

import redis

from go_game import lua, messages, worker_loop
from go_game.keys import Keys
from go_game.lobby_rules import Refused, Request
from go_game.lobby_store import GROUP, REQUEST_TOPICS, LobbyStore, Progress
from go_game.messages import Message, Topic
from go_game.rules import STANDARD, Rules
from go_game.validation import BadMessage
from streamviz.client import Command, Entry, EntryId, Stream, read_streams


class Lobby:
    """One of the lobbies on a Redis.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        The start of all keys; see `go_game`.
    rules : Rules
        The rules of new games.
    batch : int
        The largest number of requests to read at a time from each topic.

    Examples
    --------
    >>> from streamviz import connect
    >>> lobby = Lobby(connect(), "doctest:go:")
    >>> lobby.prepare()
    >>> lobby.step()
    0
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str = "go:",
        *,
        rules: Rules = STANDARD,
        batch: int = 100,
    ) -> None:
        self.client = client
        self.keys = Keys(prefix)
        self.rules = rules
        self.batch = batch
        self.store = LobbyStore(client, self.keys)
        self._progress: Progress | None = None
        self._topic_of = {self.keys.stream(topic): topic for topic in REQUEST_TOPICS}

    def prepare(self) -> None:
        """Create the groups that do not exist (XGROUP CREATE)."""
        for key in self._topic_of:
            group = Stream(self.client, key).group(GROUP)
            group.create("0", mkstream=True, exist_ok=True)
        self._progress = None

    def step(self, block_ms: int | None = None) -> int:
        """Decide a batch of requests, and return the number of requests decided.

        Parameters
        ----------
        block_ms : int, optional
            Wait this long for the first request, in milliseconds.

        Returns
        -------
        int
            Also 0 if another lobby was faster.

        Raises
        ------
        ServerError, StreamError
            If a command failed: then nothing was decided.
        """
        progress, self._progress = self._progress or self.store.progress(), None
        after = {key: progress.after[topic] for key, topic in self._topic_of.items()}
        entries = read_streams(self.client, after, count=self.batch, block_ms=block_ms)
        if not entries:
            self._progress = progress
            return 0
        batch = self._ordered(entries)
        self._progress = self._decide(batch, progress)
        return len(batch) if self._progress else 0

    def close(self) -> None:
        """Do nothing: a lobby has no pending entries."""

    def _ordered(self, entries: Sequence[tuple[str, Entry]]) -> list[tuple[Topic, Entry]]:
        """Return entries in order, but none later than an entry that a full page left unread.

        Sequence numbers of two streams can't be compared: within a millisecond, disconnections
        come last.
        """
        pages: dict[str, list[EntryId]] = {}
        for key, entry in entries:
            pages.setdefault(key, []).append(entry.id)
        full = [ids[-1] for ids in pages.values() if len(ids) == self.batch]
        last = min(full) if full else entries[-1][1].id
        batch = [(self._topic_of[key], entry) for key, entry in entries if entry.id <= last]
        return sorted(
            batch, key=lambda item: (item[1].id.ms, REQUEST_TOPICS.index(item[0]), item[1].id.seq)
        )

    def _decide(
        self, entries: Sequence[tuple[Topic, Entry]], progress: Progress
    ) -> Progress | None:
        batch = [(topic, entry, _request(topic, entry)) for topic, entry in entries]
        requests = [request for _, _, request in batch if not isinstance(request, BadMessage)]
        before = self.store.fetch(requests)
        after = before.copy(self.rules)
        commands: list[Command] = []
        for topic, entry, request in batch:
            try:
                if isinstance(request, BadMessage):
                    raise request
                commands += map(self._add, after.handle(request, entry.id))
            except (BadMessage, Refused) as error:
                letter = lua.letter_fields(self.keys.stream(topic), GROUP, GROUP, entry, error)
                commands.append(["XADD", self.keys.dead_letters(topic), "*", *letter])
        return self.store.commit(progress, progress.advance(entries), before, after, commands)

    def _add(self, message: Message) -> Command:
        key = self.keys.stream(messages.topic_of(message))
        return ["XADD", key, "*", messages.FIELD, messages.encode(message)]


def _request(topic: Topic, entry: Entry) -> Request | BadMessage:
    try:
        request: Any = messages.decode(topic, entry.fields)
    except BadMessage as error:
        return error
    return cast(Request, request)


def main() -> int:
    """Run a lobby from the command line; see `go_game.worker_loop.main`."""
    return worker_loop.main(
        "lobby",
        lambda client, args: Lobby(
            client, args.prefix, rules=Rules.named(args.rules), batch=args.batch
        ),
        _add_options,
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rules", choices=("standard", "bugout"), default="standard")
    parser.add_argument("--batch", type=int, default=100)


if __name__ == "__main__":
    raise SystemExit(main())
