"""The worked example: a game of Go on streams, by a lobby that seats players and a judge of moves.

Both are processes, as many of each as you like, and each may be killed at any moment::

    python -m go_game.lobby --redis redis://localhost:6379 --prefix go:
    python -m go_game.judge --redis redis://localhost:6379 --prefix go:

**Streams.** Every key begins with one prefix, ``go:`` unless another is given. An entry has one
field, ``data``, and in it a JSON object of at most 10 MB; a state has at most 1 MB, and 10,000
moves. IDs are texts of 1 to 200 letters; a coord is ``{"x": 3, "y": 3}``, counted from 0, or null
for a pass; a player is BLACK or WHITE.

=========================  =================================================================
``make-move``              game_id, req_id, player, coord
``move-made``              game_id, reply_to, event_id, player, coord, captured: coords
``move-rejected``          game_id, reply_to, player, coord, reason
``game-states``            game_id, board: {size, stones: rows of ``.BW``}, player_up,
                           captures: {BLACK, WHITE}, turn: the number of the move to come,
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

What is no such message goes to its stream's dead letters, ``make-move:dead`` and so on, with the
reason, as `DeadLetters` reads them. So does a wish that the lobby cannot grant
and has no stream to say so.

**The judge** is the group ``judge`` of ``make-move``. It knows a game from its first state in
``game-states``, and keeps it in a hash. A state that is no newer than that is passed over.

==========================  ================================================================
``game:<game_id>``          state, turn, version (the state's ID in ``game-states``), since (the
                            first state's), and ``answer:<req_id>``: the stream and the ID of
                            that answer
``judge:states-read``       how far ``game-states`` was read for games that are new
==========================  ================================================================

A request is its game_id and req_id: sent again, it gets no second answer. The moves of a game are
answered in the order of their IDs; what is older than the game's first state is of no game.

**The lobby** is the group ``lobby`` of each of the four streams of wishes, a group without
consumers: its cursor shows how far the lobby is.

==========================  ================================================================
``lobby``                   version, and for each stream ``after:`` and ``read:``: the last
                            entry decided on, and how many were
``lobby:open``              for each game that waits for an opponent, who opened it
``lobby:seats``             for each session, its game and the request that brought it there
``lobby:games``             the IDs of all games that were ever opened
``lobby:decided``           the last 100,000 requests that were decided on
==========================  ================================================================

A request is its session_id and req_id: sent again, it gets no second answer, and seats nobody who
has left meanwhile. Known again are the last 100,000, and the one that brought a session where it
sits.

Wishes are taken in the order of their IDs over all four streams. Within one millisecond the IDs of
two streams tell no order: there a disconnection comes last.

Nothing else of this expires or is trimmed, but the answers of games that never were (after a day):
trim the streams as you need. All that is kept is kept as well as the server keeps it. On a Redis
Cluster, take a prefix in braces, such as ``{go}:``.
"""
