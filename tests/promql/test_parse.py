"""Text to expressions: what is taken, what is refused and how, and that no text whatever breaks the reader."""

import re
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.promql.ast import At, Call, Kind, Matcher, MatchKind, Negate, Number, Range, Selector, Subquery, kind_of
from workbench.promql.parse import parse
from workbench.promql.regex import compiled, matches, replaced
from workbench.promql.signatures import AGGREGATIONS, FUNCTIONS

X = Matcher("__name__", MatchKind.EQUAL, "x")


def refused(text, prometheus=None):
    with pytest.raises(BadInput) as caught:
        parse(text, prometheus)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1_000", 1000.0),
        ("0x1F", 31.0),
        ("0X_1f", 31.0),
        ("017", 15.0),
        ("08", 8.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("Inf", float("inf")),
        ("1h30m", 5400.0),
        ("9007199254740993", 9007199254740992.0),
    ],
)
def test_numbers_are_what_prometheus_makes_of_them(text, value):
    assert parse(text) == Number(value)


def test_the_two_zeros_are_two_expressions():
    assert parse("-0") == Negate(Number(0.0))
    assert parse("0") == Number(0.0)


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("x offset 5m", Selector((X,), 300_000)),
        ("x offset -5m", Selector((X,), -300_000)),
        ("x offset - 300", Selector((X,), -300_000)),
        ("x @ 12.3456", Selector((X,), 0, 12_346)),
        ("x @ -5", Selector((X,), 0, -5000)),
        ("x @ start() offset 1m", Selector((X,), 60_000, At.EVALUATION)),
        ("x offset 1m @ end()", Selector((X,), 60_000, At.EVALUATION)),
        ("rate(x[300])", Call("rate", (Range(Selector((X,)), 300_000),))),
        ("rate(x[1d2h3m4s5ms])", Call("rate", (Range(Selector((X,)), 93_784_005),))),
        ("rate((x[5m]))", Call("rate", (Range(Selector((X,)), 300_000),))),
        ("rate(x[1h:])", Call("rate", (Subquery(Selector((X,)), 3_600_000),))),
        ("rate(x[1h:1m] offset 1m @ 60)", Call("rate", (Subquery(Selector((X,)), 3_600_000, 60_000, 60_000, 60_000),))),
        ("x # a comment with ' and `", Selector((X,))),
        ("# first\nx", Selector((X,))),
        ("+x", Selector((X,))),
        ('{"x"}', Selector((X,))),
        ("x{a='1',}", Selector((X, Matcher("a", MatchKind.EQUAL, "1")))),
        ('x{"a.b"="1"}', Selector((X, Matcher("a.b", MatchKind.EQUAL, "1")))),
        (r"x{a=~`\d+#[`}", None),
        (r"x{a=~`\d+#`}", Selector((X, Matcher("a", MatchKind.REGEX, r"\d+#")))),
        (r'x{a="\x41\u00e9\101\n\""}', Selector((X, Matcher("a", MatchKind.EQUAL, 'AéA\n"')))),
        ("x{sum='1',by='2',offset='3',on='4'}", None),
        ("holt_winters(x[5m], 0.1, 0.2)", None),
    ],
)
def test_forms_that_the_grammar_reads_otherwise_or_not_at_all(text, expr):
    if expr is None and "#[" in text:
        assert refused(text)[0].check == "promql/regex"
    elif expr is None:
        parse(text)
    else:
        assert parse(text) == expr


@pytest.mark.parametrize(
    ("text", "check", "found", "nearest"),
    [
        ("rat(x[5m])", "promql/function", "rat", "rate"),
        ("histogram_sum(x)", "promql/function", "histogram_sum", None),
        ("info(x)", "promql/function", "info", None),
        ("limitk(2, x)", "promql/aggregation", "limitk", None),
        ("x{a='1' or b='2'}", "promql/matcher", "or", None),
        ("{a=~'.*'}", "promql/matcher", None, None),
        ("x[5m]", "promql/range", None, None),
        ("'text'", "promql/string", "string", None),
        ("x{a=~'(?=b)'}", "promql/regex", "(?=b)", None),
        ("x{a=~'(b)\\\\1'}", "promql/regex", "(b)\\1", None),
        ("x{a=~'b++'}", "promql/regex", "b++", None),
        ("label_replace(x, 'a', '$1', 'b', '(')", "promql/regex", "(", None),
        ("a + fill(0) b", "promql/operator", "fill", None),
        ("rate(x)", "promql/syntax", None, None),
        ("vector(x)", "promql/syntax", None, None),
        ("x[5m30]", "promql/syntax", None, None),
        ("x offset 1e300", "promql/syntax", None, None),
        ("x[99999999y]", "promql/syntax", None, None),
        ("1e999", "promql/syntax", None, None),
        ("'never closed", "promql/syntax", None, None),
        ("x{a='\\xff'}", "promql/syntax", None, None),
        ("x]", "promql/syntax", None, None),
        ("(" * 200 + "x" + ")" * 200, "promql/size", None, None),
        ("x" * 30_000, "promql/size", None, None),
    ],
)
def test_what_is_not_evaluated_is_refused_by_name(text, check, found, nearest):
    problem = refused(text)[0]

    assert problem.check == check
    assert problem.found == found
    assert problem.nearest == nearest or nearest is None
    assert text[:50] in problem.message


@pytest.mark.parametrize(
    ("text", "has", "lacks"),
    [
        ("holt_winters(x[5m], 0.1, 0.2)", "2.53", "3.5"),
        ("double_exponential_smoothing(x[5m], 0.1, 0.2)", "3.5", "2.53"),
        ("mad_over_time(x[5m])", "2.53", "2.42"),
        ("histogram_fraction(0, 1, x)", "3.5", "2.53"),
        ("ts_of_max_over_time(x[5m])", "3.5", "2.53"),
        ("rate(x[300])", "3.5", "2.53"),
        ("1_000", "3.5", "2.42"),
        ('{"x.y"}', "3.5", "2.53"),
        ('sum by ("a.b") (x)', "3.5", "2.53"),
    ],
)
def test_a_version_has_the_functions_and_forms_that_it_has(text, has, lacks):
    parse(text, has)

    assert {problem.check for problem in refused(text, lacks)} <= {"promql/version", "promql/label"}


def test_everything_wrong_with_an_expression_is_said_at_once():
    problems = refused("info(x) + limitk(1, y) > histogram_sum(z)")

    assert [problem.found for problem in problems] == ["info", "limitk", "histogram_sum"]


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a.b", "a\nb", True),
        ("(?i)ABC", "abc", True),
        ("a(?i)B", "ab", True),
        ("[[:alpha:]]+", "abc", True),
        (r"\pL+", "é", True),
        (r"\Qa.b\E", "a.b", True),
        (r"\Qa.b\E", "axb", False),
        ("b", "abc", False),
        ("a|b", "ab", False),
        ("^a$", "a", True),
        (r"a\z", "a", True),
        (r"\d", "٣", False),
    ],
)
def test_regular_expressions_are_re2_and_cover_the_whole_value(pattern, text, fits):
    assert matches(pattern)(text) is fits


def test_a_dot_takes_a_newline_only_from_prometheus_3_on():
    assert matches("a.b", newlines=True)("a\nb")
    assert not matches("a.b", newlines=False)("a\nb")


def test_no_regular_expression_is_slow():
    assert not matches("(a*)*" * 20 + "b")("a" * 5000)


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("$1", "one"),
        ("${1}x", "onex"),
        ("$1x", ""),
        ("$$1", "$1"),
        ("$word-$2", "two-two"),
        ("${word}", "two"),
        ("$9", ""),
        ("$", "$"),
        ("${", "${"),
    ],
)
def test_templates_expand_as_in_go(template, result):
    assert replaced(compiled("(one) (?P<word>two)"), template, "one two") == result
    assert replaced(compiled("(one) (?P<word>two)"), template, "three") is None


_WORDS = [
    *FUNCTIONS,
    *AGGREGATIONS,
    "x",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "offset",
    "@",
    "bool",
    "and",
    "or",
    "start()",
]
_PIECES = st.one_of(
    st.sampled_from(_WORDS),
    st.sampled_from(
        [*"(){}[],:+-*/%^<>=!~@\"'`#\\ \n", "==", "!=", "=~", "!~", ">=", "<=", "[5m]", "[1h:5m]", "{a=~'b.*'}", "NaN"]
    ),
    st.text(string.printable, max_size=4),
    st.text(max_size=3),
    st.integers(0, 10**20).map(str),
    st.sampled_from(["5m", "1h30m", "0x1", "1_0", "1e5", "1.5e-3", "10y", "1e999"]),
)


@settings(derandomize=True, deadline=None, max_examples=1500)
@given(pieces=st.lists(_PIECES, max_size=14), gap=st.sampled_from(["", " "]))
@example(pieces=["x", "offset", "9999999999999999999999"], gap=" ")
def test_any_text_is_an_expression_or_is_refused(pieces, gap):
    text = gap.join(pieces)
    for prometheus in (None, "2.42", "3.5"):
        problems = None
        try:
            expr = parse(text, prometheus)
        except BadInput as error:
            problems = error.problems
        if problems is None:
            assert kind_of(expr) in {Kind.SCALAR, Kind.VECTOR}
        else:
            assert problems
            assert all(re.fullmatch(r"promql/\w+", problem.check) and problem.message for problem in problems)
