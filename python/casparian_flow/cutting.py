"""Cuts any frame into Arrow IPC streams small enough for the wire and for the memory at both of its ends."""

from typing import Callable, Iterator, Optional, Tuple

from casparian_flow.arrow_ipc import TooLarge
from casparian_flow.errors import DataError
from casparian_flow.frames import PAYLOAD_BYTES_MAX, Buffer

ROWS_MAX = 65_536
STREAM_BYTES_AIM = 8 * 1024 * 1024
# The frame has the topic's name, too.
STREAM_BYTES_MAX = PAYLOAD_BYTES_MAX - 2 - 0xFFFF

Stream = Tuple[Buffer, int]


def cut(rows: int, build: Callable[[int, int], Buffer], bytes_hint: int = 0) -> Iterator[Stream]:
    """Streams of rows [start, start + count) as `build` writes them, with their row counts. No rows: one empty stream, for
    its schema. The size per row is learnt on the way."""
    step, start, aim = _first_step(rows, bytes_hint), 0, STREAM_BYTES_AIM
    before: Optional[int] = None  # The size that was too large, while the same rows are tried again in smaller parts.
    while True:
        count = min(step, rows - start)
        stream = _size_checked(build, start, count)
        size = STREAM_BYTES_MAX + 1 if stream is None else len(stream)
        if size > aim and count > 1:
            if before is None or size < before * 0.7 or size > STREAM_BYTES_MAX:
                before, step = size, max(1, min(count // 2, count * aim // size))
                continue
            # Fewer rows do not help: something else fills the stream, such as a dictionary that goes with each part.
            aim = min(3 * size, STREAM_BYTES_MAX)
        if stream is None or size > STREAM_BYTES_MAX:
            limit = STREAM_BYTES_MAX // 2**20
            raise DataError(f"row {start} alone needs more than {limit} MiB (with its dictionaries, if it has any)")
        yield stream, count
        start, before = start + count, None
        if start >= rows:
            return
        if size < aim // 2:
            step = min(2 * step, ROWS_MAX)


def _first_step(rows: int, bytes_hint: int) -> int:
    if bytes_hint <= STREAM_BYTES_AIM:
        return ROWS_MAX
    return max(1, min(ROWS_MAX, rows * STREAM_BYTES_AIM // bytes_hint))


def _size_checked(build: Callable[[int, int], Buffer], start: int, count: int) -> Optional[Buffer]:
    try:
        return build(start, count)
    except TooLarge:
        return None
