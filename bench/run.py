"""Measures Casparian Flow beside its peers, in the same run on the same files, and prints one table of ratios.

Each work is warmed up by its peer first, so that both find the files in the page cache.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import measure
import trees

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent


@dataclass
class Line:
    work: str
    ours: str
    peer: str
    ratio: str
    target: str


def main() -> None:
    arguments = parse_arguments()
    work = Path(tempfile.mkdtemp(prefix="casparian-bench-", dir=arguments.dir))
    casparian = [arguments.casparian.resolve()]
    lines = []
    try:
        lines += inventory(casparian, work / "inventory", arguments.files)
        lines += small_files(casparian, work / "small", arguments.csv)
        lines += large_file(casparian, work / "large", arguments.big_mb)
    finally:
        shutil.rmtree(work)
    print_table(lines)
    if not arguments.no_crates:
        crate_bench("control", "scout", "hashing against openssl, inventory in process", arguments.files)
        crate_bench("catalog", "throughput", "catalog rates", arguments.files)
        crate_bench("control", "sentinel", "the Sentinel beside a bare echo", arguments.files)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--casparian", type=Path, required=True, help="the binary, a release build")
    parser.add_argument("--files", type=int, default=200_000, help="files of the inventory")
    parser.add_argument("--csv", type=int, default=10_000, help="small CSV files")
    parser.add_argument("--big-mb", type=int, default=2048, help="megabytes of the large CSV file")
    parser.add_argument("--dir", help="where to generate; by default the system's temporary directory")
    parser.add_argument("--no-crates", action="store_true", help="leave out the benches of the crates")
    return parser.parse_args()


def inventory(casparian: list, work: Path, files: int) -> list:
    tree, project = work / "tree", work / "project"
    say(f"making {files:,} files")
    tree.mkdir(parents=True)
    trees.many_files(tree, files)
    say("inventory")
    listing = work / "listing"
    find = ["sh", "-c", f"find '{tree}' -printf '%p %T@ %s\\n' > '{listing}'"]
    measure.run(find)
    peer = measure.best(3, find)
    scan = [*casparian, "--project", project, "scan", tree, "--json"]
    first = min((first_inventory(scan, project, files) for _ in range(2)), key=lambda run: run.seconds)
    again = measure.best(3, scan)
    expect(again, "files_new", 0)
    shutil.rmtree(work)
    return [
        timed(f"first inventory of {files:,} files", first, peer, "find -printf", "<= 2"),
        timed("rescan, nothing changed", again, peer, "find -printf", "<= 1.3"),
        Line("memory of the first inventory", f"{first.peak_mb:.0f} MB", "", "", "<= 150 MB (1,000,000 files)"),
    ]


def first_inventory(scan: list, project: Path, files: int) -> measure.Measured:
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    measured = measure.run(scan)
    expect(measured, "files_new", files)
    return measured


def small_files(casparian: list, work: Path, files: int) -> list:
    source, output = work / "data", work / "output"
    say(f"making {files:,} CSV files of 1 KB")
    source.mkdir(parents=True)
    output.mkdir()
    trees.csv_files(source, files)
    say("small files")
    script = [sys.executable, HERE / "small_files.py", source]
    reading = measure.run(script)
    peer = measure.run([*script, output])
    ours = run_plugin(casparian, work / "project", "small", source)
    expect(ours, "jobs_completed", files)
    single = run_plugin(casparian, work / "single", "small", source, {"CASPARIAN_WORKER_SLOTS": "1"})
    shutil.rmtree(work)
    beyond = (single.seconds - reading.seconds) * 1000 / files
    rate = f"{files / ours.seconds:,.0f} files/s"
    return [
        timed(f"{files:,} CSV files of 1 KB, polars plugin ({rate})", ours, peer, "polars loop", ""),
        Line("... one slot, beyond the plugin's own time", f"{beyond:.2f} ms a file", "", "", "<= 2 ms a file"),
    ]


def large_file(casparian: list, work: Path, megabytes: int) -> list:
    source, output = work / "data", work / "output.parquet"
    say(f"making a CSV file of {megabytes:,} MB")
    source.mkdir(parents=True)
    trees.large_csv(source / "large.csv", megabytes)
    say("large file")
    peer = measure.run([sys.executable, HERE / "large_file.py", source / "large.csv", output])
    output.unlink()
    ours = run_plugin(casparian, work / "project", "large", source)
    expect(ours, "jobs_completed", 1)
    lines = [
        timed(f"{megabytes:,} MB of CSV, generator plugin", ours, peer, "pyarrow, same code", "<= 1.1"),
        Line("... peak memory of the worker's process", f"{ours.peak_mb:.0f} MB", "", "", "< 300 MB"),
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
        Line("... peak memory of the worker's process", f"{ours.peak_mb:.0f} MB", "", "", "< 300 MB"),
    ]


def run_plugin(casparian: list, project: Path, plugin: str, source: Path, env: "dict | None" = None) -> measure.Measured:
    (project / "plugins").mkdir(parents=True)
    shutil.copy(HERE / "plugins" / f"{plugin}.py", project / "plugins")
    command = [*casparian, "--project", project, "run", source, "--json"]
    return measure.run(command, {"CASPARIAN_PYTHON_INTERPRETER": sys.executable, **(env or {})})


def expect(measured: measure.Measured, key: str, value: int) -> None:
    found = json.loads(measured.stdout)[key]
    if found != value:
        sys.exit(f"bench: {key} is {found}; expected {value}")


def timed(work: str, ours: measure.Measured, peer: measure.Measured, name: str, target: str) -> Line:
    ratio = f"{ours.seconds / peer.seconds:.2f}"
    return Line(work, f"{ours.seconds:.2f} s", f"{peer.seconds:.2f} s ({name})", ratio, target)


def print_table(lines: list) -> None:
    rows = [Line("work", "ours", "peer", "ratio", "target"), *lines]
    cells = [[row.work, row.ours, row.peer, row.ratio, row.target] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    print(f"\n{os.cpu_count()} cores")
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print(flush=True)


def crate_bench(crate: str, bench: str, what: str, size: int) -> None:
    say(what)
    command = ["cargo", "bench", "--locked", "--quiet", "-p", crate, "--bench", bench, "--", str(size)]
    subprocess.run(command, cwd=PROJECT, check=True)


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
