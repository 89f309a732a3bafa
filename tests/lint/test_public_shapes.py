"""Healthy rules as public generators and mixins write them are left alone; the reference's own mistakes are found."""

import math
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.programs import need
from workbench.errors import Severity
from workbench.lint.availability import ceiling, mean_below
from workbench.lint.session import examine
from workbench.rng import stream
from workbench.scenario.load import load_world
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.components import CallSpec
from workbench.scenario.schema.policy import EventsIndicator

HERE = Path(__file__).parent
HEALTHY = sorted((HERE / "healthy").iterdir())
REFERENCE = HERE / "reference"


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_nothing_but_remarks_is_said_of_healthy_rules(path):
    report = examine([path])

    assert [problem for problem in report.problems if problem.severity is not Severity.INFO] == []
    assert len(report.problems) <= 1


CACHE = CallSpec(component="cache")


def test_the_healthy_rules_are_rules():
    promtool = need("promtool")
    files = [str(path) for path in HEALTHY if "PrometheusRule" not in path.read_text()]
    assert subprocess.run([promtool, "check", "rules", *files], check=False, capture_output=True).returncode == 0


def test_a_large_file_is_linted_within_a_second(tmp_path):
    text = HEALTHY[-1].read_text() + "".join(
        (HERE / "healthy" / "sloth.yml").read_text().partition("groups:")[2].replace("shop-requests", f"s{i}") for i in range(35)
    )
    path = tmp_path / "large.yml"
    path.write_text(text)
    assert len(text.splitlines()) > 2_900
    examine([HEALTHY[0]])

    before = time.process_time()
    examine([path])

    assert time.process_time() - before < 2.5  # about 0.6 where nothing else runs


def reference():
    return examine([REFERENCE / "policy.yaml"], world_file=REFERENCE / "world.yaml").problems


def test_the_reference_s_shares_do_not_fit_its_rates():
    messages = [problem.message for problem in reference() if problem.check == "alerts/budget-share"]

    objectives = "of the budget of application-availability and 5 more objectives"
    assert messages == [
        f"alert moderate does not stand for 10%: 6 x 6h / 30d = 5.00% {objectives}",
        f"alert slow does not stand for 25%: 3 x 1d / 30d = 10.00% {objectives}",
    ]
    assert Fraction(6) * 6 / 720 == Fraction(5, 100)
    assert Fraction(3) * 24 / 720 == Fraction(10, 100)


def test_the_reference_s_components_in_series_keep_no_promise_of_its_own():
    product = Fraction("0.9995") * Fraction("0.999") * Fraction("0.9999") * Fraction("0.995")
    assert f"{float(product) * 100:.2f}" == "99.34"

    found = [problem for problem in reference() if problem.check == "slo/composite-ceiling"]

    assert {problem.path for problem in found} >= {"slos.application-availability.target", "slos.critical-path.target"}
    for problem in found:
        assert "gives 99.3409% at best" in problem.message
        assert "database 99.95% x cache 99.9% x storage 99.99% x external-apis 99.5% = 99.3409%" in problem.message


def test_the_reference_s_paths_in_series_are_below_its_critical_path():
    (problem,) = [p for p in reference() if p.check == "slo/parts-in-series" and p.path == "slos.critical-path.target"]

    product = Fraction("0.9999") * Fraction("0.999") * Fraction("0.999") * Fraction("0.9995")
    assert f"{float(product) * 100:.2f}" == "99.74"
    assert "authentication 99.99% x media-upload 99.9% x media-download 99.9% x health-checks 99.95% = 99.74%" in problem.message
    assert "by requests 99.935%" in problem.message  # four paths with a quarter of the traffic each
    assert (Fraction("0.9999") + Fraction("0.999") * 2 + Fraction("0.9995")) / 4 == Fraction("0.99935")


def test_parts_without_an_objective_count_as_perfect(tmp_path):
    text = (REFERENCE / "policy.yaml").read_text()
    path = tmp_path / "policy.yaml"
    path.write_text(
        "".join(line for line in text.splitlines(keepends=True) if "media-download" not in line and "health-checks" not in line)
    )

    found = examine([path], world_file=REFERENCE / "world.yaml").problems

    (problem,) = [p for p in found if p.check == "slo/parts-in-series" and p.path == "slos.critical-path.target"]
    assert "authentication 99.99% x media-upload 99.9% = 99.89%, by requests 99.97" in problem.message
    assert (Fraction("0.9999") + Fraction("0.999") + 2) / 4 == Fraction("0.999725")
    assert problem.severity is Severity.INFO


def test_the_reference_s_objectives_are_no_stricter_than_its_promises():
    found = [problem.message for problem in reference() if problem.check == "sla/slo-not-stricter"]

    assert len(found) == 1
    assert "objective critical-path is no stricter than what tier premium was promised" in found[0]


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.floats(1, 1e4), st.floats(0.05, 2), st.floats(0.1, 5))
def test_the_mean_of_a_cut_lognormal_is_that_of_its_quantiles(median, sigma, cut):
    """Against the integral of the survival function, E[min(X, l)] = integral of P(X > t) from 0 to l."""
    limit, n = median * cut, 20_000
    step = limit / n
    survival = [0.5 * math.erfc(math.log((i + 0.5) * step / median) / sigma / math.sqrt(2)) for i in range(n)]

    drawn = mean_below(Lognormal.model_construct(median=median, sigma=sigma), limit)

    assert drawn == pytest.approx(sum(survival) * step, rel=2e-4)


def test_the_mean_of_a_cut_lognormal_is_that_of_draws():
    draws = stream(1, "lint").lognormal(math.log(3600), 1.1, 400_000).clip(max=7200)

    error = draws.std() / math.sqrt(len(draws))
    assert abs(mean_below(Lognormal(median="1h", sigma=1.1), 7200) - draws.mean()) < 5 * error


def test_a_ceiling_is_a_product_and_more_calls_never_raise_it():
    world = load_world(REFERENCE / "world.yaml")
    everything = EventsIndicator(kind="events")
    base = ceiling(everything, world)
    fewer = world.model_copy(
        update={
            "routes": {
                name: route.model_copy(update={"calls": (CallSpec(component="cache"),)}) for name, route in world.routes.items()
            }
        }
    )

    assert base.share == pytest.approx(math.prod(share for _, share in base.factors), rel=1e-12)
    assert ceiling(everything, fewer).share > base.share
