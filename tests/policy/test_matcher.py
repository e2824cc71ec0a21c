"""Matchers: reading, writing, sorting, matching."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertrouter.policy.matcher import Matcher, MatcherError, Op, RegexError, canonical, parse_matcher, parse_matchers

# Names that both grammars can read, and texts in which the characters that mean something to a grammar come often.
PLAIN_NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.one_of(st.sampled_from("\\\"{}=~!,\n\t n`'é🙂"), st.characters(codec="utf-8")), max_size=12)
MATCHERS = st.one_of(
    st.builds(Matcher, PLAIN_NAMES | TEXTS, st.sampled_from([Op.EQUAL, Op.NOT_EQUAL]), TEXTS),
    st.builds(
        Matcher,
        PLAIN_NAMES | TEXTS,
        st.sampled_from([Op.REGEX, Op.NOT_REGEX]),
        TEXTS.map(re.escape).filter(lambda pattern: pattern.isascii() and "\n" not in pattern),
    ),
)


@given(MATCHERS)
def test_a_written_matcher_reads_back_as_the_same(matcher: Matcher) -> None:
    """Any name and any value survive, alone and in a list."""
    assert parse_matchers(str(matcher)) == (matcher,)
    assert parse_matchers(f"{{{matcher}}}") == (matcher,)


@given(
    st.lists(MATCHERS, max_size=4).filter(
        lambda matchers: all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", one.name) for one in matchers)
    )
)
def test_the_canonical_form_reads_back_and_does_not_depend_on_the_order(matchers: list[Matcher]) -> None:
    """A route key names the same matchers, however they were listed."""
    written = canonical(matchers)

    assert canonical(reversed(matchers)) == written
    assert sorted(parse_matchers(written)) == sorted(matchers)


@given(st.text(st.sampled_from('ab_1:{}=~!,"\\ n\n\u00a0é.'), max_size=14))
def test_any_text_is_matchers_or_a_matcher_error_in_it(text: str) -> None:
    """The parsers fail in one way only, at a place inside of the text or right behind it."""
    for parse in (parse_matcher, parse_matchers):
        column = 1
        try:
            parse(text)
        except MatcherError as fault:
            column = fault.column

        assert 1 <= column <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("foo", 4, "expected one of = != =~ !~, found the end"),
        ('{foo-bar="a"', 13, "expected a comma or `}`, found the end"),
        ('foo-bar="a" b', 13, "expected a comma or the end, found `b`"),
        ('foo-bar="a', 9, "expected a value, found a quote that is never closed"),
        ("foo-bar=", 9, "expected a value, found the end"),
        ("{,}", 2, "expected a label name, found `,`"),
        (r'foo-bar="\q"', 9, "unknown escape"),
        (r'foo-bar="\xff"', 9, "can't read"),
        ('a="b",foo=~"(?=x)"', 12, "invalid perl operator"),
        ('a-b="c", foo=~"["', 15, "missing ]"),
        ("a=b,foo=~[", 10, "missing ]"),
    ],
)
def test_an_error_names_what_was_expected_and_where(text: str, column: int, message: str) -> None:
    """The column counts characters from 1."""
    with pytest.raises(MatcherError, match=re.escape(message)) as caught:
        parse_matchers(text)

    assert caught.value.column == column


def test_the_classic_grammar_wins_where_both_read_a_text_and_differ() -> None:
    r"""As in Alertmanager's default mode: `\u00e9` stays six characters, unless only the UTF-8 grammar can read it."""
    assert parse_matchers(r'foo="\u00e9"') == (Matcher("foo", Op.EQUAL, r"\u00e9"),)
    assert parse_matchers(r'"foo"="\u00e9"') == (Matcher("foo", Op.EQUAL, "é"),)


@pytest.mark.parametrize("text", ["", " ", "{}", "{ }", "{"])
def test_a_list_may_be_empty_but_one_matcher_may_not(text: str) -> None:
    """`{}` is no condition at all."""
    assert parse_matchers(text) == ()
    with pytest.raises(MatcherError):
        parse_matcher(text)


@pytest.mark.parametrize("text", ["{foo=bar}", "foo=bar}", '"a"=b,"c"=d', ""])
def test_a_single_matcher_has_no_braces_and_no_company(text: str) -> None:
    """As a filter of Alertmanager's API."""
    with pytest.raises(MatcherError):
        parse_matcher(text)


def test_a_single_classic_matcher_may_hold_a_comma() -> None:
    """Alone, everything behind the operator is the value."""
    assert parse_matcher("foo=b,c=d") == Matcher("foo", Op.EQUAL, "b,c=d")


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ("", "{}"),
        ('{c!="z", b=~"x|y", a="1"}', '{a="1",b=~"x|y",c!="z"}'),
        ('a=~"2",a!="2",a="2",a!~"2",a=1', '{a="1",a="2",a!="2",a=~"2",a!~"2"}'),
        ('"host name"="web 1"', '{"host name"="web 1"}'),
        ('тревога="да"', '{тревога="да"}'),
        (r'path=~"\d+"', r'{path=~"\\d+"}'),
    ],
)
def test_the_canonical_form_is_that_of_alertmanagers_route_keys(matchers: str, expected: str) -> None:
    """Sorted by name, value, operator; a name is quoted only when it must be."""
    assert canonical(parse_matchers(matchers)) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("a b", "tab\tbell\a", r'"a b"="tab\tbell\a"'),
        ("a b", "nul\x00del\x7f", r'"a b"="nul\x00del\x7f"'),
        ("a b", "\u200b\U000e0001é🙂", r'"a b"="\u200b\U000e0001é🙂"'),
        ("ab", 'tab\t"\\\n', 'ab="tab\t\\"\\\\\\n"'),
        ("", "x", '""="x"'),
    ],
)
def test_values_are_escaped_as_go_does_when_the_name_is_quoted(name: str, value: str, expected: str) -> None:
    """Otherwise only the backslash, the quote and the line feed are."""
    assert str(Matcher(name, Op.EQUAL, value)) == expected


def test_a_wrapped_regex_means_the_same_as_the_bare_one() -> None:
    """Old `match_re` values stand in keys as `^(?:…)$`."""
    bare, wrapped = (Matcher("env", Op.REGEX, value) for value in ("produ.*|test", "^(?:produ.*|test)$"))

    for value in ("production", "test", "testing", "a production"):
        assert bare.matches({"env": value}) is wrapped.matches({"env": value}), value


@pytest.mark.parametrize("op", list(Op))
@given(
    labels=st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["", "x", "xy", "x\n"])),
    value=st.sampled_from(["", "x", "x."]),
)
def test_negative_operators_are_the_opposite_of_the_positive_ones(op: Op, labels: dict[str, str], value: str) -> None:
    """And a missing label answers as the empty string does."""
    opposite = {Op.EQUAL: Op.NOT_EQUAL, Op.NOT_EQUAL: Op.EQUAL, Op.REGEX: Op.NOT_REGEX, Op.NOT_REGEX: Op.REGEX}[op]
    matcher = Matcher("a", op, value)

    assert matcher.matches(labels) is not Matcher("a", opposite, value).matches(labels)
    assert matcher.matches(labels) is matcher.matches({"a": "", **labels})


def test_a_regex_keeps_its_answers_apart_when_it_has_forgotten_some() -> None:
    """The memory for answers is bounded; what fell out is found out again."""
    matcher = Matcher("n", Op.REGEX, "[0-9]*7")

    for _ in range(2):
        matching = [number for number in range(5000) if matcher.matches({"n": str(number)})]
        assert matching == list(range(7, 5000, 10))


@pytest.mark.parametrize("pattern", [r"\C", r"a\C+", r"\\\C", r"\Qa\E\C"])
def test_the_one_escape_that_only_re2_in_c_knows_is_refused(pattern: str) -> None:
    r"""Alertmanager's RE2 has no `\C`."""
    with pytest.raises(RegexError, match=r"invalid escape sequence: \\C"):
        Matcher("foo", Op.REGEX, pattern)


@pytest.mark.parametrize(("pattern", "value"), [(r"\\C", r"\C"), (r"\Q\C\E", r"\C")])
def test_a_backslash_before_a_c_may_be_literal(pattern: str, value: str) -> None:
    """An escaped or quoted backslash is no escape."""
    assert Matcher("foo", Op.REGEX, pattern).matches({"foo": value})


def test_matchers_are_values() -> None:
    """Equal parts make equal matchers, with one hash."""
    one, other = Matcher("a", Op.REGEX, "b"), Matcher("a", Op.REGEX, "b")

    assert one == other
    assert len({one, other, Matcher("a", Op.EQUAL, "b")}) == 2


@pytest.mark.parametrize("text", ['a="b"', 'a!="b"', 'a=~"b|c"', 'a!~"b.*"'])
def test_a_matcher_goes_to_another_process(text: str) -> None:
    """As `replay` sends whole policies there when the history is long."""
    matcher = parse_matcher(text)

    there: Matcher = pickle.loads(pickle.dumps(matcher))  # noqa: S301 - made on this line

    assert there == matcher
    assert [there.matches({"a": value}) for value in ("b", "c", "")] == [
        matcher.matches({"a": value}) for value in ("b", "c", "")
    ]
