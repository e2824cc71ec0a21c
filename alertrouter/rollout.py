"""How the files of the policy directory come into force: looked at every two seconds, and read when they have changed.

A policy is checked whole and refused whole: the one in force stays then, and every fault is shown. What somebody
published stays in force until the files change: only a change, or asking for it, makes the router take them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from alertrouter import log, policydir
from alertrouter.calendars.keeper import Calendars
from alertrouter.errors import PolicyError
from alertrouter.events import PolicyActivated
from alertrouter.policy.load import load
from alertrouter.settings import Settings
from alertrouter.store.revisions import BY_ITSELF

WATCH_EVERY: Final = 2.0
"""Seconds between two looks at the directory."""
Refused: TypeAlias = Callable[[Sequence[str]], None]

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a reading: `event` brings another policy into force, None: all stays. `faults` say why it must."""

    text: str
    event: PolicyActivated | None = None
    faults: tuple[str, ...] = ()


class Rollout:
    """The policy directory of one router, and what was last taken from it."""

    def __init__(self, settings: Settings, taken: str, refused: Refused, calendars: Calendars) -> None:
        """`taken` is the revision last taken from files; `refused` is told the faults, or that there are none.

        What `calendars` has read goes with the files.
        """
        self._settings = settings
        self._calendars = calendars
        self._taken = taken
        self._refused = refused
        self._seen = self._read = policydir.signature(policydir.find(settings))

    def changed(self) -> bool:
        """Tell whether the files are others than those last read, and nobody is writing: two looks found the same."""
        now = policydir.signature(policydir.find(self._settings))
        settled, self._seen = now == self._seen, now
        return settled and now != self._read

    def calendars_changed(self, now: datetime, active: str, files: Mapping[str, str]) -> PolicyActivated | None:
        """Give the policy in force anew when its calendars say something else by now than it came with."""
        if not self._calendars.changed(active):
            return None
        try:
            anew = self._calendars.add_to(files)
        except PolicyError:
            return None  # an earlier version took it; the engine has said so
        revision = load(anew).revision if anew != files else active
        if revision == active:
            return None
        from_files = active == self._taken
        self._taken = revision if from_files else self._taken
        _log.info("policy published", revision=revision, before=active, actor=BY_ITSELF)
        key = f"calendars:{now.isoformat()}"
        return PolicyActivated(at=now, actor=BY_ITSELF, key=key, revision=revision, files=anew, from_files=from_files)

    def begin(self, now: datetime, active: str) -> PolicyActivated | None:
        """Give what a router that begins has to bring into force. Raises `PolicyError` when there is nothing at all."""
        verdict = self._look(now, "router", f"policy:{now.isoformat()}", active, again=False)
        if verdict.faults and not active:
            directory = policydir.find(self._settings)
            policydir.checked(directory, policydir.read(directory))  # raises what is wrong
        return verdict.event

    def read(self, now: datetime, actor: str, key: str, active: str) -> Verdict:
        """Read the files, whether they have changed or not."""
        return self._look(now, actor, key, active, again=True)

    def _look(self, now: datetime, actor: str, key: str, active: str, *, again: bool) -> Verdict:
        directory = policydir.find(self._settings)
        self._read = policydir.signature(directory)
        own: Mapping[str, str] = {}
        try:
            own = policydir.read(directory)
            files = self._calendars.add_to(own)
            revision = load(files).revision
        except PolicyError as error:
            problems = policydir.placed(error, directory, own).problems
            return self._refuse(directory, active, tuple(map(str, problems)))
        except Exception as bug:  # noqa: BLE001  a defect in the reading must not stop the router that routes by another
            return self._refuse(directory, active, (f"can't be read, by a defect: {type(bug).__name__}: {bug}",))
        self._refused(())
        if revision == active or (active and revision == self._taken and not again):
            self._taken = revision
            return Verdict(f"revision {active} is in force already")
        self._taken = revision
        _log.info("policy published", revision=revision, before=active, actor=actor)
        event = PolicyActivated(at=now, actor=actor, key=key, revision=revision, files=files, from_files=True)
        return Verdict(f"revision {revision} is in force, before it was {active or 'none'}", event)

    def _refuse(self, directory: Path, active: str, faults: tuple[str, ...]) -> Verdict:
        _log.error("policy refused, the active one stays", active=active, problems=faults)
        self._refused(faults)
        stays = f"revision {active} stays in force" if active else "none is in force"
        return Verdict(f"the policy in {directory} is refused, {stays}", faults=faults)
