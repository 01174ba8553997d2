"""Whether everything is in the topics exactly once, by the files themselves, by the catalog and by `verify`."""

import time
from collections import Counter

import pyarrow.parquet as parquet

from files import Files
from project import Project


def settle(project: Project, files: Files, timeout_s: float) -> list:
    """Waits until nothing waits; what is wrong then."""
    until = time.monotonic() + timeout_s
    while True:
        _, status = project.ask("status")
        busy = what_is_busy(status, files)
        if not busy:
            return []
        if time.monotonic() > until:
            return [f"not settled after {timeout_s:.0f} s: {busy}", f"status: {status}"]
        time.sleep(0.5)


def what_is_busy(status: dict, files: Files) -> dict:
    if "waiting" not in status:
        return status
    busy = {name: count for name, count in status["waiting"].items() if count}
    if status["files_unhashed"]:
        busy["files_unhashed"] = status["files_unhashed"]
    if status["files"] != len(files.contents):
        busy["files"] = f"{status['files']} of {len(files.contents)}"
    return busy


def judge(project: Project, files: Files) -> list:
    """Everything that is not as it has to be."""
    expected = files.expected()
    wrong = []
    by_topic = {"rows": expected, "files": Counter(dict.fromkeys(expected, 1))}
    code, topics = project.ask("topics")
    counted = {topic["topic"]: topic["rows"] for topic in topics.get("topics", [])}
    for topic, wanted in by_topic.items():
        wrong += differences(topic, read(project, topic), wanted)
        if counted.get(topic) != wanted.total():
            wrong.append(f"{topic}: the catalog has {counted.get(topic)} rows of {wanted.total()} ({code})")
    code, status = project.ask("status")
    stuck = {state: count for state, count in status["jobs"].items() if count and state not in ENDED}
    if stuck:
        wrong.append(f"jobs are not completed: {stuck}")
    wrong += [f"left in staging: {path}" for path in project.staged()]
    code, proof = project.ask("verify")
    if code != 0:
        wrong.append(f"verify ends with {code}: {proof}")
    return wrong


ENDED = {"COMPLETED", "SKIPPED", "SUPERSEDED"}


def read(project: Project, topic: str) -> Counter:
    """As an outside reader does: every file of the directory."""
    found = Counter()
    for path in (project.root / "lake" / topic).glob("*.parquet"):
        found.update(parquet.read_table(path, columns=["content"]).column("content").to_pylist())
    return found


def differences(topic: str, found: Counter, wanted: Counter) -> list:
    missing, surplus = wanted - found, found - wanted
    wrong = []
    for name, some in (("missing", missing), ("too many", surplus)):
        if some:
            shown = dict(sorted(some.items())[:10])
            wrong.append(f"{topic}: {some.total()} rows {name}, by content: {shown}")
    return wrong
