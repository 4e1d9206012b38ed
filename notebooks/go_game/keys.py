"""The names of all keys, behind one prefix."""

from __future__ import annotations

from dataclasses import dataclass

from go_game.messages import Topic
from streamviz.errors import InputError


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one game service.

    Attributes
    ----------
    prefix : str
        The start of every key. On a Redis Cluster, put it in braces, ``"{go}:"``: the scripts need
        all keys on one node.
    """

    prefix: str = "go:"

    def __post_init__(self) -> None:
        if not isinstance(self.prefix, str):
            raise InputError(f"prefix={self.prefix!r}: give a string, for example 'go:'")

    def stream(self, topic: Topic) -> str:
        """Return the key of a topic's stream."""
        return f"{self.prefix}{topic}"

    def dead_letters(self, topic: Topic) -> str:
        """Return the key of a topic's dead letters."""
        return f"{self.prefix}{topic}:dead"

    def game(self, game_id: str) -> str:
        """Return the key of the hash with a game's state and its answers."""
        return f"{self.prefix}game:{game_id}"

    @property
    def states_read(self) -> str:
        """The key with the ID up to which the judges have read ``game-states``."""
        return f"{self.prefix}judge:states-read"

    @property
    def lobby(self) -> str:
        """The hash with the lobbies' progress."""
        return f"{self.prefix}lobby"

    @property
    def open_games(self) -> str:
        """The hash of the games that wait for an opponent."""
        return f"{self.prefix}lobby:open"

    @property
    def seats(self) -> str:
        """The hash of the sessions' seats."""
        return f"{self.prefix}lobby:seats"

    @property
    def decided(self) -> str:
        """The sorted set of the last requests that the lobbies decided."""
        return f"{self.prefix}lobby:decided"

    @property
    def games(self) -> str:
        """The set of the IDs of all games ever opened."""
        return f"{self.prefix}lobby:games"
