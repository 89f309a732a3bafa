"""A tree executed by the rules of Go's text/template/exec.go, with its errors word for word and bounds on work and output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.alerts.gotemplate.fmt import quote, sprint
from workbench.alerts.gotemplate.functions import ANY, FUNCTIONS, RESULT, SAMPLE, STRING, Function, FunctionError
from workbench.alerts.gotemplate.nodes import (
    Action,
    Branch,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Invoke,
    Leave,
    Nil,
    Node,
    Operand,
    Pipe,
    String,
    Text,
    Tree,
    Variable,
)
from workbench.alerts.gotemplate.times import time_method
from workbench.alerts.gotemplate.values import NO_VALUE, AnyMap, Data, Duration, Result, Sample, Time, _NoValue, is_true, type_name

MOST_STEPS = 100_000
"""Nodes that one rendering visits."""
LONGEST_OUTPUT = 1_000_000
DEEPEST_CALLS = 40
"""Templates within templates."""

_MISSING = object()
"""There is no argument from a pipe."""


class RunError(Exception):
    """The template cannot go on; `at` is the node in Go's words."""

    def __init__(self, message: str, node: Node | Operand | Command | None, template: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.template = template
        """Name of the defined template that was running; None for the text itself."""


class _Left(Exception):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Run:
    """One rendering."""

    def __init__(self, tree: Tree, data: Data, variables: Mapping[str, Any], of_the_run: Mapping[str, Function]) -> None:
        self._tree = tree
        self._functions = {**FUNCTIONS, **of_the_run}
        self._variables: list[tuple[str, Any]] = [("$", data), *variables.items()]
        self._data = data
        self._out: list[str] = []
        self._size = 0
        self._steps = 0
        self._calls = 0
        self._node: Any = None
        self._template: str | None = None

    def text(self) -> str:
        """What the template prints; raises RunError."""
        self._walk(self._data, self._tree.body)
        return "".join(self._out)

    def _fail(self, message: str) -> RunError:
        return RunError(message, self._node, self._template)

    def _at(self, node: Any) -> None:
        self._node = node
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise self._fail(f"more than {MOST_STEPS:,} steps")

    def _print(self, text: str) -> None:
        self._size += len(text)
        if self._size > LONGEST_OUTPUT:
            raise self._fail(f"more than {LONGEST_OUTPUT:,} characters")
        self._out.append(text)

    # Blocks.

    def _walk(self, dot: Any, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self._at(node)
            match node:
                case Text():
                    self._print(node.text)
                case Action():
                    value = self._pipe(dot, node.pipe)
                    if not node.pipe.variables:
                        self._at(node)
                        self._print("<no value>" if isinstance(value, _NoValue) else sprint([value]))
                case Branch(kind="range"):
                    self._range(dot, node)
                case Branch():
                    self._if_or_with(dot, node)
                case Invoke():
                    self._invoke(dot, node)
                case Leave():
                    raise _Left(node.kind)

    def _if_or_with(self, dot: Any, node: Branch) -> None:
        mark = len(self._variables)
        value = self._pipe(dot, node.pipe)
        if is_true(value):
            self._walk(value if node.kind == "with" else dot, node.body)
        elif node.other is not None:
            self._walk(dot, node.other)
        del self._variables[mark:]

    def _range(self, dot: Any, node: Branch) -> None:
        outer = len(self._variables)
        value = self._pipe(dot, node.pipe)
        mark = len(self._variables)
        if isinstance(value, dict):
            items: list[tuple[Any, Any]] = sorted(value.items())
        elif isinstance(value, list):
            items = list(enumerate(value))
        elif isinstance(value, _NoValue):
            items = []
        else:
            raise self._fail(f"range can't iterate over {sprint([value])}")
        names = node.pipe.variables
        for index, element in items:
            given = (element,) if len(names) == 1 else (index, element)
            for name, one in zip(names, given, strict=False):
                if node.pipe.assigns:
                    self._assign(name, one)
                else:
                    self._assign_declared(mark, len(names), names.index(name), name, one)
            try:
                self._walk(element, node.body)
            except _Left as left:
                if left.kind == "break":
                    break
            finally:
                del self._variables[mark:]
        del self._variables[mark:]
        if not items and node.other is not None:
            self._walk(dot, node.other)
        del self._variables[outer:]

    def _assign_declared(self, mark: int, count: int, index: int, name: str, value: Any) -> None:
        """A variable of the range itself lies right below the body's own."""
        self._variables[mark - count + index] = (name, value)

    def _invoke(self, dot: Any, node: Invoke) -> None:
        body = self._tree.defined.get(node.name)
        if body is None:
            raise self._fail(f"template {quote(node.name)} not defined")
        self._calls += 1
        if self._calls > DEEPEST_CALLS:
            raise self._fail(f"exceeded maximum template depth ({DEEPEST_CALLS})")
        inner = NO_VALUE if node.pipe is None else self._pipe(dot, node.pipe)
        kept, running = self._variables, self._template
        self._variables, self._template = [("$", inner)], node.name
        self._walk(inner, body)
        self._variables, self._template = kept, running
        self._calls -= 1

    # Values.

    def _pipe(self, dot: Any, pipe: Pipe) -> Any:
        self._at(pipe)
        value: Any = _MISSING
        for command in pipe.commands:
            value = self._command(dot, command, value)
        for name in pipe.variables:
            if pipe.assigns:
                self._assign(name, value)
            else:
                self._variables.append((name, value))
        return value

    def _assign(self, name: str, value: Any) -> None:
        for index in range(len(self._variables) - 1, -1, -1):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return
        raise self._fail(f"undefined variable: {name}")

    def _variable(self, name: str) -> Any:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        raise self._fail(f"undefined variable: {name}")

    def _command(self, dot: Any, command: Command, final: Any) -> Any:
        first, arguments = command.words[0], command.words[1:]
        match first:
            case Field():
                self._at(first)
                return self._fields(dot, first.names, arguments, final)
            case Chain():
                self._at(first)
                return self._fields(self._argument(dot, ANY, first.node), first.names, arguments, final)
            case Identifier():
                self._at(first)
                return self._call(dot, first.name, command, arguments, final)
            case Pipe():
                self._no_arguments(first, arguments, final)
                return self._pipe(dot, first)
            case Variable():
                return self._variable_node(first, arguments, final)
        self._at(first)
        self._no_arguments(first, arguments, final)
        if isinstance(first, Nil):
            raise self._fail("nil is not a command")
        return dot if isinstance(first, Dot) else first.value

    def _variable_node(self, node: Variable, arguments: Sequence[Operand], final: Any) -> Any:
        self._at(node)
        value = self._variable(node.names[0])
        if len(node.names) == 1:
            self._no_arguments(node, arguments, final)
            return value
        return self._fields(value, node.names[1:], arguments, final)

    def _no_arguments(self, node: Operand, arguments: Sequence[Operand], final: Any) -> None:
        if arguments or final is not _MISSING:
            raise self._fail(f"can't give argument to non-function {node}")

    def _fields(self, value: Any, names: Sequence[str], arguments: Sequence[Operand], final: Any) -> Any:
        for name in names[:-1]:
            value = self._field(value, name, (), _MISSING)
        return self._field(value, names[-1], arguments, final)

    def _field(self, value: Any, name: str, arguments: Sequence[Operand], final: Any) -> Any:
        given = bool(arguments) or final is not _MISSING
        if isinstance(value, _NoValue):
            return NO_VALUE
        if isinstance(value, Data | Sample) and name in value.__slots__:
            if given:
                raise self._fail(f"{name} has arguments but cannot be invoked as function")
            return getattr(value, name)
        if isinstance(value, dict):
            if given:
                raise self._fail(f"{name} is not a method but has arguments")
            return value.get(name, NO_VALUE if isinstance(value, AnyMap) else "")
        if isinstance(value, Time | Duration):
            method = time_method(value, name)
            if method is not None:
                values = [self._argument(None, STRING, one) for one in arguments] + ([] if final is _MISSING else [final])
                return self._called(method, name, values)
        kind = "template.sample" if isinstance(value, Sample) else type_name(value)
        raise self._fail(f"can't evaluate field {name} in type {'*' if isinstance(value, Sample) else ''}{kind}")

    def _call(self, dot: Any, name: str, node: Command | Identifier, arguments: Sequence[Operand], final: Any) -> Any:
        function = self._functions[name]
        count = len(arguments) + (final is not _MISSING)
        fixed = len(function.takes)
        if function.rest is None and count != fixed:
            raise self._fail(f"wrong number of args for {name}: want {fixed} got {count}")
        if count < fixed:
            raise self._fail(f"wrong number of args for {name}: want at least {fixed} got {len(arguments)}")
        if name in {"and", "or"}:
            return self._and_or(dot, name, arguments, final)
        kinds = [*function.takes, *[function.rest or ANY] * max(0, count - fixed)]
        values = [self._argument(dot, kind, argument) for kind, argument in zip(kinds, arguments, strict=False)]
        if final is not _MISSING:
            values.append(self._validated(final, kinds[count - 1]))
        try:
            return function.call(*values)
        except FunctionError as error:
            self._at(node)
            raise self._fail(f"error calling {name}: {error}") from None

    def _called(self, method: Function, name: str, values: Sequence[Any]) -> Any:
        if len(values) != len(method.takes):
            raise self._fail(f"wrong number of args for {name}: want {len(method.takes)} got {len(values)}")
        try:
            return method.call(*(self._validated(value, kind) for value, kind in zip(values, method.takes, strict=True)))
        except FunctionError as error:
            raise self._fail(f"error calling {name}: {error}") from None

    def _and_or(self, dot: Any, name: str, arguments: Sequence[Operand], final: Any) -> Any:
        value: Any = NO_VALUE
        for argument in arguments:
            value = self._argument(dot, ANY, argument)
            if is_true(value) == (name == "or"):
                return value
        return value if final is _MISSING else final

    def _argument(self, dot: Any, kind: str, node: Operand) -> Any:
        self._at(node)
        match node:
            case Dot():
                return self._validated(dot, kind)
            case Nil():
                if kind == STRING:
                    raise self._fail("cannot assign nil to string")
                return self._validated(NO_VALUE, kind)
            case Field():
                return self._validated(self._fields(dot, node.names, (), _MISSING), kind)
            case Variable():
                return self._validated(self._variable_node(node, (), _MISSING), kind)
            case Pipe():
                return self._validated(self._pipe(dot, node), kind)
            case Identifier():
                return self._validated(self._call(dot, node.name, node, (), _MISSING), kind)
            case Chain():
                return self._validated(self._fields(self._argument(dot, ANY, node.node), node.names, (), _MISSING), kind)
        if kind == ANY:
            return node.value
        if kind == STRING:
            if isinstance(node, String):
                return node.value
            raise self._fail(f"expected string; found {node}")
        raise self._fail(f"can't handle {node} for arg of type {kind}")

    def _validated(self, value: Any, kind: str) -> Any:
        if kind == ANY:
            return value
        if isinstance(value, _NoValue):
            if kind in {RESULT, SAMPLE}:
                return Result() if kind == RESULT else NO_VALUE
            raise self._fail(f"invalid value; expected {kind}")
        if type_name(value) != kind:
            raise self._fail(f"wrong type for value; expected {kind}; got {type_name(value)}")
        return value
