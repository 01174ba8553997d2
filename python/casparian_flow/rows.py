"""Plain rows (dicts) and columns (lists), on their way to Arrow."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from casparian_flow.arrow_ipc import write_stream
from casparian_flow.cutting import STREAM_BYTES_AIM, Stream, cut
from casparian_flow.foreign import is_foreign
from casparian_flow.names import check_names
from casparian_flow.vectors import check_keys, vector

ROWS_PER_BATCH = 8_192

Row = Dict[str, Any]


class RowBuffer:
    """Rows of one topic, collected until they are worth a batch."""

    def __init__(self) -> None:
        self._rows: List[Row] = []
        self._bytes = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Copies the row: plugins use one dict again and again."""
        copy = dict(row)
        size = 0
        for name, value in row.items():
            kind = type(value)
            if kind is str or kind is bytes:
                size += len(value)
            elif kind not in _PLAIN_SCALARS:
                copy[name], more = _frozen(value)
                size += more
        self._rows.append(copy)
        self._bytes += size + 16 * len(copy)

    @property
    def full(self) -> bool:
        return len(self._rows) >= ROWS_PER_BATCH or self._bytes >= STREAM_BYTES_AIM

    def streams(self) -> Iterator[Stream]:
        names = _names(self._rows)
        columns = [[row.get(name) for row in self._rows] for name in names]
        return column_streams(names, columns, len(self._rows))


_PLAIN_SCALARS = {type(None), bool, int, float, datetime, date, time, timedelta, Decimal}


def _frozen(value: Any) -> Tuple[Any, int]:
    """The value as it is now, whatever the plugin does to it later, and about how many bytes it holds."""
    if isinstance(value, (str, bytes)):
        return value, len(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value), len(value)
    if isinstance(value, dict):
        parts = {name: _frozen(part) for name, part in value.items()}
        return {name: part for name, (part, _) in parts.items()}, sum(size for _, size in parts.values())
    if type(value) in (list, tuple):
        items = [_frozen(item) for item in value]
        return [item for item, _ in items], sum(size for _, size in items)
    if is_foreign(type(value)) and hasattr(value, "nbytes") and hasattr(value, "copy"):
        return value.copy(), value.nbytes
    return value, 16


def _names(rows: Sequence[Row]) -> List[str]:
    """All keys in the order in which they are first seen."""
    names = dict.fromkeys(rows[0])
    first = rows[0].keys()
    for row in rows:
        if row.keys() != first:
            names.update(dict.fromkeys(row))
    return list(names)


def column_streams(names: Sequence[str], columns: Sequence[Sequence[Any]], rows: int) -> Iterator[Stream]:
    """The types are found over all rows, so all streams have the same."""
    check_keys(names)
    check_names(names)
    vectors = [vector(values, name) for name, values in zip(names, columns)]

    def build(start: int, count: int) -> bytes:
        return write_stream(names, [vector.slice(start, count) for vector in vectors], count)

    return cut(rows, build)
