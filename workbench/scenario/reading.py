"""One file and all that it refers to: read once each, extended, overridden, checked, every problem gathered."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from dataclasses import replace as changed
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from workbench.errors import Problem
from workbench.scenario import failure_references, references
from workbench.scenario.compose import MAX_PROBLEMS
from workbench.scenario.explain import PathOf, check
from workbench.scenario.folder import Folder
from workbench.scenario.imported import imported
from workbench.scenario.merge import merge, without
from workbench.scenario.model import Scenario
from workbench.scenario.names import nearest
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.scenario import ScenarioFile
from workbench.scenario.schema.world import World
from workbench.scenario.source import UNREADABLE, Source, read
from workbench.scenario.tree import MapNode, Node, Place, ScalarNode, find, format_path, pointed_at, show, walk
from workbench.scenario.tree import Path as TreePath

MAX_EXTENDS = 10
"""Files that extend each other in a row."""

Kind = Literal["Scenario", "World", "Policy"]
_KINDS: tuple[Kind, ...] = ("Scenario", "World", "Policy")
_RULES = "these are Prometheus rules: `workbench lint` checks them, `workbench run --rules` evaluates them"
Model = TypeVar("Model", bound=BaseModel)
_NO_CLOCK = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
"""Before every incident."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A file without problems: its model, and the trees that say where everything stands."""

    kind: Kind
    scenario: Scenario | None = None
    world: World | None = None
    policy: Policy | None = None
    trees: dict[str, MapNode] = field(default_factory=dict)
    """`scenario`, `world`, `policy`: those that were read, with `extends` and overrides merged in."""

    def placed(self, problem: Problem, document: str = "policy") -> Problem:
        """The problem with file, line and column of its path in a document; of the part above if it is not written."""
        tree = self.trees.get(document)
        if tree is None:
            return problem
        places = {format_path(path): pointed_at(node, position.key) for path, node, position in walk(tree)}
        path = problem.path or ""
        while path not in places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        place = places[path]
        shown = problem.path if place.file == tree.place.file else f"override.{document}.{problem.path}"
        return changed(problem, file=place.file, line=place.line, column=place.column, path=shown)


PolicyCheck = Callable[[Policy], Iterable[Problem]]
"""What a room further up has to say of a sound policy before it is used; a problem's `path` is that in the policy."""


class Reading:
    """Reads files once each and gathers their problems."""

    def __init__(self, policy_checks: Iterable[PolicyCheck] = ()) -> None:
        self.problems: list[Problem] = []
        self._policy_checks = tuple(policy_checks)
        self._sources: dict[str, Source] = {}
        self._broken: set[Place] = set()

    @property
    def files(self) -> int:
        """How many files were read."""
        return sum(not any(p.check in UNREADABLE for p in source.problems) for source in self._sources.values())

    def document(self, path: Path, wanted: Kind | None = None) -> Loaded | None:
        """The file at `path` with all that it refers to; None if there were problems."""
        tree = self._tree(path)
        if tree is None:
            return None
        loaded = self._loaded(path, tree, wanted or self._kind(tree))
        if loaded is not None and loaded.policy is not None:
            policy = loaded.policy
            self._add(loaded.placed(problem) for policy_check in self._policy_checks for problem in policy_check(policy))
        return loaded

    def _loaded(self, path: Path, tree: MapNode, kind: Kind | None) -> Loaded | None:
        if kind == "Scenario":
            return self._scenario(path, tree)
        if kind == "World":
            world = self._checked(World, tree)
            self._add(references.world_problems(tree))
            self._add(failure_references.world_problems(tree))
            if world is not None:
                self._imported(world, tree, Folder.of(path))
            return Loaded("World", world=world, trees={"world": tree}) if world else None
        if kind == "Policy":
            policy = self._checked(Policy, tree)
            self._add(references.policy_problems(tree))
            return Loaded("Policy", policy=policy, trees={"policy": tree}) if policy else None
        return None

    def _add(self, problems: Iterable[Problem]) -> None:
        self.problems.extend(islice(problems, MAX_PROBLEMS))

    def _tree(self, path: Path, stated: Node | None = None, key: str = "") -> MapNode | None:
        """The mapping in a file; a file that cannot be opened is reported where its name is `stated`."""
        real = os.path.realpath(path)
        source = self._sources.get(real)
        if source is None:
            source = self._sources[real] = read(path)
            self._broken |= source.broken
        for problem in source.problems:
            is_of_path = stated is not None and problem.check in UNREADABLE
            self.problems.append(_where_stated(problem, stated, key) if is_of_path and stated else problem)
        if source.root is None or isinstance(source.root, MapNode):
            return source.root
        place = source.root.place
        self.problems.append(
            Problem(
                "schema/type",
                "a document must be a mapping",
                file=place.file,
                line=place.line,
                column=place.column,
                found=show(source.root),
                allowed=f"apiVersion: workbench/v1, kind: one of {', '.join(_KINDS)}, ...",
            )
        )
        return None

    def _kind(self, tree: MapNode) -> Kind | None:
        stated = tree.get("kind")
        for kind in _KINDS:
            if isinstance(stated, ScalarNode) and stated.value == kind:
                return kind
        place = stated.place if stated else tree.place
        missing = _RULES if tree.get("groups") else "the key kind is missing"
        self.problems.append(
            Problem(
                "schema/kind",
                "there is no such kind of document" if stated else missing,
                file=place.file,
                line=place.line,
                column=place.column,
                path="kind",
                found=show(stated) if stated else None,
                allowed=", ".join(_KINDS),
                nearest=nearest(show(stated), _KINDS) if stated else None,
            )
        )
        return None

    def _checked(self, model: type[Model], tree: MapNode, file: str | None = None, prefix: TreePath = ()) -> Model | None:
        found, problems = check(model, tree, broken=self._broken, path_of=_paths(file, prefix))
        self.problems.extend(problems)
        return found

    def _scenario(self, path: Path, tree: MapNode) -> Loaded | None:
        folder = Folder.of(path)
        extended = self._extended(path, tree, folder)
        if extended is None:
            return None
        file = self._checked(ScenarioFile, extended)
        world_tree, world_file = self._part(extended, "world", folder)
        policy_tree, policy_file = self._part(extended, "policy", folder)
        world = policy = None
        if world_tree:
            path_of = _paths(world_file, ("override", "world"))
            world = self._checked(World, world_tree, world_file, ("override", "world"))
            self._add(references.world_problems(world_tree, path_of))
            self._add(failure_references.world_problems(world_tree, path_of))
            if world is not None and file is not None:
                start = dt.datetime.combine(file.clock.start, dt.time(), ZoneInfo(file.clock.timezone))
                world = self._imported(world, world_tree, folder, start, file.clock.horizon)
                self._add(failure_references.outside(world, world_tree, start, file.clock.horizon, path_of))
        if policy_tree:
            path_of = _paths(policy_file, ("override", "policy"))
            policy = self._checked(Policy, policy_tree, policy_file, ("override", "policy"))
            self._add(references.policy_problems(policy_tree, path_of))
            if world_tree:
                self._add(references.pair_problems(world_tree, policy_tree, path_of))
        if file is None or world is None or policy is None or world_tree is None or policy_tree is None:
            return None
        scenario = Scenario(
            name=file.name,
            description=file.description,
            world=world,
            policy=policy,
            clock=file.clock,
            seed=file.seed,
            fidelity=file.fidelity,
            expect=file.expect,
        )
        trees = {"scenario": extended, "world": world_tree, "policy": policy_tree}
        return Loaded("Scenario", scenario=scenario, world=world, policy=policy, trees=trees)

    def _imported(
        self, world: World, tree: MapNode, folder: Folder, start: dt.datetime | None = None, horizon_s: float = math.inf
    ) -> World:
        """The world with the incidents of the list that it names; without a clock, the list is only looked through."""
        stated, found = world.incidents_from, find(tree, ("incidents_from", "file"))
        if stated is None or found is None:
            return world
        path = folder.resolve(found[0], "incidents_from.file")
        if isinstance(path, Problem):
            self.problems.append(path)
            return world
        incidents, problems = imported(stated, path, world, start or _NO_CLOCK, horizon_s)
        if start is None:
            problems = [problem for problem in problems if problem.check != "incidents/outside"]
        for one in problems:
            near = Path(one.nearest).name if one.nearest else None
            there = changed(_where_stated(one, found[0], "incidents_from.file"), allowed="the name of a CSV file", nearest=near)
            self._add([there if one.check == "history/no-file" else one])
        return world.model_copy(update={"incidents": (*world.incidents, *incidents)})

    def _extended(self, path: Path, tree: MapNode, folder: Folder) -> MapNode | None:
        """The scenario laid over all that it extends; None if the chain is broken."""
        chain, reals = [tree], [os.path.realpath(path)]
        while (stated := chain[-1].get("extends")) is not None:
            base = folder.resolve(stated, "extends")
            if isinstance(base, Problem):
                self.problems.append(base)
                return None
            real = os.path.realpath(base)
            if real in reals:
                names = " -> ".join([Path(one).name for one in reals[reals.index(real) :]] + [base.name])
                self._extends_problem("reference/cycle", f"these files extend each other in a circle: {names}", stated)
                return None
            if len(chain) > MAX_EXTENDS:
                self._extends_problem("reference/depth", f"more than {MAX_EXTENDS} files extend each other", stated)
                return None
            below = self._tree(base, stated, "extends")
            if below is None:
                return None
            kind = below.get("kind")
            if isinstance(kind, ScalarNode) and kind.value != "Scenario":
                message = f"a scenario extends scenarios, {base.name} is a {show(kind)}"
                self._extends_problem("reference/kind", message, stated)
                return None
            chain.append(below)
            reals.append(real)
        merged: Node = without(chain[-1], "extends")
        for over in reversed(chain[:-1]):
            merged = merge(merged, without(over, "extends"), self.problems)
        assert isinstance(merged, MapNode)  # noqa: S101 - mappings merge to mappings
        return merged

    def _extends_problem(self, check_name: str, message: str, stated: Node) -> None:
        place = stated.place
        problem = Problem(
            check_name, message, file=place.file, line=place.line, column=place.column, path="extends", found=show(stated)
        )
        self.problems.append(problem)

    def _part(self, tree: MapNode, key: Literal["world", "policy"], folder: Folder) -> tuple[MapNode | None, str | None]:
        """The world or the policy with what the scenario overrides, and the name of its own file."""
        stated = tree.get(key)
        if stated is None:
            return None, None
        path = folder.resolve(stated, key)
        if isinstance(path, Problem):
            if isinstance(stated, ScalarNode) and stated.value:  # what is no text at all, the schema reports
                self.problems.append(path)
            return None, None
        part = self._tree(path, stated, key)
        found = find(tree, ("override", key))
        if part is None or found is None or not isinstance(found[0], MapNode):
            return part, part.place.file if part else None
        merged = merge(part, found[0], self.problems, ("override", key))
        assert isinstance(merged, MapNode)  # noqa: S101 - mappings merge to mappings
        return merged, part.place.file


def _paths(file: str | None, prefix: TreePath) -> PathOf:
    """Paths of a document in `file`; a value from another file is an override and shown with its path there."""
    return lambda path, place: format_path(path if file is None or place.file == file else (*prefix, *path))


def _where_stated(problem: Problem, stated: Node, key: str) -> Problem:
    """A file that is not there is a problem of the line that names it."""
    place = stated.place
    base = Path(place.file).parent
    near = os.path.relpath(problem.nearest, base) if problem.nearest else None
    return Problem(
        problem.check,
        f"{problem.message}: {problem.file}",
        file=place.file,
        line=place.line,
        column=place.column,
        path=key,
        found=show(stated),
        allowed="the name of a YAML file",
        nearest=near,
    )
