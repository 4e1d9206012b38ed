"""Run the command ``streamviz`` as ``python -m streamviz``."""

import signal
import sys
from io import TextIOWrapper


def run() -> int:
    """Run the command line and return its exit status: 130 if Ctrl-C cut it short.

    SIGTERM and the end of the terminal (SIGHUP) do the same, unless they are ignored.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    if isinstance(sys.stdout, TextIOWrapper):  # not every terminal can show every name
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from streamviz.cli import main  # which takes a moment, too

        status = main()
    except KeyboardInterrupt:
        status = 130
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)  # Python takes a moment to end
    return status


if __name__ == "__main__":
    sys.exit(run())
