"""Scripted incidents as sentences, and moments."""

import datetime as dt
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.scenario.moments import parse_moment
from workbench.scenario.schema.incidents import IncidentEffect, ScriptedIncident
from workbench.scenario.schema.strengths import LibraryMode
from workbench.scenario.sentences import parse_sentence
from workbench.units import format_duration
from workbench.world.failures.definition import _acts
from workbench.world.impact import Impact

LIBRARY = get_args(LibraryMode)
WORDS = [
    "day 12", "2026-04-12", "T14:05", "14:05", "99:99", "after 36h", "after", "15 % errors", "15%", "errors", "latency x3", "x3",
    "traffic", "capacity -40 %", "no scrapes", "of database", "of", "on /a/b", "on", "for 10 min", "for", "for 1h30m",
    "in region eu", "for tiers a, b", "cache flush", "total-outage", ",", "and", "10", "1e9", "%", "\u0661", "\n", "-", "min",
]  # fmt: skip
SENTENCES = {
    "day 12, 14:05, 15 % errors for 10 min": {"at": "day 12, 14:05", "errors": "15%", "lasts": "10m"},
    "Day 1 9:00:30 latency x3 of db for 1h30m": {
        "at": "day 1, 09:00:30", "latency": 3, "components": ["db"], "lasts": "1h30m",
    },
    "2026-04-12T14:05Z: 3x traffic on /a, /b for 90 seconds": {
        "at": "2026-04-12T14:05Z", "traffic": 3, "routes": ["/a", "/b"], "lasts": "90s",
    },
    "after 36h, total outage in eu for tier free for 2 hours": {
        "at": "after 1d12h", "library": "total-outage", "region": "eu", "tiers": ["free"], "lasts": "2h",
    },
    "day 3, 02:00, partial-outage of a, b and c": {
        "at": "day 3, 02:00", "library": "partial-outage", "components": ["a", "b", "c"],
    },
    "day 3, 02:00, 5 % errors and latency x 2.5, capacity -40 % of a for 1 h 30 min": {
        "at": "day 3, 02:00", "errors": "5%", "latency": 2.5, "capacity_lost": "40%", "components": ["a"], "lasts": "1h30m",
    },
    "day 3, 02:00, no scrapes for 10m": {"at": "day 3, 02:00", "scrapes_missing": "100%", "lasts": "10m"},
    "day 3, 02:00, latency of search for 10m": {
        "at": "day 3, 02:00", "library": "latency", "components": ["search"], "lasts": "10m",
    },
}  # fmt: skip


@pytest.mark.parametrize(("text", "fields"), SENTENCES.items())
def test_a_sentence_says_what_a_mapping_would(text, fields):
    found = parse_sentence(text, LIBRARY)
    assert found == fields
    assert ScriptedIncident.model_validate(found).at == parse_moment(fields["at"])


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("15 % errors for 10 min", "a moment is written"),
        ("day 0, 14:05, 5 % errors for 10 min", "first day of the run is day 1"),
        ("day 2, 24:00, 5 % errors for 10 min", "between 00:00 and 23:59:59"),
        ("2026-02-30 10:00, 5 % errors for 10 min", "there is no such day"),
        ("day 2, 10:00, 5 % bananas for 10 min", "'5 % bananas for 10 min' is not understood"),
        ("day 2, 10:00, cache flsh of cache for 10 min", "did you mean cache-flush"),
        ("day 2, 10:00, 5 % errors for 10 min for 20 min", "states lasts twice"),
        ("day 2, 10:00Z, 5 % errors for 10 min", "write the date to state a zone"),
        ("day 2, 10:00, 5 % errors for 10 parsecs", "'for 10 parsecs' is not understood"),
        ("x" * 501, "at most 500 characters"),
    ],
)
def test_a_sentence_that_is_not_understood_says_which_words(text, rule):
    with pytest.raises(ValueError, match=rule):
        parse_sentence(text, LIBRARY)


_PARTS = st.lists(st.sampled_from(WORDS), max_size=14)


@given(st.one_of(st.text(max_size=120), _PARTS.map(" ".join), _PARTS.map(lambda parts: "day 2, 10:00, " + " ".join(parts))))
def test_any_text_is_a_sentence_or_a_reason(text):
    try:
        fields = parse_sentence(text, LIBRARY)
    except ValueError:
        return
    assert "at" in fields
    assert set(fields) <= set(ScriptedIncident.model_fields)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "errors": st.integers(1, 100).map("{}%".format),
            "latency": st.integers(1, 900).map(float),
            "capacity_lost": st.integers(1, 100).map("{}%".format),
            "traffic": st.integers(1, 900).map(float),
        },
    ).filter(bool),
    st.integers(1, 90_000),
)
def test_what_reports_say_of_an_incident_can_be_scripted(effect, lasts_s):
    impact = Impact(_acts(None, IncidentEffect.model_validate(effect)))
    read = parse_sentence(f"day 4, 03:00, {impact} of a for {format_duration(lasts_s)}", LIBRARY)
    again = Impact(_acts(None, IncidentEffect.model_validate({key: value for key, value in read.items() if key in effect})))
    assert str(again) == str(impact)
    assert read["lasts"] == format_duration(lasts_s)


@pytest.mark.parametrize(
    ("zone", "text", "utc"),
    [
        ("UTC", "day 12, 14:05", "2026-04-12T14:05"),
        ("Europe/Zurich", "day 1, 00:00", "2026-03-31T22:00"),
        ("Europe/Zurich", "2026-04-12T14:05", "2026-04-12T12:05"),
        ("Europe/Zurich", "2026-04-12T14:05Z", "2026-04-12T14:05"),
        ("Europe/Zurich", "2026-04-12T14:05-02:30", "2026-04-12T16:35"),
        ("Europe/Zurich", "after 36h", "2026-04-02T10:00"),
        # The clocks go back on 25 October at 03:00: 02:30 is shown twice, the first counts; a day later it is another offset.
        ("Europe/Zurich", "2026-10-25 02:30", "2026-10-25T00:30"),
        ("Europe/Zurich", "2026-10-25 03:30", "2026-10-25T02:30"),
        ("Europe/Zurich", "day 208, 12:00", "2026-10-25T11:00"),
    ],
)
def test_a_moment_is_local_time_unless_it_says_more(zone, text, utc):
    start = dt.datetime(2026, 4, 1, tzinfo=ZoneInfo(zone))
    expected = dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)
    assert parse_moment(text).seconds_after(start) == (expected - start.astimezone(dt.UTC)).total_seconds()
    assert parse_moment(str(parse_moment(text))) == parse_moment(text)


def test_a_time_that_the_clocks_skip_is_as_much_later():
    start = dt.datetime(2026, 3, 28, tzinfo=ZoneInfo("Europe/Zurich"))
    skipped, later = (parse_moment(text).seconds_after(start) for text in ("2026-03-29 02:30", "2026-03-29 03:30"))
    assert skipped == later == (24 + 2.5) * 3600
