"""The keys that Alertmanager 0.25 to 0.34 takes, section by section: facts of its grammar.

Source: Alertmanager's documentation, https://prometheus.io/docs/alerting/latest/configuration/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _keys(text: str) -> tuple[str, ...]:
    return tuple(text.split())


HTTP_CONFIG: Final = _keys(
    "basic_auth authorization oauth2 bearer_token bearer_token_file enable_http2 proxy_url no_proxy"
    " proxy_from_environment proxy_connect_header follow_redirects tls_config http_headers"
)

GLOBAL: Final = _keys(
    "resolve_timeout http_config"
    " smtp_from smtp_hello smtp_smarthost smtp_auth_username smtp_auth_password smtp_auth_password_file"
    " smtp_auth_secret smtp_auth_secret_file smtp_auth_identity smtp_require_tls smtp_tls_config"
    " smtp_force_implicit_tls"
    " slack_api_url slack_api_url_file slack_app_token slack_app_token_file slack_app_url"
    " pagerduty_url opsgenie_api_url opsgenie_api_key opsgenie_api_key_file"
    " wechat_api_url wechat_api_secret wechat_api_secret_file wechat_api_corp_id"
    " victorops_api_url victorops_api_key victorops_api_key_file telegram_api_url telegram_bot_token"
    " telegram_bot_token_file webex_api_url jira_api_url rocketchat_api_url rocketchat_token rocketchat_token_file"
    " rocketchat_token_id rocketchat_token_id_file mattermost_webhook_url mattermost_webhook_url_file"
)

SLACK: Final = _keys(
    "send_resolved http_config api_url api_url_file app_token app_token_file app_url channel username color title"
    " title_link pretext text message_text fields short_fields footer fallback callback_id icon_emoji icon_url"
    " image_url thumb_url link_names mrkdwn_in actions update_message timeout"
)
PAGERDUTY: Final = _keys(
    "send_resolved http_config routing_key routing_key_file service_key service_key_file url client client_url"
    " description details images links source severity class component group timeout"
)
EMAIL: Final = _keys(
    "send_resolved to from hello smarthost auth_username auth_password auth_password_file auth_secret auth_secret_file"
    " auth_identity headers html text require_tls force_implicit_tls tls_config threading"
)
WEBHOOK: Final = _keys("send_resolved http_config url url_file max_alerts timeout payload")

CARRIED: Final[Mapping[str, tuple[str, ...]]] = {
    "slack": SLACK,
    "pagerduty": PAGERDUTY,
    "email": EMAIL,
    "webhook": WEBHOOK,
}
"""The receivers that are channels here too."""

OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "discord": _keys(
        "send_resolved http_config webhook_url webhook_url_file content title message username avatar_url"
    ),
    "incidentio": _keys(
        "send_resolved http_config url url_file alert_source_token alert_source_token_file max_alerts timeout metadata"
    ),
    "jira": _keys(
        "send_resolved http_config api_url api_type project summary description labels priority issue_type"
        " resolve_transition reopen_transition wont_fix_resolution reopen_duration fields"
    ),
    "mattermost": _keys(
        "send_resolved http_config webhook_url webhook_url_file channel username text icon_url icon_emoji attachments"
        " type props priority fallback color pretext author_name author_link author_icon title title_link fields"
        " thumb_url footer footer_icon image_url"
    ),
    "msteams": _keys("send_resolved http_config webhook_url webhook_url_file title summary text"),
    "msteamsv2": _keys("send_resolved http_config webhook_url webhook_url_file title text"),
    "opsgenie": _keys(
        "send_resolved http_config api_key api_key_file api_url message description source details entity responders"
        " actions tags note priority update_alerts"
    ),
    "pushover": _keys(
        "send_resolved http_config user_key user_key_file token token_file title message url url_title device sound"
        " priority retry expire ttl html monospace"
    ),
    "rocketchat": _keys(
        "send_resolved http_config api_url channel token token_file token_id token_id_file color title title_link text"
        " fields short_fields emoji icon_url image_url thumb_url link_names actions"
    ),
    "sns": _keys(
        "send_resolved http_config api_url sigv4 topic_arn phone_number target_arn subject message attributes"
    ),
    "telegram": _keys(
        "send_resolved http_config api_url bot_token bot_token_file chat_id chat_id_file message_thread_id message"
        " disable_notifications parse_mode"
    ),
    "victorops": _keys(
        "send_resolved http_config api_key api_key_file api_url routing_key message_type state_message"
        " entity_display_name monitoring_tool custom_fields"
    ),
    "webex": _keys("send_resolved http_config api_url message room_id"),
    "wechat": _keys(
        "send_resolved http_config api_secret api_secret_file corp_id message api_url to_user to_party to_tag agent_id"
        " message_type"
    ),
}
