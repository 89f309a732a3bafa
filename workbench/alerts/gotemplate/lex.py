"""A template's text as tokens, by the rules of Go's text/template/parse."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

KEYWORDS = frozenset({"block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"})

_SPACES = " \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*|0[bB][01_]*"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_RAW = re.compile(r"`[^`]*`")
_CHARACTER = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_AFTER_NAME = set(_SPACES + ".,|:)(}=")


class TemplateError(Exception):
    """A text that is no template; `at` is the character at which that shows."""

    def __init__(self, message: str, at: int, found: str | None = None, among: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.found = found
        self.among = among


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a text."""

    kind: str
    """`text`, `open`, `close`, `space`, `field`, `variable`, `word`, `keyword`, `bool`, `number`, `string`, `dot`, `:=`,
    `end of text` or `char`, one of `| ( ) , =`."""
    text: str
    at: int


def tokens(text: str) -> Iterator[Token]:
    """All tokens; raises TemplateError where there is none."""
    at = 0
    while (begin := text.find("{{", at)) >= 0:
        inside = begin + 2
        trims = text[inside : inside + 1] == "-" and text[inside + 1 : inside + 2] in _SPACES and len(text) > inside + 1
        before = text[at:begin].rstrip(_SPACES) if trims else text[at:begin]
        if before:
            yield Token("text", before, at)
        inside += 2 * trims
        if text.startswith("/*", inside):
            at = _after_comment(text, begin, inside)
            continue
        yield Token("open", "{{", begin)
        at = yield from _action(text, begin, inside)
    if text[at:]:
        yield Token("text", text[at:], at)
    yield Token("end of text", "", len(text))


def _after_comment(text: str, begin: int, inside: int) -> int:
    end = text.find("*/", inside + 2)
    if end < 0:
        raise TemplateError("a comment is never closed", begin)
    closed = _closing(text, end + 2)
    if closed is None:
        raise TemplateError("a comment must be all that its braces hold", begin)
    return _after_close(text, *closed)


def _closing(text: str, at: int) -> tuple[int, bool] | None:
    """The end of the closing braces at `at`, and whether they trim what follows."""
    if text[at : at + 1] in _SPACES and text.startswith("-}}", at + 1) and len(text) > at:
        return at + 4, True
    return (at + 2, False) if text.startswith("}}", at) else None


def _after_close(text: str, end: int, trims: bool) -> int:
    while trims and end < len(text) and text[end] in _SPACES:
        end += 1
    return end


def _action(text: str, begin: int, at: int) -> Generator[Token, None, int]:
    """The tokens between braces; returns where the text goes on."""
    depth = 0
    while True:
        closed = _closing(text, at)
        if closed is not None:
            if depth:
                raise TemplateError("a parenthesis is never closed", begin)
            yield Token("close", "}}", at)
            return _after_close(text, *closed)
        if at >= len(text):
            raise TemplateError("braces are never closed", begin, "{{")
        token = _token(text, at)
        if token.text == "(" and token.kind == "char":
            depth += 1
        elif token.text == ")" and token.kind == "char":
            depth -= 1
            if depth < 0:
                raise TemplateError("a parenthesis closes nothing", at, ")")
        yield token
        at += len(token.text)


def _token(text: str, at: int) -> Token:
    first = text[at]
    if space := _SPACE.match(text, at):
        end = space.end()
        # The space before `-}}` belongs to it.
        if text.startswith("-}}", end) and end - at > 1:
            end -= 1
        return Token("space", text[at:end], at)
    if first in "|(),=":
        return Token("char", first, at)
    if first == ":":
        if text[at + 1 : at + 2] != "=":
            raise TemplateError("`:` stands only in `:=`", at, ":")
        return Token(":=", ":=", at)
    for opening, pattern, kind in (('"', _QUOTED, "string"), ("`", _RAW, "string"), ("'", _CHARACTER, "number")):
        if first == opening:
            match = pattern.match(text, at)
            if match is None:
                raise TemplateError("a quoted text is never closed", at, opening)
            return Token(kind, match[0], at)
    if first == "$":
        return _name(text, at, "variable")
    if first == "." and not text[at + 1 : at + 2].isdigit():
        return _name(text, at, "field")
    if first in "+-." or first.isdigit():
        match = _NUMBER.match(text, at)
        if match is None or not match[0] or _WORD.match(text, match.end()):
            raise TemplateError("this is no number", at, text[at : at + 20])
        return Token("number", match[0], at)
    match = _WORD.match(text, at)
    if match is None:
        raise TemplateError("this character has no meaning here", at, first)
    _ends(text, match.end())
    word = match[0]
    kind = "keyword" if word in KEYWORDS else "bool" if word in {"true", "false"} else "word"
    return Token(kind, word, at)


def _name(text: str, at: int, kind: str) -> Token:
    match = _WORD.match(text, at + 1)
    end = match.end() if match else at + 1
    _ends(text, end)
    return Token("dot" if kind == "field" and match is None else kind, text[at:end], at)


def _ends(text: str, end: int) -> None:
    if end < len(text) and text[end] not in _AFTER_NAME:
        raise TemplateError("this character cannot follow a name", end, text[end])
