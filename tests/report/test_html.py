"""The report: self-contained, escaped, complete, and its numbers are the outcome's."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.support.outcomes import recorded, synthetic_outcome, unmeasured
from workbench.errors import Problem
from workbench.report import figures, html
from workbench.report.html import report_html

SECTIONS = ("objectives", "month", "budgets", "alerts", "credits", "scorecard", "findings", "provenance")


class Page(HTMLParser):
    """Tags with attributes, ids, text, and whether every tag is closed."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def outcome():
    return synthetic_outcome(targets={"application-availability": "0.999", "login": "0.9995"})


@pytest.fixture(scope="module")
def text(outcome):
    return report_html(outcome)


def test_nothing_is_loaded_from_anywhere_and_no_script_runs(text):
    page = Page(text)

    for tag, attrs in page.tags:
        assert tag not in {"script", "iframe", "link", "object", "embed", "img"}
        for name in ("src", "href", "xlink:href"):
            assert (attrs.get(name) or "#").startswith("#")
        assert not any(name.startswith("on") for name in attrs)
    assert "@import" not in text
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize("make", [lambda o: o, unmeasured, recorded])
def test_every_section_stands_in_a_well_formed_page(outcome, make):
    page = Page(report_html(make(outcome)))

    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert page.open == []
    assert set(SECTIONS) <= set(ids)
    assert len(ids) == len(set(ids))
    named = [a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a]
    assert set(named) <= set(ids)


def test_the_numbers_are_the_outcomes(outcome, text):
    page = Page(text)

    for slo in outcome.slos:
        assert f"{slo.total:,} ({slo.total - slo.good:,} bad)" in page.text
        assert f"{(slo.total - slo.good) / slo.total / float(1 - slo.target) * 100:.1f}%" in page.text
    overall = outcome.score.overall
    assert f"{overall.detected_significant} of {overall.significant_incidents}" in page.text
    for credit in outcome.credits:
        assert credit.calculation in page.text
    for line in outcome.scorecard:
        assert line.definition in page.text
    for rule in outcome.score.rules_text:
        assert rule in page.text
    assert outcome.digest in page.text


def test_missed_incidents_and_false_firings_are_listed(outcome):
    false = next(
        e
        for e in outcome.episodes
        if e.alert == "moderate-burn" and e.firing_at_s is not None and 16 < e.pending_at_s / 86_400 < 17
    )
    page = Page(report_html(replace(outcome, score=replace(outcome.score, false_firings=(false,)))))

    assert "i002, 10 Apr 00:28: storage: slow disk for 41m" in page.text
    assert "17 Apr 05:03: moderate-burn · application-availability fired for 10m" in page.text


def test_names_are_only_names(outcome):
    evil = "<script>alert(1)</script>"
    bad = replace(outcome.truth.incidents[0], mode=evil, target='"><img src=x onerror=1>')
    page = Page(
        report_html(
            replace(
                outcome, name=evil, description=evil, truth=replace(outcome.truth, incidents=(bad, *outcome.truth.incidents[1:]))
            ),
            expectations_failed=[Problem("x/y", evil)],
        )
    )

    assert not {tag for tag, _ in page.tags} & {"script", "img"}
    assert page.text.count(evil) >= 4


def test_unknown_is_called_unknown_and_never_nan(outcome):
    page = Page(report_html(unmeasured(outcome)))

    assert "unknown" in page.text
    assert "NaN" not in page.text
    assert "nan%" not in page.text


def test_the_same_outcome_gives_the_same_bytes(outcome, text):
    assert report_html(outcome) == text


def test_only_the_costliest_objectives_are_drawn_and_the_rest_is_named(outcome, monkeypatch):
    monkeypatch.setattr(html, "MOST_DETAILED", 1)

    page = Page(report_html(outcome))

    assert "not drawn: application-availability." in page.text
    assert sum(attrs.get("id", "").startswith("burn-") and attrs["id"].endswith("-says") for _, attrs in page.tags) == 1


def test_two_drawings_with_the_same_ids_do_not_share_them_in_one_page():
    svg = '<svg viewBox="0 0 1 1"><clipPath id="clip1"/><g clip-path="url(#clip1)"/></svg>'

    first, second = (figures._in_page(svg, key) for key in ("a", "b"))

    assert 'id="a-0"' in first
    assert "url(#a-0)" in first
    assert 'id="b-0"' in second
    assert "url(#b-0)" in second
