"""Go's templates in the forms that people write become Jinja that says the same."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertrouter.notice import Notice, NoticeAlert
from alertrouter.policy.alertmanager.conversion import convert
from alertrouter.policy.alertmanager.gotree import GoTemplateError
from alertrouter.policy.alertmanager.translation import definitions_of, translate
from alertrouter.render import Renderer, Template
from alertrouter.render.samples import sample_notice
from tests.journeys.programs import installed

START = datetime(2026, 3, 2, 10, 4, 5, tzinfo=UTC)

TEXTS = (
    "plain {{ .Status }}, {{.Receiver}}",
    "{{ .Status | toUpper }} {{ .GroupLabels.alertname }} {{ .CommonLabels.nope }}",
    "{{ range .Alerts }}{{ .Labels.instance }}: {{ .Annotations.summary }}{{ end }}",
    "{{ range .Alerts.Firing -}}\n  * {{ .Labels.instance }}\n{{ end }}",
    "{{ range $i, $a := .Alerts }}{{ $i }}={{ $a.Labels.instance }};{{ end }}",
    "{{ range $k, $v := .CommonLabels }}{{ $k }}={{ $v }},{{ end }}",
    "{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}",
    "{{ range .CommonAnnotations.SortedPairs }}x{{ else }}none{{ end }}",
    '{{ if eq .Status "firing" }}yes{{ else }}no{{ end }}',
    '{{ if and (eq .Status "firing") (gt (len .Alerts.Firing) 1) }}many{{ else if .Alerts }}some{{ end }}',
    "{{ if or .CommonLabels.nope .CommonLabels.team }}team{{ end }}{{ if not .CommonLabels.nope }}!{{ end }}",
    "{{ with .CommonLabels.team }}<{{ . }}>{{ else }}-{{ end }}{{ with .CommonLabels.nope }}x{{ else }}-{{ end }}",
    '{{ (index .Alerts 0).Labels.instance }} {{ index .CommonLabels "team" }}',
    '{{ .GroupLabels.Values | join "/" }} {{ .CommonLabels.Names | join "," }}',
    '{{ (.CommonLabels.Remove .GroupLabels.Names).Values | join " " }}',
    '{{ .CommonLabels.Remove (stringSlice "team" "alertname") | len }}',
    "{{ $x := .CommonLabels.team }}{{ if $x }}{{ $x | title }}{{ end }}",
    '{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ end }}{{ $x }}',
    '{{ define "one" }}({{ .Labels.instance }}){{ end }}{{ range .Alerts }}{{ template "one" . }}{{ end }}',
    "{{ range .Alerts }}{{ $.Status }}{{ end }}",
    "{{/* a comment */}}a {{- /* another */ -}} b",
    '{{ (index .Alerts 0).StartsAt.Format "2006-01-02 15:04:05 Mon Jan" }}',
    '{{ reReplaceAll "i([0-9])" "n$1" (index .Alerts 0).Labels.instance }}',
    '{{ if match "^Disk" .GroupLabels.alertname }}disk{{ end }}',
    '{{ printf "%s-%d%%" .Status (len .Alerts) }} {{ print .Status .Receiver }}',
    '{{ "quoted \\"text\\"" }} {{ `raw` }} {{ len .Status | eq 6 }}',
    "literal {% block %} {# comment #} { {",
    '{{ if eq .CommonLabels.severity "critical" "page" }}loud{{ end }} {{ ne .Status "x" | not }}',
    '{{ (index .Alerts 0).StartsAt.Format "2006-01-02T15:04:05Z07:00" }}',
    '{{ (index .Alerts 0).StartsAt.Format "2006-01-02T15:04:05.000-07:00 Z0700 -07" }}',
    '{{ (index .Alerts 0).StartsAt.Format "Jan 2, 2006 at 3:04pm (MST), Month" }}',
    '{{ (index .Alerts 0).StartsAt.Format "Monday, 02-Jan-06 3:4:5PM, day 002, 100% %d" }}',
    '{{ (index .Alerts 0).StartsAt.Format "2006-01-02 15:04:05.999999999 -0700 MST" }}',
    "{ {{- .Status -}} } { {{- if true }}x{{ end -}} }",
    '{{ range .Alerts }}{{ print (.StartsAt.Format "15:04") (eq .Status "firing") }};{{ end }}',
    '{{ printf "%-12s|%5d|%03d|%.3s|%6.2s|%q|%v|%%" .Status 7 7 .Status .Status .Receiver true }}',
)


def alert(name: str, *, over: bool = False) -> NoticeAlert:
    """One alert of the notice."""
    return NoticeAlert(
        status="resolved" if over else "firing",
        labels={"alertname": "DiskFull", "instance": name, "team": "core", "severity": "critical"},
        annotations={"summary": f"disk of {name} is full"},
        starts_at=START,
        ends_at=START + timedelta(minutes=5) if over else None,
        generator_url=f"http://prom/{name}",
    )


def notice() -> Notice:
    """Two alerts that fire and one that is over."""
    return sample_notice(firing=(alert("i1"), alert("i2")), resolved=(alert("i3", over=True),), receiver="ops")


def rendered(jinja: str, directory: Path, shown: Notice) -> str:
    """What the worker makes of it, in plain text; faults are raised."""
    (directory / "email").mkdir(exist_ok=True)
    (directory / "email" / "body.txt.j2").write_text(jinja, encoding="utf-8")
    renderer = Renderer(directory)
    text = renderer.render(Template.EMAIL_TEXT, shown)
    assert not [fault for fault in renderer.faults() if "empty" not in fault.message], jinja
    return "" if renderer.faults() else text


def data(shown: Notice) -> str:
    """The same notice as amtool reads it."""
    alerts = [
        {
            "status": one.status,
            "labels": one.labels,
            "annotations": one.annotations,
            "startsAt": one.starts_at.isoformat(),
            "endsAt": (one.ends_at or datetime(1, 1, 1, tzinfo=UTC)).isoformat(),
            "generatorURL": one.generator_url,
        }
        for one in shown.alerts
    ]
    return json.dumps(
        {
            "receiver": shown.receiver,
            "status": shown.status,
            "alerts": alerts,
            "groupLabels": shown.group_labels,
            "commonLabels": shown.common_labels,
            "commonAnnotations": shown.common_annotations,
            "externalURL": shown.external_url,
        }
    )


@pytest.mark.parametrize("source", TEXTS)
def test_a_text_says_what_it_says_in_alertmanager(source: str, tmp_path: Path) -> None:
    """Rendered by the worker's own code and by the real `amtool`."""
    amtool = installed("amtool")
    shown = notice()
    (tmp_path / "data.json").write_text(data(shown), encoding="utf-8")
    (tmp_path / "empty.tmpl").write_text("", encoding="utf-8")
    theirs = subprocess.run(
        [
            *(amtool, "template", "render", f"--template.glob={tmp_path}/empty.tmpl", f"--template.text={source}"),
            f"--template.data={tmp_path}/data.json",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    ours = rendered(translate(source, {}), tmp_path, shown)

    assert ours == theirs.strip()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ .Labels.x | default `y` }}", "the field `.Labels`"),
        ("{{ .Status | default `y` }}", "no function `default`"),
        ("{{ if .Status }}", "no `end`"),
        ("{{ .Status ", "without `}}`"),
        ("{{ template `nope` . }}", "`nope` is not defined"),
        ("{{ range .Alerts }}{{ break }}{{ end }}", "`break`"),
        ("{{ $n := 0 }}{{ range .Alerts }}{{ $n = 1 }}{{ end }}", "inside a loop"),
        ("{{ with $s := .Status }}{{ $s = `x` }}{{ end }}", "`$s` is changed"),
        ("{{ range $k, $v := .CommonLabels }}{{ $v = `x` }}{{ end }}", "`$v` is changed"),
        ("{{ $t := `` }}{{ $t = (index .Alerts 0).StartsAt }}", "another kind of value"),
        ("{{ len .Status .Receiver }}", "`len` takes 1 value, found 2"),
        ("{{ index }}", "`index` takes 2 to 9 values, found 0"),
        ("{{ eq 1 }}", "`eq` takes 2 or more values, found 1"),
        ("{{ print .Alerts }}", "written out"),
        ("{{ define `a` }}{{ template `a` . }}{{ end }}{{ template `a` . }}", "uses itself"),
        ("{{ .Alerts }}", "written out"),
        ("{{ range .Status }}{{ end }}", "isn't a list"),
        ("{{ end }}", "ends nothing"),
        ("{{ }}", "empty action"),
        ("{{ printf `%5.1f` 1 }}", "`printf` with `%5.1f`"),
    ],
)
def test_what_cannot_be_translated_says_why(source: str, why: str) -> None:
    """Functions that don't exist, forms without an equivalent, and what Go itself refuses."""
    with pytest.raises(GoTemplateError, match=why.replace("(", r"\(").replace("$", r"\$").replace(".", r"\.")):
        translate(source, {})


@settings(deadline=None)
@given(st.text(alphabet='{}%#-.$ |"`()=:ifendrangewith', max_size=60))
def test_any_text_is_translated_or_refused(source: str) -> None:
    """And never anything else."""
    try:
        translate(source, {})
    except GoTemplateError:
        return


def test_a_time_in_a_zone_says_which(tmp_path: Path) -> None:
    """`Z` is for UTC alone; elsewhere the offset stands, with its colon."""
    source = '{{ (index .Alerts 0).StartsAt | tz "Europe/Berlin" | date "2006-01-02T15:04:05Z07:00" }}'

    assert rendered(translate(source, {}), tmp_path, notice()) == "2026-03-02T11:04:05+01:00"


def test_each_integration_has_its_own_text(tmp_path: Path) -> None:
    """Two Slack messages of one receiver differ; all others say what they say without the import."""
    found = convert(
        "alertmanager.yml",
        "global: {slack_api_url: 'http://slack/'}\nroute: {receiver: ops}\nreceivers:\n- name: ops\n  slack_configs:\n"
        "  - {channel: a, title: 'first {{ .Status }}'}\n  - {channel: b, title: '{{ template `mine` . }}'}\n",
        {"mine.tmpl": "{{ define `mine` }}second {{ .GroupLabels.alertname }}{{ end }}"},
    )
    for name, text in found.templates.items():
        path = tmp_path / name.removeprefix("templates/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    renderer = Renderer(tmp_path)

    def title(destination: str) -> str:
        shown = msgspec.structs.replace(sample_notice(), destination=destination)
        return renderer.render(Template.SLACK_TITLE, shown)

    assert title("ops/slack") == "first firing"
    assert title("ops/slack/1") == "second ModelLatencyHigh"
    assert title("other/slack") == Renderer().render(Template.SLACK_TITLE, sample_notice())
    assert not renderer.faults()


def test_links_are_rows_that_stand_alone(tmp_path: Path) -> None:
    """One that can't be translated is kept, the others are used; a line break in a value ends no row."""
    links = [
        {"href": "http://a/{{ .Status }}", "text": "{{- .Receiver }}\n x"},
        {"href": "{{ nope }}"},
        {"href": "", "text": "nobody's"},
        {"href": "http://b/"},
    ]
    integration = {"routing_key": "$KEY", "links": links}
    receivers = [{"name": "ops", "pagerduty_configs": [integration]}]
    found = convert("alertmanager.yml", json.dumps({"route": {"receiver": "ops"}, "receivers": receivers}))

    (tmp_path / "pagerduty").mkdir()
    (tmp_path / "pagerduty" / "links.j2").write_text(found.templates["templates/pagerduty/links.j2"])
    renderer = Renderer(tmp_path)
    shown = msgspec.structs.replace(notice(), destination="ops/pagerduty")
    assert renderer.render(Template.PAGERDUTY_LINKS, shown).split("\n") == ["http://a/firing ops x", "http://b/"]
    assert not renderer.faults()
    assert [note.key for note in found.notes] == ["receivers[ops].pagerduty_configs.links"]


def test_what_is_not_translated_is_kept_and_reported(tmp_path: Path) -> None:
    """As a comment in the template that it was for; the built-in text is used."""
    found = convert(
        "alertmanager.yml",
        "route: {receiver: ops}\nreceivers:\n- name: ops\n  pagerduty_configs:\n"
        "  - {routing_key: $KEY, description: '{{ .Status | nope }} #}'}\n",
    )

    assert any("there is no function `nope`" in note.what and note.line == 5 for note in found.notes)
    text = found.templates["templates/pagerduty/summary.j2"]
    assert "{{ .Status | nope }}" in text
    (tmp_path / "pagerduty").mkdir()
    (tmp_path / "pagerduty" / "summary.j2").write_text(text)
    renderer = Renderer(tmp_path)
    assert renderer.render(Template.PAGERDUTY_SUMMARY, sample_notice()) == Renderer().render(
        Template.PAGERDUTY_SUMMARY, sample_notice()
    )
    assert not renderer.faults()


def test_a_file_of_definitions_that_cannot_be_read_is_said() -> None:
    """Its texts can't be translated, which is another note."""
    found = convert(
        "alertmanager.yml", "templates: ['*.tmpl']\nroute: {receiver: x}\nreceivers: [{name: x}]", {"a": "{{"}
    )

    assert [(note.line, note.key) for note in found.notes] == [(1, "templates")]
    assert definitions_of("{{ define `x` }}y{{ end }}")
