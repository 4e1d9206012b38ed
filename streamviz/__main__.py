"""Run the command ``streamviz`` as ``python -m streamviz``."""

import sys

from streamviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
