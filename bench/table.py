"""The table of ratios: a line for each work that was measured."""

import os
import sys
from dataclasses import dataclass

import measure


@dataclass
class Line:
    work: str
    ours: str
    peer: str
    ratio: str
    target: str


def timed(work: str, ours: measure.Measured, peer: measure.Measured, name: str, target: str) -> Line:
    return compared(work, ours.seconds, peer.seconds, name, target)


def compared(work: str, ours: float, peer: float, name: str, target: str) -> Line:
    return Line(work, f"{ours:.2f} s", f"{peer:.2f} s ({name})", f"{ours / peer:.2f}", target)


def cpu(ours: measure.Measured, peer: measure.Measured, name: str, target: str) -> Line:
    ratio = f"{ours.cpu_seconds / peer.cpu_seconds:.2f}"
    return Line("... seconds of the processors", f"{ours.cpu_seconds:.2f} s", f"{peer.cpu_seconds:.2f} s ({name})", ratio, target)


def memory(ours: measure.Measured, target: str) -> Line:
    guest = f" (guest {ours.guest_peak_mb:.0f} MB)" if ours.guest_peak_mb else ""
    return Line("... peak memory of Sentinel and worker", f"{ours.peak_mb:.0f} MB{guest}", "", "", target)


def show(lines: list) -> None:
    rows = [Line("work", "ours", "peer", "ratio", "target"), *lines]
    cells = [[row.work, row.ours, row.peer, row.ratio, row.target] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    print(f"\n{os.cpu_count()} cores")
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print(flush=True)


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
