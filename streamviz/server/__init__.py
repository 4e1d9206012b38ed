"""Get a Redis: a URL, an embedded server, an embedded cluster."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
