"""A project in a directory of its own, its roles as processes, and what its commands say of it."""

import json
import os
import subprocess
from pathlib import Path

from roles import Role

PLUGIN = """\
# PATTERN: *.csv
# TOPIC: rows
# TOPIC: files
# OPTIONS: rows: on_delete=retract
# OPTIONS: files: on_delete=retract
import csv
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path, newline="") as file:
            rows = [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]
        self.publish("files", [{"content": row["content"]} for row in rows[:1]])
        self.publish("rows", rows)
"""
SETTINGS = """\
[[sources]]
path = "data"
settle = "100ms"
[scout]
sweep = "1s"
"""


class Project:
    def __init__(
        self, root: Path, casparian: Path, lease_s: float, catalog: str | None,
        name: str = "chaos", plugin: str = PLUGIN, settings: str = SETTINGS,
    ) -> None:
        self.root = root
        self.casparian = str(casparian)
        (root / "plugins").mkdir(parents=True)
        (root / "data").mkdir()
        (root / "logs").mkdir()
        (root / "plugins" / f"{name}.py").write_text(plugin)
        (root / "casparian.toml").write_text(settings)
        address = f"ipc://{root}/socket"
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = {
            **kept,
            "CASPARIAN_PROJECT": str(root),
            "CASPARIAN_SENTINEL_LEASE": f"{lease_s:g}s",
            "CASPARIAN_SENTINEL_BIND": address,
            "CASPARIAN_WORKER_CONNECT": address,
            "CASPARIAN_PYTHON_INTERPRETER": os.environ.get("CASPARIAN_TEST_PYTHON", "python3"),
        }
        if catalog:
            self.environment["CASPARIAN_CATALOG"] = catalog

    def role(self, name: str, command: list) -> Role:
        log = self.root / "logs" / f"{name}.log"
        return Role(name, [self.casparian, *command], self.environment, log)

    def ask(self, *arguments: str) -> tuple:
        """Exit code, and the document or None."""
        done = subprocess.run(
            [self.casparian, *arguments, "--json"],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        try:
            return done.returncode, json.loads(done.stdout)
        except json.JSONDecodeError:
            return done.returncode, {"stderr": done.stderr}

    def staged(self) -> list:
        found = (self.root / "lake").glob("*/_staging/*/*")
        return sorted(str(path.relative_to(self.root)) for path in found)
