"""Frames between host and guest: one byte of kind, four of length (big-endian), then the payload."""

from __future__ import annotations

import array
import json
import os
import socket
import struct
import threading
from typing import Any, Dict, Optional, Tuple

HELLO, JOB, BATCH, LOG, QUARANTINE, DONE, ERROR = range(1, 8)

HEADER = struct.Struct("!BI")
PAYLOAD_MAX = 64 * 1024 * 1024


class FrameTooLarge(ValueError):
    """A single row, or a log message, is larger than a frame may be."""


class Channel:
    """The guest's end of the socket pair. Writing is safe from several threads."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def send(self, kind: int, *parts: Any) -> None:
        size = sum(len(part) for part in parts)
        if size > PAYLOAD_MAX:
            raise FrameTooLarge(f"{size} bytes at once; at most {PAYLOAD_MAX} can be sent")
        if os.getpid() != self._owner:
            # A child that the plugin forked must not speak for the guest.
            return
        with self._lock:
            self._sock.sendall(HEADER.pack(kind, size))
            for part in parts:
                self._sock.sendall(part)

    def send_json(self, kind: int, payload: Dict[str, Any]) -> None:
        self.send(kind, json.dumps(payload).encode("utf-8", "backslashreplace"))

    def receive(self) -> Optional[Tuple[int, bytes, Optional[int]]]:
        """Kind, payload and the descriptor that came with it; None at the end."""
        header, fd = self._receive_header()
        if header is None:
            return None
        kind, size = HEADER.unpack(header)
        return kind, self._receive_exactly(size), fd

    def _receive_header(self) -> Tuple[Optional[bytes], Optional[int]]:
        room = socket.CMSG_SPACE(array.array("i").itemsize)
        data, ancillary, _, _ = self._sock.recvmsg(HEADER.size, room)
        if not data:
            return None, None
        fd = None
        for level, kind, raw in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(raw[: fds.itemsize])
                fd = fds[0]
                os.set_inheritable(fd, False)
        return data + self._receive_exactly(HEADER.size - len(data)), fd

    def _receive_exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._sock.recv(min(size - len(data), 1 << 20))
            if not part:
                raise EOFError("the host is gone")
            data += part
        return bytes(data)
