"""The judge of moves: many may work at once, and each may die at any moment.

A judge does not settle the entries it was given; it settles the games that they belong to. What
another judge still holds of the same game and is older, it settles first, on the other's behalf.
So the moves of a game are judged in their order, whoever reads them, and nobody waits for a judge
that is slow or dead. That two settle the same does no harm: one script writes the answers, the
states and the acknowledgements, and it writes them once (see `go_game.game_store`).

A game begins with its first state in ``game-states``: a move that is older is of a game that is
not there, however late it is judged. What is older the IDs tell, which are times of one server;
within a millisecond the state is taken to be the older one. So the order is as good as the server's
clock: if that is set back, by hand or by a failover, moves of games that began just before may be
turned away until it has caught up. A state with an ID of the future tells no time, and turns nobody
away.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence

import redis

from go_game import game_store, lua, messages, worker_loop
from go_game.game_store import Decision, Games, Known
from go_game.keys import Keys
from go_game.messages import MakeMove, MoveMade, MoveRejected, Stream
from go_game.rules import Game, IllegalMove
from go_game.validation import BadMessage
from streamviz.client import replies
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream as RedisStream

UNKNOWN_GAME = "there is no such game"
_PAGE = 1000


class Judge:
    """One judge of the group ``judge``.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        What all keys begin with; see `go_game`.
    name : str, optional
        The consumer's name, which no other judge has; without it, one is made up.
    batch : int
        Moves that it takes at most at a time.
    claim_idle_ms : int
        What another has held for so long without an answer, it takes over. A short time costs
        work done twice, and nothing else.

    Examples
    --------
    >>> from streamviz import connect
    >>> judge = Judge(connect(), "doctest:go:")
    >>> judge.prepare()
    >>> judge.step()
    0
    >>> judge.close()
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str = "go:",
        *,
        name: str | None = None,
        batch: int = 100,
        claim_idle_ms: int = 1000,
    ) -> None:
        self.keys = Keys(prefix)
        self.games = Games(client, self.keys)
        self.stream = RedisStream(client, self.keys.stream(Stream.MAKE_MOVE))
        self.group = self.stream.group(game_store.GROUP)
        self.consumer = self.group.consumer(name or worker_loop.a_name())
        self.batch = batch
        self.claim_idle_ms = claim_idle_ms
        self._connection = self.stream.connection
        self._again = True  # what it was given before, perhaps, comes first
        self._claim_at = 0.0
        self._claim_from = EntryId(0)
        self._others: dict[EntryId, MakeMove | None] = {}

    def prepare(self) -> None:
        """Make the group, if there is none (XGROUP CREATE)."""
        self.group.create("0", mkstream=True, exist_ok=True)
        self._again = True

    def step(self, block_ms: int | None = None) -> int:
        """Take moves, answer them, and return how many they were.

        Parameters
        ----------
        block_ms : int, optional
            Wait so long for the first one, in milliseconds.

        Raises
        ------
        NoSuchGroup
            If the group is gone: `prepare` makes it again.
        ServerError, StreamError
            If the server did not do what it was asked for. What this judge was given is still
            its own, and comes first in the next step.
        """
        again, self._again = self._again, True  # until this step has gone well
        entries = self._abandoned()
        if not entries and again:
            entries = self.consumer.read(self.batch, after="0")
            again = bool(entries)
        if not entries:
            entries = self.consumer.read(self.batch, block_ms=block_ms)
        if entries:
            self._settle(entries)
        self._again = again
        return len(entries)

    def close(self) -> None:
        """Leave the group, unless something of it is still in hand (XGROUP DELCONSUMER)."""
        self._connection.call(*lua.leave(self.stream.key, self.group.name, self.consumer.name))

    def _abandoned(self) -> list[Entry]:
        """Take over what others have held too long, now and then (XAUTOCLAIM)."""
        if time.monotonic() < self._claim_at:
            return []
        claimed = self.consumer.autoclaim(self.claim_idle_ms, self._claim_from, self.batch)
        self._claim_from = claimed.cursor
        if claimed.cursor == EntryId(0):  # that was the last page, empty or not
            self._claim_at = time.monotonic() + self.claim_idle_ms / 1000
            self._tidy()
        return list(claimed.entries)

    def _tidy(self) -> None:
        """Remove the consumers of judges that are gone."""
        for one in self.group.consumers():
            if not one.pending and one.idle_ms > 60_000 + 10 * self.claim_idle_ms:
                self._connection.call(*lua.leave(self.stream.key, self.group.name, one.name))

    def _settle(self, entries: Sequence[Entry]) -> None:
        moves: dict[EntryId, MakeMove] = {}
        for entry in entries:
            try:
                moves[entry.id] = _move(entry)
            except BadMessage as error:
                self._bury(entry, error)
        if not moves:
            return
        ours = {move.game_id for move in moves.values()}
        older = self._held_by_others(max(moves), moves)
        moves |= {which: move for which, move in older.items() if move.game_id in ours}
        self._answer(moves)

    def _bury(self, entry: Entry, why: BadMessage) -> None:
        dead, name = self.keys.dead(Stream.MAKE_MOVE), self.consumer.name
        self._connection.call(*lua.bury(self.stream.key, dead, self.group.name, name, entry, why))

    def _answer(self, moves: Mapping[EntryId, MakeMove]) -> None:
        left: dict[str, list[tuple[EntryId, MakeMove]]] = {}
        for which, move in sorted(moves.items()):
            left.setdefault(move.game_id, []).append((which, move))
        while left:
            known = self.games.fetch(
                {game_id: [move.req_id for _, move in asked] for game_id, asked in left.items()}
            )
            judged = {
                game_id: (
                    known[game_id],
                    [which for which, _ in asked],
                    decide(known[game_id], asked),
                )
                for game_id, asked in left.items()
            }
            changed = self.games.commit(judged)
            left = {game_id: asked for game_id, asked in left.items() if game_id in changed}

    def _held_by_others(self, last: EntryId, ours: Collection[EntryId]) -> dict[EntryId, MakeMove]:
        """Return the moves up to `last` that are pending and not ours (XPENDING, XRANGE).

        They are all there are: what is older than an entry was delivered before it, and stays
        pending until it is answered.
        """
        pending = {which for which in self._pending(last) if which not in ours}
        new = [which for which in pending if which not in self._others]
        commands = [("XRANGE", self.stream.key, str(which), str(which)) for which in new]
        found = map(replies.entries, lua.raised(self._connection.pipeline(commands)))
        fresh = {which: _read(entries) for which, entries in zip(new, found, strict=True)}
        kept = self._others | fresh
        self._others = {which: kept[which] for which in pending}
        return {which: move for which, move in self._others.items() if move is not None}

    def _pending(self, last: EntryId) -> Iterable[EntryId]:
        start = "-"
        while page := self.group.pending_entries(start, str(last), _PAGE):
            yield from (one.id for one in page)
            start = f"({page[-1].id}"


def decide(known: Known, moves: Sequence[tuple[EntryId, MakeMove]]) -> list[Decision]:
    """Judge moves of one game in their order; what was answered before gets no second answer.

    Parameters
    ----------
    known : Known
        The game before them.
    moves : sequence of (EntryId, MakeMove)
        In the order of their IDs.
    """
    game, answered, decisions = known.game, set(known.answered), []
    for which, move in moves:
        if move.req_id in answered:
            continue
        answered.add(move.req_id)
        decision = _judged(game if which.ms >= known.since.ms else None, move)
        game = decision.game or game
        decisions.append(decision)
    return decisions


def _judged(game: Game | None, move: MakeMove) -> Decision:
    about = move.game_id, move.req_id
    if game is None:
        no = MoveRejected(*about, move.player, move.coord, UNKNOWN_GAME)
        return Decision(move.req_id, no)
    try:
        after, captured = game.play(move.player, move.coord)
    except IllegalMove as error:
        no = MoveRejected(*about, move.player, move.coord, error.reason)
        return Decision(move.req_id, no)
    event = messages.event_id("move", *about)
    made = MoveMade(*about, event, move.player, move.coord, captured)
    return Decision(move.req_id, made, after)


def _move(entry: Entry) -> MakeMove:
    message = messages.decode(Stream.MAKE_MOVE, entry.fields)
    if not isinstance(message, MakeMove):
        raise BadMessage(f"{type(message).__name__} is no move")
    return message


def _read(entries: Sequence[Entry]) -> MakeMove | None:
    """Return the move of an entry; None if the entry is deleted, or dead to be buried."""
    try:
        return _move(entries[0]) if entries else None
    except BadMessage:
        return None


def main() -> int:
    """Run a judge from the command line; see `go_game.worker_loop.main`."""
    return worker_loop.main("judge", lambda client, given: Judge(client, given.prefix))


if __name__ == "__main__":
    raise SystemExit(main())
