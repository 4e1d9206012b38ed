"""The exercises of the notebooks: each prepares its own streams and grades the state in Redis."""

import os

from streamviz import connect
from streamviz.simulation import ALLOW_WRITES, check_may_write

if os.environ.get("REDIS_URL") and not os.environ.get(ALLOW_WRITES):
    check_may_write(
        connect(),
        "the course",
        f"set {ALLOW_WRITES}=1 in the environment, or run streamviz tutorial --allow-writes",
    )
