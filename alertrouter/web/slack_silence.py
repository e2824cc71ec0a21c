"""Silence asked for in Slack: for the incident of the message and what joins it, and its end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from alertrouter import events, log
from alertrouter.errors import PayloadError
from alertrouter.incident import Incident
from alertrouter.notifiers import slack_actions
from alertrouter.silence import SilenceMatcher
from alertrouter.store.doorstore import DoorStore
from alertrouter.web.silence_scope import scope_of

PATIENCE: Final = 1.5
"""Seconds that the router has for its answer."""

SPANS: Final = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1)}
WITH_ALERTS_AT_MOST: Final = timedelta(days=7)

OVER: Final = "Nothing changed: there is no such incident any more."
TOO_WIDE: Final = (
    "Nothing changed: it has neither group labels nor a route of its own, so a silence would hide everything. "
    "Name matchers with `alertrouter silence add`."
)
TAKEN_DOWN: Final = "Taken down. The router has not answered yet; the message changes when it has."

_log = log.get(__name__)


class SlackSilences:
    """Sets and ends the silences that the menu of a message offers. Gives words for the person who chose."""

    def __init__(self, store: DoorStore) -> None:
        self._store = store

    async def begin(self, incident: str, choice: str, *, actor: str, key: str, now: datetime) -> str:
        """Silence an incident for a while, or until its alerts are over."""
        with_alerts = choice == slack_actions.UNTIL_OVER
        if not with_alerts and choice not in SPANS:
            raise PayloadError(f"actions[0]: expected one of {', '.join(slack_actions.SILENCES)}")
        found, scope = await self._scope(incident)
        if found is None or not scope:
            return TOO_WIDE if found else OVER
        event = events.SilenceSet(
            at=now,
            actor=actor,
            key=key,
            matchers=scope,
            starts_at=now,
            ends_at=now + (WITH_ALERTS_AT_MOST if with_alerts else SPANS[choice]),
            created_by=actor,
            comment=f"from {found.id} in Slack",
            with_alerts=with_alerts,
        )
        said = await self._store.ask(events.encode(event), key, patience=PATIENCE)
        _log.info("silence asked for in Slack", incident=incident, actor=actor, key=key, said=said.text if said else "")
        if said is None:
            return TAKEN_DOWN
        shown = ", ".join(map(str, scope))
        also = ", or until its alerts are over" if with_alerts else ""
        return f"Silenced: {shown}. {said.text}{also}." if said.silence else f"Nothing changed: {said.text}."

    async def end(self, incident: str, *, actor: str, key: str, now: datetime) -> str:
        """End the silences of just this incident; one that hides more is ended where it was set."""
        found, scope = await self._scope(incident)
        if found is None:
            return OVER
        ours = [
            one.id
            for one in await self._store.silences()
            if one.in_force(now) and set(one.matchers) == set(scope) and scope
        ]
        for number, name in enumerate(ours):
            event = events.SilenceExpired(at=now, actor=actor, key=f"{key}.{number}", silence=name)
            await self._store.ask(events.encode(event), event.key, patience=PATIENCE)
        if ours or not found.silenced:
            return ""
        return (
            f"Nothing changed: {found.silenced}. It hides more than this incident: end it with `alertrouter silence`."
        )

    async def _scope(self, incident: str) -> tuple[Incident | None, tuple[SilenceMatcher, ...]]:
        found = await self._store.incident(incident)
        return found, scope_of(found, await self._store.policy()) if found else ()
