"""The stories of the rules can fail: each rule with one fault in it fails one of them."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rulebook import render
from rulebook.mutate import mutants_of_alert, mutants_of_record
from rulebook.source import Alert, Area, Links, Record, RecordTest, read_areas

from tests.journeys.programs import installed

AREAS = read_areas()


@dataclass(frozen=True, slots=True)
class Trial:
    """One story, told of the right rule and of faulty ones side by side: `faults` by the name that each goes by."""

    right: tuple[str, ...]
    faults: dict[str, str]
    rules: str
    tests: render.YamlValue


def test_every_fault_is_noticed(tmp_path: Path) -> None:
    """All in one run of promtool: the right rules pass, and no faulty one does, for its story would prove nothing."""
    trials = [*_of_alerts(), *_of_records()]
    for number, trial in enumerate(trials):
        (tmp_path / f"{number}.rules.yml").write_text(trial.rules)
        tests = {"rule_files": [f"{number}.rules.yml"], **trial.tests}
        (tmp_path / f"{number}.tests.yml").write_text(render.dump(tests))

    told = subprocess.run(
        [installed("promtool"), "test", "rules", *(f"{number}.tests.yml" for number in range(len(trials)))],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    failed = set(re.findall(r"\b[\w:]+(?:__\d+)?\b", "\n".join(re.findall(r'expr: "(.*)", time', told.stderr))))
    assert told.stdout.count("Unit Testing") == len(trials), told.stderr
    assert "err:" not in told.stderr  # would end the trial before it has judged
    assert {name for trial in trials for name in trial.right} & failed == set()
    faults = {name: fault for trial in trials for name, fault in trial.faults.items()}
    assert len(faults) > 600
    assert sorted(fault for name, fault in faults.items() if name not in failed) == []


def _of_alerts() -> Iterator[Trial]:
    for area in AREAS.values():
        for name, alert in area.alerts.items():
            faulty = {}
            told = {name: alert}
            for number, mutant in enumerate(mutants_of_alert(alert)):
                assert isinstance(mutant.rule, Alert)
                told[f"{name}__{number}"] = mutant.rule
                faulty[f"{name}__{number}"] = f"{name}: {mutant.fault}"
            yield Trial((name,), faulty, _rules(area, told), _alert_story(area, told, alert.test.interval))


def _of_records() -> Iterator[Trial]:
    for area in AREAS.values():
        for test in area.record_tests.values():
            told: dict[str, Record] = {}
            faulty: dict[str, str] = {}
            for record in (one for one in area.records if one.record in test.expect):
                for number, mutant in enumerate(mutants_of_record(record), start=len(told)):
                    assert isinstance(mutant.rule, Record)
                    told[f"{record.record}__{number}"] = mutant.rule
                    source = record.labels.get("source", "")
                    faulty[f"{record.record}__{number}"] = f"{record.record} {source}: {mutant.fault}"
            rules = _faulty_records(told, list(test.expect))
            yield Trial(tuple(test.expect), faulty, rules, _record_story(area, test, told))


def _rules(area: Area, told: dict[str, Alert]) -> str:
    needed = render.records_for(AREAS, [alert.expr for alert in told.values()])
    bodies = [one.body for name, spec in told.items() for one in render.alerts(name, spec, area, Links())]
    return _groups([render.record_body(record) for _, record in needed], bodies)


def _faulty_records(told: dict[str, Record], right: list[str]) -> str:
    needed = [render.record_body(record) for _, record in render.records_for(AREAS, right)]
    return _groups(needed, [{**render.record_body(record), "record": name} for name, record in told.items()])


def _groups(records: list[render.YamlValue], told: list[render.YamlValue]) -> str:
    return render.dump({"groups": [{"name": "records", "rules": records}, {"name": "told", "rules": told}]})


def _alert_story(area: Area, told: dict[str, Alert], interval: str) -> render.YamlValue:
    stories = [render.story(name, alert, area) for name, alert in told.items()]
    return _story(interval, stories[0], [check for story in stories for check in _checks(story)])


def _record_story(area: Area, test: RecordTest, told: dict[str, Record]) -> render.YamlValue:
    (story,) = [one for one in render.record_stories(area) if one["input_series"] == render.series(test)]
    wanted = [(name, record, test.expect[record.record]) for name, record in told.items()]
    faulty = [
        render.record_check(name, test.at, [one for one in samples if record.labels.items() <= one.labels.items()])
        for name, record, samples in wanted
    ]
    return _story(test.interval, story, [*_checks(story), *faulty])


def _story(interval: str, story: render.YamlValue, checks: list[object]) -> render.YamlValue:
    return {
        "evaluation_interval": interval,
        "group_eval_order": ["records", "told"],
        "tests": [{**story, "promql_expr_test": checks}],
    }


def _checks(story: render.YamlValue) -> list[object]:
    checks = story["promql_expr_test"]
    assert isinstance(checks, list)
    return checks
