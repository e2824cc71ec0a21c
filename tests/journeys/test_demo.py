"""`make demo` shows what alertrouter does, on the built-in policy and with nothing set up.

The policy here looks at its groups every two seconds, not every minute, so that the end is told soon.
"""

from tests.journeys.installation import CHECKOUT, Alertrouter, start
from tests.journeys.programs import Programs, free_port
from tests.waiting import eventually

POLICIES = CHECKOUT / "policies"


def soon() -> str:
    """The built-in policy, in one file and in a hurry."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(POLICIES.glob("*.yml")))
    assert "group_interval: 1m" in text
    return text.replace("group_interval: 1m", "group_interval: 2s")


def test_the_demo_tells_what_came_of_each_alert(programs: Programs) -> None:
    """Several components and severities, one that another explains, and the end of all of them."""
    running = Alertrouter(programs, policy=soon(), environ={})

    demo = start(programs, "demo", "demo", home=running.home, environ={"ALERTROUTER_LISTEN": running.door.address})
    eventually(lambda: not demo.running, within=60, what=demo.text)

    said = demo.text()
    assert demo.process.returncode == 0, said
    assert "told: alerts/slack, pager/pagerduty" in said
    assert "told: nobody: inhibited by NodeDown (rule node down hides its services)" in said
    assert "told: security-alerts/slack, pager/pagerduty, security-leads/email" in said
    assert "Now all of them are over." in said
    told, _, end = said.partition("Now all of them are over.")
    assert told.count("resolved; told:") == 0
    assert end.count("resolved; told:") == 5, "it stays until the end of each was told"
    assert "resolved; told: security-alerts/slack, pager/pagerduty, security-leads/email" in end
    assert "does not answer" in running.door.page("/"), "the messages stand in the inbox"


def test_two_demos_do_not_mix(programs: Programs) -> None:
    """Each run has incidents of its own, so that what it shows is what it did."""
    running = Alertrouter(programs, policy=soon(), environ={"ALERTROUTER_INGEST_TOKENS": "of-the-demo,of-another"})
    environ = {"ALERTROUTER_LISTEN": running.door.address, "ALERTROUTER_INGEST_TOKENS": "of-the-demo"}

    first = start(programs, "first", "demo", home=running.home, environ=environ)
    eventually(lambda: not first.running, within=60, what=first.text)
    second = start(programs, "second", "demo", home=running.home, environ=environ)
    eventually(lambda: not second.running, within=60, what=second.text)

    assert first.process.returncode == second.process.returncode == 0, second.text()
    assert not _incidents(first.text()) & _incidents(second.text())


def test_the_demo_says_when_nobody_answers(programs: Programs) -> None:
    """Without a running alertrouter it fails, and names the command that starts one."""
    address = f"127.0.0.1:{free_port()}"

    demo = start(programs, "demo", "demo", home=programs.directory, environ={"ALERTROUTER_LISTEN": address})
    eventually(lambda: not demo.running, within=30, what=demo.text)

    assert demo.process.returncode == 1
    assert f"http://{address}: no alertrouter answers there" in demo.text()
    assert "make run" in demo.text()


def _incidents(said: str) -> set[str]:
    return {line.split()[0] for line in said.splitlines() if line.startswith("INC-")}
