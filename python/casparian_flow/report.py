"""Exceptions as ERROR messages: a class for the host to decide by, a line and a traceback for the plugin's author."""

import os
import sys
from traceback import StackSummary, TracebackException
from typing import Dict, Optional

from casparian_flow.errors import DataError, UndeclaredTopicError
from casparian_flow.frames import printable
from casparian_flow.loader import LoadError

TRACEBACK_BYTES_MAX = 16 * 1024
MESSAGE_BYTES_MAX = 4 * 1024

_OWN_DIRECTORY = os.path.dirname(os.path.abspath(__file__)) + os.sep

_CLASSES = ((SystemExit, "exit"), (MemoryError, "memory"), (UndeclaredTopicError, "topic"), (DataError, "data"))


def job_error(error: BaseException) -> Dict[str, str]:
    kind = next((name for base, name in _CLASSES if isinstance(error, base)), "plugin")
    return {"class": kind, "message": _message(error), "traceback": _traceback(error)}


def load_error(error: BaseException, plugin_name: str) -> Dict[str, str]:
    message = _message(error)
    if isinstance(error, LoadError):
        message = _text(error)
    elif isinstance(error, ModuleNotFoundError):
        message += f" (needed by plugin {plugin_name}; install it for {sys.executable})"
    elif isinstance(error, ImportError):
        message += f" (needed by plugin {plugin_name})"
    elif isinstance(error, SystemExit):
        message += " while it was loaded"
    return {"class": "load", "message": printable(message), "traceback": _traceback(error)}


def _message(error: BaseException) -> str:
    text = _text(error)
    if isinstance(error, SystemExit):
        code = "" if error.code is None else repr(error.code)
        return _cut(f"the plugin called exit({code})", MESSAGE_BYTES_MAX)
    name = type(error).__qualname__
    return _cut(f"{name}: {text}" if text else name, MESSAGE_BYTES_MAX)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "<its text cannot be made>"


def _traceback(error: BaseException) -> str:
    """Cut in the middle: the first lines say where it began, the last ones what happened."""
    if isinstance(error, LoadError):
        return ""
    try:
        shown = TracebackException.from_exception(error)
        _strip(shown)
        return _cut("".join(shown.format()), TRACEBACK_BYTES_MAX)
    except Exception:  # Out of memory or of stack once more, or an exception that cannot be shown.
        return _message(error)


def _strip(shown: Optional[TracebackException]) -> None:
    """Leaves the plugin's frames and those of the libraries it calls."""
    while shown is not None:
        shown.stack = StackSummary.from_list([frame for frame in shown.stack if not _is_own(frame.filename)])
        for part in getattr(shown, "exceptions", None) or ():
            _strip(part)
        _strip(shown.__cause__)
        shown = shown.__context__


def _is_own(filename: str) -> bool:
    return filename.startswith((_OWN_DIRECTORY, "<frozen importlib"))


def _cut(text: str, bytes_max: int) -> str:
    data = printable(text).encode()
    if len(data) <= bytes_max:
        return data.decode()
    mark = b"\n[...]\n"
    head = bytes_max // 4
    tail = bytes_max - head - len(mark)
    return (data[:head] + mark + data[-tail:]).decode("utf-8", "ignore")
