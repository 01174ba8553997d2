"""A file object over a descriptor that others read too: it keeps a position of its own and never moves the shared one."""

import io
import os
from typing import Any


class DescriptorReader(io.RawIOBase):
    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = os.dup(fd)  # The job's descriptor is closed when the job ends, and its number used again.
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = os.pread(self._fd, len(view), self._position)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: os.fstat(self._fd).st_size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            os.close(self._fd)
        super().close()


def open_descriptor(fd: int) -> io.BufferedReader:
    return io.BufferedReader(DescriptorReader(fd), buffer_size=128 * 1024)
