"""A page of Streamlit: choose how fast orders come, and play what becomes of them."""

import tempfile
from pathlib import Path

import streamlit

from streamviz import Scenario, connect, series
from streamviz.export import to_html
from streamviz.recording import save

rate_hz = streamlit.slider("Orders a second", 1, 20, 5)

with Scenario(connect(), seed=7) as shop:
    shop.produce(f"orders:{rate_hz}", series.orders(rate_hz=rate_hz))
    shop.group(f"orders:{rate_hz}", "billing", consumers=2, service_ms=300)
    history = shop.run(seconds=30)

with tempfile.TemporaryDirectory() as folder:
    save(history, run := Path(folder, "run.jsonl.gz"))
    streamlit.iframe(to_html(run, Path(folder, "run.html"), autoplay=True), height=540)
streamlit.dataframe(shop.summary().to_frame())
