from tests.support.places import ROOT
from workbench.scenario.load import check_paths


def copy(tmp_path, threshold):
    for name in ("world.yaml", "policy.yaml", "baseline.yaml"):
        text = (ROOT / "scenarios/medianest" / name).read_text()
        (tmp_path / name).write_text(text.replace("threshold: 1s", f"threshold: {threshold}"))
    return tmp_path / "baseline.yaml"


def test_a_threshold_that_most_requests_miss_is_named_with_the_routes(tmp_path):
    problems, _ = check_paths([copy(tmp_path, "200ms")])

    [problem] = [one for one in problems if one.check == "reference/threshold-below-median"]
    assert problem.path == "slos.api-response-time.indicator.threshold"
    assert problem.file.endswith("policy.yaml")
    assert problem.line is not None
    for slow in ("/api/v1/dashboard", "/api/v1/library"):
        assert slow in problem.message
    assert "/api/v1/search" not in problem.message


def test_a_threshold_at_a_median_is_fine(tmp_path):
    problems, _ = check_paths([copy(tmp_path, "500ms")])

    assert problems == []
