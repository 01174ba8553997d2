"""Writes vectors as an Arrow IPC stream: a schema, one record batch, the end mark. Needs nothing but Python.

The layout is that of the Arrow columnar format, metadata version 5: github.com/apache/arrow, format/Schema.fbs, Message.fbs.
"""

import struct
from itertools import accumulate
from typing import Any, Callable, Dict, List, Sequence, Tuple

from casparian_flow.flatbuffer import Scalar, Structs, Table, finish
from casparian_flow.vectors import Type, Vector

_METADATA_V5 = 4
_HEADER_SCHEMA, _HEADER_RECORD_BATCH = 1, 3
_MICROSECOND = 2
_CONTINUES = b"\xff\xff\xff\xff"
_END = _CONTINUES + bytes(4)
_OFFSET_MAX = 2**31 - 1


class TooLarge(Exception):
    """A batch with more text or bytes in a column than 32-bit offsets reach."""


def write_stream(names: Sequence[str], vectors: Sequence[Vector], rows: int) -> bytes:
    return b"".join((_schema(names, vectors), _record_batch(vectors, rows), _END))


def _message(header_type: int, header: Table, body_bytes: int) -> bytes:
    slots = (Scalar("h", _METADATA_V5), Scalar("B", header_type), header, Scalar("q", body_bytes))
    metadata = finish(Table(slots))
    metadata += bytes(-len(metadata) % 8)
    return _CONTINUES + struct.pack("<i", len(metadata)) + metadata


def _schema(names: Sequence[str], vectors: Sequence[Vector]) -> bytes:
    fields = [_field(name, vector) for name, vector in zip(names, vectors)]
    return _message(_HEADER_SCHEMA, Table((Scalar("h", 0), fields)), 0)


def _field(name: str, vector: Vector) -> Table:
    names = ("item",) if vector.type.kind == "list" else vector.names
    children = [_field(child_name, child) for child_name, child in zip(names, vector.children)]
    number, slots = _TYPES[vector.type.kind](vector.type)
    return Table((name, Scalar("?", True), Scalar("B", number), Table(slots), None, children))


def _timestamp(type_: Type) -> Tuple[int, Tuple[Any, ...]]:
    return 10, (Scalar("h", _MICROSECOND), type_.zone)


# The number of each type in the union `Type` of Schema.fbs, and the fields of its table.
_TYPES: Dict[str, Callable[[Type], Tuple[int, Tuple[Any, ...]]]] = {
    "null": lambda _: (1, ()),
    "int64": lambda _: (2, (Scalar("i", 64), Scalar("?", True))),
    "float64": lambda _: (3, (Scalar("h", 2),)),
    "binary": lambda _: (4, ()),
    "utf8": lambda _: (5, ()),
    "bool": lambda _: (6, ()),
    "decimal": lambda it: (7, (Scalar("i", it.precision), Scalar("i", it.scale), Scalar("i", 128))),
    "date32": lambda _: (8, (Scalar("h", 0),)),
    "time64": lambda _: (9, (Scalar("h", _MICROSECOND), Scalar("i", 64))),
    "timestamp": _timestamp,
    "list": lambda _: (12, ()),
    "struct": lambda _: (13, ()),
    "duration": lambda _: (18, (Scalar("h", _MICROSECOND),)),
}


def _record_batch(vectors: Sequence[Vector], rows: int) -> bytes:
    nodes: List[Tuple[int, int]] = []
    buffers: List[bytes] = []
    for vector in vectors:
        _lay_out(vector, nodes, buffers)
    places, body_bytes = [], 0
    for index, buffer in enumerate(buffers):
        places.append(struct.pack("<qq", body_bytes, len(buffer)))
        buffers[index] = buffer + bytes(-len(buffer) % 8)
        body_bytes += len(buffers[index])
    packed_nodes = b"".join(struct.pack("<qq", *node) for node in nodes)
    slots = (Scalar("q", rows), Structs(len(nodes), packed_nodes), Structs(len(places), b"".join(places)))
    return b"".join((_message(_HEADER_RECORD_BATCH, Table(slots), body_bytes), *buffers))


def _lay_out(vector: Vector, nodes: List[Tuple[int, int]], buffers: List[bytes]) -> None:
    """Appends (length, nulls) and the buffers of the vector and its children, depth first."""
    kind = vector.type.kind
    if kind == "null":
        nodes.append((vector.length, vector.length))
        return
    nodes.append((vector.length, vector.valid.count(False) if vector.valid else 0))
    buffers.append(_bits(vector.valid) if vector.valid and not all(vector.valid) else b"")
    buffers.extend(_BODIES[kind](vector))
    for child in vector.children:
        _lay_out(child, nodes, buffers)


def _bits(flags: Sequence[bool]) -> bytes:
    """One bit each, the first one lowest. The detour over a number in base two is what C code does fast."""
    if not flags:
        return b""
    digits = bytes(map(bool, flags))[::-1].translate(_DIGITS)
    return int(digits, 2).to_bytes((len(flags) + 7) // 8, "little")


_DIGITS = bytes.maketrans(b"\0\1", b"01")


def _packed(code: str) -> Callable[[Vector], List[bytes]]:
    return lambda vector: [struct.pack(f"<{vector.length}{code}", *vector.values)]


def _offsets(offsets: Sequence[int]) -> bytes:
    if offsets[-1] > _OFFSET_MAX:
        raise TooLarge()
    return struct.pack(f"<{len(offsets)}i", *offsets)


def _variable(vector: Vector) -> List[bytes]:
    return [_offsets([0, *accumulate(map(len, vector.values))]), b"".join(vector.values)]


def _decimals(vector: Vector) -> List[bytes]:
    return [b"".join(value.to_bytes(16, "little", signed=True) for value in vector.values)]


_BODIES: Dict[str, Callable[[Vector], List[bytes]]] = {
    "bool": lambda vector: [_bits(vector.values)],
    "int64": _packed("q"),
    "float64": _packed("d"),
    "date32": _packed("i"),
    "timestamp": _packed("q"),
    "time64": _packed("q"),
    "duration": _packed("q"),
    "decimal": _decimals,
    "utf8": _variable,
    "binary": _variable,
    "list": lambda vector: [_offsets(vector.offsets)],
    "struct": lambda vector: [],
}
