import datetime as dt
import itertools

import numpy as np
import pytest
import simpy

from workbench.commands import Page, Ticket
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.people import Fatigue, Hours, Night, Rotation, Tickets
from workbench.units import DAY_S, HOUR_S, MINUTE_S
from workbench.world.effects import ActiveEffect
from workbench.world.failures.planned import PlannedIncident
from workbench.world.impact import Impact
from workbench.world.live import Live
from workbench.world.people.engineers import Engineer, night_factor
from workbench.world.people.responders import Responders
from workbench.world.people.rotations import Rotations
from workbench.world.people.tickets import TicketDesk

MONDAY = dt.datetime(2026, 4, 6, tzinfo=dt.UTC)
HORIZON_S = 60.0 * DAY_S
EXACT = Lognormal(median="3m", sigma=0.0)


class Shift:
    """Responders and a desk over incidents that a test makes."""

    def __init__(self, world, seed=1, **people):
        given = {"acknowledge": EXACT, "mitigate": Lognormal(median="10m", sigma=0.0), **people}
        self.world = world.model_copy(update={"people": world.people.model_copy(update=given)})
        self.env = simpy.Environment()
        self.open: list[Live] = []
        about = {"start": MONDAY, "horizon_s": HORIZON_S, "seed": seed, "open_incidents": self.open}
        self.responders = Responders(self.env, self.world, **about)
        self.desk = TicketDesk(self.env, self.world, **about)

    def incident(self, name, route, start_s, natural_s=DAY_S, mode="test"):
        planned = PlannedIncident(
            id=name, mode=mode, cause="failure", components=(), routes=(route,), tiers=(), start_s=start_s,
            natural_end_s=start_s + natural_s, impact=Impact(()),
        )  # fmt: skip
        live = Live(planned, ActiveEffect(name, planned.impact, frozenset(), frozenset(), 0), self.env.event(), self.env.event())

        def happens():
            yield self.env.timeout(start_s)
            self.open.append(live)
            yield self.env.timeout(natural_s) | live.mitigation
            live.end_s = float(self.env.now)
            self.open.remove(live)
            live.ended.succeed()

        self.env.process(happens())
        return live

    def page(self, at_s, *routes, alert="Fast", **labels):
        def happens():
            yield self.env.timeout(at_s)
            self.responders.page(Page(at_s, alert, tuple(sorted(labels.items())), "critical", routes))

        self.env.process(happens())

    def ticket(self, at_s, *routes, alert="Slow"):
        def happens():
            yield self.env.timeout(at_s)
            self.desk.ticket(Ticket(at_s, alert, (), routes))

        self.env.process(happens())

    def run(self):
        self.env.run(until=HORIZON_S)
        return self.responders.records()


@pytest.fixture
def world(month):
    return month.world


A, B = "/api/v1/search", "/api/v1/health"


def test_a_page_is_acknowledged_and_its_incident_mitigated_after_the_stated_times(world):
    shift = Shift(world)
    live = shift.incident("a", A, 1000.0)
    shift.page(1100.0, A)
    [page] = shift.run()

    assert (page.engineer, page.incident, page.escalated) == ("engineer-1", "a", False)
    assert page.acknowledged_at_s == 1100 + 180
    assert live.mitigated_at_s == live.end_s == 1100 + 180 + 600


def test_one_engineer_works_on_one_incident_at_a_time(world):
    shift = Shift(world, levels=1)
    one, two = shift.incident("a", A, 1000.0), shift.incident("b", B, 1000.0)
    shift.page(1100.0, A)
    shift.page(1110.0, B)
    shift.run()

    assert one.mitigated_at_s == 1100 + 180 + 600
    assert two.acknowledged_at_s == one.mitigated_at_s
    assert two.mitigated_at_s == one.mitigated_at_s + 600


def test_without_a_limit_of_attention_both_are_worked_on_at_once(world):
    shift = Shift(world, levels=1, incidents_at_once=None)
    one, two = shift.incident("a", A, 1000.0), shift.incident("b", B, 1000.0)
    shift.page(1100.0, A)
    shift.page(1110.0, B)
    shift.run()

    assert (one.mitigated_at_s, two.mitigated_at_s) == (1880.0, 1890.0)


def test_a_page_for_a_busy_engineer_goes_to_the_second_after_the_stated_time(world):
    shift = Shift(world, mitigate=Lognormal(median="2h", sigma=0.0))
    shift.incident("a", A, 1000.0)
    two = shift.incident("b", B, 1000.0)
    shift.page(1100.0, A)
    shift.page(1110.0, B)
    _, second = shift.run()

    assert (second.engineer, second.escalated) == ("engineer-2", True)
    assert second.acknowledged_at_s == 1110 + 900 + 180
    assert two.mitigated_at_s == second.acknowledged_at_s + 2 * HOUR_S


def test_a_second_page_for_what_somebody_works_on_needs_no_attention(world):
    shift = Shift(world, levels=1)
    shift.incident("a", A, 1000.0)
    shift.page(1100.0, A)
    shift.page(1300.0, A, alert="Moderate")
    _, second = shift.run()

    assert second.acknowledged_at_s == 1300 + 180


def test_each_level_is_asked_for_as_long_as_escalation_says(world):
    slow = Lognormal(median="20m", sigma=0.0)
    for levels in (1, 2, 3, 4):
        shift = Shift(world, acknowledge=slow, levels=levels)
        shift.incident("a", A, 0.0)
        shift.page(100.0, A)
        [page] = shift.run()

        assert page.engineer == f"engineer-{levels}"
        assert page.acknowledged_at_s == 100 + (levels - 1) * 900 + 1200


def test_no_two_pieces_of_work_of_one_engineer_overlap(world):
    """Many incidents and pages at random; each engineer's intervals of work are disjoint, and every incident is mitigated once."""
    rng = np.random.default_rng(3)
    routes = sorted(world.routes)
    shift = Shift(world, acknowledge=Lognormal(median="4m", sigma=0.8), mitigate=Lognormal(median="40m", sigma=0.7), levels=3)
    lives = []
    for number, at_s in enumerate(np.sort(rng.uniform(0, 5 * DAY_S, 60)).tolist()):
        route = routes[int(rng.integers(len(routes)))]
        lives.append(shift.incident(f"i{number}", route, at_s, natural_s=10 * DAY_S))
        shift.page(at_s + 60, route)
    work: dict[str, list[tuple[float, float]]] = {}
    takes, leaves = shift.responders._takes, shift.responders._leaves
    begun = {}

    def taking(engineer, name):
        begun[engineer.name, name] = shift.env.now
        takes(engineer, name)

    def leaving(engineer, name):
        work.setdefault(engineer.name, []).append((begun[engineer.name, name], shift.env.now))
        leaves(engineer, name)

    shift.responders._takes, shift.responders._leaves = taking, leaving
    shift.run()

    assert all(live.mitigated_at_s is not None for live in lives)
    assert sum(map(len, work.values())) == len(lives)
    assert len(work) > 1
    for spans in work.values():
        spans.sort()
        assert all(later[0] >= earlier[1] for earlier, later in itertools.pairwise(spans))


def test_false_pages_make_the_next_answer_slower_by_the_stated_share_and_no_more(world):
    tired = Fatigue(per_page="50%", window="7d", most=2.0)
    shift = Shift(world, fatigue=tired, shift=60 * DAY_S)
    for number in range(5):
        shift.page(number * HOUR_S, A)
    shift.page(20.0 * DAY_S, A)
    records = shift.run()

    waited = [page.acknowledged_at_s - page.at_s for page in records]
    assert waited == pytest.approx([180.0 * factor for factor in (1.0, 1.5, 2.0, 2.0, 2.0, 1.0)])


def test_pages_with_an_incident_behind_them_tire_nobody(world):
    shift = Shift(world, fatigue=Fatigue(per_page="50%"), shift=60 * DAY_S)
    for number in range(3):
        shift.incident(f"i{number}", A, number * HOUR_S)
        shift.page(number * HOUR_S + 60, A)

    assert [page.acknowledged_at_s - page.at_s for page in shift.run()] == [180.0] * 3


def test_fatigue_only_grows_with_false_pages_and_fades_with_their_age():
    engineer = Engineer("e", 1, false_pages_s=[0.0, 10.0, 20.0, DAY_S])
    fatigue = Fatigue(per_page="10%", window="1d", most=3.0)

    assert [engineer.slowness(fatigue, at) for at in (5.0, 15.0, 25.0, DAY_S + 5, 3 * DAY_S)] == pytest.approx(
        [1.1, 1.2, 1.3, 1.3, 1.0]
    )
    assert engineer.slowness(None, 25.0) == 1.0


def test_without_fatigue_night_and_limits_nobody_is_slower_than_the_law_says(world):
    """The acknowledgement of each page is the draw of its own stream, whoever else was paged before."""
    law = Lognormal(median="3m", sigma=0.8)
    busy, alone = (Shift(world, acknowledge=law, incidents_at_once=None, levels=1) for _ in range(2))
    for shift in (busy, alone):
        shift.incident("last", A, 9 * DAY_S)
        shift.page(9 * DAY_S + 60.0, A)
    for number in range(30):
        busy.page(number * HOUR_S, B)

    assert busy.run()[-1].acknowledged_at_s == alone.run()[-1].acknowledged_at_s


def test_a_false_page_keeps_the_engineer_busy_where_that_is_stated(world):
    shift = Shift(world, levels=1, false_page=Lognormal(median="30m", sigma=0.0))
    live = shift.incident("b", B, 0.0)
    shift.page(100.0, A)
    shift.page(110.0, B)
    shift.run()

    assert live.acknowledged_at_s == 100 + 180 + 1800


@pytest.mark.parametrize(("hour", "factor"), [(22.9, 1.0), (23.0, 2.0), (3.0, 2.0), (6.9, 2.0), (7.0, 1.0), (12.0, 1.0)])
def test_the_night_passes_midnight(hour, factor):
    assert night_factor(Night(factor=2.0), MONDAY, hour * HOUR_S) == factor


def test_at_night_everything_takes_longer_by_the_stated_factor_in_the_engineers_zone(world):
    shift = Shift(world, night=Night(factor=2.0, timezone="Asia/Tokyo"), levels=1)
    day, night = shift.incident("a", A, 3 * HOUR_S), shift.incident("b", B, DAY_S + 15 * HOUR_S)
    shift.page(3 * HOUR_S, A)  # noon in Tokyo
    shift.page(DAY_S + 15 * HOUR_S, B)  # midnight
    shift.run()

    assert day.mitigated_at_s - 3 * HOUR_S == 180 + 600
    assert night.mitigated_at_s - DAY_S - 15 * HOUR_S == 2 * (180 + 600)


def test_a_rollback_has_a_law_of_its_own(world):
    delivery = world.delivery.model_copy(update={"rollback": Lognormal(median="2m", sigma=0.0)})
    shift = Shift(world.model_copy(update={"delivery": delivery}))
    live = shift.incident("bad", A, 0.0, mode="bad deployment")
    shift.page(60.0, A)
    shift.run()

    assert live.mitigated_at_s == 60 + 180 + 120


def _page(at_s, route=A, alert="Fast", **labels):
    return Page(at_s, alert, tuple(sorted(labels.items())), "critical", (route,))


def test_engineers_take_turns_shift_by_shift(world):
    rotations = Rotations(Shift(world, engineers=3, shift=DAY_S).world, MONDAY, HORIZON_S)

    turns = [rotations.chain(_page(day * DAY_S), day * DAY_S)[0] for day in range(4)]
    assert turns == ["engineer-1", "engineer-2", "engineer-3", "engineer-1"]


def test_a_page_goes_to_the_rotation_of_its_component_or_label(world):
    serving = world.routes[A].serving
    rotations = {
        "database": Rotation(engineers=2, components=("database",)),
        "security": Rotation(engineers=1, labels={"team": "sec*"}),
        "search": Rotation(engineers=2, components=(serving,), labels={"alertname": "Fast"}),
        "rest": Rotation(engineers=4),
    }
    taking = Rotations(Shift(world, rotations=rotations).world, MONDAY, HORIZON_S).taking

    assert taking(_page(0.0, team="security")) == "security"
    assert taking(_page(0.0)) == "search"
    assert taking(_page(0.0, alert="Other")) == "rest"


def test_outside_of_its_hours_another_rotation_stands_in_or_pages_wait(world):
    office = Rotation(engineers=1, hours=Hours(from_hour=9, to_hour=17), otherwise="night")
    people = {"rotations": {"office": office, "night": Rotation(engineers=1)}}
    rotations = Rotations(Shift(world, **people).world, MONDAY, HORIZON_S)
    at = 12 * HOUR_S

    assert rotations.chain(_page(at), at)[0] == "office-1"
    assert rotations.chain(_page(20 * HOUR_S), 20 * HOUR_S)[0] == "night-1"

    alone = Shift(world, rotations={"office": office.model_copy(update={"otherwise": None})})
    alone.incident("a", A, 20 * HOUR_S, natural_s=5 * DAY_S)
    alone.page(20 * HOUR_S, A)
    [page] = alone.run()
    assert page.acknowledged_at_s == DAY_S + 9 * HOUR_S + 180


def test_a_page_escalates_to_the_rotation_that_is_named(world):
    rotations = {"first": Rotation(engineers=2, escalates_to="leads"), "leads": Rotation(engineers=3)}
    chain = Rotations(Shift(world, rotations=rotations, levels=3).world, MONDAY, HORIZON_S).chain(_page(0.0), 0.0)

    assert chain == ("first-1", "leads-1", "leads-2")


def test_tickets_are_worked_on_one_after_the_other_in_working_hours(world):
    tickets = Tickets(
        hours=Hours(from_hour=9, to_hour=17), pick_up=Lognormal(median="1h", sigma=0.0), work=Lognormal(median="2h", sigma=0.0)
    )
    shift = Shift(world, tickets=tickets)
    live = shift.incident("leak", A, 0.0, natural_s=20 * DAY_S)
    for number in range(4):
        shift.ticket(HOUR_S, A if number == 3 else B, alert=f"Slow{number}")
    shift.ticket(2 * HOUR_S, B, alert="Slow0")  # while the first is not done
    shift.run()
    records = shift.desk.records()

    assert [one.begun_at_s / HOUR_S for one in records] == [10, 12, 14, 16]
    assert [one.done_at_s / HOUR_S for one in records] == [12, 14, 16, 24 + 10]
    assert records[3].incident == "leak"
    assert live.mitigated_at_s == records[3].done_at_s


def test_no_ticket_is_lost_and_none_is_done_twice(world):
    tickets = Tickets(work=Lognormal(median="3h", sigma=0.5), engineers=2)
    shift = Shift(world, tickets=tickets)
    rng = np.random.default_rng(5)
    for number, at_s in enumerate(np.sort(rng.uniform(0, 20 * DAY_S, 60)).tolist()):
        shift.ticket(at_s, A, alert=f"a{number}")
    shift.run()
    records = shift.desk.records()

    assert len(records) == 60
    assert all(one.at_s <= one.begun_at_s < one.done_at_s for one in records)
    # Never more than two are worked on at once.
    edges = sorted([(one.begun_at_s, 1) for one in records] + [(one.done_at_s, -1) for one in records])
    assert np.cumsum([step for _, step in sorted(edges)]).max() == 2


def test_where_nobody_works_on_tickets_none_are_kept(world):
    shift = Shift(world, tickets=None)
    shift.ticket(10.0, A)
    shift.run()

    assert shift.desk.records() == ()


def test_an_incident_that_ends_by_itself_frees_the_engineer(world):
    shift = Shift(world, mitigate=Lognormal(median="5h", sigma=0.0), levels=1)
    shift.incident("short", A, 0.0, natural_s=20 * MINUTE_S)
    two = shift.incident("b", B, 0.0, natural_s=20 * HOUR_S)
    shift.page(60.0, A)
    shift.page(70.0, B)
    shift.run()

    assert two.acknowledged_at_s == 20 * MINUTE_S


def _answer_s(world, seed, **people):
    """When the incident at the end of a busy week is mitigated, seconds after its page: false pages, another incident, a night."""
    law = Lognormal(median="3m", sigma=0.8)
    shift = Shift(world, seed, **{"acknowledge": law, "mitigate": Lognormal(median="30m", sigma=0.7), "levels": 2, **people})
    for number in range(20):
        shift.page((24 + 7 * number) * HOUR_S / 2, A)
    night_s = 4 * DAY_S + 2 * HOUR_S
    shift.incident("other", A, night_s - 300.0)
    live = shift.incident("looked at", B, night_s)
    shift.page(night_s - 240.0, A)
    shift.page(night_s, B)
    shift.run()
    return live.mitigated_at_s - night_s


@pytest.mark.parametrize(
    "mechanism",
    [
        {"incidents_at_once": 1},
        {"fatigue": Fatigue(per_page="5%")},
        {"night": Night(factor=1.5)},
        {"levels": 3, "incidents_at_once": 1, "escalate_after": 300.0},
    ],
    ids=["attention", "fatigue", "night", "escalation"],
)
def test_each_mechanism_is_felt_by_more_than_three_standard_errors(world, mechanism):
    """Paired over 100 seeds against the same people with it switched off (for escalation: with nobody to escalate to)."""
    off = {"incidents_at_once": None, "fatigue": None, "night": None}
    without = {**off, "incidents_at_once": 1, "levels": 1} if "levels" in mechanism else off
    gaps = [_answer_s(world, seed, **{**off, **mechanism}) - _answer_s(world, seed, **without) for seed in range(100)]
    error = np.std(gaps, ddof=1) / len(gaps) ** 0.5

    assert abs(np.mean(gaps)) > 3 * error
    assert (np.mean(gaps) < 0) == ("levels" in mechanism)
