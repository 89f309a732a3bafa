"""Columns that grow chunk by chunk, whatever kind of file they come from."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from workbench.telemetry.complaints import Complaints
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import Instants, TimeForm
from workbench.telemetry.series import FloatArray
from workbench.telemetry.table import Columns, Table, Texts

_Scalar = TypeVar("_Scalar", np.int64, np.float64)


class Parts:
    """The parts of every column that have been read so far."""

    def __init__(self, columns: Columns, complaints: Complaints) -> None:
        self.columns = columns
        self.complaints = complaints
        self.instants = Instants(complaints)
        self.time: list[IntArray] = []
        self.numbers: dict[int, list[FloatArray]] = {position: [] for position in columns.numbers}
        self.flags: dict[int, list[FloatArray]] = {position: [] for position in columns.flags}
        self.codes: dict[int, list[IntArray]] = {column.position: [] for column in columns.texts}
        self.known: dict[int, dict[str, int]] = {column.position: {} for column in columns.texts}

    def joined(self, lines: IntArray | None) -> Table:
        """Everything taken, as columns."""
        return Table(
            names=self.columns.names,
            form=self.instants.form or TimeForm.ZONED,
            time_us=_joined(self.time, np.int64),
            numbers={position: _joined(parts, np.float64) for position, parts in self.numbers.items()},
            texts={
                position: Texts(_joined(parts, np.int64).astype(np.int32), tuple(self.known[position]))
                for position, parts in self.codes.items()
            },
            flags={position: _joined(parts, np.float64) > 0 for position, parts in self.flags.items()},
            lines=lines,
        )


def _joined(parts: list[npt.NDArray[_Scalar]], dtype: type[_Scalar]) -> npt.NDArray[_Scalar]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)
