"""How mail leaves: `smtp_*` in `global:` and the same in an `email_configs` → SMTP_* variables and addresses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alertrouter.policy.alertmanager.fields import at_most_one, flag, given, section, text
from alertrouter.policy.alertmanager.notes import Report, placeholders, setting, unsettled
from alertrouter.policy.reading.faults import Place
from alertrouter.policy.reading.value import Fields, Value, Wrong


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server and who sends. `password` is a secret or its placeholder, `password_file` where it stands."""

    host: str = ""
    sender: str = ""
    username: str = ""
    password: str = ""
    password_place: Place | None = None
    password_file: str = ""
    tls: bool = True
    implicit: bool = False

    def read(self, fields: Fields, prefix: str) -> Mail:
        """The same with what these fields say otherwise; in `global` their names begin with `smtp_`."""
        for secret in ("auth_password", "auth_secret"):
            at_most_one(fields, f"{prefix}{secret}", f"{prefix}{secret}_file")
        # The secret of CRAM-MD5 has a key of its own there; servers know it as the password.
        password, file = (
            given(fields, f"{prefix}auth_password{suffix}") or given(fields, f"{prefix}auth_secret{suffix}")
            for suffix in ("", "_file")
        )
        read = replace(
            self,
            host=fields.take(f"{prefix}smarthost", _host_and_port, self.host),
            sender=(given(fields, f"{prefix}from") or (None, self.sender))[1],
            username=(given(fields, f"{prefix}auth_username") or (None, self.username))[1],
            tls=fields.take(f"{prefix}require_tls", flag, self.tls),
            implicit=fields.take(f"{prefix}force_implicit_tls", flag, self.implicit),
        )
        if password or file:
            read = replace(
                read,
                password=password[1] if password else "",
                password_place=password[0] if password else None,
                password_file=file[1] if file else "",
            )
        return read

    def settle(self, variables: dict[str, str], report: Report, fields: Fields, comments: list[str], key: str) -> None:
        """Turn it into variables; one alertrouter has one mail server, so a second one is said."""
        host, _, port = self.host.rpartition(":") if placeholders(self.host) is None else (self.host, "", self.host)
        wanted = {
            "SMTP_HOST": host.strip("[]"),
            "SMTP_PORT": port,
            "SMTP_TLS": "implicit" if self.implicit or port == "465" else "starttls" if self.tls else "none",
            "SMTP_USERNAME": self.username,
        }
        known = {name: "" if unsettled(value) else value for name, value in wanted.items()}
        place = fields.value.node.place
        if any(variables.get(name, value) != value for name, value in known.items()):
            comments.append(
                report.note(
                    place,
                    key,
                    f"the mail server {self.host} is left out",
                    why="alertrouter sends through one server, and another receiver named it first",
                    todo="send through a relay that knows both",
                )
            )
            return
        for name, value in wanted.items():
            comments += setting(variables, report, name, value, place, key)
        self._settle_password(variables, report, comments, place, key)

    def _settle_password(
        self, variables: dict[str, str], report: Report, comments: list[str], place: Place, key: str
    ) -> None:
        if "SMTP_PASSWORD" in report.secrets or "SMTP_PASSWORD" in variables:
            return
        if self.password and self.password_place and not unsettled(self.password):
            report.keep("SMTP_PASSWORD", self.password, self.password_place)
        elif self.password:
            comments += setting(variables, report, "SMTP_PASSWORD", self.password, place, f"{key}.auth_password")
        elif self.password_file:
            variables["SMTP_PASSWORD"] = ""
            comments.append(
                report.note(
                    place,
                    f"{key}.auth_password_file",
                    f"the file {self.password_file} isn't read",
                    why="the password of the mail server is a variable",
                    todo="set SMTP_PASSWORD to what stands in the file",
                )
            )


def _host_and_port(value: Value) -> str:
    written = text(value)
    if not written or placeholders(written) is not None:
        return written
    host, colon, port = written.rpartition(":")
    if not colon:
        raise Wrong(f"found `{written}`, expected a host and a port, as smtp.example.org:587")
    if not port:
        raise Wrong(f"found `{written}`: the port cannot be empty")
    return f"{host or 'localhost'}:{port}"


def read_headers(value: Value) -> dict[str, tuple[Place, str]]:
    """Read `headers`: names once each, whatever their case; gives those that say something, with their places."""
    seen: dict[str, str] = {}
    headers: dict[str, tuple[Place, str]] = {}
    for key, (place, inner) in value.entries().items():
        if key.lower() in seen:
            value.faults.add(place, inner.path, f"found the header `{key}` again, expected it once")
        seen[key.lower()] = key
        if not inner.null and (content := inner.read(text, "")):
            headers[key] = inner.node.place, content
    return headers


def threading(value: Value) -> None:
    """Read `threading`, which needs no equivalent: mails about an incident are one thread."""
    with section(value) as fields:
        fields.take("enabled", flag, None)
        if (by := fields.take("thread_by_date", text, "daily")) not in ("daily", "none"):
            fields.wrong(f"found `{by}`, expected daily or none", "thread_by_date")
