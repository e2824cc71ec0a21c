"""`email_configs` → addresses; how the mail leaves is in `mail`."""

from __future__ import annotations

from alertrouter.policy.alertmanager import grammar
from alertrouter.policy.alertmanager.fields import flag
from alertrouter.policy.alertmanager.integration import Options, Reading, Text
from alertrouter.policy.alertmanager.left_out import left_out
from alertrouter.policy.alertmanager.mail import addresses, read_headers, threading
from alertrouter.policy.alertmanager.yamlwriter import listed, scalar
from alertrouter.policy.reading.value import Fields


def email(reading: Reading, name: str, fields: Fields) -> Options:
    """Read one integration of `email_configs`: its options and comments."""
    comments: list[str] = []
    key = f"receivers[{name}].email_configs"
    to = addresses(fields, "to", name, reading.report, reading.variables, key)
    if not to:
        fields.wrong("found no `to`, expected the address that mails go to")
    options = [("to", listed(map(scalar, to)) if len(to) > 1 else scalar(to[0]))] if to else []
    mail = reading.globals.mail.read(fields, reading.report, prefix="")
    if not mail.sender:
        fields.wrong("found no `from`, here or as `smtp_from` in `global`, expected one")
    elif mail.sender != reading.globals.mail.sender:
        sender = addresses(fields, "from", name, reading.report, reading.variables, key)
        options += [("from", scalar(sender[0]))] if sender else []
    if reading.globals.mail.sender and "{{" not in reading.globals.mail.sender:
        reading.variables["SMTP_FROM"] = reading.globals.mail.sender
    if not mail.host:
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
    left_out(reading.report, name, fields, "email", grammar.EMAIL, comments)
    return tuple(options), tuple(comments)
