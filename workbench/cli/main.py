"""The command line: one group, whose verbs are imported only when they are used.

A verb is one module `workbench/cli/<verb>.py` with a `click.Command` named `command`, and one row in `VERBS`. Help lists the rows
without importing any verb, so `workbench --help` needs neither numpy nor pydantic.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from workbench import __version__
from workbench.errors import BadInput, CouldNotRun, ExitCode, Problem

VERBS = {
    "init": "Put the reference scenario and a starter into a folder.",
    "validate": "Check scenario, world and policy files; show every problem.",
    "schema": "Print the JSON Schema of scenario files, for editors.",
    "lint": "Check a policy's arithmetic: what can never fire, what contradicts.",
    "run": "Simulate a scenario and measure it against its policy.",
    "replay": "Measure a recorded history against a policy.",
    "export": "Write rules and objectives for other tools.",
    "fit": "Estimate a world from a recorded history.",
    "app": "Open the workbench in a browser.",
}
"""Every verb with its line of help, in the order of help."""

DEBUG_VARIABLE = "WORKBENCH_DEBUG"


class Verbs(click.Group):
    """The group: names and help lines from `VERBS`, commands from their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs whose module is there, in the order of `VERBS`."""
        here = Path(__file__).parent
        return [verb for verb in VERBS if (here / f"{verb}.py").is_file()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb; None for a name that is no verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"workbench.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        if verbs := self.list_commands(ctx):
            with formatter.section("Verbs"):
                formatter.write_dl([(verb, VERBS[verb]) for verb in verbs])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The exit codes, after everything else."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), code.meaning) for code in ExitCode])


@click.group(
    cls=Verbs,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--debug", is_flag=True, envvar=DEBUG_VARIABLE, help="Show the traceback of an unexpected error.")
@click.version_option(__version__, prog_name="workbench", message="%(prog)s %(version)s")
def cli(*, debug: bool) -> None:
    """Try out service levels before you live with them.

    Simulates months of traffic, incidents and on-call, or takes a recorded
    history, and shows what SLOs, burn-rate alerts and service credits make of it.
    Begin with "workbench init DIR". Help on a verb: "workbench VERB --help".
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit; every way to fail ends in a code of `ExitCode` and a message, not in a traceback."""
    raise SystemExit(_flushed(_code(list(sys.argv[1:] if args is None else args))))


def _code(args: list[str]) -> int:
    if instruction := os.environ.get("_WORKBENCH_COMPLETE"):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "workbench", "_WORKBENCH_COMPLETE", instruction)
    # Not cli.main(): it turns a closed pipe into exit code 1, which means findings here.
    debug = bool(os.environ.get(DEBUG_VARIABLE))
    try:
        with cli.make_context("workbench", args) as ctx:
            debug = bool(ctx.params["debug"])
            cli.invoke(ctx)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        return _complain(error.show)
    except (click.Abort, KeyboardInterrupt):
        return _complain(lambda: _say("interrupted"), ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has left (`| head`): nothing to say, but what was asked for is not complete.
        return ExitCode.BAD_INPUT
    except BadInput as error:
        problems = error.problems
        return _complain(lambda: _problems(problems))
    except (CouldNotRun, OSError) as error:
        if debug:
            raise
        text = str(error)
        return _complain(lambda: _say(f"could not run: {text}"))
    except Exception as error:
        if debug:
            raise
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        return _complain(
            lambda: _say(
                f"unexpected error: {text}\nThis is a bug. `workbench --debug ...` (or {DEBUG_VARIABLE}=1) shows where it happened."
            )
        )
    return ExitCode.FINE


def _problems(problems: Iterable[Problem]) -> None:
    from workbench.cli.show import print_problems

    print_problems(problems)


def _say(text: str) -> None:
    click.echo(f"workbench: {text}", err=True)


def _complain(show: Callable[[], Any], code: ExitCode = ExitCode.BAD_INPUT) -> int:
    """Show something on standard error, if anybody still reads it."""
    with suppress(BrokenPipeError):
        show()
    return code


def _flushed(code: int) -> int:
    """`code`, once all output is out; a reader who has left is no reason for Python's own complaint at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            code = code or ExitCode.BAD_INPUT
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code
