"""A shop that cannot bill every order: it tries again, gives up, and says what became of all."""

from streamviz import Scenario, Stream, connect, series
from streamviz.client import Entry


def bill(order: Entry) -> None:
    """Bill an order, unless it is for a kettle."""
    if order.fields["item"] == "kettle":
        raise LookupError("no price for a kettle")


with Scenario(connect(), seed=7) as shop:
    shop.produce("orders", series.orders(rate_hz=5))
    shop.group(
        "orders",
        "billing",
        consumers=2,
        service_ms=200,
        handler=bill,
        on_error="keep",
        claim_idle_ms=2000,
        delivery_limit=3,
        dead_letters="orders:unbilled",
    )
    shop.note("opening")
    history = shop.run(seconds=30)

print(shop.summary())
print(history.last.group("billing"))
print(Stream(shop.client, "orders:unbilled").range(count=1))
