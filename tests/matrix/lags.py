"""Ask each server of the matrix for its lags, and save them for the table in notebook 07.

python tests/matrix/lags.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from run import SERVERS

sys.path.insert(0, str(Path(__file__).parents[2] / "notebooks"))

from exercises.lag_servers import FILE, replies, server_name
from streamviz.server.embedded import EmbeddedServer


def main() -> None:
    """Write the file: what each server reports in each case."""
    lags = {}
    for find in (find for _, find in SERVERS.values()):
        with EmbeddedServer(program=str(find())) as server:
            client = server.client()
            lags[server_name(client)] = replies(client, "queue")
            client.close()
    rows = ",\n".join(
        f" {json.dumps(name)}: [\n  "
        + ",\n  ".join(json.dumps(reply, ensure_ascii=False) for reply in found)
        + "\n ]"
        for name, found in lags.items()
    )
    FILE.write_text(f"{{\n{rows}\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
