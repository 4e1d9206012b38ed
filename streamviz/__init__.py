"""See Redis Streams work, live, on a real Redis."""

from typing import Any

import lazy_loader

# Loaded when first used: importing streamviz starts nothing and takes no time.
_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("streamviz")
    return _load(name)
