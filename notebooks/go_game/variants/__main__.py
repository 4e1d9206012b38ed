"""Run one style of the judge; see `go_game.variants`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback

from go_game.service_process import end_with_owner
from go_game.variants.runner import STYLES


def main() -> None:
    """Run the judge named on the command line, until the process ends."""
    parser = argparse.ArgumentParser(prog="python -m go_game.variants")
    parser.add_argument("style", choices=STYLES)
    parser.add_argument("--at", required=True, metavar="ADDRESS", help="a URL, or HOST:PORT")
    parser.add_argument("--prefix", required=True, help="the start of each stream's name")
    owned = "wait for a line on standard input after the import, and exit when it closes"
    parser.add_argument("--owned", action="store_true", help=owned)
    args = parser.parse_args()
    module = importlib.import_module(f"go_game.variants.{args.style}")
    if args.owned:
        print(f"{args.style}: imported", flush=True)
        sys.stdin.readline()
        end_with_owner()
    try:
        module.run(args.at, args.prefix, lambda: print(f"{args.style}: ready", flush=True))
    except Exception:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)  # a judge must not end; and a library's threads may never end


if __name__ == "__main__":
    main()
