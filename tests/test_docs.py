"""Documentation says what the code does, and the repository says nothing about the machine it was written on."""

import importlib.util
import re
import shutil
import subprocess

import click
import pytest

from tests.support.places import ROOT
from workbench.cli.main import VERBS, cli
from workbench.errors import ExitCode

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
ROOMS = sorted(path.parent.name for path in (ROOT / "workbench").glob("*/__init__.py"))
GROUP = click.Context(cli, info_name="workbench")
VERBS_HERE = cli.list_commands(GROUP)

# Written in two parts each, because this file is searched as well.
PLACES_OF_ONE_MACHINE = [
    "/wor" + "k/",
    "/tm" + "p/boot",
    "../.lib" + "rary",
    "/root" + "/",
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "/opt/" + "pypi",
    "/opt/" + "wheels",
]


def identifier(path):
    return str(path.relative_to(ROOT))


def generator():
    """`docs/generate.py` as a module."""
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def headings(page):
    return re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)


def links(page):
    """Target and anchor of every link within the repository."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    return re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", prose)


def test_generated_pages_are_what_the_code_says():
    assert "\n".join(generator().differences()) == ""


def test_generated_pages_do_not_depend_on_who_asked_a_verb_for_help_before():
    verb = cli.get_command(GROUP, "validate")
    vars(verb)["_help_option"] = None
    assert "-h," not in verb.get_help(click.Context(verb))

    assert "\n".join(generator().differences()) == ""


def test_every_option_of_every_verb_is_documented():
    text = (ROOT / "docs" / "cli.md").read_text()
    sections = dict(zip(VERBS_HERE, re.split(r"^## workbench .*$", text, flags=re.MULTILINE)[1:], strict=True))
    for verb in VERBS_HERE:
        command = cli.get_command(GROUP, verb)
        inner = command.commands.values() if isinstance(command, click.Group) else []
        for parameter in [*command.params, *(p for one in inner for p in one.params)]:
            for name in parameter.opts if isinstance(parameter, click.Option) else [parameter.make_metavar(GROUP)]:
                assert name in sections[verb], f"{verb} {name}"


def test_every_document_of_a_scenario_has_its_section():
    assert {"Scenario", "World", "Policy", "Slo", "FailureMode", "Clock"} <= set(headings(ROOT / "docs" / "scenario-files.md"))


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "cli.md"], ids=identifier)
def test_every_exit_code_stands_in_the_table_of(page):
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page.read_text(), flags=re.MULTILINE)

    assert rows == [(str(int(code)), code.meaning) for code in ExitCode]


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_section_and_a_row_in_the_architecture(room):
    sections = [heading for page in sorted((ROOT / "docs" / "rooms").glob("*.md")) for heading in headings(page)]

    assert room in {re.match(r"`?([\w.-]*)", heading)[1].lower() for heading in sections}
    assert re.search(rf"^\|.*`{room}/?`.*\|.+\|$", (ROOT / "docs" / "architecture.md").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=identifier)
def test_every_relative_link_leads_somewhere(page):
    for target, anchor in links(page):
        there = (page.parent / target) if target else page
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            assert anchor in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings(there)}, (
                anchor
            )


@pytest.mark.parametrize("page", PAGES, ids=identifier)
def test_every_make_command_in_the_text_is_a_target(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), flags=re.MULTILINE)

    assert set(named) <= targets


@pytest.mark.parametrize("page", PAGES, ids=identifier)
def test_every_workbench_command_in_the_text_has_a_verb_and_options_that_exist(page):
    text = page.read_text().replace("\\\n", " ")
    for verb, rest in re.findall(r"^(?:\.venv/bin/)?workbench (\w+)([^#|\n]*)", text, flags=re.MULTILINE):
        assert verb in VERBS
        if verb in VERBS_HERE:
            command = cli.get_command(GROUP, verb)
            if isinstance(command, click.Group):
                command = command.commands[rest.split()[0]]
            known = {name for parameter in command.params for name in parameter.opts}
            assert {word.partition("=")[0] for word in rest.split() if re.match(r"--?[a-z]", word)} <= known | {"--help"}, rest


def test_make_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)[1].split())

    assert set(re.findall(r"^([a-z]+):.*## \S", makefile, flags=re.MULTILINE)) == phony


def tracked_files():
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this tree is no git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_no_tracked_file_names_a_place_on_one_machine_or_a_registry():
    found = [
        f"{path.relative_to(ROOT)}: {place}"
        for path in tracked_files()
        if path.is_file()
        for place in PLACES_OF_ONE_MACHINE
        if place.encode() in path.read_bytes()
    ]

    assert found == []


def test_every_dependency_is_locked_and_nothing_but_versions_stands_in_the_lock():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    locked = {normalized(line.partition("==")[0]) for line in lines}
    text = (ROOT / "pyproject.toml").read_text()
    direct = {normalized(name) for name in re.findall(r'^  "([A-Za-z0-9_.-]+)>=', text, flags=re.MULTILINE)}

    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line)] == []
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0].lower())
    assert len(direct) > 20
    assert direct <= locked


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()
