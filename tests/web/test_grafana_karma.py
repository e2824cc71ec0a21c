"""What Grafana's Alertmanager data source and karma ask of an Alertmanager, asked of a real door, and what they read.

Neither program runs here. The requests are theirs, word for word, as their sources make them; of the answers everything
is looked at that they read, and that they can't do without. What an answer must have stands where it is read:
github.com/prymitive/karma (internal/verprobe, internal/mapper/v017, ui/src/Stores/SilenceFormStore.ts) and
github.com/grafana/grafana (public/app/plugins/datasource/alertmanager/DataSource.ts,
public/app/features/alerting/unified/api, pkg/services/ngalert/api/lotex_am.go and tooling/definitions).
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.programs import installed
from tests.waiting import eventually
from tests.web.door import Door
from tests.web.routed import TOKENS, fire, routed_door

BASIC = "Basic " + base64.b64encode(b"anybody:lena-token").decode()
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door that wants tokens, with two alerts that fire and one that another holds back."""
    with routed_door(tmp_path_factory.mktemp("others"), {"ALERTROUTER_API_TOKENS": TOKENS}) as running:
        fire(running, "NodeDown", node="n1")
        fire(running, "DiskFull", node="n2", path="/var lib")
        running.post("/api/v1/alerts", b'{"alertname":"SlowQueries","severity":"warning","node":"n1"}')
        running.http.headers.clear()
        eventually(lambda: len(Karma(running).get("/api/v2/alerts").json()) == 3, "all three are known")
        yield running


class Karma:
    """Asks as karma does: Go's client, credentials out of the address, JSON and nothing else."""

    def __init__(self, door: Door) -> None:
        self._http = door.http

    def get(self, path: str) -> httpx2.Response:
        """Read something."""
        return self._http.get(path, headers={**self._headers(), "Accept": "application/json"})

    def metrics(self) -> httpx2.Response:
        """Read the metrics, to learn the version."""
        return self._http.get("/metrics", headers=self._headers())

    def post(self, path: str, body: object) -> httpx2.Response:
        """Pass on what its page posts."""
        page = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "X-Forwarded-For": "10.0.0.1",
            "Origin": "http://k",
        }
        return self._http.post(path, json=body, headers={**self._headers(), **page})

    def delete(self, path: str) -> httpx2.Response:
        """Pass on what its page deletes."""
        return self._http.delete(path, headers={**self._headers(), "X-Forwarded-For": "10.0.0.1"})

    def _headers(self) -> dict[str, str]:
        return {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip", "Authorization": BASIC}


class Grafana:
    """Asks as Grafana's backend does when its pages want something of a data source with basic auth."""

    def __init__(self, door: Door) -> None:
        self._http = door.http

    def get(self, path: str) -> httpx2.Response:
        """Read something."""
        return self._http.get(path, headers=self._headers())

    def post(self, path: str, body: object) -> httpx2.Response:
        """Post JSON."""
        return self._http.post(path, json=body, headers=self._headers() | {"Content-Type": "application/json"})

    def delete(self, path: str) -> httpx2.Response:
        """Delete something."""
        return self._http.delete(path, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "User-Agent": "Grafana/12.0.0",
            "Accept": "application/json, text/plain, */*",
            "Accept-Encoding": "gzip",
            "Authorization": BASIC,
            "X-Grafana-Org-Id": "1",
            "X-Forwarded-For": "10.0.0.1",
        }


def moment(text: object) -> datetime:
    """Read a time as both do (RFC 3339 with a zone)."""
    assert isinstance(text, str)
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None
    return found


def alert_names(answer: httpx2.Response) -> set[str]:
    """The names of the alerts in an answer, each of which has all that is read of one."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return {_alert(one) for one in answer.json()}


def _alert(one: dict[str, Any]) -> str:
    assert re.fullmatch(r"[0-9a-f]{16}", one["fingerprint"])
    assert moment(one["startsAt"]) <= moment(one["updatedAt"]) < moment(one["endsAt"])
    assert one["status"]["state"] in ("active", "suppressed", "unprocessed")
    assert all(isinstance(one["status"][name], list) for name in ("silencedBy", "inhibitedBy"))
    assert [set(receiver) for receiver in one["receivers"]] == [{"name"}] * len(one["receivers"])
    assert all(isinstance(text, str) for text in (*one["labels"].values(), *one["annotations"].values()))
    assert isinstance(one["generatorURL"], str)
    return str(one["labels"]["alertname"])


def silence(one: dict[str, Any]) -> dict[str, Any]:
    """A silence that has all that is read of one; of matchers karma reads `isEqual` without asking."""
    assert UUID.fullmatch(one["id"])
    assert one["status"]["state"] in ("active", "pending", "expired")
    assert moment(one["startsAt"]) <= moment(one["endsAt"])
    assert moment(one["updatedAt"]) <= datetime.now(UTC)
    assert all(isinstance(one[name], str) for name in ("createdBy", "comment"))
    for matcher in one["matchers"]:
        assert {name: type(value) for name, value in matcher.items()} == {
            "name": str,
            "value": str,
            "isRegex": bool,
            "isEqual": bool,
        }
    return one


def groups(answer: httpx2.Response) -> dict[str, set[str]]:
    """The alerts of each group by its label, each of which has all that is read of one."""
    assert answer.status_code == 200
    for group in answer.json():
        assert group["receiver"]["name"]
    return {one["labels"]["alertname"]: {_alert(alert) for alert in one["alerts"]} for one in answer.json()}


def test_karma_learns_a_version_that_it_speaks(door: Door) -> None:
    """It takes the version of `alertmanager_build_info`, as semver; from 0.22 on it reads what we answer."""
    answer = Karma(door).metrics()

    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    (sample,) = families["alertmanager_build_info"].samples
    assert answer.text.endswith("\n")
    assert re.fullmatch(r"\d+\.\d+\.\d+", sample.labels["version"])
    assert tuple(map(int, sample.labels["version"].split("."))) >= (0, 22, 0)


def test_karma_pulls_status_silences_and_groups(door: Door) -> None:
    """One cycle of it: peers and version of the status, all silences, all groups."""
    karma = Karma(door)
    status = karma.get("/api/v2/status").json()

    assert status["cluster"]["peers"] == []
    assert status["versionInfo"]["version"]
    assert karma.get("/api/v2/silences").headers["content-type"] == "application/json"
    found = groups(karma.get("/api/v2/alerts/groups"))
    assert found == {"NodeDown": {"NodeDown"}, "DiskFull": {"DiskFull"}, "SlowQueries": {"SlowQueries"}}


def test_karma_silences_edits_and_ends(door: Door) -> None:
    """Given what its form makes of two alerts, when it is posted, changed and deleted, then each is found again."""
    karma = Karma(door)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    body = {
        "matchers": [
            {"name": "alertname", "value": "(DiskFull|Other)", "isRegex": True, "isEqual": True},
            {"name": "node", "value": "n2", "isRegex": False},
        ],
        "startsAt": f"{now:%Y-%m-%dT%H:%M:%S}.000Z",
        "endsAt": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}.000Z",
        "createdBy": "lena",
        "comment": "ACK! This alert was acknowledged using karma",
    }
    posted = karma.post("/api/v2/silences", body)
    name = posted.json()["silenceID"]
    listed = [silence(one) for one in karma.get("/api/v2/silences").json() if one["id"] == name]
    (hidden,) = [one for one in karma.get("/api/v2/alerts").json() if name in one["status"]["silencedBy"]]
    edited = karma.post("/api/v2/silences", {**body, "id": name, "comment": "new disk"})
    ended = karma.delete(f"/api/v2/silence/{edited.json()['silenceID']}")

    assert (posted.status_code, edited.status_code, ended.status_code) == (200, 200, 200)
    assert [one["createdBy"] for one in listed] == ["lena"]
    assert (_alert(hidden), hidden["status"]["state"]) == ("DiskFull", "suppressed")
    states = {one["id"]: one["status"]["state"] for one in karma.get("/api/v2/silences").json()}
    assert states[edited.json()["silenceID"]] == "expired"


def test_grafana_finds_an_alertmanager_of_prometheus(door: Door) -> None:
    """*Save & test* takes it for one of Prometheus, not of Mimir or Cortex, and says that it is well."""
    grafana = Grafana(door)

    assert grafana.get("/api/v1/status/buildinfo").status_code == 404
    assert grafana.get("/alertmanager/api/v2/status").status_code == 404
    assert grafana.get("/api/v2/status").status_code == 200


def test_grafana_reads_the_configuration_with_alertmanagers_own_parser(door: Door, tmp_path: Path) -> None:
    """Its pages of policies and contact points show the tree of `config.original`; amtool has the same parser."""
    status = Grafana(door).get("/api/v2/status").json()
    file = tmp_path / "original.yml"
    file.write_text(status["config"]["original"], encoding="utf-8")

    def amtool(*words: str) -> str:
        ran = subprocess.run(
            [installed("amtool"), *words], capture_output=True, text=True, check=False, timeout=30, env={"HOME": "/"}
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    assert "2 receivers" in amtool("check-config", str(file))
    routed = amtool("config", "routes", "test", f"--config.file={file}", "alertname=DiskFull")
    assert routed.strip() == "chat"
    assert moment(status["uptime"]) < datetime.now(UTC)
    assert set(status["versionInfo"]) == {"branch", "buildDate", "buildUser", "goVersion", "revision", "version"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"NodeDown", "DiskFull", "SlowQueries"}),
        ("silenced&active&inhibited", {"NodeDown", "DiskFull", "SlowQueries"}),
        ("silenced=true&active=true&inhibited=true", {"NodeDown", "DiskFull", "SlowQueries"}),
        ("silenced&active&inhibited=false", {"NodeDown", "DiskFull"}),
        ("active=false&silenced=false&inhibited=true&unprocessed=false", {"SlowQueries"}),
        ("silenced&active&inhibited&filter=alertname%3D%22DiskFull%22", {"DiskFull"}),
        ("filter=path%3D%22%2Fvar%20lib%22", {"DiskFull"}),
        ("filter=node%3D~%22n1%7Cn3%22&filter=alertname!~%22Slow.*%22", {"NodeDown"}),
        ("filter=%22alertname%22%3D%22DiskFull%22", {"DiskFull"}),
    ],
)
def test_grafana_lists_alerts(door: Door, query: str, expected: set[str]) -> None:
    """With what its pages ask for: a true flag is written without a value, a false one as `=false`."""
    assert alert_names(Grafana(door).get(f"/api/v2/alerts?{query}".rstrip("?"))) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"NodeDown", "DiskFull", "SlowQueries"}),
        ("receiver=chat&active&silenced=false&inhibited=false", {"NodeDown", "DiskFull"}),
        ("filter=alertname%3D%22DiskFull%22", {"DiskFull"}),
        ("receiver=elsewhere", set()),
    ],
)
def test_grafana_lists_groups(door: Door, query: str, expected: set[str]) -> None:
    """Its page of groups, with and without a contact point that was chosen."""
    assert set(groups(Grafana(door).get(f"/api/v2/alerts/groups?{query}".rstrip("?")))) == expected


def test_grafana_silences_shows_and_ends(door: Door) -> None:
    """Given what its form makes, when the backend writes it out anew, then it is set, shown, listed and ended."""
    grafana = Grafana(door)
    begins = datetime.now(timezone(timedelta(hours=2)))
    body = {
        "comment": "created 2026-11-24 13:00",
        "createdBy": "admin",
        "endsAt": (begins + timedelta(hours=2)).isoformat(timespec="milliseconds"),
        "matchers": [
            {"isEqual": False, "isRegex": False, "name": "alertname", "value": "DiskFull"},
            {"isEqual": True, "isRegex": True, "name": "node", "value": "n1|n9"},
        ],
        "startsAt": begins.isoformat(timespec="milliseconds"),
    }
    posted = grafana.post("/api/v2/silences", body)
    name = posted.json()["silenceID"]
    shown = silence(grafana.get(f"/api/v2/silence/{name}?ruleMetadata&accesscontrol").json())
    listed = [one["id"] for one in grafana.get("/api/v2/silences?ruleMetadata&accesscontrol").json()]
    hidden = alert_names(grafana.get("/api/v2/alerts?silenced&active=false&inhibited=false"))
    ended = grafana.delete(f"/api/v2/silence/{name}")

    assert (posted.status_code, ended.status_code) == (200, 200)
    assert [matcher["isEqual"] for matcher in shown["matchers"]] == [False, True]
    assert shown["status"]["state"] == "active"
    assert name in listed
    assert hidden == {"NodeDown"}
    assert silence(grafana.get(f"/api/v2/silence/{name}").json())["status"]["state"] == "expired"
