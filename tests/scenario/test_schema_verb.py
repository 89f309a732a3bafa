"""The verb `schema`: JSON Schema that accepts what the models accept."""

import json

import pytest
from click.testing import CliRunner

from tests.scenario.files import DATA
from workbench.cli.schema import command
from workbench.scenario.explain import check
from workbench.scenario.json_schema import DIALECT, DOCUMENTS
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.world import World
from workbench.scenario.source import parse, read
from workbench.scenario.tree import plain

jsonschema = pytest.importorskip("jsonschema")

FILES = {"world.yaml": "world", "policy.yaml": "policy", "scenario.yaml": "scenario", "week.yaml": "scenario"}


def printed(*args):
    result = CliRunner().invoke(command, args)
    assert result.exit_code == 0
    return json.loads(result.output)


def validator(*args):
    return jsonschema.Draft202012Validator(printed(*args))


@pytest.mark.parametrize("document", [*DOCUMENTS, None])
def test_what_is_printed_is_a_schema_with_title_and_descriptions(document):
    schema = printed(*([document] if document else []))

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["title"]
    assert schema["description"]
    assert "$id" not in schema


@pytest.mark.parametrize(("file", "document"), FILES.items())
def test_valid_files_are_valid_for_the_schema_of_their_kind_and_for_the_common_one(file, document):
    content = plain(read(DATA / file).root)

    assert list(validator(document).iter_errors(content)) == []
    assert list(validator().iter_errors(content)) == []
    for other in set(DOCUMENTS) - {document}:
        assert not validator(other).is_valid(content)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("world.yaml", "mean_rps: 12", "mean_rps: twelve"),
        ("world.yaml", "mean_rps: 12", "mean_rps: 0"),
        ("world.yaml", "share: 40%", "share: 0.4"),
        ("world.yaml", "every: 20d", "every: 20"),
        ("world.yaml", "critical: true", "critical: yes"),
        ("world.yaml", "401: 2%", "401: 2"),
        ("world.yaml", "factor_median: 4", "factor: 4"),
        ("world.yaml", "[api, database]", "[api, {component: database, time: 2}]"),
        ("world.yaml", "[api, database]", "[api, -database]"),
        ("policy.yaml", "kind: latency", "kind: speed"),
        ("policy.yaml", "factor: 14.4", "facter: 14.4"),
        ("policy.yaml", "price: 9.90 EUR", "price: 9.90"),
        ("policy.yaml", "bad_codes: [5..]", "bad_codes: [5xx]"),
    ],
)
def test_schema_and_model_refuse_the_same(file, old, new):
    text = (DATA / file).read_text()
    assert text.count(old) == 1
    tree = parse(text.replace(old, new).encode(), file).root

    assert not validator(FILES[file]).is_valid(plain(tree))
    assert check({"world.yaml": World, "policy.yaml": Policy}[file], tree)[0] is None


def test_codes_may_stand_without_quotes():
    text = (DATA / "policy.yaml").read_text().replace("bad_codes: [5..]", "bad_codes: [503, '504', 5..]")
    tree = parse(text.encode(), "policy.yaml").root

    assert validator("policy").is_valid(plain(tree))
    assert check(Policy, tree)[0].slos["login"].indicator.bad_codes == ("503", "504", "5..")


HEAD = {"apiVersion": "workbench/v1", "kind": "Scenario"}


@pytest.mark.parametrize(
    ("content", "is_valid"),
    [
        ({"extends": "base.yaml"}, True),
        ({"extends": "base.yaml", "clock": {"horizon": "3d"}, "description": None}, True),
        ({"extends": "base.yaml", "override": {"policy": {"slos": {"a": {"target": "99%"}, "b": None}}}}, True),
        ({"extends": "base.yaml", "override": {"policy": {"slos": {"a": {"indicator": {"threshold": "1s"}}}}}}, True),
        ({"extends": "base.yaml", "override": {"policy": {"slos": {"a": {"targit": "99%"}}}}}, False),
        ({"extends": "base.yaml", "override": {"wold": {}}}, False),
        ({"extends": "base.yaml", "clock": {"horizon": 3}}, False),
        ({"extends": "base.yaml", "horizon": "3d"}, False),
        ({"extends": 5}, False),
        ({}, False),
        ({"name": "a", "world": "w.yaml", "policy": "p.yaml", "clock": {"start": "2026-04-01"}}, True),
        ({"name": "a", "world": "w.yaml", "policy": "p.yaml", "clock": {}}, False),
    ],
)
def test_a_scenario_that_extends_another_may_be_a_part(content, is_valid):
    assert validator("scenario").is_valid(HEAD | content) == is_valid
    assert validator().is_valid(HEAD | content) == is_valid


def test_defaults_are_written_as_users_write_them():
    definitions = printed("policy")["$defs"]

    assert definitions["Slo"]["properties"]["window"]["default"] == "30d"
    assert definitions["BudgetLevels"]["properties"]["critical"]["default"] == "90%"
    assert definitions["Sla"]["properties"]["credit_cap"]["default"] == "100%"
    assert printed("world")["$defs"]["Delivery"]["properties"]["roll_out"]["default"] == "10m"


def test_every_definition_that_is_referred_to_is_there():
    text = CliRunner().invoke(command, []).output
    names = {line.partition('"#/$defs/')[2].rstrip('",') for line in text.splitlines() if '"$ref"' in line}

    assert names <= set(json.loads(text)["$defs"])


def test_help_shows_what_to_type_on_lines_of_its_own():
    lines = CliRunner().invoke(command, ["--help"]).output.splitlines()

    assert "    workbench schema > workbench.schema.json" in lines


def test_an_unknown_document_is_refused_with_the_choices():
    result = CliRunner().invoke(command, ["worlds"])

    assert result.exit_code == 2
    assert "'scenario', 'world', 'policy'" in result.output
