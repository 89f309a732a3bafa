"""Compensated sums: the quick way against the one that Prometheus writes down."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from workbench.alerts.rules import Profile
from workbench.promql import summation
from workbench.promql.dialect import Dialect
from workbench.promql.summation import compensated

DIALECT = Dialect.of(Profile(prometheus="3.5"))


def one_by_one(column, *, forgets):
    """kahanSumInc of promql/functions.go, number after number."""
    total, rest = column[0], 0.0
    for added in column[1:]:
        after = total + added
        if forgets and np.isinf(after):
            rest = 0.0
        elif abs(total) >= abs(added):
            rest += (total - after) + added
        else:
            rest += (added - after) + total
        total = after
    return total + rest


@given(arrays.arrays(np.float64, (7, 3), elements=st.floats(allow_nan=False, width=64)), st.booleans())
def test_a_compensated_sum_is_the_one_of_prometheus_to_the_last_bit(values, forgets):
    dialect = dataclasses.replace(DIALECT, forgets_at_infinity=forgets)

    with np.errstate(all="ignore"):
        found = compensated(values, dialect)
        wanted = np.array([one_by_one(column, forgets=forgets) for column in values.T])

    assert found.tobytes() == wanted.tobytes() or np.array_equal(found, wanted, equal_nan=True)


@pytest.mark.parametrize("fault", ["no error carried", "error of the wrong sign"])
def test_a_sum_that_loses_the_error_is_caught(monkeypatch, fault):
    values = np.array([[1.0], [1e100], [1.0], [-1e100]])
    assert compensated(values, DIALECT) == 2.0

    true = summation._by_exact_errors
    plain = lambda given: given.sum(axis=0)  # noqa: E731 - the fault
    monkeypatch.setattr(summation, "_by_exact_errors", plain if fault == "no error carried" else lambda v: 2 * plain(v) - true(v))
    assert compensated(values, DIALECT) != 2.0
