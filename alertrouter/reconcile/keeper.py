"""Polls Alertmanagers beside the router's loop, which never waits for one, and tells the journal what to heal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from alertrouter import log
from alertrouter.alert import AlertReport, Fingerprint
from alertrouter.errors import PayloadError, SourceError, StoreUnavailable
from alertrouter.events import Gone, HeldThere, Missed, SourceReconciled, encode
from alertrouter.reconcile.compare import Course, Listed, Look, Rules, Run, Verdict, compare
from alertrouter.reconcile.reading import Reading, joined, read
from alertrouter.reconcile.upstream import Upstream, upstream
from alertrouter.settings import Settings
from alertrouter.settings_reconcile import Replica
from alertrouter.sources.report import ToldAlert, told
from alertrouter.store.connection import connect
from alertrouter.store.embedded import redis_url
from alertrouter.store.journal import Journal
from alertrouter.store.keys import Keys
from alertrouter.store.reconciled import Reconciled

AGREED: Final = "agreed"
DOUBTFUL: Final = "doubtful"
FAILED: Final = "failed"

_EVENT_SIZE: Final = 10_000
"""Alerts in one event."""

_PEER_TIMEOUT: Final = timedelta(seconds=15)
"""How long each further replica of a cluster waits for those before it to tell: Alertmanager's default."""

_log = log.get(__name__)


@dataclass(slots=True)
class _Source:
    """What is known of one source. `holds` are alerts that it lists, or, while it doesn't answer, that it may list.

    `held` is what was told of those that it holds back. `trouble` says why not all that it says is believed, `wary`
    that it takes more polls to believe it. `spoke_at` is when it was last told what it lists.
    """

    replicas: tuple[Replica, ...]
    course: Course = field(default_factory=Course)
    seen: frozenset[Fingerprint] | None = None
    holds: AbstractSet[Fingerprint] = frozenset()
    config: str = ""
    upstream: Upstream | None = None
    trouble: str = ""
    wary: bool = False
    held: Mapping[Fingerprint, str] = field(default_factory=dict)
    spoke_at: datetime | None = None

    @property
    def name(self) -> str:
        """How people know it: by its first replica, so that a further one changes nothing."""
        return self.replicas[0].name


class Reconciler(threading.Thread):
    """Asks each source every `every` seconds. Without sources it only forgets those that it asked before."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        super().__init__(name="reconcile", daemon=True)
        self._settings = settings.reconcile
        self._clock = clock
        self._stopped = threading.Event()
        self._sources = [_Source(replicas) for replicas in self._settings.sources]
        every = timedelta(seconds=self._settings.every)
        self._rules = Rules(looks=self._settings.polls, gap=2 * every + timedelta(seconds=30))
        client, keys = connect(redis_url(settings)), Keys(settings.namespace)
        self._store = Reconciled(client, keys)
        self._journal = Journal(client, keys)

    def run(self) -> None:
        """Poll until told to stop."""
        try:
            self._store.begin(source.name for source in self._sources)
        except StoreUnavailable as error:
            _log.warning("not reconciled", reason=str(error))
        while self._sources and not self._stopped.is_set():
            self.poll()
            self._stopped.wait(self._settings.every)

    def stop(self) -> None:
        """Poll no more; a request under way is left alone, and what it finds is dropped."""
        self._stopped.set()

    def poll(self) -> None:
        """Ask every source once."""
        for source in self._sources:
            # Unless all of this poll succeeds the next one counts from nothing, and it may list what it was seen to.
            course, source.course, source.holds = source.course, Course(), source.seen or frozenset()
            try:
                self._poll(source, course)
            except StoreUnavailable as error:
                _log.warning("not reconciled", source=source.name, reason=str(error))
            except Exception:  # noqa: BLE001  whatever one source does to its reader, the others are asked
                _log.exception("not reconciled", source=source.name)

    def _poll(self, source: _Source, course: Course) -> None:
        if source.seen is None:
            source.seen = source.holds = self._store.seen(source.name)
        look = self._look(source)
        if self._stopped.is_set():
            return
        if look is None:
            self._store.polled(source.name, FAILED, self._clock())
            return
        known = self._store.known(look.listed.keys() | source.seen)
        elsewhere = frozenset[Fingerprint]().union(*(one.holds for one in self._sources if one is not source))
        verdict = compare(course, look, known, source.seen, self._rules, elsewhere)
        self._tell(source, look, verdict)
        source.held = self._tell_held(source, look, verdict)
        self._tell_unheard(source, look, verdict)
        self._store.keep(source.name, more=verdict.seen - source.seen, less=source.seen - verdict.seen)
        source.course, source.seen, source.wary = verdict.course, verdict.seen, verdict.wary
        source.holds = source.seen if look.doubt else look.listed.keys()
        self._store.polled(source.name, DOUBTFUL if source.trouble else AGREED, look.at)

    def _look(self, source: _Source) -> Look | None:
        """Ask all replicas; None when none of them answers."""
        at = self._clock()
        readings: list[Reading] = []
        doubts: list[str] = []
        for replica in source.replicas:
            try:
                readings.append(read(replica, self._settings, at))
            except SourceError as error:
                doubts.append(str(error))
        doubts += [reading.doubt for reading in readings if reading.doubt]
        if not readings:
            self._say(source, doubts)
            return None
        known = self._upstream(source, readings[0].config)
        self._say(source, [*doubts, *filter(None, [known.fault])])
        return Look(at=at, listed=joined(readings), tells_within=known.tells_within, doubt="; ".join(doubts))

    def _upstream(self, source: _Source, config: str) -> Upstream:
        """Read its configuration, unless it is the one that was read last."""
        if source.upstream is None or source.config != config:
            leeway = _PEER_TIMEOUT * (len(source.replicas) - 1)
            source.config, source.upstream = config, upstream(config, self._settings.receivers, leeway)
        return source.upstream

    def _say(self, source: _Source, doubts: Iterable[str]) -> None:
        """Log what is wrong with a source, once while it is so."""
        trouble = "; ".join(doubts)
        if trouble and trouble != source.trouble:
            _log.warning("what Alertmanager lists is not believed", source=source.name, reason=trouble)
        elif source.trouble and not trouble:
            _log.info("what Alertmanager lists is believed again", source=source.name)
        source.trouble = trouble

    def _tell(self, source: _Source, look: Look, verdict: Verdict) -> None:
        """Put what is to be healed into the journal: the router has the last word."""
        if verdict.wary and not source.wary:
            _log.warning("so much is over in Alertmanager at once that more polls are waited for", source=source.name)
        missed = [
            Missed(report, run.since)
            for mark, run in verdict.missed.items()
            if (report := _report(source.name, look.listed[mark], look.at)) is not None
        ]
        for start in range(0, len(missed), _EVENT_SIZE):
            some = tuple(missed[start : start + _EVENT_SIZE])
            self._append(source, look.at, f"missed.{start}", _looks(verdict.missed), missed=some)
        gone = [Gone(mark, run.since) for mark, run in verdict.gone.items()]
        for start in range(0, len(gone), _EVENT_SIZE):
            rest = tuple(gone[start : start + _EVENT_SIZE])
            self._append(source, look.at, f"gone.{start}", _looks(verdict.gone), gone=rest)

    def _tell_held(self, source: _Source, look: Look, verdict: Verdict) -> Mapping[Fingerprint, str]:
        """Tell which alerts it holds back anew, or no longer; gives all that are."""
        kept = {mark: why for mark, why in source.held.items() if mark in verdict.seen and mark not in look.listed}
        held = {mark: f"{why}, in Alertmanager ({source.name})" for mark, why in verdict.held.items()} | kept
        fresh = [HeldThere(mark, why) for mark, why in held.items() if source.held.get(mark) != why]
        changed = fresh + [HeldThere(mark, "") for mark in source.held if mark not in held]
        for start in range(0, len(changed), _EVENT_SIZE):
            self._append(source, look.at, f"held.{start}", 1, held=tuple(changed[start : start + _EVENT_SIZE]))
        return held

    def _tell_unheard(self, source: _Source, look: Look, verdict: Verdict) -> None:
        """Tell now and then what it lists, so that an alert whose webhooks are lost is not said to be stale."""
        if not verdict.unheard or (source.spoke_at is not None and look.at - source.spoke_at < self._rules.rest):
            return
        for start in range(0, len(verdict.unheard), _EVENT_SIZE):
            self._append(source, look.at, f"heard.{start}", 1, heard=verdict.unheard[start : start + _EVENT_SIZE])
        source.spoke_at = look.at

    def _append(
        self,
        source: _Source,
        at: datetime,
        part: str,
        looks: int,
        *,
        missed: tuple[Missed, ...] = (),
        gone: tuple[Gone, ...] = (),
        held: tuple[HeldThere, ...] = (),
        heard: tuple[Fingerprint, ...] = (),
    ) -> None:
        key = f"reconcile:{source.name}:{at:%Y%m%dT%H%M%S.%f}:{part}"
        if not heard:
            _log.info("reconciled", source=source.name, key=key, missed=len(missed), gone=len(gone), held=len(held))
        event = SourceReconciled(
            at=at,
            actor="reconcile",
            key=key,
            source=source.name,
            looks=looks,
            missed=missed,
            gone=gone,
            held=held,
            heard=heard,
        )
        self._journal.append(encode(event))


def _looks(runs: Mapping[Fingerprint, Run]) -> int:
    return min(run.looks for run in runs.values())


def _report(source: str, listed: Listed, now: datetime) -> AlertReport | None:
    """Report an alert as its webhook would: it fires until its end is told."""
    alert = ToldAlert(
        labels=dict(listed.labels),
        annotations=dict(listed.annotations),
        starts_at=listed.starts_at,
        generator_url=listed.generator_url,
        status="firing",
    )
    try:
        return told(alert, now)
    except PayloadError as error:
        _log.warning("alert in Alertmanager can't be taken in", source=source, reason=str(error))
        return None
