"""Many CSV files of 1 KB through a warm Python plugin, beside the plugin's own loop. Jobs share files, as by default, and do not."""

import shutil
import sys
from pathlib import Path

import measure
import trees
from project import expect, run_plugin
from table import Line, say, timed

PEER = Path(__file__).resolve().parent / "peers" / "small_files.py"
ONE_SLOT = {"CASPARIAN_WORKER_SLOTS": "1"}


def small_files(casparian: list, work: Path, files: int) -> list:
    source, output = work / "data", work / "output"
    say(f"making {files:,} CSV files of 1 KB")
    source.mkdir(parents=True)
    output.mkdir()
    trees.csv_files(source, files)
    say("small files")
    peer = measure.run([sys.executable, PEER, source, output])
    ours = run_plugin(casparian, work / "project", "small", source)
    expect(ours, "jobs_completed", files)
    rate = f"{files / ours.seconds:,.0f} files/s"
    lines = [
        timed(f"{files:,} CSV files of 1 KB, polars plugin ({rate})", ours, peer, "polars loop, no fsync", ""),
        Line("... files in the topic", f"{len(list(work.glob('project/lake/small/*.parquet'))):,}", "", "", ""),
        beyond_own_time(casparian, work, source, True, files),
        beyond_own_time(casparian, work, source, False, files),
    ]
    shutil.rmtree(work)
    return lines


def beyond_own_time(casparian: list, work: Path, source: Path, packs: bool, files: int) -> Line:
    """The plugin's own time is taken right before, for the machine may be busier than a minute ago."""
    reading = measure.run([sys.executable, PEER, source])
    env = {**ONE_SLOT, "CASPARIAN_WORKER_PACKS": "true" if packs else "false"}
    ours = run_plugin(casparian, work / f"packs-{packs}", "small", source, env)
    expect(ours, "jobs_completed", files)
    beyond = (ours.seconds - reading.seconds) * 1000 / files
    sharing = "shared files" if packs else "a file each"
    own = f"{reading.seconds * 1000 / files:.2f} ms (plugin's own)"
    return Line(f"... one slot, {sharing}, beyond the plugin's own time", f"{beyond:.2f} ms a file", own, "", "<= 2 ms a file" if packs else "")
