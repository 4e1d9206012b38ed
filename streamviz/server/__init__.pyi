from .embedded import EmbeddedServer as EmbeddedServer
from .embedded import connect as connect
from .embedded import embedded_server as embedded_server
from .embedded import free_port as free_port
from .embedded_cluster import EmbeddedCluster as EmbeddedCluster
from .embedded_cluster import Node as Node
from .embedded_cluster import embedded_cluster as embedded_cluster
from .resharding import move_slot_steps as move_slot_steps
