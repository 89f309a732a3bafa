"""A template as a tree. `str()` of a node is what Go prints of it in error messages; `at` is where it begins in the text."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it stands."""

    at: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Number:
    """`1` is an integer, `1.0` a float."""

    at: int
    text: str
    value: int | float

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class String:
    """A quoted text."""

    at: int
    quoted: str
    value: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True, slots=True)
class Bool:
    """`true` or `false`."""

    at: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Nil:
    """`nil`."""

    at: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`, the data at hand."""

    at: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a function."""

    at: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Field:
    """`.Labels.job`."""

    at: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Variable:
    """`$labels.job`; the first name has its dollar sign."""

    at: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Chain:
    """`(index $x 1).Labels.job`."""

    at: int
    node: Operand
    names: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return inner + "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Command:
    """A value, or a function and its arguments."""

    at: int
    words: tuple[Operand, ...]

    def __str__(self) -> str:
        return " ".join(f"({word})" if isinstance(word, Pipe) else str(word) for word in self.words)


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands, each given what the one before it returned; perhaps kept in variables."""

    at: int
    variables: tuple[str, ...]
    assigns: bool
    """`=` instead of `:=`."""
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        kept = f"{', '.join(self.variables)} {'=' if self.assigns else ':='} " if self.variables else ""
        return kept + " | ".join(str(command) for command in self.commands)


@dataclass(frozen=True, slots=True)
class Action:
    """`{{ pipe }}`."""

    at: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, `with` or `range`."""

    at: int
    kind: str
    pipe: Pipe
    body: tuple[Node, ...]
    other: tuple[Node, ...] | None

    def __str__(self) -> str:
        other = "" if self.other is None else "{{else}}" + "".join(map(str, self.other))
        return f"{{{{{self.kind} {self.pipe}}}}}{''.join(map(str, self.body))}{other}{{{{end}}}}"


@dataclass(frozen=True, slots=True)
class Leave:
    """`{{break}}` or `{{continue}}`."""

    at: int
    kind: str

    def __str__(self) -> str:
        return f"{{{{{self.kind}}}}}"


@dataclass(frozen=True, slots=True)
class Invoke:
    """`{{template "name" pipe}}`."""

    at: int
    quoted: str
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        return f"{{{{template {self.quoted}{'' if self.pipe is None else f' {self.pipe}'}}}}}"


Operand = Number | String | Bool | Nil | Dot | Identifier | Field | Variable | Chain | Pipe
Node = Text | Action | Branch | Invoke | Leave


@dataclass(frozen=True, slots=True)
class Tree:
    """One text: what it prints, and the templates that it defines."""

    body: tuple[Node, ...]
    defined: dict[str, tuple[Node, ...]] = field(default_factory=dict)
