"""A cell of a notebook that Voila serves: a dashboard, with two sliders of one's own."""

import ipywidgets

from streamviz import Dashboard, Scenario, connect, series

shop = Scenario(connect())
orders = shop.produce("orders", series.orders(rate_hz=5))
shop.group("orders", "billing", consumers=2, service_ms=300)
dashboard = Dashboard(shop, controls=False)

speed = ipywidgets.FloatSlider(1, min=0.5, max=8, description="speed")
ipywidgets.jslink((speed, "value"), (dashboard, "speed"))

rate = ipywidgets.FloatSlider(1, min=0.5, max=4, description="orders")
rate.observe(lambda change: setattr(orders, "rate", change["new"]), "value")

ipywidgets.VBox([speed, rate, dashboard])
