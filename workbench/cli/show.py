"""What every verb shows the same way: problems, and progress.

Made for 80 columns; colour only on a terminal, and never when `NO_COLOR` is set. `rich` is imported when something is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.errors import Problem, Severity

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_FACT_INDENT = 13
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}


def console(*, err: bool = False, wrap: bool = False) -> Console:
    """A console on standard output, or on standard error; wraps on a terminal, in a file or a pipe only with `wrap`.

    Problems stay on one line there, for grep; a page of tables wraps everywhere.
    """
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            """Whoever read our output has left; the library would exit with 1, which means findings here."""
            raise BrokenPipeError

    made = Ours(stderr=err, highlight=False, markup=False, emoji=False)
    made.soft_wrap = not made.is_terminal and not wrap
    return made


def print_problems(
    problems: Iterable[Problem], *, err: bool = True, source: Callable[[Problem], Iterable[str]] = lambda _problem: ()
) -> None:
    """Print every problem.

    A line with place, severity and message; below it the lines of its `source`; indented below these path, found, allowed, nearest
    and check. Control characters are shown escaped, so that what stands in a file cannot drive the terminal.
    """
    out = console(err=err)
    for problem in problems:
        out.print(_head(problem))
        for line in source(problem):
            out.print(printable(line), style="dim", no_wrap=True)
        for label, value in _facts(problem):
            out.print(_fact(label, value, out))


@contextmanager
def progress(title: str, total: float) -> Iterator[Callable[[float], None]]:
    """Yield `at(done)`, which moves a bar on standard error towards `total`; on anything but a terminal it does nothing."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def printable(text: str) -> str:
    """`text` with every character that a terminal would obey, or not show, written as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _head(problem: Problem) -> Text:
    from rich.text import Text

    return Text.assemble(
        (printable(problem.place), "bold"),
        ": ",
        (str(problem.severity), _STYLES[problem.severity]),
        ": ",
        printable(problem.message),
    )


def _facts(problem: Problem) -> Iterator[tuple[str, str]]:
    if problem.path:
        yield "at", problem.path
    if problem.found is not None:
        yield "found", problem.found
    if problem.allowed is not None:
        yield "allowed", problem.allowed
    if problem.nearest is not None:
        yield "nearest", problem.nearest
    yield "check", problem.check


def _fact(label: str, value: str, out: Console) -> Text:
    """`    label    value`; on a terminal, a value of several lines stays in its column."""
    from rich.text import Text

    text = Text(printable(value))
    lines = [text] if out.soft_wrap else text.wrap(out, max(out.width - _FACT_INDENT, 20))
    return Text.assemble("    ", (f"{label:<{_FACT_INDENT - 4}}", "dim"), Text("\n" + " " * _FACT_INDENT).join(lines))
