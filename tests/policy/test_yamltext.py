"""YAML as policies use it: 1.2's plain values, no key twice, merge keys and aliases within bounds."""

from __future__ import annotations

import pytest

from alertrouter.policy.load import load
from tests.policy.texts import SOUND, changed, only_problem, problems


def test_plain_values_are_those_of_yaml_1_2() -> None:
    """`18:00` is a time and not 1080, `on` is a name and not true, `012` keeps its zero."""
    policy = load({"a.yml": changed("{severity: critical}", "{severity: on, code: 012, at: 17:00}")})

    assert policy.tests[0].labels == {"severity": "on", "code": "012", "at": "17:00"}
    assert policy.time_intervals["business_hours"][0].times == ((9 * 60, 18 * 60 - 1),)


def test_a_key_that_stands_twice_is_refused() -> None:
    """The last one doesn't silently win."""
    shown = only_problem(changed("ack_timeout: 30m", "ack_timeout: 30m\n    ack_timeout: 1h"))

    assert "a.yml:19:5: ack_timeout: found this key again, expected it once: it stands in line 18" in shown


def test_merge_keys_and_aliases_bring_in_what_they_name() -> None:
    """A key of its own wins over a merged one; a fault in what is merged in is told once, where it stands."""
    text = SOUND.replace("- {matchers: ['component=\"ai\"'],", "- &base {matchers: ['component=\"ai\"'],").replace(
        "\ninhibit_rules:", "\n    - {<<: *base, matchers: ['component=\"ml\"']}\ninhibit_rules:"
    )

    merged = load({"a.yml": text}).root.routes[2]

    assert str(merged.matchers[0]) == 'component="ml"'
    assert merged.options.group_by == ("alertname",)
    assert "a.yml:28:55" in only_problem(text.replace("group_by: [alertname]", "group_by: [[]]"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {b: 1", "a.yml:1:9: not readable as YAML: did not find expected ',' or '}'"),
        ("a: *b", "a.yml:1:4: found alias `*b`, expected an anchor `&b` above it"),
        ("a: &b [*b]", "found alias `*b`, expected an anchor"),
        ("route: {}\n---\nroute: {}", "a.yml:2:1: found a second document"),
        ("- a", "expected a mapping of keys such as `route` and `receivers`"),
        ("a: \x01", "a.yml:1:4: not readable as YAML: control characters are not allowed"),
        ("a: \ud800", "a.yml:1:4: found half a surrogate pair"),
        ("[" * 100_000, "nested more than 64 deep"),
        ("a: " * 100, "not readable as YAML"),
        ("x" * 5_000_000, "found 5000000 characters, expected at most"),
    ],
)
def test_what_is_not_readable_is_told_at_its_place(text: str, said: str) -> None:
    """A text that isn't YAML, or more than a policy can be, has one fault."""
    assert said in str(problems(text)[0])


def test_aliases_that_unfold_without_end_are_refused() -> None:
    """Nine lists of nine of the one before: four hundred million values out of a few lines."""
    bomb = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 9)
    )
    chain = "a0: &a0 [1]\n" + "".join(f"a{level}: &a{level} [[[[[*a{level - 1}]]]]]\n" for level in range(1, 20))

    assert "found more than 200000 values, aliases unfolded" in only_problem(bomb)
    assert "nested more than 64 deep, aliases unfolded" in only_problem(chain)


def test_a_tag_has_no_meaning() -> None:
    """A policy can't name types, of this or of another program."""
    assert "found tag `tag:yaml.org,2002:int`, expected none" in only_problem(changed("name: pages", "name: !!int 5"))


def test_a_value_that_a_comment_ate_is_explained() -> None:
    """`channel: #alerts` is a channel that says nothing: the most common mistake of all."""
    text = changed('slack: {channel: "#ai-models"}', "\n    slack:\n      channel: #ai-models\n   ").replace(
        "#ai-models\n   }", "#ai-models"
    ).replace("ai-channel: {\n", "ai-channel:\n")  # fmt: skip

    assert "found nothing, expected a text (a value that starts with # needs quotes)" in only_problem(text)
