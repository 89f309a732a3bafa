"""Problems and progress, as a person or a pipe sees them."""

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.support.places import ROOT
from workbench.cli.show import print_problems, printable, progress
from workbench.errors import Problem, Severity

WHOLE = Problem(
    check="schema/share",
    message="must be between 0% and 100%",
    file="policy.yaml",
    line=12,
    column=7,
    path="slos.login.target",
    found="120%",
    allowed="0% to 100%",
    nearest="20%",
)
SHOW_IT = f"from workbench.cli.show import *; from workbench.errors import *; print_problems([{WHOLE!r}, {WHOLE!r}])"
SHOW_IT = SHOW_IT.replace("<Severity.ERROR: 'error'>", "Severity.ERROR")
CLEAN = {
    key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"}
}


def lines(problems, capsys, **options):
    print_problems(problems, **options)
    return capsys.readouterr()


def on_a_terminal(script, **env):
    """What a script writes to a terminal's standard error."""
    ours, theirs = pty.openpty()
    environment = {**CLEAN, "TERM": "xterm-256color", **env}
    try:
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, stderr=theirs, env=environment, check=True)
    finally:
        os.close(theirs)
    chunks = []
    try:
        while chunk := os.read(ours, 65536):
            chunks.append(chunk)
    except OSError:  # Linux ends a terminal without writers with an error
        pass
    finally:
        os.close(ours)
    return b"".join(chunks).decode()


def test_a_problem_shows_place_and_message_then_each_fact_on_its_line(capsys):
    assert lines([WHOLE], capsys).err.splitlines() == [
        "policy.yaml:12:7: error: must be between 0% and 100%",
        "    at       slos.login.target",
        "    found    120%",
        "    allowed  0% to 100%",
        "    nearest  20%",
        "    check    schema/share",
    ]


def test_facts_that_are_not_known_take_no_line(capsys):
    assert lines([Problem("a/b", "empty file")], capsys).err.splitlines() == ["-: error: empty file", "    check    a/b"]


def test_what_was_found_is_shown_even_when_it_is_empty_text(capsys):
    assert "    found    \n" in lines([Problem("a/b", "c", found="")], capsys).err


def test_every_problem_is_printed_in_the_order_given(capsys):
    problems = [Problem("a/b", f"message {number}", severity) for number, severity in enumerate(Severity)]

    assert lines(problems, capsys).err.splitlines()[::2] == ["-: error: message 0", "-: warning: message 1", "-: info: message 2"]


def test_no_problem_prints_nothing(capsys):
    captured = lines([], capsys)

    assert (captured.out, captured.err) == ("", "")


def test_problems_go_to_standard_output_where_they_are_the_result(capsys):
    captured = lines([WHOLE], capsys, err=False)

    assert captured.err == ""
    assert captured.out.startswith("policy.yaml:12:7: error:")


def test_square_brackets_in_a_problem_are_text_and_not_markup(capsys):
    assert "at       rows[17].time" in lines([Problem("a/b", "[bold]c[/bold]", path="rows[17].time")], capsys).err


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x1b]0;title\x07", "a\nb", "a\rb", "\x9b31m", "\u202e", "\x00"])
def test_a_file_cannot_drive_the_terminal(evil, capsys):
    shown = (
        lines([Problem("a/b", "c", file=evil, found=evil, message=evil, path=evil, nearest=evil)], capsys).err if False else None
    )
    print_problems([Problem("a/b", evil, file=evil, path=evil, found=evil, allowed=evil, nearest=evil)])
    shown = capsys.readouterr().err

    assert evil not in shown
    assert len(shown.splitlines()) == 6
    assert all(character.isprintable() for line in shown.split("\n") for character in line)


def test_printable_leaves_words_of_any_language_alone():
    assert printable("Zürich 東京 99.9% ok") == "Zürich 東京 99.9% ok"


def test_a_long_message_is_one_line_in_a_pipe(capsys):
    long = " ".join(["word"] * 60)

    assert f"-: error: {long}\n" in lines([Problem("a/b", long)], capsys).err


def test_a_terminal_gets_lines_that_fit_with_values_in_their_column():
    words = " ".join(["word"] * 60)
    long = SHOW_IT.replace("must be between 0% and 100%", words).replace("0% to 100%", words)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal(long, COLUMNS="80")).splitlines()

    assert max(map(len, shown)) <= 80
    first = next(number for number, line in enumerate(shown) if line.startswith("    allowed  word word"))
    assert shown[first + 1].startswith(" " * 13 + "word word")


def test_no_color_is_respected_on_a_terminal():
    assert "\x1b[1;31m" in on_a_terminal(SHOW_IT)
    assert "31m" not in on_a_terminal(SHOW_IT, NO_COLOR="1")


def test_progress_is_silent_where_standard_error_is_no_terminal(capsys):
    with progress("simulating", 30.0) as at:
        at(15.0)
        at(30.0)

    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_progress_shows_its_title_and_share_on_a_terminal_and_is_gone_afterwards():
    shown = on_a_terminal(
        "import time\nfrom workbench.cli.show import progress\n"
        "with progress('simulating', 30.0) as at:\n    at(15.0)\n    time.sleep(0.3)\nimport sys; sys.stderr.write('END')"
    )

    assert "simulating" in shown
    assert "50%" in shown
    assert shown.rpartition("simulating")[2].endswith("\x1b[2KEND")
