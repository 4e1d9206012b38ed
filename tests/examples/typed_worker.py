"""A worker with the typed client: `python typed_worker.py redis://... orders billing ann`."""

import signal
import sys
import threading

from streamviz import Stream, connect

url, key, group, name = sys.argv[1:]
orders = Stream(connect(url), key)
orders.group(group).create(mkstream=True, exist_ok=True)

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
for order in orders.group(group).consumer(name).listen(claim_idle_ms=60_000, stop=stop):
    print(order.fields["item"], flush=True)
