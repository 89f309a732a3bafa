"""Rule files of Prometheus and PrometheusRule resources as rule groups; all problems at once, each with its place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.alerts.rule_nodes import GroupPlaces, GroupReader, RulePlaces
from workbench.alerts.rule_sources import GroupsNode, rule_sources
from workbench.alerts.rules import RuleGroup
from workbench.errors import BadInput, Problem, Severity
from workbench.promql.parse import parse
from workbench.scenario.tree import Place

__all__ = ["RuleFiles", "RulePlaces", "read_rule_files"]

MOST_LINES = 300
"""Of one expression, that are searched for a word."""


@dataclass(frozen=True, eq=False)
class RuleFiles:
    """Rule groups as they were written."""

    groups: tuple[RuleGroup, ...]
    """In the order of the files and within them; `(file, name)` is unique."""
    findings: tuple[Problem, ...] = ()
    """Warnings and remarks: keys that change nothing, files without rules."""
    digest: str = ""
    """Hash of the bytes of all files, in their order."""
    _places: Mapping[tuple[str, str], GroupPlaces] = field(default_factory=dict, repr=False)
    _lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """By file: its text, for places within expressions."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that was read."""
        return tuple(Path(file) for file in self._lines)

    def check_version(self, prometheus: str) -> None:
        """Refuse every expression that this version of Prometheus does not read: BadInput has all of them with their places."""
        problems: list[Problem] = []
        for group in self.groups:
            for index, rule in enumerate(group.rules):
                try:
                    parse(rule.expr, prometheus)
                except BadInput as error:
                    for problem in error.problems:
                        place = self.place_in(group, index, problem.found or "") or Place(group.file, 1, 1)
                        path = f"groups.{group.name}.rules[{index}].expr"
                        problems.append(replace(problem, file=place.file, line=place.line, column=place.column, path=path))
        if problems:
            raise BadInput(_ordered(problems))

    def places(self, group: RuleGroup) -> GroupPlaces | None:
        """Where a group and everything in it is written; None for a group of other origin."""
        return self._places.get((group.file, group.name))

    def place_of(self, group: RuleGroup, rule_index: int | None = None) -> Place | None:
        """Where a group's name, or the expression of its rule at `rule_index`, is written; None for a group of other origin."""
        found = self.places(group)
        if found is None:
            return None
        return found.group if rule_index is None else found.rules[rule_index].expr

    def place_in(self, group: RuleGroup, rule_index: int, word: str, nth: int = 0) -> Place | None:
        """Where a word stands in the expression of a rule for the nth time, found by its text.

        The last place where it stands if that is too often, the expression's own if it does not stand there at all.
        """
        begin = self.place_of(group, rule_index)
        if begin is None:
            return None
        lines = self._lines.get(begin.file, ())
        last = begin
        word_alone = re.compile(rf"(?<![\w:]){re.escape(word)}(?![\w:])") if word else None
        for number in range(begin.line, min(begin.line + MOST_LINES, len(lines)) + 1):
            line = lines[number - 1]
            start = begin.column - 1 if number == begin.line else 0
            # The keys that may follow an expression; a line of PromQL never begins like this.
            if number > begin.line and re.match(r"\s*(- )?(alert|record|for|keep_firing_for|labels|annotations|expr):(\s|$)", line):
                break
            for match in word_alone.finditer(line, start) if word_alone else ():
                last = Place(begin.file, number, match.start() + 1)
                if nth == 0:
                    return last
                nth -= 1
        return last


def read_rule_files(paths: Iterable[Path | str]) -> RuleFiles:
    """Read rule files, folders of them, or globs.

    Every expression and every template is parsed; one that is not PromQL or is not covered makes the whole set unusable, before
    anything runs. Raises BadInput with all problems of all files; if there are only warnings and remarks, they are in `findings`.
    """
    found = rule_sources(paths)
    reader = GroupReader()
    groups: list[RuleGroup] = []
    places: dict[tuple[str, str], GroupPlaces] = {}
    try:
        sources: dict[str, Place] = {}
        for given in found.groups:
            if given.source in sources:
                reader.problems.append(_twice(given, sources[given.source]))
                continue
            sources[given.source] = given.node.place
            for group, at in reader.groups(given):
                groups.append(group)
                places[group.file, group.name] = at
    except BadInput:
        pass  # there are too many problems; the reader holds them
    problems = (*found.problems, *reader.problems)
    if not any(problem.severity is Severity.ERROR for problem in problems) and not any(group.rules for group in groups):
        problems = (*problems, Problem("rules/none", "there is no rule in any of the files", allowed="an alert or a record"))
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise BadInput(_ordered(problem for problem in problems if problem.severity is not Severity.INFO))
    digest = hashlib.blake2b(b"".join(hashlib.blake2b(raw).digest() for _, raw in found.texts), digest_size=16).hexdigest()
    lines = {file: tuple(raw.decode("utf-8", "replace").splitlines()) for file, raw in found.texts}
    return RuleFiles(tuple(groups), _ordered(problems), digest, places, lines)


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file as first met, then by line."""
    files: dict[str | None, int] = {}
    every = list(problems)
    for problem in every:
        files.setdefault(problem.file, len(files))
    return tuple(sorted(every, key=lambda problem: (files[problem.file], problem.line or 0, problem.column or 0)))


def _twice(given: GroupsNode, first: Place) -> Problem:
    place = given.node.place
    if given.kind == "rules":
        message = f"Prometheus reads only the first document of a rule file, on line {first.line}"
        return Problem(
            "rules/documents", message, file=given.file, line=place.line, column=place.column, allowed="one list of groups"
        )
    message = f"two resources have this name; first on line {first.line}"
    found = given.source.partition("#")[2]
    return Problem("rules/duplicate-resource", message, file=given.file, line=place.line, column=place.column, found=found)
