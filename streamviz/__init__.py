"""See Redis Streams work, live, on a real Redis."""

import lazy_loader

__version__ = "0.1.0"

# Loaded when first used: importing streamviz starts nothing and takes no time.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
