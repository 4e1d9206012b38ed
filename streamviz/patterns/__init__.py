"""Consume streams in ready-made ways: offsets, ordered reads, dead letters, partitions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
