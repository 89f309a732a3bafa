"""Templates in labels and annotations: Go's text/template with the functions, data and variables of Prometheus.

    {{ $labels.job }} burns at {{ $value | humanize }}

A template is read once, before anything runs, and every problem has its place; rendering never fails: what goes wrong is written
into the text, as Prometheus does. Go's words are kept to the letter, so that a rendered error is the one that a server would send.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from workbench.alerts.gotemplate.functions import NAMES, STRING, Function, FunctionError, Query
from workbench.alerts.gotemplate.lex import TemplateError
from workbench.alerts.gotemplate.nodes import (
    Action,
    Branch,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Invoke,
    Node,
    Operand,
    Pipe,
    String,
    Tree,
    Variable,
)
from workbench.alerts.gotemplate.parse import parse
from workbench.alerts.gotemplate.run import Run, RunError
from workbench.alerts.gotemplate.values import Data, Result, Sample, TextMap
from workbench.errors import BadInput, Problem
from workbench.scenario.names import listed, nearest
from workbench.scenario.tree import shorten

LONGEST = 100_000
"""Characters of a template."""

_VARIABLES = ("$labels", "$externalLabels", "$externalURL", "$value")
_PREFIX = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
"""What Prometheus puts before every text; positions in Go's errors count it."""


@dataclass(frozen=True, eq=False)
class Template:
    """One text of a rule's labels or annotations."""

    text: str
    literal: str | None
    """The text that it always prints; None if that depends on anything."""
    needs_value: bool
    """Whether it may depend on more than the labels: on the value, a query's result, or the time."""
    queries: tuple[str, ...] = ()
    """PromQL that it asks for and that stands in it as such."""
    _name: str = ""
    _tree: Tree = field(default_factory=lambda: Tree(()), repr=False)

    def render(
        self, labels: Mapping[str, str] | Sequence[tuple[str, str]], value: float, at_s: float, query: Query | None = None
    ) -> str:
        """The text for one alert. Never fails: an error becomes `<error expanding template: ...>`.

        Args:
            labels: of the expression's element, its metric name among them.
            value: of the element.
            at_s: the evaluation's time.
            query: evaluates PromQL at that time; without it, `query` is an error.
        """
        if self.literal is not None:
            return self.literal
        data = Data(TextMap(labels), TextMap(), "", float(value))
        variables = dict(zip(_VARIABLES, (data.Labels, data.ExternalLabels, data.ExternalURL, data.Value), strict=True))
        try:
            return Run(self._tree, data, variables, _of_the_run(at_s, query)).text()
        except RunError as error:
            return f"<error expanding template: error executing template {self._name}: {self._in_go(error)}>"
        except (OverflowError, RecursionError, ValueError) as error:  # a value beyond what Python or the stack can hold
            return f"<error expanding template: panic expanding template {self._name}: {error}>"

    def _in_go(self, error: RunError) -> str:
        running = error.template if error.template is not None else self._name
        if error.node is None:
            return f"template: {self._name}: {error.message}"
        text = (_PREFIX + self.text)[: len(_PREFIX) + error.node.at]
        line, column = text.count("\n") + 1, len(text.rpartition("\n")[2].encode())
        return f'template: {self._name}:{line}:{column}: executing "{running}" at <{error.node}>: {error.message}'


def compile_template(text: str, alert: str = "") -> Template:
    """A text as a template of an alert's label or annotation.

    Raises BadInput with line and column within the text, for what is no template and for functions and variables that there are
    not. `alert` is the alert's name: errors of the rendering show it.
    """
    return _compiled(text, alert)


@lru_cache(maxsize=4096)
def _compiled(text: str, alert: str) -> Template:
    if len(text) > LONGEST:
        raise BadInput(Problem("template/size", f"a template has at most {LONGEST:,} characters", found=f"{len(text):,}"))
    if "{{" not in text:
        return Template(text, text, needs_value=False)
    try:
        tree = parse(text, NAMES, _VARIABLES)
    except TemplateError as error:
        before = text[: error.at]
        raise BadInput(
            Problem(
                "template/syntax" if not error.among else "template/name",
                error.message,
                line=before.count("\n") + 1,
                column=len(before.rpartition("\n")[2]) + 1,
                found=shorten(error.found) if error.found else None,
                allowed=listed(error.among) if error.among else None,
                nearest=nearest(error.found, error.among) if error.found and error.among else None,
            )
        ) from None
    uses = _Uses(tree)
    return Template(text, None, uses.more_than_labels, tuple(dict.fromkeys(uses.queries)), f"__alert_{alert}", tree)


def _of_the_run(at_s: float, query: Query | None) -> dict[str, Function]:
    def ask(text: str) -> Result:
        if query is None:
            raise FunctionError("queries are not evaluated here")
        try:
            return Result(Sample(TextMap(labels), float(value)) for labels, value in query(text))
        except BadInput as error:
            raise FunctionError("; ".join(problem.message for problem in error.problems)) from None

    return {
        "query": Function(ask, (STRING,)),
        "now": Function(lambda: float(at_s)),
        "externalURL": Function(lambda: ""),
        "pathPrefix": Function(lambda: ""),
    }


class _Uses:
    """What a tree looks at."""

    def __init__(self, tree: Tree) -> None:
        self.more_than_labels = False
        self.queries: list[str] = []
        self._nodes(tree.body, own_dot=True)
        for body in tree.defined.values():
            # The dot of a defined template is what it is given, and that is looked at where it is invoked.
            self._nodes(body, own_dot=False)

    def _nodes(self, nodes: Sequence[Node], *, own_dot: bool) -> None:
        for node in nodes:
            match node:
                case Action():
                    self._operand(node.pipe, own_dot=own_dot)
                case Branch():
                    self._operand(node.pipe, own_dot=own_dot)
                    self._nodes(node.body, own_dot=own_dot and node.kind == "if")
                    self._nodes(node.other or (), own_dot=own_dot)
                case Invoke(pipe=Pipe() as pipe):
                    self._operand(pipe, own_dot=own_dot)

    def _operand(self, node: Operand, *, own_dot: bool) -> None:
        match node:
            case Pipe():
                self._asked(node)
                for command in node.commands:
                    for word in command.words:
                        self._operand(word, own_dot=own_dot)
            case Chain():
                self._operand(node.node, own_dot=own_dot)
            case Identifier(name="query" | "now"):
                self.more_than_labels = True
            case Dot():
                self.more_than_labels |= own_dot
            case Field():
                self.more_than_labels |= own_dot and node.names[0] == "Value"
            case Variable():
                self.more_than_labels |= node.names[0] == "$value" or node.names == ("$",) or node.names[:2] == ("$", "Value")

    def _asked(self, pipe: Pipe) -> None:
        """`query "..."` and `"..." | query`."""
        before: Command | None = None
        for command in pipe.commands:
            if isinstance(command.words[0], Identifier) and command.words[0].name == "query":
                given = command.words[1:] or (before.words if before is not None and len(before.words) == 1 else ())
                self.queries += [word.value for word in _texts(given)]
            before = command


def _texts(words: Sequence[Operand]) -> Iterator[String]:
    return (word for word in words[:1] if isinstance(word, String))
