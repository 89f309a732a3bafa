"""Tokens to a tree, by the grammar of Go's text/template/parse; names of functions and variables are checked here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from workbench.alerts.gotemplate.lex import TemplateError, Token, tokens
from workbench.alerts.gotemplate.nodes import (
    Action,
    Bool,
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
    Number,
    Operand,
    Pipe,
    String,
    Text,
    Tree,
    Variable,
)

DEEPEST = 60
"""Levels of parentheses and blocks."""

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'"}
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"'])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.?))", re.DOTALL)
_END: Literal["end"] = "end"


def parse(text: str, functions: frozenset[str], variables: Iterable[str]) -> Tree:
    """The tree of a text that may use these functions and variables (with their `$`); raises TemplateError."""
    return _Parser(text, functions, ["$", *variables]).tree()


def unquote(quoted: str, at: int) -> str:
    """The value of a Go string or character literal; raises TemplateError for an escape that there is not."""
    if quoted[0] == "`":
        return quoted[1:-1].replace("\r", "")

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return _ESCAPES[match[1]]
        digits = match[2] or match[3] or match[4]
        number = int(digits, 16) if digits else int(match[5], 8) if match[5] else -1
        if not 0 <= number <= 0x10FFFF or 0xD800 <= number <= 0xDFFF or (match[5] and number > 0xFF):
            raise TemplateError("there is no such escape", at + match.start() + 1, match[0])
        return chr(number)

    return _ESCAPE.sub(value, quoted[1:-1])


class _Parser:
    def __init__(self, text: str, functions: frozenset[str], variables: list[str]) -> None:
        self._functions = functions
        self._variables = variables
        self._tokens: Iterator[Token] = tokens(text)
        self._ahead: list[Token] = []
        self._defined: dict[str, tuple[Node, ...]] = {}
        self._depth = 0
        self._ranges = 0

    # Tokens.

    def _peek(self, *, space: bool = False) -> Token:
        while True:
            if not self._ahead:
                self._ahead.append(next(self._tokens))
            if space or self._ahead[0].kind != "space":
                return self._ahead[0]
            self._ahead.pop(0)

    def _next(self) -> Token:
        token = self._peek()
        if token.kind != "end of text":
            self._ahead.pop(0)
        return token

    def _is(self, kind: str, text: str | None = None) -> bool:
        token = self._peek()
        return token.kind == kind and (text is None or token.text == text)

    def _close(self, context: str) -> None:
        token = self._next()
        if token.kind != "close":
            raise _unexpected(token, context)

    def _deeper(self, at: int) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise TemplateError(f"parentheses and blocks are nested more than {DEEPEST} levels", at)

    # Blocks.

    def tree(self) -> Tree:
        body, stopped = self._list(top=True)
        if stopped.kind != "end of text":
            raise TemplateError(f"`{stopped.text}` closes nothing", stopped.at, stopped.text)
        return Tree(body, self._defined)

    def _list(self, *, top: bool = False) -> tuple[tuple[Node, ...], Token]:
        """Nodes up to `end`, `else` (their keyword is returned, and taken) or the end of the text."""
        out: list[Node] = []
        while True:
            token = self._next()
            if token.kind == "text":
                out.append(Text(token.at, token.text))
                continue
            if token.kind == "end of text":
                if not top:
                    raise TemplateError("a block is never ended", token.at, allowed_end())
                return tuple(out), token
            word = self._peek()
            if word.kind != "keyword" or word.text == "nil":
                out.append(Action(word.at, self._pipe("command")))
                continue
            self._next()
            if word.text in {"end", "else"}:
                return tuple(out), word
            node = self._keyword(word, top=top)
            if node is not None:
                out.append(node)

    def _keyword(self, word: Token, *, top: bool) -> Node | None:
        match word.text:
            case "if" | "with" | "range":
                return self._branch(word.text)
            case "break" | "continue":
                if not self._ranges:
                    raise TemplateError(f"`{word.text}` stands outside of any range", word.at, word.text)
                self._close(word.text)
                return Leave(word.at, word.text)
            case "template":
                name = self._template_name("template")
                pipe = None
                if self._is("close"):
                    self._next()
                else:
                    pipe = self._pipe("template clause")
                return Invoke(name.at, name.text, unquote(name.text, name.at), pipe)
            case "block":
                name = self._template_name("block")
                pipe = self._pipe("block clause")
                self._define(name)
                return Invoke(name.at, name.text, unquote(name.text, name.at), pipe)
            case _:  # define
                if not top:
                    raise TemplateError("a template is defined only outside of every block", word.at, "define")
                name = self._template_name("define")
                self._close("define clause")
                self._define(name)
                return None

    def _template_name(self, context: str) -> Token:
        token = self._next()
        if token.kind != "string":
            raise _unexpected(token, f"{context} clause")
        return token

    def _define(self, name: Token) -> None:
        kept, self._variables = self._variables, ["$"]
        ranges, self._ranges = self._ranges, 0
        self._deeper(name.at)
        body, stopped = self._list()
        self._depth -= 1
        if stopped.text != _END:
            raise TemplateError("`else` belongs to no block", stopped.at, "else")
        self._close("end")
        self._variables, self._ranges = kept, ranges
        called = unquote(name.text, name.at)
        if _says_something(self._defined.get(called, ())):
            if _says_something(body):
                raise TemplateError(f"the template {called!r} is defined twice", name.at, name.text)
            return
        self._defined[called] = body

    def _branch(self, kind: str) -> Branch:
        variables = len(self._variables)
        self._deeper(self._peek().at)
        pipe = self._pipe(kind)
        self._ranges += kind == "range"
        body, stopped = self._list()
        self._ranges -= kind == "range"
        other: tuple[Node, ...] | None = None
        if stopped.text == "else":
            if kind != "range" and self._is("keyword", kind):
                self._next()
                other = (self._branch(kind),)
            else:
                self._close("else")
                other, stopped = self._list()
                if stopped.text != _END:
                    raise TemplateError("a block has one `else`", stopped.at, "else")
                self._close("end")
        else:
            self._close("end")
        self._depth -= 1
        del self._variables[variables:]
        return Branch(pipe.at, kind, pipe, body, other)

    # Pipelines.

    def _pipe(self, context: str, *, closes: bool = True) -> Pipe:
        """A pipeline with its closing braces, or up to a closing parenthesis."""
        begin = self._peek()
        names, assigns = self._declared(context)
        # As in Go, a variable is known in its own pipeline, and an assignment declares it too; the run then misses its value.
        self._variables += names
        commands: list[Command] = []
        while True:
            token = self._peek()
            if token.kind == "close" and closes:
                self._next()
                break
            if token.kind == "char" and token.text == ")" and not closes:
                break
            if token.kind in {"close", "end of text"} or (token.kind == "char" and token.text != "("):
                raise _unexpected(token, context)
            commands.append(self._command())
        if not commands:
            raise TemplateError(f"there is no value for the {context}", begin.at)
        for command in commands[1:]:
            if isinstance(command.words[0], Bool | Dot | Nil | Number | String):
                raise TemplateError("only a function can take what a pipe brings", command.at, str(command.words[0]))
        return Pipe(begin.at, tuple(names), assigns, tuple(commands))

    def _declared(self, context: str) -> tuple[list[str], bool]:
        """Variables that the pipeline sets, and whether it only assigns to them."""
        first = self._peek()
        if first.kind != "variable":
            return [], False
        self._next()
        spaced = self._peek(space=True)
        after = self._peek()
        names = [first.text]
        if after.kind == "char" and after.text == ",":
            if context != "range":
                raise TemplateError("only a range sets two variables", after.at, ",")
            self._next()
            second = self._next()
            if second.kind != "variable":
                raise _unexpected(second, "range")
            names.append(second.text)
            after = self._peek()
            if after.kind != ":=" and not (after.kind == "char" and after.text == "="):
                raise _unexpected(after, "range")
        if after.kind == ":=" or (after.kind == "char" and after.text == "="):
            self._next()
            return names, after.kind == "char"
        self._ahead[:0] = [first, spaced] if spaced.kind == "space" else [first]
        return [], False

    def _command(self) -> Command:
        begin = self._peek()
        words: list[Operand] = []
        while True:
            word = self._operand()
            if word is not None:
                words.append(word)
            token = self._peek(space=True)
            if token.kind == "space":
                self._peek()
                continue
            if token.kind == "close" or (token.kind == "char" and token.text == ")"):
                break
            if token.kind == "char" and token.text == "|":
                self._next()
                break
            raise _unexpected(token, "operand")
        if not words:
            raise TemplateError("a command is empty", begin.at)
        return Command(begin.at, tuple(words))

    def _operand(self) -> Operand | None:
        node = self._term()
        if node is None:
            return None
        begin = self._peek(space=True)
        if begin.kind != "field":
            return node
        names: list[str] = []
        while self._peek(space=True).kind == "field":
            names.append(self._next().text[1:])
        if isinstance(node, Field):
            return Field(begin.at, (*node.names, *names))
        if isinstance(node, Variable):
            return Variable(begin.at, (*node.names, *names))
        if isinstance(node, Bool | String | Number | Nil | Dot):
            raise TemplateError("a constant has no fields", begin.at, begin.text)
        return Chain(begin.at, node, tuple(names))

    def _term(self) -> Operand | None:
        token = self._peek()
        match token.kind, token.text:
            case "word", name:
                if name not in self._functions:
                    raise TemplateError("there is no such function", token.at, name, tuple(sorted(self._functions)))
                node: Operand = Identifier(token.at, name)
            case "dot", _:
                node = Dot(token.at)
            case "keyword", "nil":
                node = Nil(token.at)
            case "variable", _:
                self._known(token)
                node = Variable(token.at, (token.text,))
            case "field", _:
                node = Field(token.at, (token.text[1:],))
            case "bool", _:
                node = Bool(token.at, token.text == "true")
            case "number", _:
                node = Number(token.at, token.text, _number(token))
            case "string", _:
                node = String(token.at, token.text, unquote(token.text, token.at))
            case "char", "(":
                self._next()
                self._deeper(token.at)
                pipe = self._pipe("parenthesized pipeline", closes=False)
                self._depth -= 1
                self._next()
                return pipe
            case _:
                return None
        self._next()
        return node

    def _known(self, token: Token) -> None:
        if token.text not in self._variables:
            raise TemplateError("there is no such variable here", token.at, token.text, tuple(dict.fromkeys(self._variables)))


def allowed_end() -> str:
    """What is missing at the end of a text whose block is open."""
    return "{{ end }}"


def _says_something(nodes: tuple[Node, ...]) -> bool:
    return any(not isinstance(node, Text) or node.text.strip() for node in nodes)


def _unexpected(token: Token, context: str) -> TemplateError:
    what = {"close": "the end", "end of text": "the end of the text"}.get(token.kind, f"`{token.text}`")
    return TemplateError(f"{what} cannot stand here, in a {context}", token.at, token.text or None)


def _number(token: Token) -> int | float:
    """Go's untyped constant: an integer unless it has a point or an exponent; a character is its code."""
    text = token.text
    if text[0] == "'":
        value = unquote(text, token.at)
        if len(value) != 1:
            raise TemplateError("single quotes hold one character", token.at, text)
        return ord(value)
    digits = text.lower().lstrip("+-")
    is_hex = digits.startswith("0x")
    try:
        if is_hex and "p" in digits:
            return float.fromhex(text.replace("_", ""))
        if not is_hex and re.search(r"[.e]", digits) and not digits.startswith(("0b", "0o")):
            return float(text)
        octal = re.fullmatch(r"0[0-7_]+", digits)
        number = int(text.replace(digits, "0o" + digits[1:]) if octal else text, 0)
    except (ValueError, OverflowError):
        raise TemplateError("this is no number", token.at, text) from None
    if not -(2**63) <= number < 2**63:
        raise TemplateError("this number is too large", token.at, text)
    return number
