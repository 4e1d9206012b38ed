"""Whether a process is there."""

from __future__ import annotations

import os
from pathlib import Path


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be counted does not."""
    status = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):  # it may go at any of these steps
        return False
