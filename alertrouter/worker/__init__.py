"""The worker process: RQ wakes it with a kick that carries nothing, and it drains what the ledger says is due."""

from __future__ import annotations

from typing import Final

from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from alertrouter import garbage, log
from alertrouter.errors import StoreUnavailable
from alertrouter.outage import Outage
from alertrouter.settings import Settings, from_environment
from alertrouter.store import stateformat
from alertrouter.store.connection import Pipeline, border, connect
from alertrouter.store.embedded import redis_url
from alertrouter.store.keys import Keys
from alertrouter.worker.courier import LINGER_SECONDS, Courier

START_AGAIN: Final = 0.5

_log = log.get(__name__)
_courier: Courier | None = None


def run_worker(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; what is being sent then is sent and written down first."""
    global _courier  # noqa: PLW0603  RQ calls `drain` by its name: it can be handed nothing
    log.configure(settings, process="worker")
    _courier = Courier(settings)
    garbage.settle()
    outage = Outage(_log)
    try:
        while not _courier.stopping.is_set():
            _work(settings, _courier, outage)
    except StopRequested:
        _log.info("stop requested")
    _courier.close()
    _log.info("stopped")


def drain() -> None:
    """Carry out everything that is due. The one RQ job there is."""
    global _courier  # noqa: PLW0603  as above
    if _courier is None:
        _courier = Courier(from_environment())
    _courier.drain(linger=LINGER_SECONDS)


def _work(settings: Settings, courier: Courier, outage: Outage) -> None:
    """Work until told to stop, or until RQ gives up: it does when Redis fails it in the middle of a job."""
    try:
        client = connect(redis_url(settings))
        stateformat.check(client, Keys(settings.namespace))
        client.close()
        with border():
            worker = _Worker(
                [Keys(settings.namespace).queue],
                connection=connect(redis_url(settings), blocking=True),
                serializer=JSONSerializer,
                worker_ttl=60,
                maintenance_interval=30,
                job_monitoring_interval=5,
                log_job_description=False,
            )
            worker.courier = courier
            worker.outage = outage
            worker.work()
    except StoreUnavailable as error:
        outage.goes_on(error)
    if not courier.stopping.is_set():
        courier.stopping.wait(START_AGAIN)


class _Worker(SimpleWorker):
    """RQ's worker in this very process: kept connections, no fork."""

    max_connection_wait_time = 1.0
    courier: Courier
    outage: Outage

    def register_birth(self) -> None:
        """Write that it works: a store that takes that is there again, one that only answers may be full."""
        super().register_birth()  # type: ignore[no-untyped-call]  # RQ
        self.outage.over()
        _log.info("waiting for kicks", queue=self.queue_names()[0])

    def subscribe(self) -> None:
        """Listen to no commands: it would cost a thread and a connection, and nobody sends any."""

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Write its three commands in one round trip instead of three: each message waits for it."""
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        with self.connection.pipeline() as own:
            super().heartbeat(timeout, own)
            own.execute()

    def handle_warm_shutdown_request(self) -> None:
        """Claim nothing more."""
        self.courier.stopping.set()
