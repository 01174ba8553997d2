"""The host's side, as the Rust host plays it: starts the real guest over a real socket pair and collects what it sends."""

import array
import base64
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

PACKAGE = Path(__file__).parent.parent / "casparian_flow"
HELLO, JOB, BATCH, LOG, QUARANTINE, DONE, ERROR = range(1, 8)
# Another interpreter for the guests, e.g. an older one without any package.
PYTHON = os.environ.get("CASPARIAN_GUEST_PYTHON", sys.executable)


def has_package(name):
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    return PYTHON == sys.executable or subprocess.run([PYTHON, "-c", code]).returncode == 0


@dataclass
class Answer:
    """All frames of one job."""

    done: dict = None
    error: dict = None
    logs: list = field(default_factory=list)
    streams: list = field(default_factory=list)

    @property
    def rows(self):
        assert self.error is None, self.error
        return self.done["rows"]

    def tables(self, topic):
        return [pa.ipc.open_stream(stream).read_all() for name, stream in self.streams if name == topic]

    def table(self, topic="out"):
        tables = self.tables(topic)
        assert tables, f"no batch for {topic}"
        return pa.concat_tables(tables)

    def values(self, topic="out"):
        return [row for table in self.tables(topic) for row in table.to_pylist()]


class Host:
    def __init__(self, source, topics=("out",), config=None, name="plugin_under_test", without=(), python=PYTHON):
        self.folder = tempfile.TemporaryDirectory()
        self.directory = Path(self.folder.name)
        self.source = self.directory / f"{name}.py"
        self.source.write_text(textwrap.dedent(source))
        self.socket, theirs = socket.socketpair()
        self.output = open(self.directory / "stdout", "w+b")
        self.errors = open(self.directory / "stderr", "w+b")
        (self.directory / "cwd").mkdir()
        self.process = subprocess.Popen(
            [python, "-B", str(PACKAGE / "guest.py"), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.errors,
            cwd=self.directory / "cwd",
            env=self._environment(without),
        )
        theirs.close()
        self.jobs = 0
        hello = {"plugin_name": name, "plugin_version": "abc", "source_path": str(self.source)}
        self.send(HELLO, {**hello, "topics": list(topics), "config": config or {}})

    def _environment(self, without):
        """Empty, as plugins get it; or with libraries made impossible to import."""
        if not without:
            return {}
        (self.directory / "block").mkdir()
        lines = ["import sys", *(f"sys.modules[{name!r}] = None" for name in without)]
        (self.directory / "block" / "sitecustomize.py").write_text("\n".join(lines))
        return {"PYTHONPATH": str(self.directory / "block")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()
        self.errors.close()
        self.folder.cleanup()

    def send(self, kind, message, fd=None):
        payload = json.dumps(message).encode()
        frame = struct.pack(">BI", kind, len(payload)) + payload
        if fd is None:
            self.socket.sendall(frame)
        else:
            fds = array.array("i", [fd])
            self.socket.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])

    def receive(self):
        head = self._exactly(5)
        if head is None:
            return None, None
        kind, length = struct.unpack(">BI", head)
        return kind, self._exactly(length)

    def _exactly(self, length):
        data = bytearray()
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            if not part:
                return None
            data += part
        return bytes(data)

    def hello(self):
        kind, payload = self.receive()
        assert kind in (HELLO, ERROR), kind
        return json.loads(payload)

    def ready(self):
        answer = self.hello()
        assert "sdk" in answer, answer
        return self

    def send_job(self, path="/dev/null", fd=None, path_b64=None, metadata=None):
        self.jobs += 1
        job = {"job_id": self.jobs, "file_version_id": 1000 + self.jobs, "path": path, "path_b64": path_b64}
        self.send(JOB, {**job, "metadata": metadata or {}}, fd)

    def answer(self):
        answer = Answer()
        while True:
            kind, payload = self.receive()
            if kind == BATCH:
                length = int.from_bytes(payload[:2], "big")
                answer.streams.append((payload[2 : 2 + length].decode(), payload[2 + length :]))
            elif kind == LOG:
                answer.logs.append(json.loads(payload))
            elif kind == DONE:
                answer.done = json.loads(payload)
                self._check_counts(answer)
                return answer
            elif kind == ERROR:
                answer.error = json.loads(payload)
                return answer
            else:
                raise AssertionError(f"frame of kind {kind}; stderr: {self.stderr()}")

    @staticmethod
    def _check_counts(answer):
        counted = dict.fromkeys(answer.done["rows"], 0)
        for topic, stream in answer.streams:
            batches = list(pa.ipc.open_stream(stream))
            assert batches, "a stream has at least one record batch"
            counted[topic] += sum(batch.num_rows for batch in batches)
        assert counted == answer.done["rows"]

    def job(self, *args, **kwargs):
        self.send_job(*args, **kwargs)
        return self.answer()

    def job_for(self, file, **kwargs):
        """With the open descriptor, as the real host does."""
        fd = os.open(file, os.O_RDONLY)
        try:
            path = os.fsencode(file)
            self.send_job(None, fd, base64.b64encode(path).decode(), **kwargs)
        finally:
            os.close(fd)
        return self.answer()

    def stdout(self):
        return (self.directory / "stdout").read_text()

    def stderr(self):
        return (self.directory / "stderr").read_text()


def handler(body, parameters="self, path", method="execute", imports=""):
    """The source of a plugin whose handler has one method with this body."""
    head = f"{textwrap.dedent(imports)}\nfrom casparian_flow.sdk import BasePlugin\n\n\nclass Handler(BasePlugin):\n"
    return head + f"    def {method}({parameters}):\n" + textwrap.indent(textwrap.dedent(body).strip(), " " * 8) + "\n"


def run(source, *args, **kwargs):
    """One job of a new guest."""
    with Host(source, *args, **kwargs) as host:
        return host.ready().job()
