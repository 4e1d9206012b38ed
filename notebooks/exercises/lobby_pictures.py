"""The pictures of notebook 10: who asked, who plays whom, and who was seated how often."""

from __future__ import annotations

from collections import Counter
from typing import Any

import redis

from exercises.boxes import Head, Lost, Tinted, boxes
from exercises.picture import Picture
from go_game.messages import GameReady, Topic, decode
from streamviz.client import Stream
from streamviz.plots.parts import GREY, RED, colour, on_background

_SIDE, _PITCH, _ACROSS = 8, 11, 60  # pixels of a square, from one to the next, and squares a row


def seated(client: redis.Redis, prefix: str) -> Counter[str]:
    """Return the number of games that each session was seated at."""
    games: Counter[str] = Counter()
    for entry in Stream(client, f"{prefix}{Topic.GAME_READY}").range():
        ready = decode(Topic.GAME_READY, entry.fields)
        if isinstance(ready, GameReady):
            games.update((ready.black, ready.white))
    return games


def games(client: redis.Redis, prefix: str, waiting: str = "") -> Picture:
    """Draw who asked for a game, in this order, and who plays black and white in each game.

    A repeated request is an empty box, and one that was put aside is red. One whose player has left
    is crossed out. `waiting` is who waits for an opponent, of a lobby that remembers only one.
    """

    def messages(topic: Topic) -> list[Any]:
        entries = Stream(client, f"{prefix}{topic}").range()
        return [decode(topic, entry.fields) for entry in entries]

    left = {one.session_id for one in messages(Topic.SESSION_DISCONNECTED)}
    dead = Stream(client, f"{prefix}{Topic.FIND_PUBLIC_GAME}:dead").range()
    refused = {decode(Topic.FIND_PUBLIC_GAME, entry.fields) for entry in dead}
    asked: list[object] = []
    known: set[str] = set()
    for one in messages(Topic.FIND_PUBLIC_GAME):
        if one in refused:
            asked.append(Tinted(f"{one.session_id}: refused", RED))
        elif one.req_id in known:
            asked.append(Tinted(f"{one.session_id}: repeated", GREY, empty=True))
        else:
            asked.append((Lost if one.session_id in left else _asked)(one.session_id))
        known.add(one.req_id)
    rows: dict[str, list[object]] = {"asked": asked}
    if waiting:
        rows["waiting"] = [Tinted(waiting, GREY, empty=True)]
    ready = messages(Topic.GAME_READY)
    if ready:
        rows["seats"] = [Head("black"), Head("white")]
    for number, one in enumerate(ready):
        pair = (Tinted(who, colour(number)) for who in (one.black, one.white))
        rows[f"game {number + 1}"] = [*pair]
    return boxes(rows)


def strip(seats: Counter[str], players: int) -> Picture:
    """Draw a square for each player, in the order of their requests: seated once, twice or never.

    Parameters
    ----------
    seats : Counter of str
        The number of games of ``player-0``, ``player-1`` and so on.
    players : int
        How many there are.
    """
    paints = {
        0: f"fill='none' stroke='{RED}' stroke-width='1.5'",
        1: f"fill='{GREY}' fill-opacity='.4'",
        2: f"fill='{RED}'",
    }
    words = {0: "never", 1: "once", 2: "twice"}
    counts = [min(2, seats[f"player-{number}"]) for number in range(players)]
    parts, x = [], 16
    for count in (1, 2, 0):
        parts.append(f"<rect x='{x}' y='8' width='{_SIDE}' height='{_SIDE}' {paints[count]}/>")
        text = f"seated {words[count]}: {counts.count(count)}"
        parts.append(f"<text x='{x + 14}' y='16'>{text}</text>")
        x += 30 + 7 * len(text)
    for number, count in enumerate(counts):
        at = f"x='{16 + number % _ACROSS * _PITCH}' y='{28 + number // _ACROSS * _PITCH}'"
        parts.append(f"<rect {at} width='{_SIDE}' height='{_SIDE}' {paints[count]}/>")
    high = 36 + -(-players // _ACROSS) * _PITCH
    summary = f"{players} players: " + ", ".join(
        f"{counts.count(count)} seated {words[count]}" for count in (1, 2, 0)
    )
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 720 {high}' role='img' "
        f"font-family='system-ui,sans-serif' font-size='12' fill='#333333'><title>Players</title>"
        f"<desc>{summary}</desc>{''.join(parts)}</svg>"
    )
    return Picture(on_background(svg, "light"), f"{summary}.")


def _asked(session: str) -> Tinted:
    return Tinted(session, GREY)
