"""The examples of every check: `examples/<family>-<name>/{good,bad}.yaml` and `{good,bad}.rules.yml`."""

from pathlib import Path

from workbench.lint.registry import Check
from workbench.lint.session import Report, examine

EXAMPLES = Path(__file__).parent / "examples"


def folder(check: Check) -> Path:
    return EXAMPLES / check.name.replace("/", "-")


def examples(check: Check, which: str) -> list[Path]:
    return [path for name in (f"{which}.yaml", f"{which}.rules.yml") if (path := folder(check) / name).exists()]


def world_for(check: Check) -> Path | None:
    """The world beside the example or the one that all share, for checks that need one."""
    if not check.needs & {"world", "months"}:
        return None
    own = folder(check) / "world.yaml"
    return own if own.exists() else EXAMPLES / "world.yaml"


def examined(check: Check, path: Path) -> Report:
    return examine([path], world_file=world_for(check), months=1 if "months" in check.needs else None)
