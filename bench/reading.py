"""Files through a SQL plugin, hash, lineage and commit included, beside those who only convert: one large file, and many small ones."""

import shutil
import sys
from pathlib import Path

import measure
import trees
from project import expect, run_plugin
from table import Line, cpu, memory, say, timed

PEER = Path(__file__).resolve().parent / "peers" / "reading.py"
# What takes a second for each ten files is not asked to read ten thousand.
DLT_FILES_MAX = 1000


def peer(*arguments: object) -> measure.Measured:
    return measure.run([sys.executable, PEER, *arguments])


def large(casparian: list, work: Path, kind: str, megabytes: int) -> list:
    source = work / "data"
    say(f"making {megabytes:,} MB of {kind}")
    source.mkdir(parents=True)
    file = source / f"readings.{kind}"
    trees.readings(file, megabytes)
    say(f"{kind} by SQL")
    peers = {name: peer(name, kind, file, work / f"{name}.parquet") for name in ("duckdb", "polars")}
    ours = run_plugin(casparian, work / "project", kind, source)
    expect(ours, "jobs_completed", 1)
    faster = min(peers, key=lambda name: peers[name].seconds)
    leaner = min(peers, key=lambda name: peers[name].cpu_seconds)
    lines = [
        timed(f"{megabytes:,} MB of {kind}, SQL plugin", ours, peers[faster], f"{faster}, conversion alone", "<= 1.2"),
        cpu(ours, peers[leaner], leaner, "<= 1.0"),
        memory(ours, "< 300 MB"),
        *(Line(f"... peak memory of {name}", "", f"{of.peak_mb:,.0f} MB", "", "") for name, of in peers.items()),
    ]
    if kind == "csv":
        lines.append(question(casparian, work))
    shutil.rmtree(work)
    return lines


def question(casparian: list, work: Path) -> Line:
    """Over what the run left."""
    text = "SELECT station, count(*) AS n, avg(pressure) AS p FROM readings WHERE day >= DATE '2010-01-01' GROUP BY station ORDER BY station"
    lake = work / "project" / "lake" / "readings" / "*.parquet"
    theirs = peer("duckdb", "sql", lake, text)
    ours = measure.run([*casparian, "--project", work / "project", "sql", text, "--format", "csv"])
    return timed("... a question to it, casparian sql", ours, theirs, "duckdb, with its start", "")


def small(casparian: list, work: Path, files: int) -> list:
    source = work / "data"
    say(f"making {files:,} CSV files of 1 KB")
    source.mkdir(parents=True)
    trees.csv_files(source, files)
    say("small files by SQL")
    duckdb = peer("duckdb", "glob", source, work / "glob.parquet")
    ours = run_plugin(casparian, work / "project", "csv", source)
    expect(ours, "jobs_completed", files)
    few = min(files, DLT_FILES_MAX)
    trees.csv_files(work / "few", few)
    dlt = peer("dlt", "glob", work / "few", work / "dlt")
    rate, dlt_rate = files / ours.seconds, few / dlt.seconds
    lines = [
        timed(f"{files:,} CSV files of 1 KB, SQL plugin", ours, duckdb, "duckdb, glob to one file", "< 1.0"),
        cpu(ours, duckdb, "duckdb", ""),
        Line("... files a second", f"{rate:,.0f}", f"{dlt_rate:,.0f} (dlt filesystem)", f"{rate / dlt_rate:.1f} x", ">= 4,000 and 10 x"),
        memory(ours, ""),
    ]
    shutil.rmtree(work)
    return lines
