"""The guest process: `python guest.py <fd>`, where <fd> is its end of the host's socket. Loads one plugin, runs its jobs."""

import os
import sys

# Found beside this file, whatever else is installed, and never by their bare names: a plugin may have a module `sdk`.
_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if not entry or os.path.abspath(entry) != _HERE]
sys.path.insert(0, os.path.dirname(_HERE))

import copy
import faulthandler
import json
import logging
import socket
from typing import Any, Dict, NoReturn, Optional, Type

from casparian_flow.frames import DONE, ERROR, HELLO, JOB, Channel, Frame, HostGone, ProtocolError
from casparian_flow.loader import installed_packages, load_handler
from casparian_flow.output import Output
from casparian_flow.plugin_log import set_up_log
from casparian_flow.report import job_error, load_error
from casparian_flow.sdk import BasePlugin, Binding, FileEvent, PluginContext, bind
from casparian_flow.surroundings import Surroundings, flush_prints, ignore_interrupts, set_up_prints, stop_timers
from casparian_flow.version import VERSION


class Guest:
    """A loaded plugin, ready for jobs."""

    def __init__(self, channel: Channel, hello: Dict[str, Any], handler: Type[BasePlugin], log: logging.Logger) -> None:
        self._channel = channel
        self._handler = handler
        self._log = log
        self._name, self._version = str(hello["plugin_name"]), str(hello["plugin_version"])
        self._topics = tuple(dict.fromkeys(hello["topics"]))
        self._config = hello.get("config") or {}
        self._surroundings = Surroundings()

    def run(self, frame: Frame) -> None:
        """One job, to its DONE or ERROR, whatever the plugin does."""
        output = Output(self._topics, self._channel)
        try:
            kind, answer = DONE, {"rows": self._process(json.loads(frame.payload), frame.fd, output)}
        except HostGone:
            raise
        except BaseException as error:
            end_child(self._channel, error)
            kind, answer = ERROR, job_error(error)
        output.discard()
        self._surroundings.restore()
        self._channel.flush()
        self._channel.send_json(kind, answer)

    def _process(self, job: Dict[str, Any], fd: Optional[int], output: Output) -> Any:
        descriptor = _Descriptor(fd)
        try:
            config = copy.deepcopy(self._config)
            handler = self._new_handler(Binding(output.publish, self._log, config))
            handler.configure(self._context(job), config)
            output.publish_result(handler.consume(_event(job, descriptor.lent)))
            end_child(self._channel, None)
            return output.finish()
        finally:
            stop_timers()
            descriptor.close()

    def _new_handler(self, binding: Binding) -> BasePlugin:
        """In two steps, so that __init__ may already log and publish."""
        handler = self._handler.__new__(self._handler)
        bind(handler, binding)
        self._handler.__init__(handler)
        return handler

    def _context(self, job: Dict[str, Any]) -> PluginContext:
        return PluginContext(self._name, self._version, self._topics, job["job_id"])


class _Descriptor:
    """The job's file. The plugin is lent a copy, since it may close it: the number could then be anybody's."""

    def __init__(self, fd: Optional[int]) -> None:
        self._own = fd
        self.lent = None if fd is None else os.dup(fd)

    def close(self) -> None:
        if self._own is None or self.lent is None:
            return
        if _same_file(self._own, self.lent):
            os.close(self.lent)
        os.close(self._own)


def _same_file(one: int, other: int) -> bool:
    try:
        return os.path.samestat(os.fstat(one), os.fstat(other))
    except OSError:
        return False


def _event(job: Dict[str, Any], fd: Optional[int]) -> FileEvent:
    return FileEvent(path=_path(job), file_id=job["file_version_id"], metadata=job.get("metadata") or {}, fd=fd)


def _path(job: Dict[str, Any]) -> str:
    raw = job.get("path_b64")
    if raw is None:
        return job.get("path") or ""
    import base64  # Rare.

    return os.fsdecode(base64.b64decode(raw))


def load(channel: Channel, hello: Dict[str, Any]) -> Optional[Guest]:
    """The guest with its plugin, or None after the host has been told why not."""
    name, source = str(hello["plugin_name"]), str(hello["source_path"])
    sys.argv[:] = [source]
    log = set_up_log(channel, name)
    try:
        handler = load_handler(name, source)
        end_child(channel, None)
    except HostGone:
        raise
    except BaseException as error:
        end_child(channel, error)
        flush_prints()
        channel.flush()
        channel.send_json(ERROR, load_error(error, name))
        return None
    ignore_interrupts()
    flush_prints()
    python = ".".join(map(str, sys.version_info[:3]))
    channel.flush()
    channel.send_json(HELLO, {"sdk": VERSION, "python": python, "packages": installed_packages()})
    return Guest(channel, hello, handler, log)


def end_child(channel: Channel, error: Optional[BaseException]) -> None:
    """Ends a child that the plugin forked and that came back here, as if it were a program of its own. Nothing in the guest itself."""
    if not channel.in_child():
        return
    status = 0 if error is None else 1
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    flush_prints()
    os._exit(status & 0xFF)


def serve(channel: Channel) -> int:
    hello = channel.receive()
    if hello is None:
        return 0
    if hello.kind != HELLO:
        raise ProtocolError(f"the first frame is of kind {hello.kind}, not HELLO")
    guest = load(channel, json.loads(hello.payload))
    if guest is None:
        return 1
    while True:
        frame = channel.receive()
        if frame is None:
            return 0
        if frame.kind != JOB:
            raise ProtocolError(f"a frame of kind {frame.kind} where a JOB was due")
        guest.run(frame)


def main() -> NoReturn:
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    ignore_interrupts()
    set_up_prints()
    faulthandler.enable()
    os.register_at_fork(before=flush_prints, after_in_child=channel.drop)
    try:
        status = serve(channel)
    except HostGone:
        status = 0
    flush_prints()
    # Not sys.exit: a thread that the plugin left running would keep the process alive.
    os._exit(status)


if __name__ == "__main__":
    main()
