"""Get a Redis: by URL, as an embedded server, or as an embedded cluster."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
