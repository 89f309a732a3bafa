"""A real Prometheus on loopback over blocks made from OpenMetrics text, for as long as a test needs it."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

from tests.support.programs import need


def make_blocks(folder, text_file):
    """Blocks in `folder`, by the real promtool."""
    made = subprocess.run(
        [need("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1458h", text_file, folder],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr


@contextmanager
def server(folder, configuration="global: {}\n"):
    """The address of a server over the blocks in `folder`; it ends with the block."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    config = folder / "prometheus.yml"
    config.write_text(configuration)
    process = subprocess.Popen(
        [
            need("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--storage.tsdb.retention.time=100y",
            "--log.level=error",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{address}/-/ready", timeout=1) as answer:  # noqa: S310 - loopback
                    if answer.status == 200:
                        break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        else:
            raise AssertionError("the server did not become ready")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def ask(address, path, **parameters):
    """The data of one answer of the HTTP API."""
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"{address}/api/v1/{path}?{query}", timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer)["data"]
