"""What goes out comes in again as the same objectives, for any policy that a format can say."""

from decimal import Decimal

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.interop.foreign import loosened, read_documents
from workbench.interop.importing import import_files
from workbench.interop.openslo_out import documents_of
from workbench.interop.outgoing import Said
from workbench.interop.pyrra_out import resources
from workbench.interop.sloth_out import alert_windows, specs
from workbench.interop.yaml_text import documents
from workbench.scenario.schema.policy import Policy

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,12}[a-z0-9]", fullmatch=True)
LABELS = st.dictionaries(st.sampled_from(["team", "area", "tier", "owner"]), st.text("abc é:'\"#1", max_size=8), max_size=3)
ANNOTATIONS = st.dictionaries(st.sampled_from(["runbook", "dashboard"]), st.text("abc {}$.\n", max_size=12), max_size=2)
TARGETS = st.integers(1, 99_999).map(lambda n: f"{Decimal(n) / 1000:f}%")
WINDOWS = st.sampled_from(["7d", "14d", "28d", "30d", "90d"])
COUNTERS = st.sampled_from(['a_total{job="x"}', "b_total", 'c_total{code=~"5..|429",job!="y z"}'])


def rated(counter):
    return f"sum(rate({counter}[{{{{.window}}}}]))"


INDICATORS = st.one_of(
    st.builds(lambda a, b: {"kind": "query", "errors": rated(a), "total": rated(b)}, COUNTERS, COUNTERS),
    st.just({"kind": "query", "ratio": "1 -\n  sum(rate(a_total[{{.window}}])) / sum(rate(b_total[{{.window}}]))\n"}),
)
BUCKETS = st.just({"kind": "query", "good": rated('d_bucket{le="0.5"}'), "total": rated("d_count")})
SEVERITIES = st.sampled_from(["page", "critical", "warning", "info"])


@st.composite
def rules(draw):
    short = draw(st.integers(1, 30))
    return {
        "long": f"{short * draw(st.integers(2, 20))}m",
        "short": f"{short}m",
        "factor": draw(st.integers(1, 400)) / 8,
        "severity": draw(SEVERITIES),
        "page": draw(st.booleans()),
        "for": draw(st.sampled_from(["0s", "2m", "1h"])),
        "keep_firing_for": draw(st.sampled_from(["0s", "90s"])),
        "compare": draw(st.sampled_from([">", ">="])),
        "summary": draw(st.sampled_from(["", "It burns."])),
    }


@st.composite
def policies(draw, indicators, *, named_rules=None, preset=None, window=None, slices=False):
    found = draw(st.dictionaries(NAMES, rules(), min_size=1, max_size=4)) if named_rules is None else named_rules
    slos = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        slo = {
            "description": draw(st.text("ab c.\n", max_size=20)),
            "service": draw(st.sampled_from(["shop", "mall"])),
            "indicator": draw(indicators),
            "target": draw(TARGETS),
            "window": window or draw(WINDOWS),
            "labels": draw(LABELS),
            "annotations": draw(ANNOTATIONS),
        }
        if slices and draw(st.booleans()):
            slo["time_slices"] = {"length": draw(st.sampled_from(["1m", "5m"])), "target": draw(TARGETS)}
        if named_rules is None:
            slo["alerts"] = draw(st.lists(st.sampled_from(sorted(found)), unique=True))
        slos[name] = slo
    value = {"apiVersion": "workbench/v1", "kind": "Policy", "name": "p", "slos": slos, "burn_rate_alerts": found}
    return Policy.model_validate(value | ({"alert_preset": preset} if preset else {}))


def again(tmp, *texts):
    files = []
    for index, text in enumerate(texts):
        files.append(tmp / f"{index}.yaml")
        files[-1].write_text(text, encoding="utf-8")
    text, _ = import_files(files, "p")
    return Policy.model_validate(yaml.safe_load(text))


def known(slo):
    """What a format holds of every objective."""
    return slo.description, slo.indicator, slo.target, slo.window, slo.labels, slo.annotations


@settings(max_examples=40)
@given(policies(INDICATORS, slices=True))
def test_openslo_gives_back_objectives_slices_and_every_rule(tmp_path_factory, policy):
    said = Said("OpenSLO v1")
    back = again(tmp_path_factory.mktemp("openslo"), documents(documents_of(policy, None, said)))

    for name, slo in policy.slos.items():
        other = back.slos[name]
        assert known(other) == known(slo)
        assert (other.service, other.time_slices, other.alerts) == (slo.service, slo.time_slices, slo.alerts)
    used = {name for slo in policy.slos.values() for name in slo.alerts}
    assert {name: back.burn_rate_alerts[name] for name in used} == {name: policy.burn_rate_alerts[name] for name in used}


PAIRS = {
    "page-quick": {"long": "1h", "short": "4m", "budget_share": "3%", "severity": "page", "page": True},
    "page-slow": {"long": "6h", "short": "30m", "budget_share": "7.25%", "severity": "page", "page": True},
    "ticket-quick": {"long": "1d", "short": "2h", "budget_share": "11%", "severity": "ticket"},
    "ticket-slow": {"long": "3d", "short": "6h", "budget_share": "12.5%", "severity": "ticket"},
}


@settings(max_examples=40)
@given(policies(INDICATORS, named_rules=PAIRS, preset="sloth", window="28d"))
def test_sloth_and_its_windows_give_back_objectives_and_pairs(tmp_path_factory, policy):
    said = Said("Sloth")
    texts = documents(specs(policy, None, said)), documents(alert_windows(policy, None, said))
    back = again(tmp_path_factory.mktemp("sloth"), *texts)

    for name, slo in policy.slos.items():
        assert known(back.slos[name]) == known(slo)
        assert back.slos[name].service == slo.service
    assert back.burn_rate_alerts == policy.burn_rate_alerts
    assert back.alert_preset == "sloth"


@settings(max_examples=40)
@given(policies(st.one_of(INDICATORS, BUCKETS), named_rules={}, preset="pyrra"))
def test_pyrra_gives_back_objectives_whose_queries_are_its_own(tmp_path_factory, policy):
    said = Said("Pyrra")
    assume(not any(slo.indicator.ratio for slo in policy.slos.values()))
    back = again(tmp_path_factory.mktemp("pyrra"), documents(resources(policy, None, said)))

    assert back.alert_preset == "pyrra"
    for name, slo in policy.slos.items():
        other = back.slos[name]
        assert known(other)[:4] == known(slo)[:4]
        assert other.labels == {"service": slo.service} | slo.labels
        assert other.annotations == slo.annotations


@settings(max_examples=40)
@given(policies(INDICATORS, named_rules=PAIRS, preset="sloth", window="30d"))
def test_a_spec_says_the_same_after_it_came_in_and_went_out(tmp_path_factory, policy):
    folder = tmp_path_factory.mktemp("spec")
    first = documents(specs(policy, None, Said("Sloth")))
    back = again(folder, first)
    second = documents(specs(back, None, Said("Sloth")))
    assert list(yaml.safe_load_all(second)) == list(yaml.safe_load_all(first))


def test_loosening_a_document_twice_changes_nothing(tmp_path):
    (tmp_path / "a.yaml").write_text("apiVersion: openslo/v1\nkind: SLO\na: 1.50\nb:\nlabels: {c: true, d: 2}\n")
    (document,), problems = read_documents([tmp_path / "a.yaml"])
    assert problems == []
    assert loosened(document.tree) == document.tree
    assert document.tree.get("a").value == "1.50"
    assert document.tree.get("b") is None
    assert document.tree.get("labels").get("c").value == "true"


def test_a_folder_stands_for_its_files(tmp_path):
    (tmp_path / "a.yaml").write_text("apiVersion: openslo/v1\nkind: SLO\n")
    (tmp_path / "b.yml").write_text("apiVersion: openslo/v1\nkind: SLI\n")
    (tmp_path / "c.txt").write_text("no")
    found, _ = read_documents([tmp_path])
    assert [document.kind for document in found] == ["SLO", "SLI"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput) as refused:
        read_documents([tmp_path / "empty", tmp_path / "none.yaml"])
    assert [problem.check for problem in refused.value.problems] == ["file/missing", "file/missing"]
