"""Run the command ``streamviz`` as ``python -m streamviz``."""

import signal
import sys
from io import TextIOWrapper


def run() -> int:
    """Run the command line and return its exit status: 130 if Ctrl-C cut it short."""
    if isinstance(sys.stdout, TextIOWrapper):  # not every terminal can show every name
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from streamviz.cli import main  # which takes a moment, too

        status = main()
    except KeyboardInterrupt:
        status = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python takes a moment to end
    return status


if __name__ == "__main__":
    sys.exit(run())
