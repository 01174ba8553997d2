"""A host for guests: starts one as the real host does, over a socket pair."""

import array
import base64
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest

from casparian_flow import frames

GUEST = Path(frames.__file__).parent / "guest.py"


class Host:
    def __init__(self, source, topics, config=None, tmp_path=None, environment=None):
        self.path = tmp_path / "my_plugin.py"
        self.path.write_text(source)
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(30)
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(GUEST), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment,
        )
        theirs.close()
        hello = {
            "plugin_name": "my_plugin",
            "plugin_version": "0" * 64,
            "source_path": str(self.path),
            "topics": topics,
            "config": config or {},
        }
        self.send(frames.HELLO, hello)
        self.hello = self.receive()

    def send(self, kind, payload, fds=()):
        raw = json.dumps(payload).encode()
        header = frames.HEADER.pack(kind, len(raw))
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.sock.sendmsg([header], ancillary)
        self.sock.sendall(raw)

    def receive(self):
        header = self._exactly(frames.HEADER.size)
        kind, size = frames.HEADER.unpack(header)
        payload = self._exactly(size)
        return kind, payload if kind == frames.BATCH else json.loads(payload)

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.sock.recv(size - len(data))
            if not part:
                raise EOFError(self.process.stderr.read().decode())
            data += part
        return data

    def job(self, path, job_id=1, not_utf8=False):
        """Rows by topic, log lines, and the frame that ended the job."""
        fd = os.open(path, os.O_RDONLY)
        raw = os.fsencode(path)
        name = {"path": None, "path_b64": base64.b64encode(raw).decode()}
        if not_utf8 is False:
            name = {"path": os.fsdecode(path), "path_b64": None}
        self.send(frames.JOB, {"job_id": job_id, "file_version_id": 7, **name}, [fd])
        os.close(fd)
        tables, logs = {}, []
        while True:
            kind, payload = self.receive()
            if kind == frames.BATCH:
                size = int.from_bytes(payload[:2], "big")
                topic = payload[2 : 2 + size].decode()
                tables.setdefault(topic, []).append(pyarrow.ipc.open_stream(payload[2 + size :]).read_all())
            elif kind == frames.LOG:
                logs.append(payload["message"])
            else:
                return tables, logs, (kind, payload)

    def close(self):
        if self.process.stdout.closed:
            return None
        self.sock.close()
        self.process.wait(30)
        output = self.process.stdout.read(), self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return output


@pytest.fixture
def start(tmp_path):
    hosts = []

    def start(source, topics=("out",), **options):
        hosts.append(Host(source, list(topics), tmp_path=tmp_path, **options))
        return hosts[-1]

    yield start
    for host in hosts:
        host.process.kill()
        host.close()


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    return path
