"""One large CSV file through a generator plugin: to Parquet beside pyarrow, into a table beside SQLite's shell."""

import shutil
import sys
from pathlib import Path

import measure
import trees
from project import expect, run_plugin
from table import memory, say, timed

PEER = Path(__file__).resolve().parent / "peers" / "large_file.py"
MEMORY = "< 300 MB"


def large_file(casparian: list, work: Path, megabytes: int) -> list:
    source, output = work / "data", work / "output.parquet"
    say(f"making a CSV file of {megabytes:,} MB")
    source.mkdir(parents=True)
    trees.large_csv(source / "large.csv", megabytes)
    say("large file")
    peer = measure.run([sys.executable, PEER, source / "large.csv", output])
    output.unlink()
    ours = run_plugin(casparian, work / "project", "large", source)
    expect(ours, "jobs_completed", 1)
    shutil.rmtree(work / "project")
    lines = [
        timed(f"{megabytes:,} MB of CSV, generator plugin", ours, peer, "pyarrow, same code", "<= 1.1"),
        memory(ours, MEMORY),
        *sqlite_table(casparian, work, source),
    ]
    shutil.rmtree(work)
    return lines


def sqlite_table(casparian: list, work: Path, source: Path) -> list:
    """From the same file: typed, with lineage, by way of a plugin, beside the texts that SQLite's shell imports."""
    say("table in SQLite")
    database = work / "imported.db"
    peer = measure.run(["sqlite3", database, f".import --csv '{source / 'large.csv'}' large"])
    database.unlink()
    ours = run_plugin(casparian, work / "sqlite", "large_sqlite", source)
    expect(ours, "jobs_completed", 1)
    return [
        timed("... into a table of SQLite", ours, peer, "sqlite3 .import --csv", "<= 1.2"),
        memory(ours, MEMORY),
    ]
