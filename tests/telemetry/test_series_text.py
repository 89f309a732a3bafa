import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.telemetry.fetch_out import text_of
from workbench.telemetry.series import SeriesKey
from workbench.telemetry.series_text import NotASeries, parse_series


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("up", SeriesKey("up")),
        ("a:b_c9{}", SeriesKey("a:b_c9")),
        ('up{job="api",env="x y"}', SeriesKey.of("up", job="api", env="x y")),
        (' up { job = "api" , } ', SeriesKey.of("up", job="api")),
        ('{__name__="up",job="api"}', SeriesKey.of("up", job="api")),
        ('{"a.b", "c-d"="1"}', SeriesKey.of("a.b", {"c-d": "1"})),
        (r'up{a="\\",b="\"",c="\n",d="\q"}', SeriesKey.of("up", a="\\", b='"', c="\n", d=r"\q")),
        ('up{a=""}', SeriesKey("up")),
        ('up{a="},{=\'#"}', SeriesKey.of("up", a="},{='#")),
    ],
)
def test_a_series_is_read_as_prometheus_writes_it(text, key):
    assert parse_series(text) == key


@pytest.mark.parametrize(
    ("text", "fragment", "at"),
    [
        ("", "no metric name", 0),
        ("9up", "no metric name", 0),
        ("up down", "something follows", 2),
        ("up{", "a label is written", 3),
        ("up{a=1}", "a label is written", 3),
        ('up{a="1"', "closing brace is missing", 8),
        ('up{a="1" b="2"}', "closing brace is missing", 9),
        ('up{a="1",a="2"}', "occurs twice", 9),
        ('up{"b"}', "two names", 3),
        ('{a="1"}', "no metric name", 6),
        ('up{a="1', "a label is written", 3),
    ],
)
def test_a_text_that_is_no_series_says_why_and_where(text, fragment, at):
    with pytest.raises(NotASeries, match=fragment) as caught:
        parse_series(text)

    assert caught.value.at == at


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(name=NAMES, labels=st.dictionaries(NAMES.filter(lambda n: n != "__name__"), NAMES, max_size=3))
def test_a_series_reads_back_whatever_characters_it_has(name, labels):
    key = SeriesKey.of(name, labels)
    if "\n" in name or any("\n" in one for one in labels):
        return  # a line feed in a name stays one, and no line-based format can hold it

    assert parse_series(text_of(key)) == key


@given(text=st.text(max_size=40))
def test_any_text_is_a_series_or_none(text):
    try:
        key = parse_series(text)
    except NotASeries as error:
        assert 0 <= error.at <= len(text)
    else:
        assert key.name
