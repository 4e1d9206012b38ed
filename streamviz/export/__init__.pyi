from .embed import to_embed as to_embed
from .html import to_html as to_html
from .images import to_animation as to_animation
from .images import to_still as to_still
from .page_server import DashboardServer as DashboardServer
from .slides import to_document as to_document
from .slides import to_slides as to_slides
