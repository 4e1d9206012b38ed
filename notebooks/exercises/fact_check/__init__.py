"""Notebook 14: one experiment for each claim of the article, and the exercises.

Each check is a function that runs its experiment on a real Redis and returns a `Finding`. Its
arguments change the experiment, and the verdict follows from the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import redis

from exercises.fact_check.claims import Finding, Findings, between, judged, untested
from exercises.fact_check.delivery import (
    a_part_for_each_group,
    beyond_pubsub,
    each_group_gets_all,
    faster_gets_more,
    like_a_csv,
    time_indexed,
    while_both_wait,
    who_joins_gets,
)
from exercises.fact_check.ergonomics import (
    are_server_commands,
    by_commands,
    by_typed_calls,
    came_with_five,
    declarative_is_shorter,
    level_is_low,
    lines_of,
    position_is_a_burden,
    replies_are_nested,
    typed_in,
)
from exercises.fact_check.exercises import (
    MY_ORDER,
    check_case,
    check_fit,
    new_case,
    take_turns,
)
from exercises.fact_check.partitions import NAMES, ORDERS, PARTS, at_partitions
from exercises.fact_check.processes import clean_up, elsewhere, private_mib
from exercises.fact_check.retention import (
    after_a_failover,
    can_be_capped,
    late_readers_get_it,
    somewhat_durable,
)
from exercises.fact_check.scale import (
    apps_are_small,
    bytes_of,
    memory_is_the_wall,
    one_box_is_enough,
    one_node_or_two,
    seconds_at_work,
)
from streamviz.server import EmbeddedCluster

CHECKS: tuple[Callable[[redis.Redis], Finding], ...] = (
    came_with_five,
    time_indexed,
    like_a_csv,
    beyond_pubsub,
    each_group_gets_all,
    faster_gets_more,
    late_readers_get_it,
    can_be_capped,
    are_server_commands,
    who_joins_gets,
    a_part_for_each_group,
    apps_are_small,
    replies_are_nested,
    position_is_a_burden,
    level_is_low,
    declarative_is_shorter,
    one_box_is_enough,
    memory_is_the_wall,
)
"""The checks that need one server, in the order of the article."""

NOT_TESTED = (
    untested(
        "Such a service takes 1 MB in Rust, and 100 MB or more with Kafka Streams.",
        "about 1MB of RAM, while the Kafka Streams apps usually initialize at 100MB+",
        "neither Rust nor a JVM ran here",
    ),
    untested(
        "Kafka Streams is a library on top of a server.",
        "a combination of the server (Kafka) combined with a JVM-based framework/lib",
        "its developers say so; notebook 11 ran its counterpart in Python, Quix Streams",
    ),
    untested(
        "Kafka spreads over many machines.",
        "Kafka is built for massive, horizontal scale",
        "you need more than one machine to see that",
    ),
)
"""What the article says of other systems."""

__all__ = [
    "CHECKS",
    "MY_ORDER",
    "NAMES",
    "NOT_TESTED",
    "ORDERS",
    "PARTS",
    "Finding",
    "Findings",
    "a_part_for_each_group",
    "after_a_failover",
    "apps_are_small",
    "are_server_commands",
    "at_partitions",
    "between",
    "beyond_pubsub",
    "by_commands",
    "by_typed_calls",
    "bytes_of",
    "came_with_five",
    "can_be_capped",
    "check_all",
    "check_case",
    "check_fit",
    "clean_up",
    "declarative_is_shorter",
    "each_group_gets_all",
    "elsewhere",
    "faster_gets_more",
    "judged",
    "late_readers_get_it",
    "level_is_low",
    "like_a_csv",
    "lines_of",
    "memory_is_the_wall",
    "new_case",
    "one_box_is_enough",
    "one_node_or_two",
    "position_is_a_burden",
    "private_mib",
    "replies_are_nested",
    "seconds_at_work",
    "somewhat_durable",
    "take_turns",
    "time_indexed",
    "typed_in",
    "while_both_wait",
    "who_joins_gets",
]


def check_all(
    client: redis.Redis,
    cluster: EmbeddedCluster,
    partitions: Mapping[str, Sequence[str]] | None = None,
) -> Findings:
    """Run all experiments, and return their findings as a table.

    Parameters
    ----------
    client : redis.Redis
        The server.
    cluster : EmbeddedCluster
        Several nodes, for the claim about them.
    partitions : mapping of str to sequence of str, optional
        The result of `at_partitions` for `PARTS` and `NAMES`, if you have it: the broker makes each
        new group wait for some seconds.
    """
    joins = partial(who_joins_gets, partitions=partitions)
    findings = [(joins if check is who_joins_gets else check)(client) for check in CHECKS]
    return Findings([*findings, somewhat_durable(), one_node_or_two(cluster), *NOT_TESTED])
