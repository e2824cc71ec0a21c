"""What shows from outside that a router routes and that a worker works: for health checks of their containers."""

from __future__ import annotations

import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from alertrouter.store.connection import border
from alertrouter.store.keys import Keys


def router_is_active(client: redis.Redis, keys: Keys) -> bool:
    """Tell whether some router holds the lease, which it loses 4 s after it stopped renewing it."""
    with border():
        return bool(client.exists(keys.lease))


def worker_hosts(client: redis.Redis, keys: Keys) -> set[str]:
    """The hosts that have a worker which gave a sign of life to RQ within its last minute."""
    queue = Queue(keys.queue, connection=client, serializer=JSONSerializer)
    with border():
        return {str(worker.hostname) for worker in Worker.all(queue=queue)}
