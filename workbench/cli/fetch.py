"""`workbench fetch`: a history from a live Prometheus."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.readings import positive
from workbench.errors import BadInput, CouldNotRun, Problem

if TYPE_CHECKING:
    from workbench.telemetry.fetch import Plan, Wanted
    from workbench.telemetry.prometheus_api import Credentials

_PATH = click.Path(path_type=Path)
_MANIFEST = "plan.json"
_NAMED = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)=(?![=~])(.+)", re.ASCII | re.DOTALL)


@click.command("fetch")
@click.argument("url")
@click.option(
    "--match", "selectors", metavar="SELECTOR", multiple=True, help="Raw samples of these series; may be given several times."
)
@click.option(
    "--query",
    "queries",
    metavar="[NAME=]EXPR",
    multiple=True,
    help="An expression at every step, its elements called NAME.",
)
@click.option("--start", metavar="TIME", required=True, help="ISO 8601 with a zone, seconds since 1970, or before now: -30d.")
@click.option("--end", metavar="TIME", default="now", show_default=True, help="Likewise, or now.")
@click.option("--step", metavar="D", callback=positive, help="Distance of two steps of a --query. Default: 15s.")
@click.option("--out", metavar="FILE", type=_PATH, required=True, help="Write here: .parquet, .csv, .csv.gz, .om.")
@click.option(
    "--chunk",
    metavar="D",
    callback=positive,
    default="6h",
    show_default=True,
    help="Asked for at once; halved where that is too much.",
)
@click.option("--token-env", metavar="NAME", help="The environment variable that holds a bearer token.")
@click.option("--basic-auth-env", metavar="NAME", help="The environment variable that holds user:password.")
@click.option("--ca-file", metavar="FILE", type=_PATH, help="Certificates to trust instead of the system's.")
@click.option("--insecure", is_flag=True, help="Do not check the server's certificate.")
@click.option("--timeout", metavar="D", callback=positive, default="1m", show_default=True, help="For one answer.")
@click.option("--retries", type=click.IntRange(0, 100), default=5, show_default=True, help="More tries where a failure may pass.")
@click.option("--max-samples", type=click.IntRange(1), default=20_000_000, show_default=True, help="Stop beyond that many.")
def command(
    url: str,
    selectors: tuple[str, ...],
    queries: tuple[str, ...],
    start: str,
    end: str,
    step: float | None,
    out: Path,
    chunk: float,
    token_env: str | None,
    basic_auth_env: str | None,
    ca_file: Path | None,
    *,
    insecure: bool,
    timeout: float,
    retries: int,
    max_samples: int,
) -> None:
    """Fetch a history from the Prometheus at URL, for `workbench replay --counters`.

    --match fetches the samples as they were scraped, with their exact times; --query evaluates an expression at every step. Both
    may be given several times. What is fetched is kept beside FILE until FILE is written, so the same command goes on where it was
    interrupted. Credentials come from the environment and go to this one host only.
    """
    from workbench.cli.show import print_problems, progress
    from workbench.report.folder import check_file
    from workbench.telemetry.fetch import Fetch
    from workbench.telemetry.fetch_out import ENDINGS, write_history
    from workbench.telemetry.prometheus_api import Client

    if not selectors and not queries:
        raise click.UsageError("name what to fetch: --match SELECTOR for raw samples, --query EXPR for an expression")
    if not out.name.lower().endswith(ENDINGS):
        raise click.UsageError(f"--out {out.name}: the ending says which format; one of {', '.join(ENDINGS)}")
    check_file(out)
    wanted = _wanted(selectors, queries, step)
    credentials = _credentials(token_env, basic_auth_env)
    client = Client(url, credentials, timeout, retries, not insecure, None if ca_file is None else str(ca_file))
    if credentials is not None and client.url.startswith("http://"):
        message = "the credentials travel unencrypted over http"
        print_problems([_told("fetch/unencrypted", message, client.url)])
    with _folder(out) as folder:
        plan = _plan(folder, client.url, wanted, start, end, chunk, max_samples)
        fetch = Fetch(client, plan, folder)
        with progress(f"Fetching from {client.url}", 1.0) as at:
            findings = fetch.run(at)
        if not fetch.samples:
            raise BadInput(
                Problem(
                    "fetch/nothing",
                    "the server has no sample of this in that time",
                    file=client.url,
                    found=", ".join(w.text for w in wanted),
                )
            )
        try:
            findings += write_history(out, folder, fetch.found())
        except OSError as error:
            raise CouldNotRun(f"cannot write {out}: {error.strerror or error}") from error
        shutil.rmtree(folder, ignore_errors=True)
    print_problems(findings)
    click.echo(f"{out}: {fetch.samples:,} samples; workbench replay {out} --counters --policy POLICY")


def _told(check: str, message: str, url: str) -> Problem:
    from workbench.errors import Severity

    return Problem(check, message, Severity.WARNING, url)


def _wanted(selectors: tuple[str, ...], queries: tuple[str, ...], step_s: float | None) -> tuple[Wanted, ...]:
    """What to fetch; raises BadInput with every text that is no selector, or no expression."""
    from workbench.promql.ast import Selector
    from workbench.promql.parse import parse
    from workbench.telemetry.fetch import Wanted

    problems: list[Problem] = []
    wanted = []
    for text in selectors:
        try:
            found = parse(text)
        except BadInput as error:
            problems += error.problems
            continue
        if not isinstance(found, Selector) or found.offset_ms or re.search(r"@|\boffset\b", re.sub(r'"[^"]*"', "", text)):
            message = "this is no plain selector of series"
            problems.append(
                Problem("fetch/match", message, path="--match", found=text[:80], allowed='http_requests_total{job="api"}')
            )
            continue
        wanted.append(Wanted(text.strip()))
    for text in queries:
        named = _NAMED.fullmatch(text.strip())
        name, expr = (named[1], named[2].strip()) if named else (None, text.strip())
        if not expr:
            problems.append(Problem("fetch/query", "the expression is empty", path="--query"))
        wanted.append(Wanted(expr, name, round((step_s or 15.0) * 1000)))
    if problems:
        raise BadInput(problems)
    return tuple(wanted)


def _credentials(token_env: str | None, basic_auth_env: str | None) -> Credentials | None:
    from workbench.telemetry.prometheus_api import Credentials

    if token_env is not None and basic_auth_env is not None:
        raise click.UsageError("--token-env or --basic-auth-env, not both")
    for option, name, make in (
        ("--token-env", token_env, Credentials.bearer),
        ("--basic-auth-env", basic_auth_env, Credentials.basic),
    ):
        if name is None:
            continue
        value = os.environ.get(name, "").strip()
        if not value:
            raise BadInput(Problem("fetch/credentials", "the environment variable is not set", path=option, found=name))
        if not value.isprintable() or not value.isascii():
            raise BadInput(
                Problem(
                    "fetch/credentials", "the environment variable holds characters that no header can", path=option, found=name
                )
            )
        return make(value)
    return None


def _plan(folder: Path, url: str, wanted: tuple[Wanted, ...], start: str, end: str, chunk_s: float, max_samples: int) -> Plan:
    """The plan; that of an interrupted fetch of the same command keeps its absolute times."""
    from workbench.telemetry.fetch import Plan, checked_span

    asked = [url, [(one.text, one.name, one.step_ms) for one in wanted], start, end, chunk_s]
    manifest = folder / _MANIFEST
    kept = None
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(manifest.read_text(encoding="utf-8"))
    if isinstance(kept, dict) and kept.get("asked") == json.loads(json.dumps(asked)):
        return Plan(wanted, int(kept["start_ms"]), int(kept["end_ms"]), round(chunk_s * 1000), max_samples)
    now_ms = int(time.time() * 1000)
    span = checked_span(_instant("--start", start, now_ms), _instant("--end", end, now_ms))
    for old in folder.iterdir():  # of another question
        old.unlink()
    partial = folder / f"{_MANIFEST}.partial"
    partial.write_text(json.dumps({"asked": asked, "start_ms": span[0], "end_ms": span[1]}), encoding="utf-8")
    partial.replace(manifest)
    return Plan(wanted, *span, round(chunk_s * 1000), max_samples)


def _instant(option: str, text: str, now_ms: int) -> int:
    """Milliseconds since 1970."""
    from workbench.telemetry.instants import ALLOWED, TimeForm, read_instant
    from workbench.units import parse_duration

    allowed = f"{ALLOWED}, now, or before now: -30d"
    try:
        if text == "now":
            return now_ms
        if text.startswith("-"):
            return now_ms - round(parse_duration(text[1:]) * 1000)
        instant, form = read_instant(text)
    except ValueError as error:
        raise BadInput(Problem("fetch/time", str(error), path=option, found=text[:60], allowed=allowed)) from error
    if form is TimeForm.LOCAL:
        raise BadInput(Problem("fetch/time", "the time names no zone", path=option, found=text[:60], allowed=allowed))
    return instant // 1000


@contextlib.contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """The hidden folder beside `out` in which chunks are kept, held by one process at a time."""
    folder = out.with_name(f".{out.name}.fetched")
    try:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise CouldNotRun(f"cannot keep chunks beside {out}: {error.strerror or error}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CouldNotRun(f"another process is fetching {out}") from error
        yield folder
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):
            if {path.name for path in folder.iterdir()} <= {_MANIFEST}:  # nothing worth keeping
                (folder / _MANIFEST).unlink(missing_ok=True)
                folder.rmdir()
