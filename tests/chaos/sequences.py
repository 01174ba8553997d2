"""Files come, change, move and go between runs, plugins get new versions, runs are killed; after each run that ends, what every sink holds
is compared with what a naive model says, read by programs that know nothing of us.

The seed decides all that is done. A failure prints it, and leaves the project's directory with its logs.
"""

import argparse
import os
import random
import secrets
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as parquet

import lives
from files import Files
from project import Project

PLUGIN = """\
# PATTERN: *.csv
# TOPIC: rows
# TOPIC: rows sqlite://tables.db/rows
{warehouse}# OPTIONS: rows: on_delete=retract
# TOPIC: kept
# TOPIC: past
# TOPIC: past sqlite://tables.db/past
# OPTIONS: past: history=all
import csv
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path, newline="") as file:
            rows = [{{"content": int(row["content"]), "number": int(row["number"]), "made": {made}}} for row in csv.DictReader(file)]
        for topic in ("rows", "kept", "past"):
            self.publish(topic, rows)
"""
NAME = "sequence"
SETTINGS = '[[sources]]\npath = "data"\nsettle = "0s"\n'
COLUMNS = "content, number, made"


class Model:
    """What has to be in the topics, by what lay in the files when runs ended."""

    def __init__(self) -> None:
        self.seen: dict = {}
        self.kept: dict = {}
        self.past: set = set()

    def end_run(self, contents: dict, made: int) -> None:
        live = set(contents.values())
        for name, content in contents.items():
            before = self.seen.get(name)
            # What the path held until now leaves, unless it lies elsewhere.
            if before != content and before not in live:
                self.kept.pop(before, None)
        for content in live:
            self.kept.setdefault(content, made)
            if not any(known == content for known, _ in self.past):
                self.past.add((content, made))
        self.seen = dict(contents)

    def begin_version(self, made: int) -> None:
        """All that lies there is made once more."""
        for content in set(self.seen.values()):
            self.kept[content] = made
            self.past.add((content, made))

    def expected(self, files: Files) -> dict:
        live = set(self.seen.values())
        return {
            "rows": rows_of(((content, self.kept[content]) for content in live), files),
            "kept": rows_of(self.kept.items(), files),
            "past": rows_of(self.past, files),
        }


def rows_of(contents, files: Files) -> Counter:
    return Counter((content, number, made) for content, made in contents for number in range(files.rows[content]))


class Sequence:
    def __init__(self, arguments: argparse.Namespace, root: Path) -> None:
        self.rng = random.Random(arguments.seed)
        self.postgres = os.environ.get("CASPARIAN_TEST_POSTGRES")
        self.made = 0
        self.model = Model()
        settings = SETTINGS
        if self.postgres:
            schema = f"sequence_{secrets.token_hex(4)}"
            self.psql(f"CREATE SCHEMA {schema}")
            settings += f'[sinks.warehouse]\nuri = "{self.postgres.replace("?", "/" + schema + "?")}"\n'
            self.table = f"{schema}.rows"
        self.project = Project(root, arguments.casparian.resolve(), 2.0, arguments.catalog, NAME, self.source(), settings)
        self.files = Files(root / "data", random.Random(self.rng.random()))
        self.files.create(arguments.files)
        self.log = root / "logs" / "run.log"

    def source(self) -> str:
        warehouse = "# TOPIC: rows @warehouse\n" if self.postgres else ""
        return PLUGIN.format(warehouse=warehouse, made=self.made)

    def step(self) -> list:
        """Some changes, perhaps a new version of the plugin, perhaps kills; then a run to its end. What is wrong then."""
        for _ in range(self.rng.choice([0, 1, 3, 10, 30])):
            self.files.change()
        wrong = self.run()
        if not wrong and self.rng.random() < 0.25:
            wrong = self.new_version()
        return wrong

    def new_version(self) -> list:
        self.made += 1
        (self.project.root / "plugins" / f"{NAME}.py").write_text(self.source())
        code, told = self.project.ask("backfill", NAME)
        if code != 0:
            return [f"backfill ends with {code}: {told}"]
        self.model.begin_version(self.made)
        return self.run()

    def run(self) -> list:
        for _ in range(self.rng.choice([0, 0, 1, 3])):
            self.kill_a_run()
        code, told = self.project.ask("run")
        if code != 0:
            return [f"run ends with {code}: {told}"]
        self.model.end_run(self.files.contents, self.made)
        return self.judge()

    def kill_a_run(self) -> None:
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                [self.project.casparian, "run"], env=self.project.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
            time.sleep(self.rng.random() * 1.2)
            process.kill()
            process.wait()

    def judge(self) -> list:
        wrong = []
        for topic, expected in self.model.expected(self.files).items():
            for where, read in self.readers(topic):
                wrong += differences(f"{topic} in {where}", read(), expected)
        code, proof = self.project.ask("verify")
        return wrong + ([f"verify ends with {code}: {proof}"] if code != 0 else [])

    def readers(self, topic: str) -> list:
        lake = self.project.root / "lake"
        readers = [("files", lambda: in_files(lake / topic))]
        if topic != "kept":
            readers.append(("sqlite", lambda: in_sqlite(lake / "tables.db", topic)))
        if topic == "rows" and self.postgres:
            readers.append(("postgresql", self.in_postgres))
        return readers

    def in_postgres(self) -> Counter:
        told = self.psql(f"SELECT {COLUMNS} FROM {self.table} WHERE _job_id > 0 AND _file_version_id > 0")
        return Counter(tuple(map(int, line.split("|"))) for line in told.splitlines())

    def psql(self, query: str) -> str:
        psql = Path(os.environ["CASPARIAN_TEST_POSTGRES_BIN"]) / "psql"
        command = [psql, "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", query, self.postgres]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def in_files(directory: Path) -> Counter:
    found = Counter()
    for path in directory.glob("*.parquet"):
        table = parquet.read_table(path, partitioning=None)
        assert table["_job_id"].null_count == table["_file_version_id"].null_count == 0
        found.update(zip(*(table[column].to_pylist() for column in COLUMNS.split(", "))))
    return found


def in_sqlite(database: Path, table: str) -> Counter:
    with sqlite3.connect(database) as connection:
        query = f"SELECT {COLUMNS} FROM {table} WHERE _job_id > 0 AND _file_version_id > 0"
        return Counter(connection.execute(query).fetchall())


def differences(what: str, found: Counter, wanted: Counter) -> list:
    missing, surplus = wanted - found, found - wanted
    named = (("missing", missing), ("too many", surplus))
    return [f"{what}: {some.total()} rows {name}: {sorted(some.items())[:10]}" for name, some in named if some]


def run(arguments: argparse.Namespace, root: Path) -> list:
    sequence, until, steps = Sequence(arguments, root), time.monotonic() + arguments.seconds, 0
    wrong: list = []
    while not wrong and (steps == 0 or time.monotonic() < until):
        wrong = sequence.step()
        steps += 1
    print(f"{steps} steps, {len(sequence.files.rows)} contents, {sequence.made} versions of the plugin", flush=True)
    return [f"in step {steps}: {one}" for one in wrong]


def main() -> int:
    parser = lives.parser(__doc__)
    parser.add_argument("--files", type=int, default=60, help="files at the beginning")
    parser.add_argument("--seconds", type=float, default=8, help="no step begins later")
    return lives.live(parser.parse_args(), "sequence", run)


if __name__ == "__main__":
    sys.exit(main())
