"""What we write as YAML, every reader gives back."""

from decimal import Decimal

import yaml
from hypothesis import given
from hypothesis import strategies as st

from workbench.interop.yaml_text import document
from workbench.scenario.source import parse
from workbench.scenario.tree import plain

TEXT = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab :#-'\"{}[]\n\t&*!|>%@`,?0123456789.e~\\", max_size=30),
    st.sampled_from(
        ["yes", "No", "1_000", "12:30", "2020-01-01", "0o7", "1e5", "~", "<<", "99.9%", "5m", "- a", "a\n b\n", "a\n\n"]
    ),
)
SCALAR = TEXT | st.integers(-(10**9), 10**9) | st.booleans() | st.none()
VALUE = st.recursive(SCALAR, lambda v: st.lists(v, max_size=4) | st.dictionaries(TEXT, v, max_size=4), max_leaves=12)


@given(st.dictionaries(TEXT, VALUE, min_size=1, max_size=5))
def test_what_is_written_is_read_back(value):
    assert yaml.safe_load(document(value)) == value


@given(st.dictionaries(st.text(alphabet="abc", min_size=1), TEXT.filter(lambda t: t.isprintable()), min_size=1, max_size=5))
def test_our_own_reader_gives_the_same(value):
    source = parse(document(value).encode(), "x.yaml")
    assert not source.problems
    assert plain(source.root) == value


def test_it_reads_as_a_person_would_write():
    value = {
        "name": "shop",
        "target": "99.9%",
        "window": "30d",
        "factor": Decimal("14.4"),
        "routes": ["/a", "*"],
        "query": 'sum(rate(x{a="b"}[5m]))',
        "long": "one\ntwo\n",
        "alerts": [{"name": "fast", "for": "2m"}],
        "tier": "2",
    }
    assert document(value, {(): "Where it\ncomes from", ("target",): "of all"}) == (
        "# Where it\n# comes from\n\nname: shop\n# of all\ntarget: 99.9%\nwindow: 30d\nfactor: 14.4\nroutes: [/a, '*']\n"
        "query: 'sum(rate(x{a=\"b\"}[5m]))'\nlong: |\n  one\n  two\nalerts:\n  - name: fast\n    for: 2m\ntier: '2'\n"
    )
