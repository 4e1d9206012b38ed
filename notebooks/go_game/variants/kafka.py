"""The judge on Quix Streams: topics flow into a function with a state, and out into topics.

A message's key is its game's ID: what has the same key has the same state.

It asks for at-least-once, and leaves out by itself what it said before it was killed. On a broker
with whole transactions ``processing_guarantee="exactly-once"`` does that; Tansu takes the word, but
shows readers what was never committed. A process that was paused for longer than its heartbeat is
better started again: Quix 3.28 may end by itself then, and Tansu give its group to nobody.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from confluent_kafka import TopicPartition
from quixstreams import Application, State

from go_game import messages
from go_game.judge_move import judge_move
from go_game.messages import GameState, MakeMove, Message, Topic
from go_game.rules import Game
from go_game.validation import BadMessage

DEAD = "make-move.dead"
SAYS = (Topic.MOVE_MADE, Topic.MOVE_REJECTED, Topic.GAME_STATES, DEAD)
EVERY = 200  # entries from commit to commit: so many may be judged again after a kill
QUICK = {  # of a Kafka that is not one's own, the first may not be less than 6 s
    "session.timeout.ms": 1000,
    "heartbeat.interval.ms": 300,
    "fetch.wait.max.ms": 50,
}
SINGLY = {"batch.num.messages": 1}  # Tansu takes the first of a topic's last batch for its end

Said: TypeAlias = tuple[str, str]  # a stream's name, and the text


def run(address: str, prefix: str, ready: Callable[[], object]) -> None:
    """Judge until the process ends."""
    app = Application(
        address,
        consumer_group=f"{prefix}judge",
        auto_offset_reset="earliest",
        commit_every=EVERY,
        commit_interval=1,
        consumer_extra_config=QUICK,
        producer_extra_config=SINGLY,
        consumer_poll_timeout=0.05,
        state_dir=tempfile.mkdtemp(),  # what belongs into it comes back from its changelog
        loglevel="WARNING",
    )
    topics = {
        name: app.topic(f"{prefix}{name}", value_deserializer="bytes", value_serializer="string")
        for name in (Topic.MAKE_MOVE, *SAYS)
    }
    judge = KafkaJudge()
    judge.said = dict.fromkeys(said_before(app, prefix))
    moves = app.dataframe(topics[Topic.MAKE_MOVE]).apply(move)
    states = app.dataframe(topics[Topic.GAME_STATES]).apply(state)
    says = moves.concat(states).apply(judge.handle, stateful=True, expand=True).filter(judge.new)
    for name in SAYS:
        says.filter(of(name)).apply(text).to_topic(topics[name])
    ready()
    app.run()


def said_before(app: Application, prefix: str) -> Iterator[Said]:
    """Read what was said since the last commit: it must not be said again."""
    with app.get_consumer(auto_commit_enable=False) as consumer:
        for name in SAYS:
            place = TopicPartition(f"{prefix}{name}", 0)
            low, high = consumer.get_watermark_offsets(place)
            (read,) = consumer.committed([place])  # game-states is read, too, and others write it
            place.offset = max(low, read.offset if name == Topic.GAME_STATES else high - EVERY)
            if place.offset < high:
                consumer.assign([place])
            while place.offset < high:
                if (found := consumer.poll(1)) is not None:  # an empty message is false
                    yield name, found.value().decode()
                    place.offset = found.offset() + 1


def move(value: bytes | None) -> Message | Said:
    """Read an entry of ``make-move``; what is no move is for the dead letters."""
    data = (value or b"").decode(errors="replace")
    try:
        return messages.decode(Topic.MAKE_MOVE, {"data": data})
    except BadMessage:
        return DEAD, data


def state(value: bytes | None) -> Message | None:
    """Read an entry of ``game-states``; None if it is no state."""
    try:
        data = (value or b"").decode(errors="replace")
        return messages.decode(Topic.GAME_STATES, {"data": data})
    except BadMessage:
        return None


def of(name: str) -> Callable[[Said], bool]:
    """Return what tells whether something belongs on a stream."""
    return lambda said: said[0] == name


def text(said: Said) -> str:
    """Return what is sent of what is said."""
    return said[1]


class KafkaJudge:
    """A judge that knows its games by heart, and the changelog in case it is killed."""

    def __init__(self) -> None:
        self.said: dict[Said, None] = {}
        self.games: dict[str, tuple[str, Game]] = {}

    def handle(self, message: Message | Said | None, state: State[Any, Any]) -> list[Said]:
        """Return what there is to say; the state is that of the message's key."""
        if isinstance(message, GameState):
            if not state.exists("game"):  # or it is the judge's own word that comes back
                state.set("game", messages.encode(message))
        elif isinstance(message, tuple):
            return [message]
        elif isinstance(message, MakeMove) and not state.exists(f"answer:{message.req_id}"):
            return self.answer(message, state)
        return []

    def answer(self, move: MakeMove, state: State[Any, Any]) -> list[Said]:
        """Judge a move, and remember what became of it."""
        answer, after = judge_move(self.game(move.game_id, state), move)
        said: list[Said] = [(messages.topic_of(answer), messages.encode(answer))]
        state.set(f"answer:{move.req_id}", said[0][0])
        if after is not None:
            text = messages.encode(GameState(move.game_id, after))
            state.set("game", text)
            self.games[move.game_id] = text, after
            said.append((Topic.GAME_STATES, text))
        return said

    def game(self, game_id: str, state: State[Any, Any]) -> Game | None:
        """Return a game, by heart if the state is what it was."""
        text = state.get("game")
        if text is None:
            return None
        if game_id not in self.games or self.games[game_id][0] != text:
            found = messages.decode(Topic.GAME_STATES, {"data": text})
            assert isinstance(found, GameState)
            self.games[game_id] = text, found.game
        return self.games[game_id][1]

    def new(self, said: Any) -> bool:
        """Tell whether something was not said before, and remember it for a while."""
        if said in self.said:
            return False
        self.said[said] = None
        if len(self.said) > 10 * EVERY:
            del self.said[next(iter(self.said))]
        return True
