"""Runs a command and tells its time, its peak memory and what it printed."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass


@dataclass
class Measured:
    seconds: float
    peak_mb: float
    stdout: str


def run(command: list, env: "dict[str, str] | None" = None) -> Measured:
    """Peak memory is that of the process itself, not of its children."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )
    peak_kb = [0]
    watcher = threading.Thread(target=_watch, args=(process, peak_kb))
    watcher.start()
    stdout, _ = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode != 0:
        sys.exit(f"bench: {command} ended with {process.returncode}")
    return Measured(seconds, peak_kb[0] / 1024, stdout)


def best(runs: int, command: list) -> Measured:
    return min((run(command) for _ in range(runs)), key=lambda measured: measured.seconds)


def _watch(process: subprocess.Popen, peak_kb: list) -> None:
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        peak_kb[0] = int(line.split()[1])
        except OSError:
            return
        time.sleep(0.02)
