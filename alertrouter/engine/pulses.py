"""What is known of the heartbeats, and when the engine has to look whether one is missing."""

from __future__ import annotations

from datetime import datetime

from alertrouter.engine.state import Pulse
from alertrouter.engine.timers import Timers
from alertrouter.policy.policy import Policy


class Pulses:
    """The state's pulses by the name of their heartbeat, with their timers. The policy says what is expected."""

    def __init__(self, known: dict[str, Pulse], timers: Timers) -> None:
        """Plan nothing yet; `known` is the state's own mapping."""
        self._known = known
        self._timers = timers

    def put(self, name: str, pulse: Pulse | None, policy: Policy | None) -> None:
        """Keep what is known of a heartbeat now; None: it is expected no more."""
        if pulse is None:
            self._known.pop(name, None)
        else:
            self._known[name] = pulse
        self._plan(name, policy)

    def silent(self, name: str, now: datetime, policy: Policy) -> bool:
        """Look at a heartbeat whose timer came: missing, or a beat has come meanwhile and the next one has time."""
        self._timers.plan("heartbeat", name, None)
        if self._known[name].since + policy.heartbeats[name].patience <= now:
            return True
        self._plan(name, policy)
        return False

    def plan_all(self, policy: Policy) -> None:
        """A policy comes into force: plan by its patience."""
        for name in self._known:
            self._plan(name, policy)

    def _plan(self, name: str, policy: Policy | None) -> None:
        pulse = self._known.get(name)
        rule = policy.heartbeats.get(name) if policy else None
        if rule is None or pulse is None or pulse.alert is not None:
            self._timers.plan("heartbeat", name, None)
            return
        due, planned = pulse.since + rule.patience, self._timers.planned("heartbeat", name)
        # As with alerts: a beat needs no timer of its own, the one that is set finds it.
        if planned is None or due < planned:
            self._timers.plan("heartbeat", name, due)
