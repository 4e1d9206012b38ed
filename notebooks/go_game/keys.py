"""What the keys are called: one prefix before everything."""

from __future__ import annotations

from dataclasses import dataclass

from go_game.messages import Stream
from streamviz.errors import InputError


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one house of games.

    Attributes
    ----------
    prefix : str
        Before every key. On a Redis Cluster, put it in braces, ``"{go}:"``: then all keys are on
        one node, as the scripts need it.
    """

    prefix: str = "go:"

    def __post_init__(self) -> None:
        if not isinstance(self.prefix, str):
            raise InputError(f"prefix={self.prefix!r}: give a text, for example 'go:'")

    def stream(self, stream: Stream) -> str:
        """Return a stream's key."""
        return f"{self.prefix}{stream}"

    def dead(self, stream: Stream) -> str:
        """Return the key of a stream's dead letters."""
        return f"{self.prefix}{stream}:dead"

    def game(self, game_id: str) -> str:
        """Return the key of the hash with a game's state and its answers."""
        return f"{self.prefix}game:{game_id}"

    @property
    def states_read(self) -> str:
        """The key that says how far the judges have read ``game-states``."""
        return f"{self.prefix}judge:states-read"

    @property
    def lobby(self) -> str:
        """The hash that says how far the lobbies got."""
        return f"{self.prefix}lobby"

    @property
    def open_games(self) -> str:
        """The hash of the games that wait for an opponent."""
        return f"{self.prefix}lobby:open"

    @property
    def seats(self) -> str:
        """The hash of where each session sits."""
        return f"{self.prefix}lobby:seats"

    @property
    def decided(self) -> str:
        """The sorted set of the requests that the lobbies decided on last."""
        return f"{self.prefix}lobby:decided"

    @property
    def games(self) -> str:
        """The set of all IDs of games that were ever opened."""
        return f"{self.prefix}lobby:games"
