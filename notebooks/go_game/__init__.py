"""The worked example: a game of Go on streams, with a lobby for players and a judge of moves.

Run any number of each, as processes that may be killed at any moment. In the notebooks' folder::

    python -m go_game.lobby --redis redis://localhost:6379 --prefix go:
    python -m go_game.judge --redis redis://localhost:6379 --prefix go:

**Topics.** Each topic is a stream. Every key starts with one prefix, ``go:`` by default. An entry
has one field, ``data``, which holds a JSON object of at most 10 MB. A state has at most 1 MB and
10,000 moves. IDs are strings of 1 to 200 characters. A coord is ``{"x": 3, "y": 3}``, counted from
0, or null for a pass. A player is BLACK or WHITE.

=========================  =================================================================
``make-move``              game_id, req_id, player, coord
``move-made``              game_id, reply_to, event_id, player, coord, captured: coords
``move-rejected``          game_id, reply_to, player, coord, reason
``game-states``            game_id, board: {size, stones: rows of ``.BW``}, player_up,
                           captures: {BLACK, WHITE}, turn: the number of the next move,
                           moves: [x, y] or null each, rules: {suicide, superko}
``find-public-game``       session_id, req_id
``create-game``            session_id, req_id, visibility: PUBLIC or PRIVATE, board_size: 9, 13
                           or 19, game_id: optional
``join-private-game``      session_id, req_id, game_id
``session-disconnected``   session_id
``wait-for-opponent``      game_id, session_id, reply_to, event_id, visibility, board_size
``game-ready``             game_id, reply_to, event_id, black, white: sessions, board_size
``private-game-rejected``  game_id, session_id, reply_to, event_id, reason
=========================  =================================================================

An invalid message goes to its topic's dead letters (``make-move:dead`` and so on) with the reason,
in the form that `DeadLetters` reads. So does a request that the lobby refuses when no topic exists
for the refusal.

**The judge** is the group ``judge`` of ``make-move``. It learns of a game from the game's first
state in ``game-states`` and keeps the game in a hash. It ignores states that are not newer.

==========================  ================================================================
``game:<game_id>``          state, turn, version (the state's ID in ``game-states``), since (the
                            first state's ID), and ``answer:<req_id>``: the stream and the ID of
                            that answer
``judge:states-read``       the last entry of ``game-states`` read to learn of new games
==========================  ================================================================

A game_id and a req_id identify a request: a repeated request gets no second answer. The judge
answers the moves of a game in the order of their IDs. A move older than the game's first state is
rejected.

**The lobby** is the group ``lobby`` of the four request topics. The group has no consumers: its
cursor shows how far the lobby has read.

==========================  ================================================================
``lobby``                   version, and for each topic ``after:`` and ``read:``: the last
                            entry decided, and the number of entries decided
``lobby:open``              for each game that waits for an opponent, the session that opened it
``lobby:seats``             for each session, its game and the request that seated it there
``lobby:games``             the IDs of all games ever opened
``lobby:decided``           the last 100,000 requests decided
==========================  ================================================================

A session_id and a req_id identify a request: a repeated request gets no second answer and does not
seat a session that has left in the meantime. The lobby recognises its last 100,000 requests, and
the request that brought each session to its seat.

The lobby handles requests in the order of their IDs, across all four topics. IDs of two topics
within one millisecond have no order: there, disconnections come last.

Only the answers for games that never existed expire (after a day). Nothing is trimmed: trim the
streams as you need. The data is as durable as the server. On a Redis Cluster, put the prefix in
braces, such as ``{go}:``.
"""
