"""What one job publishes: checked topics, buffered rows, and the counts that the host compares with what it received."""

import threading
from typing import Any, Dict, Iterator, Optional, Tuple

from casparian_flow.convert import Piece, pieces
from casparian_flow.errors import DataError, UndeclaredTopicError
from casparian_flow.frames import BATCH, Channel
from casparian_flow.rows import RowBuffer


class Output:
    """Belongs to one job: what is left of a handler after its job (a thread, a reference) cannot write into the next one."""

    def __init__(self, topics: Tuple[str, ...], channel: Channel) -> None:
        self._topics = topics
        self._channel = channel
        self._lock = threading.RLock()
        self._rows: Dict[str, int] = {}
        self._buffers: Dict[str, RowBuffer] = {}
        self._open = True
        self._broken: Optional[BaseException] = None

    def publish(self, topic: str, data: Any) -> None:
        if topic not in self._topics:
            raise UndeclaredTopicError(topic, self._topics)
        self._rows.setdefault(topic, 0)
        self._put(topic, data, ignore_none=False)

    def publish_result(self, data: Any) -> None:
        """What `execute` returned or yields: for the first topic. Nothing is fine, also where there is no topic."""
        if data is None:
            return
        if self._topics:
            self._rows.setdefault(self._topics[0], 0)
            self._put(self._topics[0], data, ignore_none=True)
        elif next(pieces(data, ignore_none=True), None) is not None:
            raise UndeclaredTopicError("output", ())

    def finish(self) -> Dict[str, int]:
        """Sends what is buffered; the rows per topic. A batch that failed counts, even if the plugin caught the error."""
        with self._lock:
            try:
                if self._broken is not None:
                    raise self._broken
                for topic in list(self._buffers):
                    self._flush(topic)
            finally:
                self.discard()
            return self._rows

    def discard(self) -> None:
        with self._lock:
            self._open = False
            self._buffers.clear()

    def _put(self, topic: str, data: Any, ignore_none: bool) -> None:
        try:
            for piece in self._pieces(data, ignore_none):
                with self._lock:
                    self._put_piece(topic, piece)
        except DataError as error:
            error.topic = error.topic or topic
            raise

    def _pieces(self, data: Any, ignore_none: bool) -> Iterator[Piece]:
        self._check_usable()
        return pieces(data, ignore_none)

    def _put_piece(self, topic: str, piece: Piece) -> None:
        self._check_usable()
        if isinstance(piece, dict):
            buffer = self._buffers.setdefault(topic, RowBuffer())
            buffer.add(piece)
            if buffer.full:
                self._flush(topic)
        else:
            self._flush(topic)  # Rows stay in the order in which they were published.
            self._send(topic, *piece)

    def _flush(self, topic: str) -> None:
        buffer = self._buffers.pop(topic, None)
        if buffer is None:
            return
        try:
            for stream in buffer.streams():
                self._send(topic, *stream)
        except BaseException as error:
            # These rows came with earlier calls. Whoever catches the error of this one must not lose them unseen.
            if isinstance(error, DataError):
                error.topic = error.topic or topic
            self._broken = error
            raise

    def _send(self, topic: str, stream: Any, rows: int) -> None:
        name = topic.encode()
        self._rows[topic] += rows
        self._channel.send(BATCH, len(name).to_bytes(2, "big"), name, stream)

    def _check_usable(self) -> None:
        if self._channel.in_child():
            raise RuntimeError("a forked child cannot publish; hand the rows to the parent")
        if not self._open:
            raise RuntimeError("publish() after the end of its job")
