"""A recording or a notebook as a file: a page that plays, slides, a picture, a moving picture."""

from streamviz.export.embed import to_embed
from streamviz.export.html import to_html
from streamviz.export.pictures import to_animation, to_still
from streamviz.export.slides import to_document, to_slides

__all__ = ["to_animation", "to_document", "to_embed", "to_html", "to_slides", "to_still"]
