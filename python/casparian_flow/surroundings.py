"""What a plugin may change about its process, put back after each job, so that no job finds the traces of another."""

import os
import signal
import stat
import sys
from typing import Any, Dict, List


class Surroundings:
    """Taken once, when the plugin is loaded."""

    def __init__(self) -> None:
        self._argv = list(sys.argv)
        self._streams = (sys.stdout, sys.stderr)
        self._output_fds = {fd: os.dup(fd) for fd in (1, 2) if _identity(fd) is not None}
        self._directory = os.getcwd()
        self._handlers = _signal_handlers()

    def restore(self) -> None:
        stop_timers()
        self._restore_signals()
        flush_prints()
        self._restore_output()
        flush_prints()
        sys.argv[:] = self._argv
        os.makedirs(self._directory, exist_ok=True)  # A plugin that cleans up may have removed it.
        os.chdir(self._directory)

    def _restore_signals(self) -> None:
        for number, handler in _signal_handlers().items():
            before = self._handlers.get(number)
            if handler is not before and before is not None:
                signal.signal(number, before)

    def _restore_output(self) -> None:
        for fd, saved in self._output_fds.items():
            if _identity(fd) != _identity(saved):
                os.dup2(saved, fd)
        sys.stdout, sys.stderr = (
            _reopened(fd) if stream is None or stream.closed else stream
            for fd, stream in zip((1, 2), self._streams)
        )
        self._streams = (sys.stdout, sys.stderr)


def stop_timers() -> None:
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)


def ignore_interrupts() -> None:
    """Ctrl-C reaches the whole terminal group; the host alone decides what becomes of the job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def set_up_prints() -> None:
    """Whole lines leave at once, so that the last words before a crash are kept; no text is unprintable."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]


def flush_prints() -> None:
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except Exception:  # The plugin closed it, removed it, or put something of its own there.
            pass


def _signal_handlers() -> Dict[int, Any]:
    return {number: signal.getsignal(number) for number in _SIGNALS}


_SIGNALS: List[int] = [number for number in signal.valid_signals() if number not in (signal.SIGKILL, signal.SIGSTOP)]


def _identity(fd: int) -> Any:
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return (status.st_dev, status.st_ino, stat.S_IFMT(status.st_mode))


def _reopened(fd: int) -> Any:
    try:
        return open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    except OSError:
        return None
