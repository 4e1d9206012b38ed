"""A stream on a wall: its live board as a web page of its own, read-only."""

from streamviz.wall.server import Wall

__all__ = ["Wall"]
