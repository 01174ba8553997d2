"""Runs a plugin of bench/plugins in a project of its own."""

import json
import shutil
import sys
from pathlib import Path

import measure

PLUGINS = Path(__file__).resolve().parent / "plugins"


def run_plugin(
    casparian: list,
    project: Path,
    plugin: str,
    source: Path,
    env: "dict | None" = None,
    config: str = "",
) -> measure.Measured:
    (project / "plugins").mkdir(parents=True)
    shutil.copy(next(PLUGINS.glob(f"{plugin}.*")), project / "plugins")
    (project / "casparian.toml").write_text(config)
    command = [*casparian, "--project", project, "run", source, "--json"]
    return measure.run(command, {"CASPARIAN_PYTHON_INTERPRETER": sys.executable, **(env or {})})


def expect(measured: measure.Measured, key: str, value: int) -> None:
    found = json.loads(measured.stdout)[key]
    if found != value:
        sys.exit(f"bench: {key} is {found}; expected {value}")
