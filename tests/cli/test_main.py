"""The group: what help costs, and how every way to fail ends."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.support.places import ROOT
from workbench import __version__
from workbench.cli import main as cli_main
from workbench.cli.main import VERBS, Verbs, cli, main
from workbench.errors import BadInput, CouldNotRun, ExitCode, Problem

HEAVY = {"numpy", "pandas", "scipy", "pydantic", "pyarrow", "rich", "yaml", "simpy", "streamlit", "altair", "jinja2"}


def run(*args, env=None, **options):
    """`python -m workbench ARGS`, as a user starts it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "workbench", *args],
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
        **({"capture_output": True, "text": True} | options),
    )


@pytest.fixture
def verb(monkeypatch):
    """Makes `workbench run` do what the test says."""
    monkeypatch.delenv(cli_main.DEBUG_VARIABLE, raising=False)

    def plant(body):
        @click.command()
        def command():
            return body()

        monkeypatch.setattr(Verbs, "get_command", lambda _self, _ctx, _name: command)

    return plant


def code_of(*args):
    with pytest.raises(SystemExit) as leaving:
        main(args)
    return leaving.value.code


def raising(error):
    def body():
        raise error

    return body


def test_help_imports_neither_a_verb_nor_anything_heavy():
    script = (
        "import json, sys\n"
        "from workbench.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as leaving:\n    print(json.dumps([leaving.code, sorted(sys.modules)]), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stderr)

    assert code == 0
    assert "workbench.cli.main" in modules
    assert HEAVY.isdisjoint(modules)
    assert {f"workbench.cli.{name}" for name in VERBS}.isdisjoint(modules)


def modules_with_a_command():
    """Names of the modules in `workbench/cli` that define `command` at their top level."""
    for path in sorted((ROOT / "workbench" / "cli").glob("*.py")):
        names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        names |= {
            target.id
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        if "command" in names and not path.stem.startswith("export_"):  # those are verbs of `export`
            yield path.stem.removesuffix("_")


def test_the_listed_verbs_are_exactly_the_modules_that_have_a_command():
    assert sorted(cli.list_commands(click.Context(cli))) == sorted(modules_with_a_command())


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_each_verb_is_a_command_whose_help_fits_80_columns(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    assert code_of(name, "--help") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: workbench {name} ")
    assert max(map(len, shown.splitlines())) <= 80


def test_help_fits_80_columns_and_has_one_line_for_each_verb():
    shown = run("--help").stdout.splitlines()

    assert max(map(len, shown)) <= 80
    for name in cli.list_commands(click.Context(cli)):
        assert [line for line in shown if line.split()[:1] == [name]] == [f"  {name:<{width_of(shown)}}{VERBS[name]}"]


def width_of(shown):
    """Where the second column of the list of verbs begins, less the indent."""
    line = shown[shown.index("Verbs:") + 1]
    return line.index(VERBS[line.split()[0]]) - 2


def test_help_ends_with_every_exit_code_and_its_meaning():
    _, _, table = run("--help").stdout.partition("Exit codes:\n")
    words = " ".join(table.split())

    assert words == " ".join(f"{int(code)} {code.meaning}" for code in ExitCode)


def test_version_is_the_packages():
    assert run("--version").stdout == f"workbench {__version__}\n"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lambda: None, 0),
        (raising(SystemExit(ExitCode.FINDINGS)), 1),
        (lambda: click.get_current_context().exit(1), 1),
        (raising(click.UsageError("two of them")), 2),
        (raising(click.ClickException("no")), 2),
        (raising(BadInput(Problem("a/b", "c"))), 2),
        (raising(CouldNotRun("d")), 2),
        (raising(FileNotFoundError(2, "No such file", "e.csv")), 2),
        (raising(BrokenPipeError()), 2),
        (raising(KeyError("f")), 2),
        (raising(RecursionError("g")), 2),
        (raising(KeyboardInterrupt()), 130),
        (raising(click.Abort()), 130),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_every_end_of_a_verb_has_its_exit_code(verb, capsys, body, code):
    verb(body)

    assert code_of("run") == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_all_problems_of_bad_input_are_printed_to_standard_error(verb, capsys):
    verb(raising(BadInput([Problem("a/b", "first", file="x.yaml", line=3), Problem("a/c", "second")])))

    code_of("run")
    assert "x.yaml:3: error: first" in (err := capsys.readouterr().err)
    assert "second" in err
    assert err.splitlines()[-1] == "workbench: could not use the input: 2 problems"


def test_a_missing_file_is_named_without_error_numbers(verb, capsys):
    verb(raising(FileNotFoundError(2, "No such file or directory", "e.csv")))

    code_of("run")
    assert capsys.readouterr().err == "workbench: could not run: e.csv: No such file or directory\n"


def test_a_bug_is_called_one_and_says_how_to_see_it(verb, capsys):
    verb(raising(KeyError("f")))

    code_of("run")
    assert capsys.readouterr().err.splitlines() == [
        "workbench: unexpected error: KeyError: 'f'",
        "This is a bug. `workbench --debug ...` or WORKBENCH_DEBUG=1 shows where it happened.",
    ]


def test_a_bug_shows_its_traceback_with_debug(verb):
    verb(raising(KeyError("f")))

    with pytest.raises(KeyError):
        main(["--debug", "run"])


def test_a_bug_shows_its_traceback_with_the_debug_variable(verb, monkeypatch):
    verb(raising(KeyError("f")))
    monkeypatch.setenv(cli_main.DEBUG_VARIABLE, "1")

    with pytest.raises(KeyError):
        main(["run"])


def test_an_unknown_verb_is_a_usage_error():
    done = run("ruin")

    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'ruin'" in done.stderr


@pytest.mark.parametrize("name", ["main", "show", "../cli/init", "__init__"])
def test_a_module_that_is_no_verb_cannot_be_called(name):
    assert run(name).returncode == 2


def test_a_reader_who_has_left_is_no_reason_for_noise():
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run("--help", capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("args", [["--help"], ["init", "--help"]])
def test_a_full_disk_under_standard_output_is_a_message(args):
    with Path("/dev/full").open("w") as full:
        done = run(*args, capture_output=False, stdout=full, stderr=subprocess.PIPE)

    assert (done.returncode, done.stderr) == (2, "workbench: could not run: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_flushed_at_the_end_is_a_message():
    script = "import sys; from workbench.cli.main import _flushed; sys.stdout.write('x'); sys.exit(_flushed(0))"
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=buffered, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert (done.returncode, done.stderr) == (2, "workbench: could not write the output: No space left on device\n")


def test_completion_offers_the_verbs():
    done = run(env={"_WORKBENCH_COMPLETE": "bash_complete", "COMP_WORDS": "workbench in", "COMP_CWORD": "1"})

    assert done.stdout.split(",")[-1].strip() == "init"
