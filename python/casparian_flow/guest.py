"""The guest process: loads one plugin, then runs job after job for the host at the other end of a socket."""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import socket
import sys
import traceback
from typing import Any, Dict, List, Optional, Type

if __name__ == "__main__":
    # Started as a file: the package must be importable, and its modules not by their bare names.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from casparian_flow import __version__, convert, frames
from casparian_flow.arrow_ipc import DataError
from casparian_flow.sdk import BasePlugin, Context, FileEvent, UndeclaredTopicError

TRACEBACK_MAX = 16 * 1024
PACKAGES = ("pandas", "polars", "pyarrow", "numpy")


class Guest:
    """What one process knows: its plugin, and the way to the host."""

    def __init__(self, channel: frames.Channel, hello: Dict[str, Any]) -> None:
        self.channel = channel
        self.name: str = hello["plugin_name"]
        self.version: str = hello["plugin_version"]
        self.topics: List[str] = hello["topics"]
        self.config: Dict[str, Any] = hello.get("config") or {}
        self.handler = load(self.name, hello["source_path"])

    def run(self, job: Dict[str, Any], fd: Optional[int]) -> Dict[str, int]:
        """One job; returns the rows by topic."""
        rows: Dict[str, int] = {}

        def publish(topic: str, data: Any) -> None:
            if topic not in self.topics:
                raise UndeclaredTopicError(topic, self.topics)
            rows.setdefault(topic, 0)
            name = topic.encode()
            head = len(name).to_bytes(2, "big") + name
            for stream, count in convert.batches(data):
                self.channel.send(frames.BATCH, head, stream)
                rows[topic] += count

        # A fresh one for each job: nothing of one job reaches the next.
        plugin = self.handler()
        plugin._publish = publish
        context = Context(self.name, self.version, list(self.topics), job["job_id"])
        plugin.configure(context, json.loads(json.dumps(self.config)))
        event = FileEvent(path_of(job), job["file_version_id"], metadata=job.get("metadata") or {}, fd=fd)
        result = plugin.consume(event)
        if result is not None:
            if not self.topics:
                raise UndeclaredTopicError("(what execute returned)", self.topics)
            publish(self.topics[0], result)
        return rows


def path_of(job: Dict[str, Any]) -> str:
    encoded = job.get("path_b64")
    return os.fsdecode(base64.b64decode(encoded)) if encoded else str(job["path"])


def load(name: str, source_path: str) -> Type[BasePlugin]:
    """Imports the plugin from its file, under its own name."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, source_path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source_path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    handler = getattr(module, "Handler", None)
    if not isinstance(handler, type):
        raise ImportError(f"plugin {name} defines no class Handler")
    if not issubclass(handler, BasePlugin):
        raise ImportError(f"class Handler of plugin {name} must derive from casparian_flow.sdk.BasePlugin")
    return handler


class HostLog(logging.Handler):
    """Log records of the plugin, sent to the host."""

    def __init__(self, channel: frames.Channel) -> None:
        super().__init__()
        self.channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)[: frames.PAYLOAD_MAX // 16]
            self.channel.send_json(frames.LOG, {"level": record.levelname.lower(), "message": message})
        except Exception:  # a log line must not fail the job
            self.handleError(record)


def error_of(error: BaseException, loading: bool = False) -> Dict[str, str]:
    """What the host is told of an exception."""
    if loading:
        kind = "load"
    elif isinstance(error, SystemExit):
        kind = "exit"
    elif isinstance(error, MemoryError):
        kind = "memory"
    elif isinstance(error, UndeclaredTopicError):
        kind = "topic"
    elif isinstance(error, (DataError, frames.FrameTooLarge)):
        kind = "data"
    else:
        kind = "plugin"
    return {"class": kind, "message": message_of(error), "traceback": traceback_of(error)}


def message_of(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        code = "" if error.code is None else repr(error.code)
        return f"the plugin called exit({code})"
    try:
        text = str(error)
    except Exception:  # an exception of the plugin's own whose __str__ fails
        text = "(no text)"
    if isinstance(error, ModuleNotFoundError):
        text = f"{text}; install it for {sys.executable}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def traceback_of(error: BaseException) -> str:
    """Without the guest's own frames; the end counts most."""
    frame = error.__traceback__
    while frame is not None and os.path.dirname(os.path.abspath(frame.tb_frame.f_code.co_filename)) == HERE:
        frame = frame.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, frame))
    except Exception:  # see message_of
        text = type(error).__name__
    return text[-TRACEBACK_MAX:]


HERE = os.path.dirname(os.path.abspath(__file__))


def flush() -> None:
    """What a job printed belongs to that job. A plugin may have closed or replaced its streams."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


def serve(channel: frames.Channel, guest: Guest) -> None:
    """Job after job, until the host closes the socket."""
    home = os.getcwd()
    owner = os.getpid()
    while True:
        frame = channel.receive()
        if frame is None:
            return
        kind, payload, fd = frame
        if kind != frames.JOB:
            raise ValueError(f"the host sent a frame of kind {kind}")
        answer = run_job(guest, json.loads(payload), fd)
        if os.getpid() != owner:
            # A child that the plugin forked came back here; only the parent goes on.
            os._exit(0)
        flush()
        if fd is not None:
            os.close(fd)
        os.chdir(home)
        channel.send_json(*answer)


def run_job(guest: Guest, job: Dict[str, Any], fd: Optional[int]) -> Any:
    try:
        return frames.DONE, {"rows": guest.run(job, fd)}
    except BaseException as error:  # whatever a plugin does ends its own job only
        return frames.ERROR, error_of(error)


def main() -> int:
    # Ctrl-C reaches the whole terminal group; the host decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.set_inheritable(False)
    sock.setblocking(True)
    channel = frames.Channel(sock)
    frame = channel.receive()
    if frame is None:
        return 0
    hello = json.loads(frame[1])
    log = logging.getLogger()
    log.addHandler(HostLog(channel))
    log.setLevel(logging.INFO)
    sys.argv = [hello["source_path"]]
    try:
        guest = Guest(channel, hello)
    except BaseException as error:  # a plugin that cannot be loaded, for whatever reason
        flush()
        channel.send_json(frames.ERROR, error_of(error, loading=True))
        return 1
    flush()
    channel.send_json(frames.HELLO, greeting())
    try:
        serve(channel, guest)
    except (EOFError, BrokenPipeError, ConnectionError):
        return 0
    return 0


def greeting() -> Dict[str, Any]:
    found = {name: sys.modules[name] for name in PACKAGES if name in sys.modules}
    packages = {name: str(getattr(module, "__version__", "")) for name, module in found.items()}
    return {"sdk": __version__, "python": sys.version.split()[0], "packages": packages}


if __name__ == "__main__":
    sys.exit(main())
