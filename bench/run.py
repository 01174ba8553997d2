"""Measures Casparian Flow beside its peers, in the same run on the same files, and prints one table of ratios.

Each work is warmed up by its peer first, so that both find the files in the page cache.
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import reading
from batches import batches
from inventory import inventory
from large_file import large_file
from postgresql import postgresql
from small_files import small_files
from table import say, show

PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    arguments = parse_arguments()
    work = Path(tempfile.mkdtemp(prefix="casparian-bench-", dir=arguments.dir))
    casparian = [arguments.casparian.resolve()]
    subjects = {
        "inventory": lambda: inventory(casparian, work / "inventory", arguments.files),
        "small": lambda: small_files(casparian, work / "small", arguments.csv),
        "batches": lambda: batches(casparian, work / "batches", arguments.rows),
        "large": lambda: large_file(casparian, work / "large", arguments.big_mb),
        "csv": lambda: reading.large(casparian, work / "csv", "csv", arguments.read_mb),
        "ndjson": lambda: reading.large(casparian, work / "ndjson", "ndjson", arguments.read_mb),
        "files": lambda: reading.small(casparian, work / "files", arguments.csv),
        "postgresql": lambda: postgresql(casparian, work / "postgresql", arguments.table_mb),
    }
    try:
        lines = [line for name in arguments.only or subjects for line in subjects[name]()]
    finally:
        shutil.rmtree(work)
    show(lines)
    if not arguments.no_crates:
        crate_bench("control", "scout", "hashing against openssl, inventory in process", arguments.files)
        crate_bench("catalog", "throughput", "catalog rates", arguments.files)
        crate_bench("control", "sentinel", "the Sentinel beside a bare echo", arguments.files)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--casparian", type=Path, required=True, help="the binary, a release build")
    parser.add_argument("--files", type=int, default=200_000, help="files of the inventory")
    parser.add_argument("--csv", type=int, default=10_000, help="small CSV files")
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of the batches")
    parser.add_argument("--big-mb", type=int, default=2048, help="megabytes of the large CSV file")
    parser.add_argument("--table-mb", type=int, default=512, help="megabytes of the CSV file for PostgreSQL")
    parser.add_argument("--read-mb", type=int, default=1024, help="megabytes of CSV and of JSON lines for SQL plugins")
    subjects = ["inventory", "small", "batches", "large", "csv", "ndjson", "files", "postgresql"]
    parser.add_argument("--only", nargs="*", choices=subjects, help="these subjects")
    parser.add_argument("--dir", help="where to generate; by default the system's temporary directory")
    parser.add_argument("--no-crates", action="store_true", help="leave out the benches of the crates")
    return parser.parse_args()


def crate_bench(crate: str, bench: str, what: str, size: int) -> None:
    say(what)
    command = ["cargo", "bench", "--locked", "--quiet", "-p", crate, "--bench", bench, "--", str(size)]
    subprocess.run(command, cwd=PROJECT, check=True)


if __name__ == "__main__":
    main()
