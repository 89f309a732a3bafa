"""`workbench app`: the server that it starts."""

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.support.places import ROOT
from workbench.cli.app import streamlit_command
from workbench.cli.main import main


@pytest.fixture
def taken():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_the_server_gets_address_port_and_no_usage_statistics():
    command = streamlit_command(8600, "127.0.0.1", headless=True)

    assert command[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert command[4] == str(ROOT / "app.py")
    assert set(command[5:]) == {
        "--server.address=127.0.0.1",
        "--server.port=8600",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    }


def test_without_a_port_the_server_looks_for_a_free_one():
    assert not any("server.port" in word for word in streamlit_command(None, "127.0.0.1", headless=False))


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_a_usage_error(port):
    with pytest.raises(SystemExit) as leaving:
        main(["app", "--port", port])
    assert leaving.value.code == 2


def test_a_port_that_is_taken_could_not_run(taken, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["app", "--port", str(taken)])

    assert leaving.value.code == 2
    assert f"cannot listen on 127.0.0.1 port {taken}: Address already in use" in capsys.readouterr().err


def test_the_app_answers_on_this_machine_only_and_ends_with_the_process_that_was_started(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "workbench", "app", "--port", str(port)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        assert healthy(server, port), log.read_text()
        with socket.socket() as elsewhere, pytest.raises(OSError, match="refused"):
            elsewhere.connect(("127.0.0.2", port))  # open if the server listened on every address
    finally:
        server.terminate()
        server.wait(timeout=20)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def healthy(server, port):
    """Whether the server says that it is well before it ends or half a minute has passed."""
    for _ in range(300):
        if server.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1) as answer:
                return answer.read() == b"ok"
        except OSError:
            time.sleep(0.1)
    return False
