"""Run one style of the judge; see `go_game.variants`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import threading
import traceback

from go_game.variants.runner import STYLES


def main() -> None:
    """Judge in the style that the command line names, until the process ends."""
    parser = argparse.ArgumentParser(prog="python -m go_game.variants")
    parser.add_argument("style", choices=STYLES)
    parser.add_argument("--at", required=True, metavar="ADDRESS", help="a URL, or HOST:PORT")
    parser.add_argument("--prefix", required=True, help="before the name of each stream")
    owned = "wait for a line on standard input after the import, and end when it closes"
    parser.add_argument("--owned", action="store_true", help=owned)
    given = parser.parse_args()
    module = importlib.import_module(f"go_game.variants.{given.style}")
    if given.owned:
        print(f"{given.style}: imported", flush=True)
        sys.stdin.readline()
        threading.Thread(target=end_with_owner, daemon=True).start()
    try:
        module.run(given.at, given.prefix, lambda: print(f"{given.style}: ready", flush=True))
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
