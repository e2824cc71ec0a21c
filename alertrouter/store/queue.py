"""The RQ queue between router and workers: the only producer of its jobs.

A job is a kick: "there is something to deliver". It carries nothing, so that losing one costs time and no message.
"""

from __future__ import annotations

from typing import Final

import redis
from redis.client import Pipeline
from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

from alertrouter.store.connection import border
from alertrouter.store.keys import Keys

JOB: Final = "alertrouter.worker.drain"
JOB_TIMEOUT: Final = 60
DELIVERIES_A_KICK: Final = 25
MOST_KICKS: Final = 4
ENOUGH_WAITING: Final = 16
"""With so many kicks waiting, all workers are busy or gone: one more helps nobody."""


class Kicks:
    """Wakes workers."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys
        self._queue = Queue(keys.queue, connection=client, serializer=JSONSerializer)

    def waiting(self) -> int:
        """How many kicks no worker has taken yet."""
        with border():
            return self._redis.llen(self._keys.queue_list)

    def kick(self) -> None:
        """Wake one worker now."""
        with border():
            self._queue.enqueue_many([_job()])

    def add(self, pipeline: Pipeline, kicks: int) -> None:
        """Wake so many workers with the pipeline's EXEC; its MULTI must have begun."""
        if kicks:
            self._queue.enqueue_many([_job() for _ in range(kicks)], pipeline=pipeline)


def kicks_for(deliveries: int, waiting: int) -> int:
    """How many workers to wake for so many new deliveries."""
    if waiting >= ENOUGH_WAITING:
        return 0
    return min(-(-deliveries // DELIVERIES_A_KICK), MOST_KICKS)


def _job() -> EnqueueData:
    return Queue.prepare_data(
        JOB, timeout=JOB_TIMEOUT, result_ttl=0, failure_ttl=3600, ttl=900, description="deliver what is due"
    )
