"""Print the command line's output, each line at once."""

from __future__ import annotations

import os
import sys

from streamviz.errors import StreamVizError


def say(*words: object, end: str = "\n") -> None:
    """Print a line, or only what waits to be printed; StreamVizError if that can't be written."""
    try:
        print(*words, end=end, flush=True)
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # else Python would try again at its end
        os.close(nowhere)
        raise StreamVizError(
            f"can't print: {error.strerror}: send the standard output elsewhere"
        ) from error
