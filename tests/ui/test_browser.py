"""The app in a real browser: Debian's Chromium against a real server and a real run."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.places import ROOT
from tests.support.programs import need
from workbench.charts.findings import headline
from workbench.run.month import run
from workbench.scenario.load import load_scenario

SCENARIO = "starter/scenario.yaml"
WAIT_MS = 120_000


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of the app, which is always stopped; its standard error is printed if the test fails."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    flags = ("--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true", "--browser.gatherUsageStats=false")
    with log.open("wb") as err:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *flags],
            cwd=folder, stdout=err, stderr=err, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    except BaseException:
        sys.stderr.write(log.read_text(errors="replace"))
        raise
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 40
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(address, timeout=1):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")


def test_a_scenario_is_picked_run_and_read_at_desktop_and_phone_width(tmp_path):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a skipped test needs none of it

    chromium = need("chromium")
    shots = Path(os.environ.get("SCREENSHOTS", tmp_path))
    args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    with served(tmp_path) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=args)
        page = browser.new_page(viewport={"width": 1280, "height": 1800})
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(address)
        page.get_by_role("combobox", name=re.compile("Scenario")).first.click(timeout=WAIT_MS)
        page.get_by_role("option", name=SCENARIO).click()
        page.wait_for_url(re.compile("scenario="), timeout=WAIT_MS)
        page.get_by_label("checkout-latency", exact=True).wait_for(timeout=WAIT_MS)  # the form of the scenario picked
        page.get_by_role("button", name="Run", exact=True).click()
        page.get_by_role("heading", name="Scorecard").wait_for(timeout=WAIT_MS)
        page.get_by_role("heading", name="Alerts against incidents").wait_for(timeout=WAIT_MS)
        page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first.wait_for(timeout=WAIT_MS)
        seen = page.get_by_role("heading", level=3).first.inner_text()
        page.screenshot(path=shots / "app-desktop.png", full_page=True)
        figures = page.locator("[data-testid=stVegaLiteChart]")
        figures.nth(1).locator("canvas, svg").first.wait_for(timeout=WAIT_MS)
        page.wait_for_timeout(1500)  # Vega draws after its canvas exists
        heights = [figures.nth(i).bounding_box()["height"] for i in range(figures.count())]
        page.set_viewport_size({"width": 390, "height": 2400})
        page.get_by_role("heading", name="Scorecard").wait_for(timeout=WAIT_MS)
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        page.screenshot(path=shots / "app-phone.png", full_page=True)
        browser.close()

    assert seen == headline(run(load_scenario(ROOT / "scenarios" / SCENARIO)))
    assert len(heights) == 2
    assert min(heights) > 2 * 180, "a figure has less room than its panes ask for"
    assert [text for text in said if "Conflicting scale" in text or "Infinite extent" in text] == []
    assert wider == 0
    assert (shots / "app-desktop.png").stat().st_size > 20_000
    assert (shots / "app-phone.png").stat().st_size > 10_000
