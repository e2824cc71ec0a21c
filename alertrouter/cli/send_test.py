"""`alertrouter send-test`: a marked test message through every integration of a receiver, from this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.options import (
    Opened,
    Output,
    OutputOption,
    PolicyOption,
    TemplatesOption,
    open_policy,
    print_json,
)
from alertrouter.cli.terminal import Terminal
from alertrouter.errors import DeliveryError, NotFound, SettingsError, StoreUnavailable
from alertrouter.settings import Settings, from_environment

if TYPE_CHECKING:
    from alertrouter.notice import Inbox, Notice
    from alertrouter.policy.receiver import Integration
    from alertrouter.render import Renderer

ALERTNAME: Final = "AlertrouterTest"
SUMMARY: Final = "This is a test of alertrouter: nothing is wrong, nobody needs to act."


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one message. `through` is the channel that it really took; `error` is empty when it got through."""

    integration: str
    status: str
    through: str
    error: str = ""
    note: str = ""
    reference: str | None = None


class TriesView(msgspec.Struct, frozen=True):
    """What came of the whole test."""

    receiver: str
    sent: bool
    messages: Sequence[Try]


@app.command("send-test")
def send_test(
    receiver: Annotated[str, typer.Argument(metavar="RECEIVER", help="A receiver of the policy.")],
    resolve: Annotated[bool, typer.Option("--resolve", help="Tell its end right afterwards.")] = False,
    severity: Annotated[
        str, typer.Option(metavar="SEVERITY", help="One of the policy's. Default: the policy's default_severity.")
    ] = "",
    policy: PolicyOption = None,
    templates: TemplatesOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Send a marked test message through every integration of a receiver, now and from here.

    It goes neither through the server nor by the routes. Exit 1 when one did not get through.
    """
    settings = from_environment()
    opened = open_policy(settings, policy)
    integrations = _integrations(opened, receiver)
    known = opened.policy.severities
    if severity and severity not in known:
        raise typer.BadParameter(f"found {severity!r}, expected one of {', '.join(known)}", param_hint="--severity")
    from alertrouter.render import Renderer

    renderer = Renderer(templates or settings.templates)
    notices = _notices(opened, receiver, severity or opened.policy.default_severity, settings.external_url)
    tries: list[Try] = []
    with _inbox(settings) as inbox:
        for integration in integrations:
            tries += _send(integration, settings, renderer, inbox, notices if resolve else notices[:1])
    sent = not any(one.error for one in tries)
    if output is Output.JSON:
        print_json(TriesView(receiver, sent, tries))
    else:
        _show(Terminal(settings), settings, tries)
    for fault in renderer.faults():
        typer.echo(f"the plain message was sent, its template is broken: {fault}", err=True)
    raise typer.Exit(Exit.OK if sent else Exit.FAILED)


def _integrations(opened: Opened, receiver: str) -> tuple[Integration, ...]:
    receivers = opened.policy.receivers
    if receiver not in receivers:
        near = get_close_matches(receiver, receivers, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"expected one of {', '.join(receivers)}"
        raise NotFound(f"{opened.directory}: no receiver `{receiver}`, {hint}")
    integrations = opened.policy.integrations(receiver)
    if not integrations:
        raise NotFound(f"{opened.directory}: receiver `{receiver}` has no integration: it tells nobody")
    return integrations


def _notices(opened: Opened, receiver: str, severity: str, external_url: str) -> tuple[Notice, Notice]:
    """The message that it fires, and the one that it is over; each run is an incident of its own.

    What follows is a line a field.
    """
    from msgspec.structs import replace

    from alertrouter.incident import Reason
    from alertrouter.notice import Notice, NoticeAlert, labels_text

    policy, now = opened.policy, datetime.now(UTC)
    incident = f"test-{now:%Y%m%dT%H%M%S}"
    labels = {"alertname": ALERTNAME, "receiver": receiver, "severity": severity}
    alert = NoticeAlert(
        status="firing",
        labels=labels,
        annotations={"summary": SUMMARY, "description": f"Sent by `alertrouter send-test {receiver}`."},
        starts_at=now,
    )
    fires = Notice(
        delivery=f"{incident}.1",
        incident=incident,
        destination=receiver,
        receiver=receiver,
        reason=Reason.OPENED,
        status="firing",
        severity=severity,
        severity_rank=policy.rank(severity),
        severity_count=len(policy.severities),
        group_key=f"send-test:{labels_text(labels)}",
        group_labels=labels,
        firing=(alert,),
        resolved=(),
        sequence=1,
        opened_at=now,
        at=now,
        external_url=external_url,
    )
    over = replace(
        fires,
        delivery=f"{incident}.2",
        reason=Reason.RESOLVED,
        status="resolved",
        firing=(),
        resolved=(replace(alert, status="resolved", ends_at=now),),
        sequence=2,
    )
    return fires, over


def _send(
    integration: Integration, settings: Settings, renderer: Renderer, inbox: Inbox, notices: Sequence[Notice]
) -> list[Try]:
    """Send the messages one after another, as the worker would; after a failure the rest is left out."""
    from msgspec.structs import replace

    from alertrouter.notifiers import notifier_for

    tries: list[Try] = []
    try:
        notifier = notifier_for(integration, settings, renderer, inbox)
    except SettingsError as error:
        return [Try(integration=integration.id, status="firing", through=integration.channel, error=str(error))]
    with closing(notifier):
        for notice in notices:
            if notice.status == "resolved" and not integration.options.send_resolved:
                continue
            reference = tries[-1].reference if tries else None
            one = Try(integration=integration.id, status=notice.status, through=notifier.channel)
            try:
                sent = notifier.send(replace(notice, destination=integration.id, reference=reference))
            except (DeliveryError, StoreUnavailable) as error:
                return [*tries, replace(one, error=str(error))]
            tries.append(replace(one, reference=sent.reference, note=sent.note))
    return tries


def _show(to: Terminal, settings: Settings, tries: Sequence[Try]) -> None:
    width = max(len(one.integration) for one in tries) + 4
    for one in tries:
        name = one.integration.ljust(width - 2)
        what = "the end " if one.status == "resolved" else ""
        instead = one.through == "inbox" and not one.integration.partition("/")[2].startswith("inbox")
        note = f" ({one.note})" if one.note else ""
        if one.error:
            to.folded(f"{to.bad('✗')} {name}", f"{what}not sent: {one.error}", width)
        elif instead:
            text = f"{what}kept in the inbox instead, no credentials: {settings.external_url}/{note}"
            to.folded(f"{to.doubtful('!')} {name}", text, width)
        else:
            to.folded(f"{to.good('✓')} {name}", f"{what}sent{note}", width)


@contextmanager
def _inbox(settings: Settings) -> Iterator[Inbox]:
    from alertrouter.store.connection import connect
    from alertrouter.store.embedded import redis_url
    from alertrouter.store.inbox import RedisInbox
    from alertrouter.store.keys import Keys

    with connect(redis_url(settings)) as client:
        yield RedisInbox(client, Keys(settings.namespace), settings.inbox_size)
