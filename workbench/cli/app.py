"""`workbench app`: the app in a browser."""

from __future__ import annotations

import os
import socket
import sys

import click

from workbench.cli.shipped import app_file
from workbench.errors import CouldNotRun


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Default: the first free port from 8501 on.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Who can reach it; 0.0.0.0 lets the whole network in.")
def command(port: int | None, address: str) -> None:
    """Open the workbench in a browser; Ctrl-C ends it.

    Serves on this machine only, unless --address says otherwise: the app has no
    log-in. Opens no browser where standard output is no terminal.
    """
    if port is not None:
        _check_free(address, port)
    started = streamlit_command(port, address, headless=not sys.stdout.isatty())
    sys.stdout.flush()
    # The server takes this process's place, so that signals and its end reach whoever started us.
    os.execv(started[0], started)  # noqa: S606 - no shell, and the program is this Python


def streamlit_command(port: int | None, address: str, *, headless: bool) -> list[str]:
    """The command line of the server."""
    options = {
        "server.address": address,
        "server.port": port,
        "server.headless": headless,
        "browser.gatherUsageStats": False,
    }
    flags = [f"--{name}={str(value).lower()}" for name, value in options.items() if value is not None]
    return [sys.executable, "-m", "streamlit", "run", str(app_file()), *flags]


def _check_free(address: str, port: int) -> None:
    """Raise CouldNotRun unless the port can be had: streamlit would end with exit code 1, which means findings here."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        raise CouldNotRun(f"cannot listen on {address} port {port}: {error.strerror}") from error
