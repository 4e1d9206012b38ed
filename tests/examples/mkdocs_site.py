"""A site of MkDocs: a run plays on its front page, and on a page in a folder."""

from pathlib import Path

from streamviz import Scenario, connect, record, series
from streamviz.export import to_html

FRAME = (
    '<iframe src="{}run.html" width="960" height="540" title="Half a minute of orders"></iframe>'
)

with Scenario(connect(), seed=7) as shop, record(shop, "run.jsonl.gz", overwrite=True):
    shop.produce("orders", series.orders(rate_hz=5))
    shop.group("orders", "billing", consumers=2, service_ms=300)
    shop.run(seconds=30)

guide = Path("docs/guide")
guide.mkdir(parents=True, exist_ok=True)
to_html("run.jsonl.gz", "docs/run.html", autoplay=True, overwrite=True)
Path("docs/index.md").write_text(f"# My shop\n\n{FRAME.format('')}\n")
Path(guide, "orders.md").write_text(f"# Orders\n\n{FRAME.format('../../')}\n")
Path("mkdocs.yml").write_text("site_name: My shop\n")
print("mkdocs build")
