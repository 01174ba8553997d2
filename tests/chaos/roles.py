"""The processes: Sentinel, scout and workers of one project, and the guests of the workers."""

import os
import signal
import subprocess
from pathlib import Path


class Role:
    """A process that is started again after each death."""

    def __init__(self, name: str, command: list, environment: dict, log: Path) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = log
        self.process: subprocess.Popen | None = None
        self.is_stopped = False

    def start(self) -> None:
        if self.is_running():
            return
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.is_stopped = False

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.is_stopped = False

    def stop(self) -> None:
        if self.is_running():
            self.process.send_signal(signal.SIGSTOP)
            self.is_stopped = True

    def wake(self) -> None:
        if self.is_stopped and self.is_running():
            self.process.send_signal(signal.SIGCONT)
        self.is_stopped = False

    def guests(self) -> list:
        return children(self.process.pid) if self.is_running() else []


def children(parent: int) -> list:
    """Children of all threads, oldest first."""
    found = set()
    try:
        for task in os.listdir(f"/proc/{parent}/task"):
            text = Path(f"/proc/{parent}/task/{task}/children").read_text()
            found.update(int(pid) for pid in text.split())
    except OSError:
        # It has ended meanwhile.
        pass
    return sorted(found)


def send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        # It has ended meanwhile.
        pass


def processes_below(directory: Path) -> list:
    """Command lines of live processes that mention the directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(os.fsencode(directory) in word for word in words):
            found.append((int(entry.name), b" ".join(words).decode(errors="replace")))
    return found
