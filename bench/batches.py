"""Batches that are there already, written to Parquet and synced, beside pyarrow and polars. Ours has the inventory, hashes and lineage in it.

All write Snappy, with row groups of up to 1,048,576 rows. pyarrow does by default; polars by itself writes Zstandard, which is a line of its own.
What each takes for a thousand rows is its start; the last line is without it.
"""

import shutil
import sys
from pathlib import Path

import measure
import trees
from project import expect, run_plugin
from table import compared, say

PEER = Path(__file__).resolve().parent / "peers" / "batches.py"
ROUNDS = 3
START_ROWS = 1_000


def batches(casparian: list, work: Path, rows: int) -> list:
    whole, start = best_of_each(casparian, work, rows), best_of_each(casparian, work, START_ROWS)
    beyond = {writer: whole[writer] - start[writer] for writer in whole}
    name, default = f"{rows:,} rows of batches to Parquet", "polars-default"
    faster, faster_beyond = (min(("pyarrow", "polars"), key=times.get) for times in (whole, beyond))
    return [
        compared(f"{name}, whole run", whole["ours"], whole[faster], f"{faster}, the faster one", "<= 1.2"),
        compared("... beside polars by its defaults", whole["ours"], whole[default], "polars, Zstandard", ""),
        compared("... without starting, ending and imports", beyond["ours"], beyond[faster_beyond], f"{faster_beyond}, the faster one", ""),
    ]


def best_of_each(casparian: list, work: Path, rows: int) -> dict:
    """Seconds of each. They take turns, so that each has the same share of a busy machine."""
    source, output = work / "data", work / "output.parquet"
    say(f"{rows:,} rows of batches to Parquet")
    source.mkdir(parents=True)
    trees.arrow_batches(source / "batches.arrow", rows)
    times = {"ours": [], "pyarrow": [], "polars": [], "polars-default": []}
    for _ in range(ROUNDS):
        for writer in ("pyarrow", "polars", "polars-default"):
            peer = measure.run([sys.executable, PEER, writer, source / "batches.arrow", output])
            times[writer].append(peer.seconds)
            output.unlink()
        times["ours"].append(ours_of(casparian, work, source, rows))
    shutil.rmtree(work)
    return {writer: min(seconds) for writer, seconds in times.items()}


def ours_of(casparian: list, work: Path, source: Path, rows: int) -> float:
    project = work / "project"
    measured = run_plugin(casparian, project, "batches", source)
    expect(measured, "rows", rows)
    shutil.rmtree(project)
    return measured.seconds
