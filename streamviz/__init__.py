"""See Redis Streams work, live, on a real Redis."""

import sys

import lazy_loader

__version__ = "0.1.0"

# Loaded when first used: importing streamviz starts nothing and takes no time.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


class _Face(type(sys.modules[__name__])):
    """Prepares each room, which Python sets as an attribute here as soon as it is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(value, "__path__"):
            from streamviz.client.guide import guide_calls

            guide_calls(value)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> object:
        from streamviz.client.guide import no_name

        raise no_name(self, name)


sys.modules[__name__].__class__ = _Face
