"""Files of other tools to one policy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from workbench.errors import BadInput, Problem, Severity
from workbench.interop import openslo_in, pyrra_in, sloth_in
from workbench.interop.foreign import Foreign, Format, read_documents
from workbench.interop.imported import Imported, policy_of

_SLOTH = (Format.SLOTH, Format.SLOTH_CRD)
_OPENSLO = (Format.OPENSLO_V1, Format.OPENSLO_ALPHA)


def import_files(
    paths: Iterable[Path], name: str, *, preset: str | None = None, period_s: float | None = None
) -> tuple[str, Imported]:
    """The policy's text and what was read, warnings among it.

    `period_s` is the SLO period of Sloth's specs, which do not state it; left out, it is that of the `AlertWindows`, or 30 days.
    `preset` takes the place of the school of alerts that the documents ask for. Raises BadInput with everything that is refused.
    """
    paths = list(paths)
    documents, problems = read_documents(paths)
    imported = Imported(problems=problems)
    windows_s = _windows(documents, imported, period_s)
    for document in documents:
        if document.format in _SLOTH:
            sloth_in.read_spec(document, imported, period_s or windows_s or sloth_in.DEFAULT_PERIOD_S)
        elif document.format is Format.PYRRA:
            pyrra_in.read_objective(document, imported)
    openslo_in.read_all([document for document in documents if document.format in _OPENSLO], imported)
    only_windows = next((document for document in documents if document.format is Format.WINDOWS), None)
    if only_windows is not None and windows_s is not None and not imported.objectives:
        imported.objectives.append(sloth_in.stand_in(only_windows, windows_s))
        imported.problems.append(only_windows.warning("AlertWindows have no objective: `availability` at 99.9% stands in", "spec"))
    if not imported.objectives and not imported.refused:
        message = "there is no objective in these files"
        imported.problems.append(Problem("import/nothing", message, file=str(paths[0]) if paths else None))
    text = policy_of(imported, name, preset)
    imported.problems = _in_order(imported.problems)
    if imported.refused:
        raise BadInput(problem for problem in imported.problems if problem.severity is Severity.ERROR)
    return text, imported


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, by file as first met, then by line and column."""
    once = list(dict.fromkeys(problems))
    files: dict[str | None, int] = {}
    for problem in once:
        files.setdefault(problem.file, len(files))
    return sorted(once, key=lambda problem: (files[problem.file], problem.line or 0, problem.column or 0))


def _windows(documents: list[Foreign], imported: Imported, period_s: float | None) -> float | None:
    """The one `AlertWindows` among the documents as rules, and its period; with a period stated, the one made for it."""
    found = [document for document in documents if document.format is Format.WINDOWS]
    if len(found) < 2:
        length_s = sloth_in.read_windows(found[0], imported) if found else None
        if length_s is not None and period_s is not None and length_s != period_s:
            message = "these windows are made for another SLO period than the one asked for"
            imported.problems.append(found[0].problem("import/period", message, ("spec", "sloPeriod")))
        return length_s
    for document in found:
        before, rules = len(imported.problems), len(imported.rules)
        length_s = sloth_in.read_windows(document, imported)
        if period_s is not None and length_s == period_s:
            return length_s
        if len(imported.problems) == before:
            del imported.rules[rules:]
    message = "there are several AlertWindows; say which SLO period is meant"
    imported.problems.append(found[1].problem("import/period", message, ("spec", "sloPeriod"), allowed="--slo-period"))
    return None
