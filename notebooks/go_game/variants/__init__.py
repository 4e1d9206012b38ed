"""One judge of moves in four styles: the same rules and messages, four ways to be on streams.

======================  ==========================================================================
`plain`                 redis-py alone: commands, nested replies, a loop
`typed`                 this package: streams, groups and entries as objects
`declarative`           FastStream on Redis Streams: a handler, and the library runs it
`kafka`                 Quix Streams on the Kafka protocol: a graph of topics, with state
======================  ==========================================================================

Each is a process, and each may be killed at any moment::

    python -m go_game.variants plain --at redis://localhost:6379 --prefix go:
    python -m go_game.variants kafka --at localhost:9092 --prefix go.

They are made to be compared, so each does the least that a right judge must do: it judges as *one*
process (the real one, `go_game.judge`, shares the work among many), ends when its server is
gone, and is started again by whoever watches over it. What each keeps to, also when it is killed:

- a request is answered once, by its game_id and req_id, however often it is sent;
- the moves of a game are answered in their order;
- what is no move goes to the dead letters and stops nobody;
- both streams are read in the order of time: a move that is older than its game is rejected;
- a game is known from the first time it is asked for, by its newest state in ``game-states``; from
  then on the judge's own word counts.

Those on Redis keep a game where `go_game.judge` does, in the hash ``game:<game_id>``, and one
may take over where another was killed. ``MULTI`` does not roll back: where somebody has made
something else of a stream, an answer is lost; the real judge looks beforehand.

The styles but `plain` and `typed` come with an extra:
``pip install 'streamviz[styles]'``. It has FastStream, what measures memory, and in it the extra
``kafka``: Quix Streams and its broker, which may be installed alone.
"""
