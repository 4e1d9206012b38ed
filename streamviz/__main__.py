"""Run the command ``streamviz`` as ``python -m streamviz``."""

import sys
from io import TextIOWrapper


def run() -> int:
    """Run the command line and return its exit status: 130 after Ctrl-C, as shells say it."""
    if isinstance(sys.stdout, TextIOWrapper):  # not every terminal can show every name
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from streamviz.cli import main  # which takes a moment, too

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
