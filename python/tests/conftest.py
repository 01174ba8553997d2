"""Guests for the tests: a warm one per module that publishes any expression, with and without pyarrow; and new ones."""

import base64
import json
import os
from contextlib import ExitStack

import pytest

from host import DONE, ERROR, JOB, Host, has_package

# The expression comes as data, so that hundreds of cases share one guest.
PUBLISHER = """
from casparian_flow.sdk import BasePlugin


class Handler(BasePlugin):
    def consume(self, event):
        names = {}
        exec(event.metadata["setup"], names)
        self.publish("out", eval(event.metadata["data"], names))
"""

SETUP = """
import datetime, decimal, enum, zoneinfo, collections, uuid, array
from datetime import date, time, timedelta, timezone
from decimal import Decimal
"""


class Publisher:
    def __init__(self, host, pyarrow):
        self.host = host
        self.pyarrow = pyarrow

    def __call__(self, data, setup=""):
        return self.host.job(metadata={"setup": SETUP + setup, "data": data})


@pytest.fixture(scope="module", params=["with pyarrow", "without pyarrow"])
def publish(request):
    pyarrow = request.param == "with pyarrow"
    if pyarrow and not has_package("pyarrow"):
        pytest.skip("this interpreter has no pyarrow")
    with Host(PUBLISHER, without=() if pyarrow else ("pyarrow",)) as host:
        yield Publisher(host.ready(), pyarrow)


@pytest.fixture(scope="module")
def publish_with_pyarrow():
    if not has_package("pyarrow"):
        pytest.skip("this interpreter has no pyarrow")
    with Host(PUBLISHER) as host:
        yield Publisher(host.ready(), True)


class Started:
    """A guest in the manner of test_guest.py: a job gives (tables by topic, log messages, (kind, payload) of the last frame)."""

    def __init__(self, host):
        self.host = host
        self.process = host.process
        self.sock = host.socket
        kind, payload = host.receive()
        self.hello = (kind, json.loads(payload))

    def job(self, path, job_id=1, not_utf8=False):
        fd = os.open(path, os.O_RDONLY)
        raw = base64.b64encode(os.fsencode(path)).decode() if not_utf8 else None
        job = {"job_id": job_id, "file_version_id": 7, "path": None if not_utf8 else str(path), "path_b64": raw, "metadata": {}}
        self.host.send(JOB, job, fd)
        os.close(fd)
        answer = self.host.answer()
        tables = {}
        for topic, _ in answer.streams:
            tables.setdefault(topic, answer.tables(topic))
        end = (DONE, answer.done) if answer.error is None else (ERROR, answer.error)
        return tables, [log["message"] for log in answer.logs], end

    def close(self):
        self.sock.close()
        self.process.wait(30)
        return self.host.stdout().encode(), self.host.stderr().encode()


@pytest.fixture
def start():
    with ExitStack() as stack:
        yield lambda source, topics=("out",), config=None: Started(stack.enter_context(Host(source, topics, config, name="my_plugin")))


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("a,b\n1,x\n2,y\n")
    return file
