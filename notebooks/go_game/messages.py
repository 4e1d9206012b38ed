"""The messages of the game: frozen records in Python, JSON on the streams.

`go_game` lists the topics and their fields. Every incoming message is validated first, and an
invalid one is never guessed at.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, get_args
from uuid import UUID, uuid5

from go_game import validation
from go_game.rules import Coord, Game, Player
from go_game.validation import BadMessage
from streamviz.errors import InputError

FIELD = "data"
LIMIT_BYTES = 10_000_000
STATE_LIMIT_BYTES = 1_000_000  # a game of `go_game.rules.MOVES_LIMIT` moves needs less

Visibility = Literal["PUBLIC", "PRIVATE"]
_NAMESPACE = UUID("6f1d3a52-0c1e-5b0e-9a3b-6f0000000190")


class Topic(StrEnum):
    """The streams of the game, named without their prefix."""

    MAKE_MOVE = "make-move"
    MOVE_MADE = "move-made"
    MOVE_REJECTED = "move-rejected"
    GAME_STATES = "game-states"
    FIND_PUBLIC_GAME = "find-public-game"
    CREATE_GAME = "create-game"
    JOIN_PRIVATE_GAME = "join-private-game"
    SESSION_DISCONNECTED = "session-disconnected"
    WAIT_FOR_OPPONENT = "wait-for-opponent"
    GAME_READY = "game-ready"
    PRIVATE_GAME_REJECTED = "private-game-rejected"


@dataclass(frozen=True, slots=True)
class MakeMove:
    """A request for a move (``make-move``); `coord` None is a pass."""

    game_id: str
    req_id: str
    player: Player
    coord: Coord | None


@dataclass(frozen=True, slots=True)
class MoveMade:
    """A legal move and the stones that it captured (``move-made``)."""

    game_id: str
    reply_to: str
    event_id: str
    player: Player
    coord: Coord | None
    captured: tuple[Coord, ...]


@dataclass(frozen=True, slots=True)
class MoveRejected:
    """A rejected move and the reason (``move-rejected``)."""

    game_id: str
    reply_to: str
    player: Player
    coord: Coord | None
    reason: str


@dataclass(frozen=True, slots=True)
class GameState:
    """A game after a move (``game-states``)."""

    game_id: str
    game: Game


@dataclass(frozen=True, slots=True)
class FindPublicGame:
    """A session wants to play against any opponent (``find-public-game``)."""

    session_id: str
    req_id: str


@dataclass(frozen=True, slots=True)
class CreateGame:
    """A session opens a game (``create-game``); without a `game_id`, the lobby chooses one."""

    session_id: str
    req_id: str
    visibility: Visibility
    board_size: int
    game_id: str | None = None


@dataclass(frozen=True, slots=True)
class JoinPrivateGame:
    """A session wants to join a private game (``join-private-game``)."""

    session_id: str
    req_id: str
    game_id: str


@dataclass(frozen=True, slots=True)
class SessionDisconnected:
    """A session has disconnected (``session-disconnected``)."""

    session_id: str


@dataclass(frozen=True, slots=True)
class WaitForOpponent:
    """A game is open and waits for its second player (``wait-for-opponent``)."""

    game_id: str
    session_id: str
    reply_to: str
    event_id: str
    visibility: Visibility
    board_size: int


@dataclass(frozen=True, slots=True)
class GameReady:
    """A game has both players, with their colours (``game-ready``)."""

    game_id: str
    reply_to: str
    event_id: str
    black: str
    white: str
    board_size: int


@dataclass(frozen=True, slots=True)
class PrivateGameRejected:
    """A session can't join a private game, and the reason (``private-game-rejected``)."""

    game_id: str
    session_id: str
    reply_to: str
    event_id: str
    reason: str


Message = (
    MakeMove
    | MoveMade
    | MoveRejected
    | GameState
    | FindPublicGame
    | CreateGame
    | JoinPrivateGame
    | SessionDisconnected
    | WaitForOpponent
    | GameReady
    | PrivateGameRejected
)

_CLASSES: dict[Topic, type[Any]] = dict(zip(Topic, get_args(Message), strict=True))
_TOPICS = {cls: topic for topic, cls in _CLASSES.items()}


def topic_of(message: Message) -> Topic:
    """Return the topic that a message belongs to."""
    return _TOPICS[type(message)]


def event_id(*parts: str) -> str:
    """Return the ID of an event: the same parts always give the same ID."""
    return str(uuid5(_NAMESPACE, json.dumps(parts)))


def encode(message: Message) -> str:
    """Return a message as the JSON text for the field ``data``."""
    if isinstance(message, GameState):
        values = {"game_id": message.game_id, **message.game.to_dict()}
    else:
        names = [field.name for field in dataclasses.fields(message)]
        values = {name: _to_json(getattr(message, name)) for name in names}
    return json.dumps(values, separators=(",", ":"))


def decode(topic: str, fields: Mapping[str, str]) -> Message:
    """Return the message of an entry.

    Parameters
    ----------
    topic : str
        The name of the entry's stream, without the prefix.
    fields : mapping of str to str
        The entry's fields.

    Raises
    ------
    BadMessage
        If the entry has no field ``data``, is larger than 10 MB (a state: 1 MB), is not JSON, or is
        not a message of that topic.
    """
    return _validate(_CLASSES[Topic(topic)], parse(topic, fields))


def parse(topic: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON object of an entry, not yet validated.

    Raises
    ------
    BadMessage
        If the entry has no JSON object, or a too large one.
    """
    data = fields.get(FIELD)
    if data is None:
        names = ", ".join(sorted(fields))[:100]
        raise BadMessage(f"the entry has no field {FIELD!r} but {names}: put the JSON there")
    limit = STATE_LIMIT_BYTES if topic == Topic.GAME_STATES else LIMIT_BYTES
    size = len(data.encode("utf-8", "surrogateescape")) if len(data) * 4 > limit else 0
    if size > limit:
        raise BadMessage(f"{size} bytes: send at most {limit}")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"{data[:60]!r} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadMessage(f"{data[:60]!r} is not a JSON object: send one with the fields' names")
    return values


def _validate(cls: type[Any], values: dict[str, Any]) -> Message:
    if cls is GameState:
        return _validate_state(values)
    valid = {}
    for field in dataclasses.fields(cls):
        if values.get(field.name) is None and field.default is None:
            continue  # only the game_id of create-game is optional
        if field.name not in values:
            raise BadMessage(f"the field {field.name!r} is missing: send it, too")
        check: validation.Check = validation.OF.get(field.name, validation.name)
        valid[field.name] = check(field.name, values[field.name])
    message: Message = cls(**valid)
    return message


def _validate_state(values: dict[str, Any]) -> GameState:
    if "game_id" not in values:
        raise BadMessage("the field 'game_id' is missing: send it, too")
    game_id = validation.name("game_id", values["game_id"])
    try:
        return GameState(game_id, Game.from_dict(values))
    except InputError as error:
        raise BadMessage(str(error)) from error


def _to_json(value: Any) -> Any:
    if isinstance(value, Coord):
        return value._asdict()
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    return value
