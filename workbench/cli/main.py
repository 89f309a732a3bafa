"""The command line: one group, whose verbs are imported only when they are used.

A verb is one module `workbench/cli/<verb>.py` with a `click.Command` named `command`, and one row in `VERBS`. Help lists the rows
without importing any verb, so `workbench --help` needs neither numpy nor pydantic.
"""

from __future__ import annotations

import importlib
import keyword
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from workbench import __version__
from workbench.errors import BadInput, CouldNotRun, ExitCode

VERBS = {
    "init": "Put the reference scenario and a starter into a folder.",
    "validate": "Check scenario, world and policy files; show every problem.",
    "schema": "Print the JSON Schema of scenario files, for editors.",
    "lint": "Check the arithmetic of a policy's alerts and promises.",
    "run": "Simulate a scenario and measure it against its policy.",
    "replay": "Measure a recorded history against a policy.",
    "fetch": "Fetch a history from a live Prometheus.",
    "import": "Read objectives of Sloth, OpenSLO or Pyrra into a policy.",
    "explain": "Say why an alert fired, or was silent, at one instant of a run.",
    "export": "Write rules and objectives for other tools.",
    "fit": "Fit distributions to the durations of recorded incidents.",
    "app": "Open the workbench in a browser.",
}
"""Every verb with its line of help, in the order of help."""

DEBUG_VARIABLE = "WORKBENCH_DEBUG"


def _module(verb: str) -> str:
    """Where a verb is: `import` is a word of Python's, so its module is `import_`."""
    return f"{verb}_" if keyword.iskeyword(verb) else verb


class Verbs(click.Group):
    """The group: names and help lines from `VERBS`, commands from their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs whose module is there, in the order of `VERBS`."""
        here = Path(__file__).parent
        return [verb for verb in VERBS if (here / f"{_module(verb)}.py").is_file()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb; None for a name that is no verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"workbench.cli.{_module(cmd_name)}").command
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
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    if sys.stdout is None:
        return _complain("standard output is closed, so nothing could be shown")
    # Not cli.main(): it turns a closed pipe into exit code 1, which means findings here.
    debug = bool(os.environ.get(DEBUG_VARIABLE))
    try:
        with cli.make_context("workbench", args) as ctx:
            debug = bool(ctx.params["debug"])
            cli.invoke(ctx)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except SystemExit as leaving:
        if not isinstance(leaving.code, int):
            raise
        return leaving.code
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return ExitCode.BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has left (`| head`): nothing to say, but what was asked for is not complete.
        return ExitCode.BAD_INPUT
    except BadInput as error:
        from workbench.cli.show import print_problems

        with suppress(OSError):
            print_problems(error.problems)
        return _complain(f"could not use the input: {len(error.problems)} problem{'s' * (len(error.problems) != 1)}")
    except CouldNotRun as error:
        return _complain(f"could not run: {error}")
    except OSError as error:
        if debug:
            raise
        return _complain(f"could not run: {_reason(error)}")
    except Exception as error:
        if debug:
            raise
        first, *_ = f"{type(error).__name__}: {error}".splitlines()
        return _complain(
            f"unexpected error: {first}\nThis is a bug. `workbench --debug ...` or {DEBUG_VARIABLE}=1 shows where it happened."
        )
    return ExitCode.FINE


def _complain(text: str, code: ExitCode = ExitCode.BAD_INPUT) -> ExitCode:
    """Say something on standard error, if anybody reads it, and return the exit code."""
    with suppress(OSError):
        click.echo(f"workbench: {text}", err=True)
    return code


def _reason(error: OSError) -> str:
    """What the system says, without its number."""
    return ": ".join(str(part) for part in (error.filename, error.strerror or error) if part is not None)


def _flushed(code: int) -> int:
    """`code`, once all output is out; output that cannot be written is a failure, but no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError as error:
            with suppress(OSError, ValueError):
                # What is still in the buffer would fail again, loudly, when Python ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if not isinstance(error, BrokenPipeError):
                _complain(f"could not write the output: {_reason(error)}")
            code = code or ExitCode.BAD_INPUT
    return code
