"""The checks that there are, by their ids, and what one of them finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from alertrouter.policy.reading.faults import Place


class Grade(StrEnum):
    """How bad a finding is. An `error` makes `check` exit 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Check(StrEnum):
    """Every check: its id, how bad what it finds is, and what it looks for."""

    grade: Grade
    looks_for: str

    def __new__(cls, id_: str, grade: Grade, looks_for: str) -> Check:
        """Make one; it is its id."""
        made = str.__new__(cls, id_)
        made._value_ = id_
        made.grade = grade
        made.looks_for = looks_for
        return made

    BARE_IGNORE = "AR000", Grade.WARNING, "an `ignore` without a reason, of an unknown id, or of nothing that is found"
    UNREACHABLE = "AR001", Grade.WARNING, "a route that contradicts one above it"
    SHADOWED = "AR002", Grade.WARNING, "a route behind a sibling that takes all its alerts"
    CONTRADICTION = "AR003", Grade.WARNING, "matchers that no alert can meet together"
    NO_EQUAL = "AR004", Grade.WARNING, "an inhibition rule without `equal`"
    CIRCULAR = "AR005", Grade.WARNING, "two inhibition rules by which two alerts hide each other"
    NEVER_OPEN = "AR006", Grade.WARNING, "a time interval that doesn't open any more"
    ALWAYS_MUTED = "AR007", Grade.WARNING, "a route that is muted at all times"
    REPEAT_BELOW_GROUP = "AR008", Grade.NOTE, "a `repeat_interval` below the `group_interval`"
    NO_POLICY = "AR009", Grade.WARNING, "a severity for which a route with `escalate` has no escalation policy"
    AFTER_RAISE = "AR010", Grade.WARNING, "a level or a repeat that comes after `raise`, so never"
    NO_REPEAT = "AR011", Grade.WARNING, "a paging policy of the highest severity that ends: no `repeat`"
    NO_ACK_TIMEOUT = "AR012", Grade.WARNING, "a paging policy whose acknowledgements never lapse: no `ack_timeout`"
    SCHEDULE_GAP = "AR013", Grade.WARNING, "a schedule that leaves times to its fallback"
    HELD_PAGE = "AR014", Grade.WARNING, "a policy of the highest severity that pages within some hours only"
    SAME_FALLBACK = "AR015", Grade.WARNING, "a fallback, or every later level, that is what failed"
    SECRET = "AR016", Grade.ERROR, "something with the shape of a secret, anywhere in the files"
    TEMPLATE = "AR017", Grade.ERROR, "a template that fails on a sample"
    TELLS_NOBODY = "AR018", Grade.WARNING, "a receiver without integrations where somebody is to be told"
    UNUSED = "AR019", Grade.NOTE, "a receiver, a schedule, a person, a team or an escalation policy that nothing uses"
    NO_PAGE = "AR020", Grade.NOTE, "a policy of the highest severity that pages nobody at all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found. `night` says what will happen to somebody at 3 am, `mend` what to do about it."""

    check: Check
    place: Place
    what: str
    night: str
    mend: str
