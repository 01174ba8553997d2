"""Batches that are there already, written to Parquet and synced, beside pyarrow and polars. Ours has the inventory, hashes and lineage in it.

All write Snappy, with row groups of up to 1,048,576 rows. pyarrow does by default; polars by itself writes Zstandard, which is a line of its own.
"""

import shutil
import sys
from pathlib import Path

import measure
import trees
from project import expect, run_plugin
from table import say, timed

PEER = Path(__file__).resolve().parent / "peers" / "batches.py"
ROUNDS = 3


def batches(casparian: list, work: Path, rows: int) -> list:
    source, output = work / "data", work / "output.parquet"
    say(f"making {rows:,} rows of Arrow batches")
    source.mkdir(parents=True)
    trees.arrow_batches(source / "batches.arrow", rows)
    say("batches to Parquet")
    times = {"ours": [], "pyarrow": [], "polars": [], "polars-default": []}
    for _ in range(ROUNDS):
        for writer in ("pyarrow", "polars", "polars-default"):
            times[writer].append(measure.run([sys.executable, PEER, writer, source / "batches.arrow", output]))
            output.unlink()
        times["ours"].append(ours_of(casparian, work, source, rows))
    shutil.rmtree(work)
    best = {name: min(runs, key=lambda run: run.seconds) for name, runs in times.items()}
    faster = min(best["pyarrow"], best["polars"], key=lambda run: run.seconds)
    name = "polars" if faster is best["polars"] else "pyarrow"
    return [
        timed(f"{rows:,} rows of batches to Parquet, whole run", best["ours"], faster, f"{name}, the faster one", "<= 1.2"),
        timed("...", best["ours"], best["pyarrow"], "pyarrow, Snappy", ""),
        timed("...", best["ours"], best["polars"], "polars, Snappy", ""),
        timed("...", best["ours"], best["polars-default"], "polars, its defaults", ""),
    ]


def ours_of(casparian: list, work: Path, source: Path, rows: int) -> measure.Measured:
    project = work / "project"
    measured = run_plugin(casparian, project, "batches", source)
    expect(measured, "rows", rows)
    shutil.rmtree(project)
    return measured
