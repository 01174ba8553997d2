"""Runs a command and tells its time, its processor time, its peak memory and what it printed."""

import glob
import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass


@dataclass
class Measured:
    seconds: float
    cpu_seconds: float
    peak_mb: float
    guest_peak_mb: float
    stdout: str


def run(command: list, env: "dict[str, str] | None" = None) -> Measured:
    """Peak memory is that of the process itself; that of a guest is the largest of its children's and theirs. Processor time is that of all."""
    cpu_before = _cpu_seconds()
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )
    peak_kb, guest_peak_kb = [0], [0]
    watcher = threading.Thread(target=_watch, args=(process, peak_kb, guest_peak_kb))
    watcher.start()
    stdout, _ = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode != 0:
        sys.exit(f"bench: {command} ended with {process.returncode}")
    return Measured(seconds, _cpu_seconds() - cpu_before, peak_kb[0] / 1024, guest_peak_kb[0] / 1024, stdout)


def best(runs: int, command: list) -> Measured:
    return min((run(command) for _ in range(runs)), key=lambda measured: measured.seconds)


def _cpu_seconds() -> float:
    """Of all children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen, peak_kb: list, guest_peak_kb: list) -> None:
    while process.poll() is None:
        peak_kb[0] = max(peak_kb[0], _peak_kb(process.pid))
        guest_peak_kb[0] = max([guest_peak_kb[0], *map(_peak_kb, _descendants(process.pid))])
        time.sleep(0.05)


def _peak_kb(pid: int) -> int:
    """Nothing of a process that is gone."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def _descendants(pid: int) -> list:
    found = []
    for children in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(children) as file:
                pids = [int(child) for child in file.read().split()]
        except OSError:
            continue
        found += [each for child in pids for each in (child, *_descendants(child))]
    return found
