"""What Alertmanager's own templates say, in Jinja; its mail is replaced by ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SUBJECT: Final = (
    '[{{ notice.status|upper }}{% if notice.status == "firing" %}:{{ notice.firing|length }}{% endif %}]'
    ' {{ notice.group_labels|pairs|map(attribute="value")|join(" ") }}'
    "{% if notice.common_labels|length > notice.group_labels|length %}"
    ' ({{ notice.common_labels|without(notice.group_labels)|pairs|map(attribute="value")|join(" ") }})'
    "{% endif %}"
)
_LIST: Final = (
    "{%+ for one in LIST +%}Labels:\n"
    "{%+ for pair in one.labels|pairs +%} - {{ pair.name }} = {{ pair.value }}\n{%+ endfor +%}"
    "Annotations:\n"
    "{%+ for pair in one.annotations|pairs +%} - {{ pair.name }} = {{ pair.value }}\n{%+ endfor +%}"
    "Source: {{ one.generator_url }}\n{%+ endfor +%}"
)
DEFAULTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("__subject", "slack.default.title", "pagerduty.default.description", "email.default.subject"),
            *("opsgenie.default.message", "pushover.default.title", "msteams.default.title", "discord.default.title"),
        ),
        _SUBJECT,
    ),
    **dict.fromkeys(("__alertmanager", "slack.default.username", "pagerduty.default.client"), "alertrouter"),
    **dict.fromkeys(
        ("__alertmanagerURL", "slack.default.titlelink", "pagerduty.default.clientURL"), "{{ notice.external_url }}/"
    ),
    **dict.fromkeys(("__text_alert_list", "pagerduty.default.instances"), _LIST),
    **dict.fromkeys(
        (
            *("__description", "slack.default.text", "slack.default.pretext", "slack.default.footer"),
            *("slack.default.iconemoji", "slack.default.iconurl", "slack.default.callbackid"),
        ),
        "",
    ),
    "slack.default.fallback": _SUBJECT + " | {{ notice.external_url }}/",
    "email.default.html": '{%+ include "builtin/email/body.html.j2" +%}',
    "email.default.text": '{%+ include "builtin/email/body.txt.j2" +%}',
}
"""By the name of the template; `LIST` stands for what it is called with."""
