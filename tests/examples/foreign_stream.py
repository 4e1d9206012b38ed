"""A stream of another program in pandas: what is in it, and how far behind its groups are."""

import sys

from streamviz import Observer, Stream, connect
from streamviz.observation import History

client = connect(sys.argv[1])
stream = Stream(client, sys.argv[2])

orders = stream.range().to_frame()
print(orders["amount"].astype(float).describe()[["count", "mean"]].round(2).to_string())

history, observer = History(), Observer(client, stream.key)
for _ in range(3):
    history.append(observer.sample())
lag = history.to_frame().groupby("group")[["lag_entries", "pending"]].max()
print(lag.to_string())
print(stream.group("billing").pending_entries().to_frame()["deliveries"].to_list())
