"""Run one dress of the judge; see `streamviz.go.dresses`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import threading
import traceback

from streamviz.go.dresses.wardrobe import DRESSES


def main() -> None:
    """Judge in the dress that the command line names, until the process ends."""
    parser = argparse.ArgumentParser(prog="python -m streamviz.go.dresses")
    parser.add_argument("dress", choices=DRESSES)
    parser.add_argument("--at", required=True, metavar="ADDRESS", help="a URL, or HOST:PORT")
    parser.add_argument("--prefix", required=True, help="before the name of each stream")
    parser.add_argument("--owned", action="store_true", help="end when standard input closes")
    given = parser.parse_args()
    if given.owned:
        threading.Thread(target=end_with_owner, daemon=True).start()
    module = importlib.import_module(f"streamviz.go.dresses.{given.dress}")
    try:
        module.run(given.at, given.prefix, lambda: print(f"{given.dress}: ready", flush=True))
    except Exception:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)  # it was not to end; and a library's threads may wait for ever


def end_with_owner() -> None:
    """Wait until whoever started this process is gone, however that ended."""
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
