"""Columns of plain Python values as Arrow IPC streams, for interpreters without pyarrow. Types are those that pyarrow would choose."""

from __future__ import annotations

import datetime
import decimal
import struct
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from casparian_flow import flatbuffer as fb

ROWS_MAX = 8_192
INT64 = range(-(2**63), 2**63)
# Whole numbers beyond this are not exact as 64-bit floats.
EXACT_FLOAT = 2**53
EPOCH = datetime.datetime(1970, 1, 1)


class Kind(NamedTuple):
    """An Arrow type: its number and table in the schema, and the kinds of its children."""

    name: str
    number: int
    table: fb.Child
    children: Tuple[Tuple[str, "Kind"], ...] = ()
    scale: int = 0


def _kind(name: str, number: int, *fields: fb.Field) -> Kind:
    return Kind(name, number, fb.table(*fields))


NULL = _kind("null", 1)
INT = _kind("int64", 2, (0, "i", 64), (1, "B", 1))
FLOAT = _kind("float64", 3, (0, "h", 2))
BINARY = _kind("binary", 4)
TEXT = _kind("text", 5)
BOOL = _kind("bool", 6)
DATE = _kind("date", 8, (0, "h", 0))
TIME = _kind("time", 9, (0, "h", 2), (1, "i", 64))


def _timestamp(zone: Optional[str]) -> Kind:
    fields: List[fb.Field] = [(0, "h", 2)]
    if zone is not None:
        fields.append((1, "ref", fb.string(zone)))
    return Kind("timestamp" if zone is None else f"timestamp {zone}", 10, fb.table(*fields))


def _decimal(precision: int, scale: int) -> Kind:
    table = fb.table((0, "i", precision), (1, "i", scale), (2, "i", 128))
    return Kind(f"decimal({precision}, {scale})", 7, table, scale=scale)


class DataError(ValueError):
    """What was published cannot be stored."""


def check_mixed(name: str, values: Sequence[Any]) -> None:
    """Refuses what pyarrow would cast without a word: whole numbers that are not exact as floats, booleans among numbers."""
    types = {type(value) for value in values}
    if float in types and int in types:
        for value in values:
            if type(value) is int and abs(value) > EXACT_FLOAT:
                raise _error(name, f"{value} is not exact as a float, and the column has floats")


def _error(name: str, what: str) -> DataError:
    return DataError(f"column '{name}': {what}")


def streams(columns: Dict[str, List[Any]]) -> Iterator[Tuple[bytes, int]]:
    """IPC streams of at most `ROWS_MAX` rows each, and their numbers of rows."""
    rows = len(next(iter(columns.values()), []))
    kinds = {name: infer(name, values) for name, values in columns.items()}
    for start in range(0, max(rows, 1), ROWS_MAX):
        part = {name: values[start : start + ROWS_MAX] for name, values in columns.items()}
        count = min(ROWS_MAX, rows - start)
        yield b"".join((_schema(kinds), _batch(kinds, part, count), _message(b""))), count


def infer(name: str, values: Sequence[Any]) -> Kind:
    """The one type of a column; what has none is an error that names two of its types."""
    present = [value for value in values if value is not None]
    if not present:
        return NULL
    types = {type(value) for value in present}
    if all(issubclass(cls, bool) for cls in types):
        return BOOL
    if bool not in types and all(issubclass(cls, int) for cls in types):
        return _infer_int(name, present)
    if bool not in types and all(issubclass(cls, (int, float)) for cls in types):
        check_mixed(name, present)
        return FLOAT
    for accepted, kind_of in _KINDS:
        if all(_is(cls, accepted) for cls in types):
            return kind_of(name, present)
    names = sorted(cls.__name__ for cls in types)
    if len(names) == 1:
        raise _error(name, f"values of type {names[0]} cannot be stored")
    raise _error(name, f"holds both {names[0]} and {names[1]}; give it one type")


def _is(cls: type, accepted: Tuple[type, ...]) -> bool:
    # A datetime is a date too, but not the other way round.
    if accepted == (datetime.date,):
        return issubclass(cls, datetime.date) and not issubclass(cls, datetime.datetime)
    return issubclass(cls, accepted)


def _infer_int(name: str, values: List[int]) -> Kind:
    if all(value in INT64 for value in values):
        return INT
    raise _error(name, "holds whole numbers beyond 64 bits; publish them as text or Decimal")


def _infer_decimal(name: str, values: List[decimal.Decimal]) -> Kind:
    whole, scale = 1, 0
    for value in values:
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise _error(name, f"{value} is not a number that a decimal can hold")
        scale = max(scale, -exponent)
        whole = max(whole, len(digits) + exponent)
    if whole + scale > 38:
        raise _error(name, f"needs {whole + scale} digits; a decimal has at most 38")
    return _decimal(whole + scale, scale)


def _infer_timestamp(name: str, values: List[datetime.datetime]) -> Kind:
    zones = {None if value.tzinfo is None else str(value.tzinfo) for value in values}
    if len(zones) == 1:
        return _timestamp(zones.pop())
    if None in zones:
        raise _error(name, "holds times with and without a zone")
    return _timestamp("UTC")


def _infer_list(name: str, values: List[Sequence[Any]]) -> Kind:
    inner = infer(name, [item for value in values for item in value])
    return Kind(f"list of {inner.name}", 12, fb.table(), (("item", inner),))


def _infer_struct(name: str, values: List[Dict[str, Any]]) -> Kind:
    names: Dict[str, None] = {}
    for value in values:
        names.update(dict.fromkeys(value))
    children = tuple(
        (key, infer(f"{name}.{key}", [value.get(key) for value in values])) for key in names
    )
    return Kind("struct", 13, fb.table(), children)


_KINDS: List[Tuple[Tuple[type, ...], Callable[[str, Any], Kind]]] = [
    ((str,), lambda name, values: TEXT),
    ((bytes, bytearray, memoryview), lambda name, values: BINARY),
    ((datetime.datetime,), _infer_timestamp),
    ((datetime.date,), lambda name, values: DATE),
    ((datetime.time,), lambda name, values: TIME),
    ((decimal.Decimal,), _infer_decimal),
    ((list, tuple), _infer_list),
    ((dict,), _infer_struct),
]


def _message(metadata: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Ii", 0xFFFFFFFF, len(metadata)) + metadata + body


def _envelope(number: int, header: fb.Child, body_size: int) -> bytes:
    return fb.finish(fb.table((0, "h", 4), (1, "B", number), (2, "ref", header), (3, "q", body_size)))


def _field(name: str, kind: Kind) -> fb.Child:
    children = fb.vector([_field(*child) for child in kind.children])
    return fb.table(
        (0, "ref", fb.string(name)),
        (1, "B", 1),
        (2, "B", kind.number),
        (3, "ref", kind.table),
        (5, "ref", children),
    )


def _schema(kinds: Dict[str, Kind]) -> bytes:
    fields = fb.vector([_field(name, kind) for name, kind in kinds.items()])
    return _message(_envelope(1, fb.table((0, "h", 0), (1, "ref", fields)), 0))


class Body:
    """The buffers of a batch, each padded to 8 bytes, and the nodes that describe its columns."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.nodes: List[Tuple[int, int]] = []
        self.buffers: List[Tuple[int, int]] = []

    def add(self, raw: bytes) -> None:
        self.buffers.append((len(self.data), len(raw)))
        self.data.extend(raw)
        self.data.extend(bytes(-len(raw) % 8))


def _batch(kinds: Dict[str, Kind], columns: Dict[str, List[Any]], rows: int) -> bytes:
    body = Body()
    for name, kind in kinds.items():
        _write(body, kind, columns[name])
    header = fb.table(
        (0, "q", rows), (1, "ref", fb.pairs(body.nodes)), (2, "ref", fb.pairs(body.buffers))
    )
    return _message(_envelope(3, header, len(body.data)), bytes(body.data))


def _bits(flags: Sequence[bool]) -> bytes:
    raw = bytearray((len(flags) + 7) // 8)
    for index, flag in enumerate(flags):
        if flag:
            raw[index // 8] |= 1 << (index % 8)
    return bytes(raw)


def _write(body: Body, kind: Kind, values: Sequence[Any]) -> None:
    if kind is NULL:
        body.nodes.append((len(values), len(values)))
        return
    valid = [value is not None for value in values]
    body.nodes.append((len(values), valid.count(False)))
    body.add(_bits(valid))
    if kind.number in (4, 5):
        _write_bytes(body, [_raw(value) for value in values])
    elif kind.number == 12:
        _write_offsets(body, [0 if value is None else len(value) for value in values])
        _write(body, kind.children[0][1], [item for value in values if value for item in value])
    elif kind.number == 13:
        for key, child in kind.children:
            _write(body, child, [None if value is None else value.get(key) for value in values])
    elif kind is BOOL:
        body.add(_bits([bool(value) for value in values]))
    else:
        body.add(_fixed(kind, values))


def _raw(value: Any) -> bytes:
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else bytes(value)


def _write_offsets(body: Body, lengths: Sequence[int]) -> None:
    offsets = [0]
    for length in lengths:
        offsets.append(offsets[-1] + length)
    body.add(struct.pack(f"<{len(offsets)}i", *offsets))


def _write_bytes(body: Body, values: Sequence[bytes]) -> None:
    _write_offsets(body, [len(value) for value in values])
    body.add(b"".join(values))


def _fixed(kind: Kind, values: Sequence[Any]) -> bytes:
    if kind is FLOAT:
        return struct.pack(f"<{len(values)}d", *(0.0 if value is None else value for value in values))
    if kind is DATE:
        days = (0 if value is None else (value - EPOCH.date()).days for value in values)
        return struct.pack(f"<{len(values)}i", *days)
    if kind.number == 7:
        return b"".join(_decimal_bytes(value, kind.scale) for value in values)
    return struct.pack(f"<{len(values)}q", *(_int64(value) for value in values))


def _decimal_bytes(value: Optional[decimal.Decimal], scale: int) -> bytes:
    if value is None:
        return bytes(16)
    sign, digits, exponent = value.as_tuple()
    unscaled = int("".join(map(str, digits))) * 10 ** (int(exponent) + scale)
    signed: int = -unscaled if sign else unscaled
    return signed.to_bytes(16, "little", signed=True)


def _int64(value: Any) -> int:
    """Numbers as they are, times as microseconds."""
    if value is None:
        return 0
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return int((value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    return int(value)
