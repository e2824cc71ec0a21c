"""What comes of a click or a command in Slack: one event into the journal, and words for the person.

Neither HTTP nor Socket Mode is known here; both bring what they hear to the same desk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta, tzinfo
from hashlib import sha256
from typing import Final

from alertrouter import events, log
from alertrouter.engine.changes import Answer
from alertrouter.errors import PayloadError, StoreUnavailable
from alertrouter.events import Acknowledged, Action, Escalated, Resolved, Snoozed, Unacknowledged
from alertrouter.incident import Incident, State
from alertrouter.notifiers import slack_actions
from alertrouter.policy.identity import known_as
from alertrouter.policy.oncall import Schedule
from alertrouter.store.doorstore import DoorStore
from alertrouter.transition import Transition
from alertrouter.web.slack_payload import Click, Command, Target, printable, read_target
from alertrouter.web.slack_silence import SlackSilences

PATIENCE: Final = 1.5
"""Seconds that the router has for its answer."""
DEADLINE: Final = 2.5
"""Seconds after which nothing is waited for any more: Slack waits 3."""

ACTIONS: Final = frozenset(
    {
        slack_actions.ACKNOWLEDGE,
        slack_actions.UNACKNOWLEDGE,
        slack_actions.ESCALATE,
        slack_actions.SNOOZE,
        slack_actions.RESOLVE,
        slack_actions.RESOLVE_FIRING,
        slack_actions.SILENCE,
        slack_actions.UNSILENCE,
    }
)
SPANS: Final = {"30m": timedelta(minutes=30), "2h": timedelta(hours=2)}

MORNING: Final = time(9)
SHOWN: Final = 20
MAX_INCIDENT: Final = 64

NOT_ALLOWED: Final = (
    "You may look, but not act on incidents here: ask whoever runs alertrouter "
    "(`slack: {allowed: …}` in the policy, SLACK_ALLOWED_USERS)."
)
TAKEN_DOWN: Final = "Taken down. The router has not answered yet; the message changes when it has."
HELP: Final = "`/alertrouter list` · `/alertrouter ack INC-1` · `/alertrouter oncall`"
NO_SCHEDULES: Final = "No on-call schedules are set up."

_log = log.get(__name__)


class SlackDesk:
    """Takes clicks and commands of the users who may act: `allowed`, and those of the policy; with none, everyone may.

    Who stands under `people` acts by that name; who doesn't, by the one that they have in Slack.
    """

    def __init__(self, store: DoorStore, allowed: Iterable[str], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._allowed = frozenset(allowed)
        self._clock = clock
        self._silences = SlackSilences(store)

    async def click(self, click: Click) -> str:
        """Do what a button asks for; gives what only that person is to read, "" when the message says it all.

        Raises `PayloadError` when the button is not as we draw them, `StoreUnavailable` when nothing was taken down.
        """
        if click.action not in ACTIONS:
            return ""
        target = read_target(click.value)
        async with _in_time():
            if not await self._may_act(click.user):
                return NOT_ALLOWED
            if click.action in (slack_actions.SILENCE, slack_actions.UNSILENCE):
                return escaped(await self._silence(click, target))
            event = await self._event(click, target)
            return _words(event, await self._ask(event))

    async def command(self, command: Command) -> str:
        """Answer a command. Raises `StoreUnavailable`."""
        async with _in_time():
            match command.words:
                case ("list",):
                    return _listed(await self._store.incidents())
                case ("ack", incident):
                    return await self._acknowledge(command, incident)
                case ("oncall", *_):
                    policy = await self._store.policy()
                    return on_call(policy.schedules.values() if policy else (), self._clock())
                case _:
                    return HELP

    async def _acknowledge(self, command: Command, incident: str) -> str:
        if not await self._may_act(command.user):
            return NOT_ALLOWED
        key = _key(command.user, command.moment, "ack", incident)
        name = printable(incident).upper()[:MAX_INCIDENT]
        actor = await self._actor(command.user, command.name)
        event = Acknowledged(at=self._clock(), actor=actor, key=key, incident=name)
        answer = await self._ask(event)
        return escaped(answer.text) if answer else TAKEN_DOWN

    async def _silence(self, click: Click, target: Target) -> str:
        actor = await self._actor(click.user, click.name)
        key, now = _key(click.user, click.moment, click.action, click.value), self._clock()
        if click.action == slack_actions.UNSILENCE:
            return await self._silences.end(target.incident, actor=actor, key=key, now=now)
        return await self._silences.begin(target.incident, target.choice, actor=actor, key=key, now=now)

    async def _event(self, click: Click, target: Target) -> Action:
        actor = await self._actor(click.user, click.name)
        now, incident, version = self._clock(), target.incident, target.version
        key = _key(click.user, click.moment, click.action, click.value)
        match click.action:
            case slack_actions.ACKNOWLEDGE:
                return Acknowledged(at=now, actor=actor, key=key, incident=incident, version=version)
            case slack_actions.UNACKNOWLEDGE:
                return Unacknowledged(at=now, actor=actor, key=key, incident=incident, version=version)
            case slack_actions.ESCALATE:
                return Escalated(at=now, actor=actor, key=key, incident=incident, version=version)
            case slack_actions.SNOOZE:
                until = await self._until(target.choice, now)
                return Snoozed(at=now, actor=actor, key=key, incident=incident, version=version, until=until)
            case _:
                force = click.action == slack_actions.RESOLVE_FIRING
                return Resolved(at=now, actor=actor, key=key, incident=incident, version=version, force=force)

    async def _until(self, choice: str, now: datetime) -> datetime:
        if choice != slack_actions.UNTIL_MORNING:
            try:
                return now + SPANS[choice]
            except KeyError:
                raise PayloadError(f"actions[0]: expected one of {', '.join(slack_actions.SNOOZES)}") from None
        return morning_after(now, await self._store.timezone())

    async def _actor(self, user: str, name: str) -> str:
        person = known_as(await self._store.people(), slack=user)
        return f"{person or f'@{name}'} (slack)"

    async def _may_act(self, user: str) -> bool:
        policy = await self._store.policy()
        allowed = self._allowed | (policy.slack_allowed if policy else frozenset())
        return not allowed or user in allowed

    async def _ask(self, event: Action) -> Answer | None:
        answer = await self._store.ask(events.encode(event), event.key, patience=PATIENCE)
        came_of_it = answer.transition.value if answer and answer.transition else ""
        _log.info("asked in Slack", incident=event.incident, actor=event.actor, key=event.key, came_of_it=came_of_it)
        return answer


def morning_after(now: datetime, zone: tzinfo) -> datetime:
    """The next morning at nine, in a time zone."""
    local = now.astimezone(zone)
    day = local.date() if local.time() < MORNING else local.date() + timedelta(days=1)
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def on_call(schedules: Iterable[Schedule], now: datetime) -> str:
    """Who is on call by each schedule, until when, and who comes then."""
    lines = []
    for schedule in schedules:
        turn, after = schedule.on_call(now), schedule.next_handover(now)
        until = (
            f", until {after.at.astimezone(schedule.zone):%a %d %b %H:%M %Z}, then {after.turn.who}" if after else ""
        )
        lines.append(f"*{escaped(schedule.name)}* {escaped(f'{turn.who} ({turn.why}){until}')}")
    return "\n".join(lines[:SHOWN]) or NO_SCHEDULES


def escaped(text: str) -> str:
    """Text for Slack in which nothing is mark-up."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Be done before Slack gives up; raises `StoreUnavailable` when the store is too slow for that."""
    try:
        async with asyncio.timeout(DEADLINE):
            yield
    except TimeoutError:
        raise StoreUnavailable(f"the store did not answer within {DEADLINE:g} s") from None


def _words(event: Action, answer: Answer | None) -> str:
    """What the person who clicked is told besides the message that changes."""
    if answer is None:
        return TAKEN_DOWN
    if answer.transition is None:
        return escaped(f"Nothing changed: {answer.text}.")
    if isinstance(event, Acknowledged) and answer.transition is Transition.ACK_TOO:
        return escaped(f"Somebody was faster: {answer.text}. You are noted too.")
    return ""


def _listed(incidents: list[Incident]) -> str:
    """The open incidents, newest first, one on each line."""
    still_open = [one for one in incidents if one.state in (State.TRIGGERED, State.ACKNOWLEDGED)]
    if not still_open:
        return "Nothing is open."
    lines = [_line(one) for one in still_open[:SHOWN]]
    missing = len(still_open) - len(lines)
    return "\n".join([*lines, *([f"… and {missing} more"] if missing else [])])


def _line(incident: Incident) -> str:
    what = " ".join(incident.group_labels.values()) or incident.route
    who = f", acknowledged by {incident.ack.by}" if incident.ack else ", nobody's"
    return f"*{incident.id}* {escaped(what[:100])} ({escaped(incident.severity)}{escaped(who)})"


def _key(*parts: str) -> str:
    """One name for one click: whoever sends it again changes nothing."""
    return "slack:" + sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
