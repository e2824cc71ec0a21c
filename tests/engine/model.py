"""The escalation rules a second time, told by clocks that tick: what the engine is measured against.

It schedules nothing. Every clock of the incident is a number that grows from moment to moment, and at each moment it is
asked what the rules want. Slow, and too simple to be wrong in the way in which a timer is.
"""

from __future__ import annotations

from tests.engine.rulebook import SEVERITIES, TICK, Rules, Rung, Site
from tests.engine.trouble import Climb, Taken, Trouble


class Model:
    """One group of alerts, which people act on, and the pages that came of it.

    An alert's name ends in its severity. Once nothing fires any more, the end is noticed within the group interval; at
    which moment is the engine's affair, and said here by `notices`. Until then nobody is paged.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.now = 0
        self.settled = True
        self.firing: set[str] = set()
        self.began: dict[str, int] = {}
        self.ended_at = 0
        self.trouble: Trouble | None = None
        self.pages: set[tuple[int, str]] = set()
        self.notices: set[int] = set()

    def live(self, second: int) -> None:
        """Live every moment up to and with this one."""
        while self.now < second or not self.settled:
            if self.settled:
                self._tick()
            self._moment()
            self.settled = True

    def reach(self, second: int) -> None:
        """Live every moment before this one: what happens in a moment counts before its timers."""
        if self.now < second:
            self.live(second - TICK)
            self._tick()
        self.settled = False

    # What the source reports.

    def fire(self, second: int, alert: str) -> None:
        """An alert fires."""
        self.reach(second)
        new = alert not in self.firing
        self.firing.add(alert)
        trouble = self.trouble
        if new:
            self.began[alert] = second
        if trouble is None:
            self.trouble = Trouble(second + self.site.group_wait, severity_of(alert))
        elif trouble.state == "resolved" and new:
            trouble.state = "triggered"
            trouble.look_at = second + self.site.group_wait
        elif trouble.state != "resolved" and self._is_worse(trouble, severity_of(alert)):
            trouble.look_at = second

    def end(self, second: int, alert: str) -> None:
        """An alert is over."""
        self.reach(second)
        if alert in self.firing:
            self.firing.remove(alert)
            self.ended_at = second

    # What people do: each gives the name of what came of it, nothing when it was refused.

    def act(self, second: int, what: str, who: str, until: int) -> str:
        """A person does something."""
        self.reach(second)
        trouble = self.trouble
        if trouble is None or (trouble.state == "resolved" and what == "note"):
            return ""
        if trouble.state == "resolved":
            return "LATE"
        match what:
            case "ack":
                return self._acknowledge(trouble, who)
            case "snooze":
                trouble.snoozed_until = until
                return "SNOOZE"
            case "escalate":
                return self._escalate(trouble)
            case "resolve" | "force":
                return self._close(trouble, force=what == "force")
        if trouble.taken is None:
            return ""
        if what == "unack":
            self._give_back(trouble, trouble.taken)
            return "UNACK"
        return self._put_off(trouble, trouble.taken, until if what == "extend" else None)

    def _acknowledge(self, trouble: Trouble, who: str) -> str:
        if trouble.taken is not None:
            new = who not in trouble.taken.by
            trouble.taken.by.add(who)
            return "ACK+" if new else ""
        level = max(trouble.climb.told - 1, 0) if trouble.climb else 0
        trouble.state = "acknowledged"
        trouble.snoozed_until = None
        trouble.taken = Taken({who}, level, trouble.severity, self._rules(trouble).ack_timeout or None)
        return "ACK"

    def _put_off(self, trouble: Trouble, taken: Taken, until: int | None) -> str:
        """Extend until a moment; or, by a note, for a whole time-out again, which never makes it shorter."""
        if until is not None:
            taken.left = until - self.now
            return "EXTEND"
        whole = self._rules(trouble).ack_timeout
        if taken.left is None or not whole or whole <= taken.left:
            return ""
        taken.left = whole
        return "EXTEND"

    def _escalate(self, trouble: Trouble) -> str:
        climb = trouble.climb
        if climb is None or not self.firing:
            return ""
        trouble.state = "triggered"
        if trouble.taken is not None:
            climb.raising = 0
        trouble.taken = trouble.snoozed_until = None
        climb.next = min(climb.next, len(self._rules(trouble).rungs) - 1)
        self._tell(trouble, climb)
        return "STEP"

    def _close(self, trouble: Trouble, *, force: bool) -> str:
        if trouble.state == "pending" or (self.firing and not force):
            return ""
        self._over(trouble, self.now)
        trouble.look_at = self.now + self.site.group_interval
        return "CLOSE" if self.firing else "RESOLVE"

    # What time does.

    def _tick(self) -> None:
        """Let every clock that runs go on by one tick."""
        trouble = self.trouble if self.trouble and not self._stands_still(self.trouble) else None
        self.now += TICK
        if trouble is None:
            return
        if trouble.taken is not None:
            trouble.taken.left = None if trouble.taken.left is None else trouble.taken.left - TICK
        elif trouble.climb is not None:
            rules = self._rules(trouble)
            trouble.climb.clock += TICK
            trouble.climb.resting += TICK
            trouble.climb.raising += TICK if self.site.open(rules.raise_hours, self.now - TICK) else 0

    def _moment(self) -> None:
        """Ask what the rules want now."""
        trouble = self.trouble
        if trouble is None:
            return
        if trouble.snoozed_until is not None and trouble.snoozed_until <= self.now:
            trouble.snoozed_until = None
        if trouble.look_at <= self.now or (self.now in self.notices and trouble.state != "resolved"):
            self._look(trouble)
        if self.trouble is None or trouble.state == "resolved" or self._stands_still(trouble) or not self.firing:
            return
        if trouble.taken is not None and trouble.taken.left is not None and trouble.taken.left <= 0:
            self._give_back(trouble, trouble.taken)
        if trouble.climb is not None and trouble.taken is None:
            self._raise(trouble, trouble.climb)
            self._climb(trouble, trouble.climb)

    def _stands_still(self, trouble: Trouble) -> bool:
        """Tell whether its clocks wait, and nobody is told, at this moment."""
        return trouble.snoozed_until is not None

    def _look(self, trouble: Trouble) -> None:
        site = self.site
        if trouble.state == "resolved":
            forget_at = trouble.over_since + site.reopen_within
            if not self.firing and forget_at <= self.now:
                self._forget()
            trouble.look_at = forget_at if forget_at > self.now else self.now + site.group_interval
        elif not self.firing:
            if trouble.state == "pending":
                self._forget()
            else:
                untold = not trouble.told
                self._over(trouble, self.ended_at)
                if untold and self.ended_at + site.reopen_within <= self.now:
                    self._forget()
        else:
            trouble.look_at = self.now + site.group_interval
            self._weigh(trouble)

    def _forget(self) -> None:
        self.trouble = None
        self.began.clear()

    def _weigh(self, trouble: Trouble) -> None:
        """Let an incident that fires follow its alerts."""
        reported = [severity_of(alert) for alert in self.firing] + ([trouble.raised] if trouble.raised else [])
        trouble.severity = max(reported, key=rank)
        if self._is_worse(trouble, trouble.severity):
            trouble.taken = trouble.snoozed_until = None
            self._start(trouble)
        elif trouble.state != "acknowledged" and trouble.climb is None:
            self._start(trouble)

    def _is_worse(self, trouble: Trouble, severity: str) -> bool:
        """Tell whether it is more severe than what was acknowledged, or than what the policy climbs for."""
        known = trouble.taken or trouble.climb
        return known is not None and rank(severity) > rank(known.severity)

    def _start(self, trouble: Trouble) -> None:
        trouble.state = "triggered"
        trouble.exhausted = False
        trouble.climb = Climb(trouble.severity)

    def _over(self, trouble: Trouble, since: int) -> None:
        """Whoever was told of the fire is told of its end."""
        self.pages |= {(self.now, receiver) for receiver in trouble.told}
        trouble.over_since = since
        trouble.look_at = self.now + self.site.group_interval if trouble.told else since + self.site.reopen_within
        trouble.told.clear()
        trouble.state, trouble.raised, trouble.exhausted = "resolved", "", False
        trouble.taken = trouble.climb = None

    def _give_back(self, trouble: Trouble, taken: Taken) -> None:
        """The level of the acknowledgement is told again; the later ones keep their distance."""
        trouble.taken = None
        trouble.exhausted = False
        trouble.state = "triggered"
        if trouble.climb is None:
            self._start(trouble)
            return
        trouble.climb.next = taken.level
        trouble.climb.again = taken.level < trouble.climb.told
        trouble.climb.clock = self._rules(trouble).rungs[taken.level].after
        trouble.climb.raising = 0

    def _raise(self, trouble: Trouble, climb: Climb) -> None:
        rules = self._rules(trouble)
        upward = bool(rules.raise_to) and rank(rules.raise_to) > rank(climb.severity)
        if upward and climb.raising >= rules.raise_after:
            trouble.severity = trouble.raised = rules.raise_to
            self._start(trouble)

    def _climb(self, trouble: Trouble, climb: Climb) -> None:
        """Tell, skip or hold the levels whose time has come."""
        climb = trouble.climb or climb
        rules = self._rules(trouble)
        while True:
            if climb.next == len(rules.rungs):
                if trouble.exhausted or climb.resting < rules.every:
                    return
                climb.loops += 1
                climb.next = rules.resume - 1
                climb.clock = rules.rungs[climb.next].after
            rung = rules.rungs[climb.next]
            opened = self.site.open(rung.hours, self.now)
            if climb.clock < rung.after or not (opened or rung.skip):
                return
            if opened and (climb.again or self._enough(rung)):
                self._tell(trouble, climb)
            else:
                self._past(trouble, climb)

    def _enough(self, rung: Rung) -> bool:
        """Tell whether as many alerts fire, or began in its time, as a level asks for."""
        began = [alert for alert, second in self.began.items() if second >= self.now - rung.within]
        return len(began if rung.within else self.firing) >= rung.least

    def _tell(self, trouble: Trouble, climb: Climb) -> None:
        rung = self._rules(trouble).rungs[climb.next]
        self.pages |= {(self.now, receiver) for receiver in rung.notify}
        trouble.told |= set(rung.notify)
        climb.told = climb.next + 1
        self._past(trouble, climb)

    def _past(self, trouble: Trouble, climb: Climb) -> None:
        rules = self._rules(trouble)
        climb.clock = rules.rungs[climb.next].after
        climb.next += 1
        climb.again = False
        climb.resting = 0
        more = bool(rules.every) and (rules.times is None or climb.loops < rules.times)
        trouble.exhausted = climb.next == len(rules.rungs) and not more

    def _rules(self, trouble: Trouble) -> Rules:
        return self.site.rules[trouble.climb.severity if trouble.climb else trouble.severity]


def severity_of(alert: str) -> str:
    """The severity in an alert's name: `a-critical`."""
    return alert.rpartition("-")[2]


def rank(severity: str) -> int:
    """A severity's place, 0 lowest."""
    return SEVERITIES.index(severity)
