"""The lobby that seats players: many may work at once, and each may die at any moment.

There is one queue of people, and each wish depends on all that came before. So every lobby reads
all wishes, in the order of time, from where the lobbies got to; decides on a batch of them; and
writes what follows together with how far it got: one script, and only if no other lobby was
quicker. Who was not begins again with the next wishes. Nothing is handed out, so nothing is ever
to be taken back from a lobby that died.

The group ``lobby`` of each stream has no consumers. Its cursor is moved in the same step, so that
whoever looks at the stream sees how far behind the lobby is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import redis

from go_game import lua, messages, worker_loop
from go_game.keys import Keys
from go_game.lobby_rules import Refused, Wish
from go_game.lobby_store import GROUP, WISHES, Houses, Place
from go_game.messages import Message, Stream
from go_game.rules import STANDARD, Rules
from go_game.validation import BadMessage
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.read import read_streams
from streamviz.client.resp import Command
from streamviz.client.stream import Stream as RedisStream


class Lobby:
    """One of the lobbies at a Redis.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        What all keys begin with; see `go_game`.
    rules : Rules
        What new games are played by.
    batch : int
        Wishes that it takes at most at a time from each stream.

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
        self.houses = Houses(client, self.keys)
        self._place: Place | None = None
        self._stream_of = {self.keys.stream(one): one for one in WISHES}

    def prepare(self) -> None:
        """Make the groups, where there are none (XGROUP CREATE)."""
        for key in self._stream_of:
            group = RedisStream(self.client, key).group(GROUP)
            group.create("0", mkstream=True, exist_ok=True)
        self._place = None

    def step(self, block_ms: int | None = None) -> int:
        """Decide on a batch of wishes, and return how many they were.

        Parameters
        ----------
        block_ms : int, optional
            Wait so long for the first one, in milliseconds.

        Returns
        -------
        int
            0 also if another lobby was quicker.

        Raises
        ------
        ServerError, StreamError
            If the server did not do what it was asked for: then nothing was decided.
        """
        place, self._place = self._place or self.houses.place(), None
        after = {key: place.after[stream] for key, stream in self._stream_of.items()}
        found = read_streams(self.client, after, count=self.batch, block_ms=block_ms)
        if not found:
            self._place = place
            return 0
        wishes = self._in_reach(found)
        self._place = self._decide(wishes, place)
        return len(wishes) if self._place else 0

    def close(self) -> None:
        """Do nothing: a lobby holds nothing."""

    def _in_reach(self, found: Sequence[tuple[str, Entry]]) -> list[tuple[Stream, Entry]]:
        """Keep what is older than anything that a full page may have left unread, in order.

        Sequence numbers of two streams say nothing about which was first: within a millisecond,
        who goes away goes last.
        """
        pages: dict[str, list[EntryId]] = {}
        for key, entry in found:
            pages.setdefault(key, []).append(entry.id)
        full = [ids[-1] for ids in pages.values() if len(ids) == self.batch]
        reach = min(full) if full else found[-1][1].id
        near = [(self._stream_of[key], entry) for key, entry in found if entry.id <= reach]
        return sorted(near, key=lambda one: (one[1].id.ms, WISHES.index(one[0]), one[1].id.seq))

    def _decide(self, entries: Sequence[tuple[Stream, Entry]], place: Place) -> Place | None:
        read = [(stream, entry, _wish(stream, entry)) for stream, entry in entries]
        asked = [wish for _, _, wish in read if not isinstance(wish, BadMessage)]
        before = self.houses.fetch(asked)
        house = before.copy(self.rules)
        said: list[Command] = []
        for stream, entry, wish in read:
            try:
                if isinstance(wish, BadMessage):
                    raise wish
                said += map(self._say, house.handle(wish, entry.id))
            except (BadMessage, Refused) as error:
                letter = lua.letter(self.keys.stream(stream), GROUP, GROUP, entry, error)
                said.append(["XADD", self.keys.dead(stream), "*", *letter])
        return self.houses.commit(place, place.after_all(entries), before, house, said)

    def _say(self, message: Message) -> Command:
        key = self.keys.stream(messages.stream_of(message))
        return ["XADD", key, "*", messages.FIELD, messages.encode(message)]


def _wish(stream: Stream, entry: Entry) -> Wish | BadMessage:
    try:
        wish: Any = messages.decode(stream, entry.fields)
    except BadMessage as error:
        return error
    return cast(Wish, wish)


def main() -> int:
    """Run a lobby from the command line; see `go_game.worker_loop.main`."""
    return worker_loop.main(
        "lobby",
        lambda client, given: Lobby(client, given.prefix, rules=Rules.named(given.rules)),
        lambda parser: parser.add_argument(
            "--rules", choices=("standard", "bugout"), default="standard"
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())
