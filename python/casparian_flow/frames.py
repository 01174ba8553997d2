"""The frames between host and guest: one byte of kind, four of length (big-endian), the payload."""

import array
import json
import os
import socket
import struct
import threading
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

HELLO = 1
JOB = 2
BATCH = 3
LOG = 4
QUARANTINE = 5  # Reserved.
DONE = 6
ERROR = 7

PAYLOAD_BYTES_MAX = 64 * 1024 * 1024

_HEAD = struct.Struct(">BI")
_FDS_MAX = 8
_FLAGS = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

Buffer = Union[bytes, bytearray, memoryview]


class HostGone(BaseException):
    """The host closed its end. Not an Exception, so that no plugin handles it by mistake."""


class ProtocolError(Exception):
    """The host sent what this guest does not understand."""


class Frame(NamedTuple):
    kind: int
    payload: bytes
    fd: Optional[int]


class Channel:
    """The guest's end of the socket. Any thread may send; the first process alone."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        sock.set_inheritable(False)
        self._sock = sock
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._pending: List[Tuple[memoryview, List[int]]] = []
        self._writing = False

    def in_child(self) -> bool:
        return os.getpid() != self._pid

    def drop(self) -> None:
        """For a forked child: the host must see the end of the stream when the guest itself ends."""
        self._sock.close()

    def send_json(self, kind: int, message: Dict[str, Any]) -> None:
        self.send(kind, json.dumps(message, separators=(",", ":")).encode())

    def send(self, kind: int, *parts: Buffer) -> None:
        if self.in_child():
            raise RuntimeError("a forked child cannot send to the host")
        length = sum(len(part) for part in parts)
        with self._lock:
            for part in self._joined(_HEAD.pack(kind, length), parts):
                self._pending.append((memoryview(part), []))
            # A signal handler of the plugin that logs while its own publish is being written: the outer call writes it.
            if not self._writing:
                self._write_pending()

    def flush(self) -> None:
        """Writes what a signal handler's exception left behind. For the main loop, where nothing else is writing."""
        with self._lock:
            self._write_pending()

    @staticmethod
    def _joined(head: bytes, parts: Tuple[Buffer, ...]) -> List[Buffer]:
        """Small frames cost one system call, large ones no copy."""
        if sum(len(part) for part in parts) <= 64 * 1024:
            return [b"".join((head, *parts))]
        return [b"".join((head, *parts[:-1])), parts[-1]]

    def _write_pending(self) -> None:
        """A plugin's signal handler may raise in the middle of this (its own timeout, say). What it has written is noted by C
        code alone, between whose calls no handler runs, so the next call goes on at the right byte."""
        self._writing = True
        try:
            while self._pending:
                data, written = self._pending[0]
                start = sum(written)
                if start == len(data):
                    del self._pending[0]
                else:
                    written.extend(map(self._sock.send, (data[start:],)))
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise HostGone() from gone
        finally:
            self._writing = False

    def receive(self) -> Optional[Frame]:
        """The next frame with the descriptor that came along, or None at the end of the stream."""
        fds: List[int] = []
        head = self._receive_head(fds)
        if head is None:
            return None
        kind, length = _HEAD.unpack(head)
        if length > PAYLOAD_BYTES_MAX:
            raise ProtocolError(f"a frame of {length} bytes; at most {PAYLOAD_BYTES_MAX}")
        payload = self._receive_exactly(length)
        for surplus in fds[1:]:
            os.close(surplus)
        return None if payload is None else Frame(kind, payload, fds[0] if fds else None)

    def _receive_head(self, fds: List[int]) -> Optional[bytes]:
        head = b""
        while len(head) < _HEAD.size:
            try:
                data, ancillary, _, _ = self._sock.recvmsg(
                    _HEAD.size - len(head), socket.CMSG_SPACE(4 * _FDS_MAX), _FLAGS
                )
            except ConnectionResetError:
                return None
            fds.extend(_descriptors(ancillary))
            if not data:
                return None
            head += data
        return head

    def _receive_exactly(self, length: int) -> Optional[bytes]:
        payload = bytearray(length)
        view, filled = memoryview(payload), 0
        while filled < length:
            count = self._sock.recv_into(view[filled:])
            if count == 0:
                return None
            filled += count
        return bytes(payload)


def _descriptors(ancillary: List[Tuple[int, int, bytes]]) -> List[int]:
    fds = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    for fd in fds:
        os.set_inheritable(fd, False)
    return list(fds)


def printable(text: str) -> str:
    """The text without lone surrogates, which Python strings may have and JSON readers refuse."""
    return text.encode("utf-8", "backslashreplace").decode()
