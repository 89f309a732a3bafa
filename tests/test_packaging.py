"""The wheel is complete: from it alone, `workbench init` works."""

import os
import subprocess
import sys
import zipfile

import pytest

from tests.support.places import IN_CI, ROOT
from workbench import __version__

try:
    import hatchling  # noqa: F401 - only whether it is there
except ImportError:
    if IN_CI:
        raise
    pytest.skip("hatchling is not installed, and building without it would need the network", allow_module_level=True)


def files_below(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out], cwd=ROOT, capture_output=True, check=True
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    target = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-compile",
        "--target",
        target,
        wheel,
    ]
    subprocess.run(command, capture_output=True, check=True)
    return target


def test_the_wheel_is_named_after_the_packages_version(wheel):
    assert wheel.name == f"slo_workbench-{__version__}-py3-none-any.whl"


def test_the_wheel_carries_the_package_the_scenarios_the_app_and_the_licence(wheel):
    carried = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "workbench").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    scenarios = {f"workbench/_shipped/scenarios/{name}" for name in files_below(ROOT / "scenarios")}

    assert package | scenarios | {"workbench/_shipped/app.py"} <= carried
    assert f"slo_workbench-{__version__}.dist-info/licenses/LICENSE" in carried


def test_the_wheel_carries_nothing_else(wheel):
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {"workbench", f"slo_workbench-{__version__}.dist-info"}


def test_init_works_from_the_wheel_alone(installed, tmp_path):
    script = (
        "import workbench\n"
        "from workbench.cli.main import main\n"
        f"assert workbench.__file__.startswith({str(installed)!r}), workbench.__file__\n"
        "main(['init', 'mine'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert files_below(tmp_path / "mine") == files_below(ROOT / "scenarios")
