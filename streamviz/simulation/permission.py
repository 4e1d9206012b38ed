"""Ask for permission before a scenario writes to a server that other programs may use."""

from __future__ import annotations

import re

from redis.cluster import RedisCluster
from redis.exceptions import RedisError

from streamviz.client.cluster import Client, connection_to
from streamviz.errors import CommandRefused, InputError, ServerAuthError

PLAYGROUND_KEY = "streamviz:playground"
"""The key that a scenario sets in an empty database, so that later ones may write there, too."""
ALLOW_WRITES = "STREAMVIZ_ALLOW_WRITES"
"""The environment variable that lets the course's notebooks write to any server."""

# `streamviz.server.EmbeddedServer` starts each server with this file in a folder of its own.
_OWN_SERVER = re.compile(rb"^config_file:.*streamviz-[^/\\]*[/\\]redis\.conf\s*$", re.MULTILINE)


def check_may_write(client: Client, what: str, allow: str) -> None:
    """Check that no other program uses the database before writing to it.

    The check passes on a server that streamviz started, and in an empty database. There it sets a
    key, so that it passes again later.

    Parameters
    ----------
    client : redis.Redis or redis.cluster.RedisCluster
        A client of the server.
    what : str
        What is going to write, for the error's text.
    allow : str
        How the user can allow it, for the error's text: ``"give allow_writes=True"``.

    Raises
    ------
    InputError
        If the database has keys of other programs, or can't be checked.
    """
    connection = connection_to(client, PLAYGROUND_KEY, quiet=True)
    try:
        if _OWN_SERVER.search(connection.call("INFO", "server")):
            return
    except (CommandRefused, ServerAuthError):
        pass  # the user lacks the right, which one of streamviz's servers never says
    try:
        cluster = isinstance(client, RedisCluster)
        keys = int(client.dbsize() if cluster else connection.call("DBSIZE"))
        if keys == 0:
            connection.call("SET", PLAYGROUND_KEY, "this database was empty")
        if connection.call("EXISTS", PLAYGROUND_KEY):  # set by now, or by who came first
            return
        reason = f"the database has {keys:,} key{'s' * (keys != 1)} of other programs"
    except (CommandRefused, ServerAuthError, RedisError) as error:  # of the other nodes, redis-py's
        reason = f"it is not known whether other programs use the database ({error})"
    raise InputError(
        f"{what} writes to the server, and {reason}. If it may, {allow}. To only watch a stream, "
        "call watch(). For a server of your own, call connect() without a URL"
    )
