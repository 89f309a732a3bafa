"""What an export to Sloth says of windows that Sloth does not have by itself."""

import pytest
from click.testing import CliRunner

from workbench.cli.main import cli

POLICY = """\
apiVersion: workbench/v1
kind: Policy
name: p
slos:
  one: {{indicator: {{kind: events}}, target: 99.9%, window: 7d}}
burn_rate_alerts:
  a: {{long: 2h, short: 10m, factor: 9, severity: page, page: true}}
  b: {{long: 5h, short: 20m, factor: 4, severity: page, page: true}}
{tickets}"""
TICKETS = """\
  c: {long: 24h, short: 2h, factor: 3, severity: ticket}
  d: {long: 72h, short: 6h, factor: 1, severity: ticket}
"""


@pytest.mark.parametrize(("tickets", "advice"), [(TICKETS, "give Sloth those of"), ("", "write any windows for ticket beside")])
def test_the_advice_on_windows_can_be_followed(tickets, advice, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(POLICY.format(tickets=tickets))

    said = CliRunner().invoke(cli, ["export", "sloth", str(file)])
    windows = CliRunner().invoke(cli, ["export", "alertwindows", str(file)])

    assert said.exit_code == 0
    assert advice in " ".join(said.stderr.split())
    assert (windows.exit_code == 0) == bool(tickets)
