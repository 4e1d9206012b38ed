"""The judge of moves: run any number of judges at once, and kill each at any moment.

Before a judge answers a move, it also answers the older moves of the same game that are pending for
other judges. So the moves of a game are judged in order, and no judge waits for a slow or dead one.
Two judges may decide the same move: one script writes the answers, states and acknowledgements,
and it writes them once (see `go_game.game_store`).

A game begins with its first state in ``game-states``. An older move is rejected because the game
did not exist yet, however late the move is judged. "Older" compares the times in the entry IDs;
within one millisecond the state counts as older. So the order is as good as the server's clock: if
the clock is set back, by hand or by a failover, moves of games that began just before are rejected
until it has caught up. A state whose ID lies in the future is not used as a time.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence

import redis

from go_game import game_store, lua, messages, worker_loop
from go_game.game_store import Decision, GameStore, KnownGame
from go_game.judge_move import judge_move
from go_game.keys import Keys
from go_game.messages import MakeMove, Topic
from go_game.validation import BadMessage
from streamviz.client import Entry, EntryId, Stream, replies

_PAGE = 1000


class Judge:
    """One judge of the group ``judge``.

    Parameters
    ----------
    client : redis.Redis
        The server.
    prefix : str
        The start of all keys; see `go_game`.
    name : str, optional
        The consumer's name, unique among the judges; by default, a new name.
    batch : int
        The largest number of moves to read at a time.
    claim_idle_ms : int
        Take over other judges' pending entries that have been idle this long, in milliseconds. A
        short time only costs repeated work.

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
        self.games = GameStore(client, self.keys)
        self.stream = Stream(client, self.keys.stream(Topic.MAKE_MOVE))
        self.group = self.stream.group(game_store.GROUP)
        self.consumer = self.group.consumer(name or worker_loop.unique_name())
        self.batch = batch
        self.claim_idle_ms = claim_idle_ms
        self._connection = self.stream.connection
        self._read_pending = True  # start with the entries delivered before a restart
        self._claim_at = 0.0
        self._claim_from = EntryId(0)
        self._other_moves: dict[EntryId, MakeMove | None] = {}

    def prepare(self) -> None:
        """Create the group, if it does not exist (XGROUP CREATE)."""
        self.group.create("0", mkstream=True, exist_ok=True)
        self._read_pending = True

    def step(self, block_ms: int | None = None) -> int:
        """Read moves, answer them, and return the number of moves read.

        Parameters
        ----------
        block_ms : int, optional
            Wait this long for the first move, in milliseconds.

        Raises
        ------
        NoSuchGroup
            If the group was deleted: `prepare` creates it again.
        ServerError, StreamError
            If a command failed. The entries stay pending for this judge, and the next step starts
            with them.
        """
        read_pending, self._read_pending = self._read_pending, True  # until this step succeeds
        entries = self._claim()
        if not entries and read_pending:
            entries = self.consumer.read(self.batch, after="0")
            read_pending = bool(entries)
        if not entries:
            entries = self.consumer.read(self.batch, block_ms=block_ms)
        if entries:
            self._handle(entries)
        self._read_pending = read_pending
        return len(entries)

    def close(self) -> None:
        """Delete the consumer, unless it has pending entries (XGROUP DELCONSUMER)."""
        self._remove(self.consumer.name)

    def _remove(self, name: str) -> None:
        self._connection.call(*lua.remove_consumer(self.stream.key, self.group.name, name))

    def _claim(self) -> list[Entry]:
        """Take over entries that other judges have left pending, now and then (XAUTOCLAIM)."""
        if time.monotonic() < self._claim_at:
            return []
        claimed = self.consumer.autoclaim(self.claim_idle_ms, self._claim_from, self.batch)
        self._claim_from = claimed.cursor
        if claimed.cursor == EntryId(0):  # the last page, even if it is empty
            self._claim_at = time.monotonic() + self.claim_idle_ms / 1000
            self._remove_idle_consumers()
        return list(claimed.entries)

    def _remove_idle_consumers(self) -> None:
        """Delete the consumers of judges that no longer run."""
        for consumer in self.group.consumers():
            if not consumer.pending and consumer.idle_ms > 60_000 + 10 * self.claim_idle_ms:
                self._remove(consumer.name)

    def _handle(self, entries: Sequence[Entry]) -> None:
        moves: dict[EntryId, MakeMove] = {}
        for entry in entries:
            try:
                moves[entry.id] = _move(entry)
            except BadMessage as error:
                self._dead_letter(entry, error)
        if not moves:
            return
        games = {move.game_id for move in moves.values()}
        others = self._pending_for_others(max(moves), moves)
        moves |= {entry_id: move for entry_id, move in others.items() if move.game_id in games}
        self._answer(moves)

    def _dead_letter(self, entry: Entry, error: BadMessage) -> None:
        dead, name = self.keys.dead_letters(Topic.MAKE_MOVE), self.consumer.name
        call = lua.dead_letter(self.stream.key, dead, self.group.name, name, entry, error)
        self._connection.call(*call)

    def _answer(self, moves: Mapping[EntryId, MakeMove]) -> None:
        """Judge moves and write the answers; repeat for the games that others have changed."""
        by_game: dict[str, list[tuple[EntryId, MakeMove]]] = {}
        for entry_id, move in sorted(moves.items()):
            by_game.setdefault(move.game_id, []).append((entry_id, move))
        while by_game:
            games = self.games.fetch(
                {game_id: [move.req_id for _, move in group] for game_id, group in by_game.items()}
            )
            decisions = {}
            for game_id, group in by_game.items():
                ids = [entry_id for entry_id, _ in group]
                decisions[game_id] = games[game_id], ids, decide(games[game_id], group)
            changed = self.games.commit(decisions)
            by_game = {game_id: by_game[game_id] for game_id in by_game if game_id in changed}

    def _pending_for_others(
        self, last: EntryId, own: Collection[EntryId]
    ) -> dict[EntryId, MakeMove]:
        """Return other judges' pending moves up to the ID `last` (XPENDING, XRANGE).

        No older move can be missing: Redis delivered it before, and it stays pending until it is
        answered.
        """
        pending = {entry_id for entry_id in self._pending(last) if entry_id not in own}
        new = [entry_id for entry_id in pending if entry_id not in self._other_moves]
        commands = [("XRANGE", self.stream.key, str(entry_id), str(entry_id)) for entry_id in new]
        pages = map(replies.entries, lua.check_replies(self._connection.pipeline(commands)))
        moves = self._other_moves | dict(zip(new, map(_move_or_none, pages), strict=True))
        self._other_moves = {entry_id: moves[entry_id] for entry_id in pending}
        return {entry_id: move for entry_id, move in self._other_moves.items() if move is not None}

    def _pending(self, last: EntryId) -> Iterable[EntryId]:
        start = "-"
        while page := self.group.pending_entries(start, str(last), _PAGE):
            yield from (one.id for one in page)
            start = f"({page[-1].id}"


def decide(known: KnownGame, moves: Sequence[tuple[EntryId, MakeMove]]) -> list[Decision]:
    """Judge moves of one game in order; a repeated request gets no second answer.

    Parameters
    ----------
    known : KnownGame
        The game before the moves.
    moves : sequence of (EntryId, MakeMove)
        In the order of their IDs.
    """
    game, answered, decisions = known.game, set(known.answered), []
    for entry_id, move in moves:
        if move.req_id in answered:
            continue
        answered.add(move.req_id)
        answer, after = judge_move(game if entry_id.ms >= known.since.ms else None, move)
        game = after or game
        decisions.append(Decision(move.req_id, answer, after))
    return decisions


def _move(entry: Entry) -> MakeMove:
    message = messages.decode(Topic.MAKE_MOVE, entry.fields)
    if not isinstance(message, MakeMove):
        raise BadMessage(f"{type(message).__name__} is not a move")
    return message


def _move_or_none(entries: Sequence[Entry]) -> MakeMove | None:
    """Return the move of an entry; None if the entry was deleted or is invalid."""
    try:
        return _move(entries[0]) if entries else None
    except BadMessage:
        return None


def main() -> int:
    """Run a judge from the command line; see `go_game.worker_loop.main`."""
    return worker_loop.main(
        "judge",
        lambda client, args: Judge(client, args.prefix, batch=args.batch),
        lambda parser: parser.add_argument("--batch", type=int, default=100),
    )


if __name__ == "__main__":
    raise SystemExit(main())
