"""What a policy gets wrong is shown where it stands, in the words in which it was written."""

import pytest
from click.testing import CliRunner

from tests.scenario.files import copy_of_files
from workbench.cli.main import cli
from workbench.errors import BadInput, ExitCode


def said(*arguments):
    ran = CliRunner().invoke(cli, [str(one) for one in arguments])
    if isinstance(ran.exception, BadInput):
        return ExitCode.BAD_INPUT, str(ran.exception)
    return ran.exit_code, " ".join((ran.stdout + ran.stderr).split())


@pytest.fixture
def folder(tmp_path):
    copy_of_files(tmp_path)
    return tmp_path


def test_a_query_is_quoted_with_the_window_that_the_user_wrote(folder):
    policy = folder / "policy.yaml"
    text = policy.read_text()
    start = text.index("    indicator:\n")
    end = text.index("    target:", start)
    query = "    indicator: {kind: query, errors: 'sum(rate(x[{{.window}}])', total: 'sum(rate(x[{{.window}}]))'}\n"
    policy.write_text(text[:start] + query + text[end:])

    code, text = said("validate", policy)

    assert code == 1
    assert "sum(rate(x[{{.window}}])" in text
    assert "ms]" not in text


def test_names_of_a_metrics_map_that_collide_have_file_and_line(folder):
    policy = folder / "policy.yaml"
    policy.write_text(policy.read_text() + "metrics:\n  labels: {status_code: route}\n")
    line = policy.read_text().count("\n")

    code, text = said("run", folder / "scenario.yaml")

    assert code == 2
    assert f"policy.yaml:{line}:" in text
    assert "would both be called route" in text
