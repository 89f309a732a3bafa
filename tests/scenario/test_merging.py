"""`extends`, `override`, and which files a scenario may name."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scenario.files import DATA, copy_of_files
from workbench.cli.validate import command
from workbench.errors import BadInput
from workbench.scenario.load import check_paths, load, load_policy, load_scenario, load_world
from workbench.scenario.merge import merge
from workbench.scenario.reading import MAX_EXTENDS
from workbench.scenario.source import parse
from workbench.scenario.tree import plain, positions

HEAD = "apiVersion: workbench/v1\nkind: Scenario\n"


@pytest.fixture
def folder(tmp_path):
    return copy_of_files(tmp_path)


def problems_of(path):
    with pytest.raises(BadInput) as caught:
        load_scenario(path)
    return caught.value.problems


def tree(text, file="f.yaml"):
    return parse(text.encode(), file).root


values = st.none() | st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2)
mappings = st.recursive(
    st.dictionaries(st.sampled_from("abc"), values, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), values | inner, max_size=3),
    max_leaves=8,
)


def merge_patch(target, patch):
    """RFC 7396, section 2, as printed there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def without_nulls(value):
    return {k: without_nulls(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


@settings(derandomize=True, deadline=None, max_examples=200)
@given(mappings, mappings)
def test_merging_is_json_merge_patch(base, over):
    base = without_nulls(base)

    merged = plain(merge(tree(json.dumps(base)), tree(json.dumps(over)), []))

    # what is added whole keeps its nulls: they reach the schema, which says what it makes of them
    assert without_nulls(merged) == without_nulls(merge_patch(base, over))


def test_a_merged_value_keeps_the_place_where_it_was_written():
    merged = merge(tree("a: {x: 1, y: 2}", "base"), tree("a:\n  y: 3", "over"), [])

    places = positions(merged)

    assert plain(merged) == {"a": {"x": 1, "y": 3}}
    assert (places["a", "x"].value.file, places["a", "y"].value.file, places["a", "y"].value.line) == ("base", "over", 2)


def test_a_scenario_that_extends_another_is_the_other_with_its_own_words():
    base, week = load_scenario(DATA / "scenario.yaml"), load_scenario(DATA / "week.yaml")

    assert (week.name, week.description) == ("corner-shop-week", base.description)
    assert (week.clock.horizon, week.clock.timezone, week.seed) == (7 * 86_400, base.clock.timezone, base.seed)
    assert week.expect == ()
    assert week.world.traffic.mean_rps == 3
    assert week.world.traffic.capacity_rps == base.world.traffic.capacity_rps
    assert set(base.world.failure_modes) - set(week.world.failure_modes) == {"slow-search"}
    assert str(week.policy.slos["login"].target) == "0.995"
    assert week.policy.slos["search-speed"] == base.policy.slos["search-speed"]
    assert week.digest != base.digest


def test_overrides_of_a_chain_are_laid_over_each_other_and_nulls_delete_in_the_world(folder):
    (folder / "more.yaml").write_text(
        HEAD + "extends: week.yaml\nname: more\noverride:\n  world:\n    traffic: {capacity_rps: 99}\n"
        "  policy:\n    slos: {login: null, everything: null}\n"
    )

    more = load_scenario(folder / "more.yaml")

    assert (more.world.traffic.mean_rps, more.world.traffic.capacity_rps) == (3, 99)
    assert set(more.policy.slos) == {"search-speed"}


def test_a_null_that_deletes_nothing_is_a_problem_with_the_nearest_name(folder):
    (folder / "s.yaml").write_text(HEAD + "extends: scenario.yaml\noverride:\n  policy:\n    slos:\n      logn: null\n")

    (problem,) = problems_of(folder / "s.yaml")

    assert (problem.line, problem.column, problem.nearest) == (7, 7, "login")
    assert problem.path == "override.policy.slos.logn"


def test_a_problem_of_an_overridden_value_points_to_the_scenario(folder):
    (folder / "s.yaml").write_text(
        HEAD + "extends: scenario.yaml\noverride:\n  world:\n    traffic:\n      mean_rps: -1\n"
        "  policy:\n    slos: {login: {target: 0.99}}\n"
    )

    problems = problems_of(folder / "s.yaml")

    assert [(p.file, p.line, p.column, p.path) for p in problems] == [
        (str(folder / "s.yaml"), 7, 17, "override.world.traffic.mean_rps"),
        (str(folder / "s.yaml"), 9, 28, "override.policy.slos.login.target"),
    ]


def test_a_reference_that_an_override_breaks_points_to_the_scenario(folder):
    (folder / "s.yaml").write_text(HEAD + "extends: scenario.yaml\noverride:\n  world:\n    routes: {/login: {calls: [apy]}}\n")

    (problem,) = problems_of(folder / "s.yaml")

    assert (problem.place, problem.nearest) == (f"{folder / 's.yaml'}:6:31", "api")
    assert problem.path == 'override.world.routes["/login"].calls[0]'


def test_a_circle_of_extends_is_named(folder):
    for one, other in ("ab", "bc", "ca"):
        (folder / f"{one}.yaml").write_text(HEAD + f"extends: {other}.yaml\n")

    (problem,) = problems_of(folder / "a.yaml")

    assert "a.yaml -> b.yaml -> c.yaml -> a.yaml" in problem.message
    assert problem.place == f"{folder / 'c.yaml'}:3:10"


def test_a_file_that_extends_itself_is_a_circle(folder):
    (folder / "a.yaml").write_text(HEAD + "extends: ./a.yaml\n")

    assert "circle" in problems_of(folder / "a.yaml")[0].message


@pytest.mark.parametrize("links", [MAX_EXTENDS, MAX_EXTENDS + 1])
def test_a_chain_of_extends_has_an_end(folder, links):
    for i in range(links):
        below = f"{i + 1}.yaml" if i + 1 < links else "scenario.yaml"
        (folder / f"{i}.yaml").write_text(HEAD + f"extends: {below}\n")

    if links <= MAX_EXTENDS:
        assert load_scenario(folder / "0.yaml").name == "corner-shop"
    else:
        assert f"more than {MAX_EXTENDS} files" in problems_of(folder / "0.yaml")[0].message


def test_only_scenarios_can_be_extended(folder):
    (folder / "s.yaml").write_text(HEAD + "extends: world.yaml\n")

    assert "world.yaml is a World" in problems_of(folder / "s.yaml")[0].message


def test_paths_are_relative_to_the_file_that_states_them(folder):
    inner = folder / "parts"
    inner.mkdir()
    for name in ("world.yaml", "policy.yaml", "scenario.yaml"):
        (folder / name).rename(inner / name)
    (folder / "s.yaml").write_text(HEAD + "extends: parts/scenario.yaml\n")

    assert load_scenario(folder / "s.yaml").world.name == "corner-shop"


def test_a_path_may_go_up_as_long_as_it_stays_in_the_folder(folder):
    inner = folder / "parts"
    inner.mkdir()
    (inner / "base.yaml").write_text(HEAD + "extends: ../scenario.yaml\nworld: ../world.yaml\n")
    (folder / "s.yaml").write_text(HEAD + "extends: parts/base.yaml\n")

    assert load_scenario(folder / "s.yaml").world.name == "corner-shop"
    # named itself, its own folder is the one that it must not leave
    assert {p.check for p in problems_of(inner / "base.yaml")} == {"reference/outside"}


@pytest.mark.parametrize("key", ["extends", "world", "policy"])
def test_a_link_that_points_out_leaves_the_folder(folder, key):
    inside = folder / "inside"
    inside.mkdir()
    copy_of_files(inside)
    target = {"extends": "scenario.yaml"}.get(key, f"{key}.yaml")
    (inside / "link.yaml").symlink_to(folder / target)
    (inside / "s.yaml").write_text(HEAD + ("extends: scenario.yaml\n" if key != "extends" else "") + f"{key}: link.yaml\n")

    (problem,) = problems_of(inside / "s.yaml")

    assert (problem.check, problem.path) == ("reference/outside", key)
    assert problem.found == "link.yaml"


def test_a_link_inside_the_folder_and_a_folder_that_is_a_link_are_fine(folder, tmp_path_factory):
    (folder / "link.yaml").symlink_to("world.yaml")
    (folder / "s.yaml").write_text(HEAD + "extends: scenario.yaml\nworld: link.yaml\n")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "scenarios"
    elsewhere.symlink_to(folder)

    assert load_scenario(elsewhere / "s.yaml").world.name == "corner-shop"


def test_a_file_that_two_scenarios_miss_is_missed_twice_and_its_problems_are_shown_once(folder):
    for name in "ab":
        (folder / f"{name}.yaml").write_text(HEAD + "extends: scenario.yaml\nworld: nowhere.yaml\n")
    (folder / "world.yaml").write_text((folder / "world.yaml").read_text().replace("mean_rps: 12", "mean_rps: 0"))

    problems, files = check_paths([folder])

    assert sorted(p.check for p in problems) == ["file/missing", "file/missing", "schema/value"]
    assert files == 6


def test_a_file_of_any_kind_is_loaded_as_what_it_is():
    assert load(DATA / "world.yaml").world == load_world(DATA / "world.yaml")
    assert load(DATA / "policy.yaml").policy == load_policy(DATA / "policy.yaml")
    assert load(DATA / "scenario.yaml").scenario.digest == load_scenario(DATA / "scenario.yaml").digest


def test_a_policy_alone_does_not_miss_its_world(folder):
    (folder / "policy.yaml").write_text((folder / "policy.yaml").read_text().replace("tiers: [paying]", "tiers: [royal]"))

    assert load_policy(folder / "policy.yaml").name == "two-objectives"
    assert "royal" in str(problems_of(folder / "scenario.yaml")[0])


def test_a_world_where_a_policy_is_wanted_says_what_it_is(folder):
    with pytest.raises(BadInput, match=r"must be Policy.*found World"):
        load_policy(folder / "world.yaml")


def test_the_verb_looks_at_all_paths_even_if_the_first_is_bad(folder):
    (folder / "policy.yaml").write_text("kind: Policy\n")
    (folder / "world.yaml").write_text("kind: World\n")

    result = CliRunner().invoke(command, [str(folder / "policy.yaml"), str(folder / "world.yaml")])

    assert result.exit_code == 1
    assert f"{folder / 'policy.yaml'}:1:1" in result.output
    assert f"{folder / 'world.yaml'}:1:1" in result.output
