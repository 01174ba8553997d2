"""Kills and pauses the processes of a cluster while files come, change and go; then every row has to be there once.

The seed decides all that is done. A failure prints it, and leaves the project's directory with its logs.
"""

import argparse
import heapq
import random
import signal
import sys
import time
from pathlib import Path

import lives
from files import Files
from project import Project
from roles import processes_below, send
from schedule import Fault, faults
from verdict import judge, settle


class Cluster:
    def __init__(self, project: Project, workers: int) -> None:
        self.roles = {"sentinel": project.role("sentinel", ["sentinel"])}
        self.roles["scout"] = project.role("scout", ["scout"])
        for number in range(workers):
            name = f"worker-{number}"
            self.roles[name] = project.role(name, ["worker", "--slots", "2"])
        self.paused_guests: set = set()

    def start(self) -> None:
        for role in self.roles.values():
            role.start()

    def strike(self, fault: Fault):
        """What undoes it, or None."""
        role = self.roles[fault.target]
        if fault.kind == "kill":
            role.kill()
            return role.start
        if fault.kind == "pause":
            role.stop()
            return role.wake
        if fault.kind == "sleep":
            return self._sleep()
        guests = role.guests()
        if not guests:
            return None
        guest = guests[int(fault.pick * len(guests))]
        if fault.kind == "kill guest":
            send(guest, signal.SIGKILL)
            return None
        send(guest, signal.SIGSTOP)
        self.paused_guests.add(guest)
        return lambda: self._wake_guest(guest)

    def _sleep(self):
        for role in self.roles.values():
            role.stop()
        return self._wake_all

    def _wake_all(self) -> None:
        for role in self.roles.values():
            role.wake()

    def _wake_guest(self, guest: int) -> None:
        self.paused_guests.discard(guest)
        send(guest, signal.SIGCONT)

    def heal(self) -> None:
        self._wake_all()
        for guest in list(self.paused_guests):
            self._wake_guest(guest)
        self.start()

    def end(self) -> list:
        """All stop in order; what is still alive then."""
        for role in reversed(self.roles.values()):
            if role.is_running():
                role.process.send_signal(signal.SIGTERM)
        wrong = []
        for role in self.roles.values():
            try:
                role.process.wait(30)
            except Exception:
                wrong.append(f"{role.name} does not end when it is told to")
                role.kill()
        return wrong


def disturb(cluster: Cluster, files: Files, plan: list, seconds: float, changes_per_s: float) -> None:
    began = time.monotonic()
    queue = [(fault.at_s, number, fault) for number, fault in enumerate(plan)]
    changes = int(seconds * changes_per_s)
    queue += [(n / changes_per_s, len(plan) + n, files.change) for n in range(changes)]
    heapq.heapify(queue)
    serial = len(queue)
    while queue:
        at_s, _, what = heapq.heappop(queue)
        time.sleep(max(0.0, began + at_s - time.monotonic()))
        if not isinstance(what, Fault):
            what()
            continue
        undo = cluster.strike(what)
        if undo is not None:
            serial += 1
            heapq.heappush(queue, (at_s + what.for_s, serial, undo))


def run(arguments: argparse.Namespace, root: Path) -> list:
    rng = random.Random(arguments.seed)
    project = Project(root, arguments.casparian.resolve(), arguments.lease, arguments.catalog)
    files = Files(root / "data", random.Random(rng.random()))
    files.create(arguments.files)
    plan = faults(rng, arguments.seconds, arguments.every, arguments.workers, arguments.lease)
    cluster = Cluster(project, arguments.workers)
    try:
        cluster.start()
        disturb(cluster, files, plan, arguments.seconds, arguments.changes)
        cluster.heal()
        wrong = settle(project, files, arguments.patience)
        wrong += judge(project, files) if not wrong else []
        wrong += cluster.end()
    finally:
        for role in cluster.roles.values():
            role.kill()
    wrong += [f"still alive: {one}" for one in processes_below(root)]
    rows = files.expected().total()
    print(f"{len(files.contents)} files, {rows} rows, {len(files.rows)} contents, {len(plan)} faults", flush=True)
    return wrong


def main() -> int:
    parser = lives.parser(__doc__)
    parser.add_argument("--files", type=int, default=300, help="files at the beginning")
    parser.add_argument("--changes", type=float, default=20, help="changes of files in a second")
    parser.add_argument("--seconds", type=float, default=8, help="how long faults go on")
    parser.add_argument("--every", type=float, default=0.3, help="seconds from fault to fault, on average")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lease", type=float, default=2.0, help="seconds")
    parser.add_argument("--patience", type=float, default=240, help="seconds until all must be settled")
    return lives.live(parser.parse_args(), "chaos", run)


if __name__ == "__main__":
    sys.exit(main())
