"""Documents of other tools, written for these tests, and what the verbs say of them."""

import pytest
from click.testing import CliRunner

from workbench.cli.import_ import command
from workbench.cli.main import main
from workbench.scenario.load import load_policy

SLOTH = """\
version: prometheus/v1
service: shop
labels: {team: paying, tier: 2}
slos:
  - name: checkout
    objective: 99.95
    description: Paying works.
    labels: {severity: high, area: money}
    sli:
      events:
        error_query: sum(rate(orders_total{result="failed"}[{{.window}}]))
        total_query: sum(rate(orders_total[{{ .window }}]))
    alerting:
      name: CheckoutFails
      labels: {category: money}
      annotations: {runbook: pay.md}
      page_alert: {labels: {severity: wake}}
      ticket_alert: {labels: {severity: mail}, annotations: {summary: Look.}}
  - name: search
    objective: 99
    sli:
      raw:
        error_ratio_query: |
          1 - (
            sum(rate(hits_total[{{.window}}]))
            /
            sum(rate(searches_total[{{.window}}]))
          )
    alerting: {name: SearchFails, page_alert: {disable: true}}
"""

SLOTH_CRD = """\
apiVersion: v1
kind: List
items:
  - apiVersion: sloth.slok.dev/v1
    kind: PrometheusServiceLevel
    metadata: {name: shop, namespace: monitoring, labels: {role: rules}}
    spec:
      service: shop
      slos:
        - name: checkout
          objective: 99.9
          sli:
            events:
              errorQuery: sum(rate(orders_total{result="failed"}[{{.window}}]))
              totalQuery: sum(rate(orders_total[{{.window}}]))
          alerting:
            name: CheckoutFails
            pageAlert: {labels: {severity: wake}}
            ticketAlert: {disable: true}
"""

WINDOWS = """\
apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: 14d
  page:
    quick: {errorBudgetPercent: 3, shortWindow: 4m, longWindow: 50m}
    slow: {errorBudgetPercent: 7.5, shortWindow: 20m, longWindow: 5h}
  ticket:
    quick: {errorBudgetPercent: 11, shortWindow: 1h, longWindow: 10h}
    slow: {errorBudgetPercent: 20, shortWindow: 3h, longWindow: 2d}
"""

OPENSLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: pages, displayName: Pages, labels: {team: web}}
spec:
  service: site
  description: Pages come.
  indicatorRef: answers
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Timeslices
  objectives:
    - {target: 0.995, timeSliceTarget: 0.95, timeSliceWindow: 5m}
  alertPolicies: [quick]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: answers}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {metricSourceRef: prom, spec: {query: 'sum(rate(answers_total{ok="no"}[{{.window}}]))'}}}
    total: {metricSource: {metricSourceRef: prom, spec: {query: 'sum(rate(answers_total[{{.window}}]))'}}}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec: {type: Prometheus}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: quick}
spec:
  alertWhenBreaching: true
  conditions: [{conditionRef: ten-times}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: ten-times, annotations: {workbench.dev/short-window: 3m}}
spec:
  severity: page
  condition: {kind: burnrate, op: gte, threshold: 10.5, lookbackWindow: 30m, alertAfter: 2m}
"""

ALPHA = """\
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: reads}
spec:
  service: store
  objectives:
    - target: 0.999
      ratioMetrics:
        good: {source: prometheus, queryType: promql, query: 'sum(rate(reads_total{ok="yes"}[{{.window}}]))'}
        total: {source: prometheus, queryType: promql, query: 'sum(rate(reads_total[{{.window}}]))'}
  timeWindows: [{count: 4, unit: Week}]
"""

PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  name: answers
  labels: {pyrra.dev/team: web, role: rules}
spec:
  target: '99.90'
  window: 2w
  description: Answers come.
  indicator:
    ratio:
      errors: {metric: 'answers_total{ok="no"}'}
      total: {metric: answers_total}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: speed}
spec:
  target: '95'
  window: 28d
  indicator:
    latency:
      success: {metric: 'answer_seconds_bucket{le="0.5"}'}
      total: {metric: answer_seconds_count}
  alerting: {burnrates: false}
"""

ALL = {"sloth": SLOTH, "crd": SLOTH_CRD, "openslo": OPENSLO, "alpha": ALPHA, "pyrra": PYRRA, "windows": WINDOWS}


def written(folder, **texts):
    """The texts as files of a folder, in order."""
    files = []
    for name, text in texts.items():
        files.append(folder / f"{name}.yaml")
        files[-1].write_text(text, encoding="utf-8")
    return files


def imported(folder, *options, **texts):
    """The policy that comes of the texts, and what was said on standard error."""
    out = folder / "policy.yaml"
    done = CliRunner().invoke(command, [*map(str, written(folder, **texts)), "--out", str(out), *options])
    assert done.exit_code == 0, done.output + str(done.exception)
    return load_policy(out), done.stderr


def code_of(*args):
    """The exit code of `workbench ARGS`."""
    with pytest.raises(SystemExit) as leaving:
        main(list(args))
    return leaving.value.code


def refused(folder, capsys, *options, **texts):
    """What is said of texts that are refused."""
    code = code_of("import", *map(str, written(folder, **texts)), *options)
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err
