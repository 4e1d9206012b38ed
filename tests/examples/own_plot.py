"""A plot of one's own, in a still picture: how many entries come in each tenth of a second."""

from typing import Any

from streamviz import History, Scenario, connect, record, series
from streamviz.export import to_still
from streamviz.observation import Sample
from streamviz.plots import Plot


class Throughput(Plot):
    """A line: the entries that were added between two samples."""

    def structure_key(self, history: History) -> None:
        """Return nothing, because the traces are always the same."""

    def traces(self, history: History) -> list[dict[str, Any]]:
        """Return the line, without points."""
        return [{"type": "scatter", "mode": "lines", "name": "new", "x": [], "y": []}]

    def layout(self, history: History) -> dict[str, Any]:
        """Return the axes."""
        return {"xaxis": {"title": {"text": "seconds"}}, "yaxis": {"title": {"text": "entries"}}}

    def sampled_values(self, sample: Sample, history: History) -> list[int]:
        """Return the line's value at one sample."""
        return [len(sample.entries) + sample.missed]

    def summary(self, history: History) -> str:
        """Return the busiest moment in words."""
        most = max((len(one.entries) + one.missed for one in history.samples), default=0)
        return f"At most {most} entries between two samples."


if __name__ == "__main__":
    with Scenario(connect(), seed=7) as shop, record(shop, "run.jsonl.gz"):
        shop.produce("orders", series.orders(rate_hz=20))
        shop.run(seconds=20)

    to_still("run.jsonl.gz", "throughput.svg", plots=[Throughput()])
    print(Throughput().summary(shop.history))
