"""One judge of moves in four styles: the same rules and messages, four ways to use streams.

======================  ==========================================================================
`plain`                 redis-py alone: commands, nested replies, a loop
`typed`                 this package: streams, groups and entries as objects
`declarative`           FastStream on Redis Streams: a handler, and the library runs it
`quix`                  Quix Streams on Tansu, a broker that speaks Kafka's protocol: a graph
                        of topics, with state
======================  ==========================================================================

Each style runs as a process that may be killed at any moment::

    python -m go_game.variants plain --at redis://localhost:6379 --prefix go:
    python -m go_game.variants quix --at localhost:9092 --prefix go.

They exist to be compared, so each does only what a correct judge must do. It judges in *one*
process (the real one, `go_game.judge`, shares the work among many). It exits when its server is
gone, and a supervisor must restart it. Each judge keeps these promises, even when it is killed:

- it answers a request, identified by game_id and req_id, once, however often it is sent;
- it answers the moves of a game in order;
- it moves invalid entries to the dead letters and carries on;
- it reads both streams in the order of time, so a move older than its game is rejected;
- it loads a game at its first move, from the newest state in ``game-states``; after that, only its
  own states count.

The judges on Redis keep games where `go_game.judge` does, in the hash ``game:<game_id>``, so one
style can take over from another. ``MULTI`` does not roll back: if a key is not a stream, an answer
is lost. The real judge checks the keys first.

All styles except `plain` and `typed` need an extra: ``pip install '.[styles]'`` in the clone. It
contains FastStream, psutil to measure memory, and the extra ``kafka``: Quix Streams and its broker,
which can also be installed alone.
"""
