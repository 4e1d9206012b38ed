"""A recording is read and replayed without Redis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parents[2] / "notebooks" / "recordings" / "crash_and_rescue.jsonl.gz"
PROGRAM = """
import sys
import streamviz.recording
import streamviz.widgets.player
from streamviz import replay

player = replay(sys.argv[1])
assert len(player.frames) > 100
assert player._mimebundle("here")["text/html"].count("<img") == 2
print(sorted({"redis", "hiredis", "simpy"} & set(sys.modules)))
"""


def test_a_replay_loads_no_client_and_no_simulation() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(RUN)], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    assert done.stdout.strip() == "[]"
