"""Alertmanager's default subject, translated, is what Alertmanager writes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from alertrouter.notice import Status
from alertrouter.policy.alertmanager.translation import translate
from alertrouter.render import Renderer, Template
from alertrouter.render.samples import sample_alert, sample_notice


class Subject(msgspec.Struct):
    """A notification, and its subject."""

    status: Status
    n_firing: int
    group_labels: dict[str, str]
    common_labels: dict[str, str]
    subject: str


@pytest.mark.conformance("templates.json", Subject, under="default_subject.cases")
def test_the_default_subject_is_alertmanagers(case: Subject, tmp_path: Path) -> None:
    """White space at its ends is cut, here as for every text."""
    alerts = tuple(
        msgspec.structs.replace(sample_alert(1), labels=case.common_labels, status=case.status)
        for _ in range(case.n_firing or 1)
    )
    firing, resolved = (alerts, ()) if case.status == "firing" else ((), alerts)
    notice = msgspec.structs.replace(
        sample_notice(firing=firing, resolved=resolved), group_labels=case.group_labels, status=case.status
    )
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "subject.j2").write_text(translate('{{ template "__subject" . }}', {}), encoding="utf-8")

    assert Renderer(tmp_path).render(Template.EMAIL_SUBJECT, notice) == case.subject.strip()
