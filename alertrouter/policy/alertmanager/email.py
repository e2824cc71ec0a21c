"""`email_configs` → addresses; how the mail leaves is in `mail`."""

from __future__ import annotations

from email.utils import formataddr, getaddresses

from alertrouter.policy.alertmanager.fields import flag, given
from alertrouter.policy.alertmanager.integration import Options, Reading, Text
from alertrouter.policy.alertmanager.left_out import left_out
from alertrouter.policy.alertmanager.mail import read_headers, threading
from alertrouter.policy.alertmanager.notes import placeholders, setting, with_placeholders
from alertrouter.policy.alertmanager.yamlwriter import listed, scalar
from alertrouter.policy.reading.value import Fields


def email(reading: Reading, name: str, fields: Fields) -> Options:
    """Read one integration of `email_configs`: its options and comments."""
    comments: list[str] = []
    key = f"receivers[{name}].email_configs"
    to = _addresses(reading, name, fields, "to", comments)
    if not to:
        fields.wrong("found no `to`, expected the address that mails go to")
    options = [("to", listed(map(scalar, to)) if len(to) > 1 else scalar(to[0]))] if to else []
    mail = reading.globals.mail.read(fields, prefix="")
    if not mail.sender:
        fields.wrong("found no `from`, here or as `smtp_from` in `global`, expected one")
    elif mail.sender != reading.globals.mail.sender:
        sender = _addresses(reading, name, fields, "from", comments)
        options += [("from", scalar(sender[0]))] if sender else []
    place = fields.value.node.place
    comments += setting(reading.variables, reading.report, "SMTP_FROM", reading.globals.mail.sender, place, key)
    if not mail.host and "smarthost" not in fields:
        fields.wrong("found no `smarthost`, here or as `smtp_smarthost` in `global`, expected one")
    mail.settle(reading.variables, reading.report, fields, comments, key)
    if not fields.take("send_resolved", flag, False):
        options.append(("send_resolved", "false"))
    for header, (place, content) in fields.take("headers", read_headers, {}).items():
        if header.lower() == "subject":
            reading.texts.append(
                Text(reading.destination, "email/subject.j2", f"{key}.headers.Subject", place, content)
            )
        else:
            why = "mails have the headers that a thread needs"
            todo = "let filters go by the sender or the subject"
            said = f"the header `{header}` is left out"
            comments.append(reading.report.note(place, f"{key}.headers.{header}", said, why=why, todo=todo))
    for text_key, target in (("html", "email/body.html.j2"), ("text", "email/body.txt.j2")):
        reading.text(fields, text_key, target, key)
    fields.take("threading", threading, None)
    left_out(reading.report, name, fields, "email", comments)
    return tuple(options), tuple(comments)


def _addresses(reading: Reading, name: str, fields: Fields, key: str, comments: list[str]) -> tuple[str, ...]:
    """The addresses behind a key, which Alertmanager takes as one text with commas."""
    found = given(fields, key)
    if found is None:
        return ()
    place, written = found
    if "{{" in written:
        variable = reading.variable("ALERT_EMAIL" if key == "to" else "ALERT_EMAIL_FROM", name)
        reading.variables[variable] = ""
        comments.append(
            reading.report.note(
                place,
                f"receivers[{name}].email_configs.{key}",
                f"the address `{written}` is a template",
                why="an address is fixed here",
                todo=f"set {variable}, or make a receiver and a route for each address",
            )
        )
        return (f"${{{variable}}}",)
    if placeholders(written) is not None:
        return tuple(filter(None, (with_placeholders(part.strip()) for part in written.split(","))))
    pairs = getaddresses([with_placeholders(written)])
    good = tuple(formataddr(pair) if pair[0] else pair[1] for pair in pairs if "@" in pair[1] or "$" in pair[1])
    if not good:
        fields.wrong(f"found `{written[:60]}`, expected an email address", key)
    return good
