"""The judge on Quix Streams: topics flow into a function with a state, and out into topics.

The key of a message is its game ID, and each key has its own state.

The judge runs at-least-once and leaves out the answers that it sent before it was killed. On a
broker with full transactions, ``processing_guarantee="exactly-once"`` does that; Tansu accepts the
option, but its readers see uncommitted messages. Restart a process that was paused for longer than
its heartbeat: Quix 3.28 may exit then, and Tansu may leave the group without a consumer.
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
OUTPUTS = (Topic.MOVE_MADE, Topic.MOVE_REJECTED, Topic.GAME_STATES, DEAD)
EVERY = 200  # entries per commit: at most this many are judged again after a kill
QUICK = {  # Kafka's own broker allows no session timeout under 6 s, by default
    "session.timeout.ms": 1000,
    "heartbeat.interval.ms": 300,
    "fetch.wait.max.ms": 50,
}
SINGLY = {"batch.num.messages": 1}  # Tansu reports the last batch's first entry as a topic's end

Output: TypeAlias = tuple[str, str]  # a topic and a text


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
        state_dir=tempfile.gettempdir(),  # if it is empty, restored from the changelog
        loglevel="WARNING",
    )
    topics = {
        name: app.topic(f"{prefix}{name}", value_deserializer="bytes", value_serializer="string")
        for name in (Topic.MAKE_MOVE, *OUTPUTS)
    }
    judge = QuixJudge()
    judge.sent = dict.fromkeys(sent_before(app, prefix))
    moves = app.dataframe(topics[Topic.MAKE_MOVE]).apply(move)
    states = app.dataframe(topics[Topic.GAME_STATES]).apply(state)
    outputs = moves.concat(states).apply(judge.handle, stateful=True, expand=True).filter(judge.new)
    for name in OUTPUTS:
        outputs.filter(of(name)).apply(text).to_topic(topics[name])
    ready()
    app.run()


def sent_before(app: Application, prefix: str) -> Iterator[Output]:
    """Read the outputs since the last commit: they must not be sent again."""
    with app.get_consumer(auto_commit_enable=False) as consumer:
        for name in OUTPUTS:
            part = TopicPartition(f"{prefix}{name}", 0)
            low, high = consumer.get_watermark_offsets(part)
            (read,) = consumer.committed([part])  # others write game-states, and the judge reads it
            part.offset = max(low, read.offset if name == Topic.GAME_STATES else high - EVERY)
            if part.offset < high:
                consumer.assign([part])
            while part.offset < high:
                if (message := consumer.poll(1)) is not None:  # an empty message is false
                    yield name, message.value().decode()
                    part.offset = message.offset() + 1


def move(value: bytes | None) -> Message | Output:
    """Decode an entry of ``make-move``; an invalid entry is a dead letter."""
    data = (value or b"").decode(errors="replace")
    try:
        return messages.decode(Topic.MAKE_MOVE, {"data": data})
    except BadMessage:
        return DEAD, data


def state(value: bytes | None) -> Message | None:
    """Decode an entry of ``game-states``; None if it is invalid."""
    try:
        data = (value or b"").decode(errors="replace")
        return messages.decode(Topic.GAME_STATES, {"data": data})
    except BadMessage:
        return None


def of(name: str) -> Callable[[Output], bool]:
    """Return a filter for the outputs of one topic."""
    return lambda output: output[0] == name


def text(output: Output) -> str:
    """Return the text of an output."""
    return output[1]


class QuixJudge:
    """A judge that caches its games, with a changelog in case it is killed."""

    def __init__(self) -> None:
        self.sent: dict[Output, None] = {}
        self.games: dict[str, tuple[str, Game]] = {}

    def handle(self, message: Message | Output | None, state: State[Any, Any]) -> list[Output]:
        """Return the outputs for a message; `state` is the state of the message's key."""
        if isinstance(message, GameState):
            if not state.exists("game"):  # later ones are the judge's own states
                state.set("game", messages.encode(message))
        elif isinstance(message, tuple):
            return [message]
        elif isinstance(message, MakeMove) and not state.exists(f"answer:{message.req_id}"):
            return self.answer(message, state)
        return []

    def answer(self, move: MakeMove, state: State[Any, Any]) -> list[Output]:
        """Judge a move, and store the result."""
        answer, after = judge_move(self.game(move.game_id, state), move)
        outputs: list[Output] = [(messages.topic_of(answer), messages.encode(answer))]
        state.set(f"answer:{move.req_id}", outputs[0][0])
        if after is not None:
            text = messages.encode(GameState(move.game_id, after))
            state.set("game", text)
            self.games[move.game_id] = text, after
            outputs.append((Topic.GAME_STATES, text))
        return outputs

    def game(self, game_id: str, state: State[Any, Any]) -> Game | None:
        """Return a game, from the cache if the state is unchanged."""
        text = state.get("game")
        if text is None:
            return None
        if game_id not in self.games or self.games[game_id][0] != text:
            message = messages.decode(Topic.GAME_STATES, {"data": text})
            assert isinstance(message, GameState)
            self.games[game_id] = text, message.game
        return self.games[game_id][1]

    def new(self, output: Any) -> bool:
        """Return whether an output was not sent before, and remember it for a while."""
        if output in self.sent:
            return False
        self.sent[output] = None
        if len(self.sent) > 10 * EVERY:
            del self.sent[next(iter(self.sent))]
        return True
