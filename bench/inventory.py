"""The scout's inventory of many files beside `find`."""

import shutil
from pathlib import Path

import measure
import trees
from project import expect
from table import Line, say, timed


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
