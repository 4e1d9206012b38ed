"""A stream in four parts on a cluster: a worker reads all of them while one part moves."""

from streamviz import History
from streamviz.client import slot_of
from streamviz.observation import PartitionObserver
from streamviz.patterns import Partitions
from streamviz.server import embedded_cluster

with embedded_cluster() as cluster, cluster.client() as client:
    orders = Partitions(client, "orders", 4)
    groups = orders.create_group("billing")
    orders.add_many((f"customer-{n % 50}", {"number": n}) for n in range(200))

    seen, observer = History(), PartitionObserver(orders, cluster.names)
    seen.append(observer.sample())
    print(seen.last.group("billing").lag.entries, "waiting")

    moved = orders.of("customer-7").key
    owner = cluster.slot_owner(moved)
    target = next(node for node in cluster.nodes if node != owner)
    cluster.move_slot(slot_of(moved), target.name)
    print("moved" if cluster.slot_owner(moved) == target else "still there")

    workers = [group.consumer("ann") for group in groups]
    print(sum(1 for worker in workers for order in worker.drain()), "handled")
    seen.append(observer.sample())
    print(seen.last.group("billing").lag.entries, "waiting")
