"""Just enough of FlatBuffers to write the metadata of Arrow messages: tables, strings, and vectors of tables or structs.

Written front to back: a table stands behind its vtable and before what it points to, since offsets only point forward.
"""

import struct
from typing import List, NamedTuple, Sequence, Tuple, Union


class Scalar(NamedTuple):
    format: str
    value: int


class Structs(NamedTuple):
    """A vector of fixed-size structs, already packed; their fields are 8 bytes wide."""

    length: int
    data: bytes


class Table(NamedTuple):
    """A table's fields by slot; None is a field left out."""

    slots: Tuple[Union[None, Scalar, "Node"], ...]


Node = Union[Table, Structs, str, Sequence[Table]]


def finish(root: Table) -> bytes:
    out = bytearray(4)
    struct.pack_into("<I", out, 0, _write(out, root))
    return bytes(out)


def _write(out: bytearray, node: Node) -> int:
    """Appends the node and returns its position."""
    if isinstance(node, Table):
        return _write_table(out, node)
    if isinstance(node, Structs):
        return _write_structs(out, node)
    if isinstance(node, str):
        return _write_text(out, node)
    return _write_tables(out, node)


def _write_table(out: bytearray, table: Table) -> int:
    places, size = _places(table)
    vtable_size = 4 + 2 * len(places)
    out.extend(bytes(-(len(out) + vtable_size) % 8))
    out.extend(struct.pack(f"<{2 + len(places)}H", vtable_size, size, *places))
    start = len(out)
    out.extend(bytes(size))
    struct.pack_into("<i", out, start, vtable_size)
    for place, value in zip(places, table.slots):
        if isinstance(value, Scalar):
            struct.pack_into("<" + value.format, out, start + place, value.value)
        elif value is not None:
            target = _write(out, value)
            struct.pack_into("<I", out, start + place, target - (start + place))
    return start


def _places(table: Table) -> Tuple[List[int], int]:
    """Where each field stands in the table, widest first so that all are aligned; 0 for those left out."""
    widths = [0 if value is None else _width(value) for value in table.slots]
    places, end = [0] * len(widths), 4  # The table begins with the distance to its vtable.
    for slot in sorted(range(len(widths)), key=lambda slot: -widths[slot]):
        if widths[slot]:
            places[slot] = end + -end % widths[slot]
            end = places[slot] + widths[slot]
    return places, end + -end % 4


def _width(value: Union[Scalar, Node]) -> int:
    return struct.calcsize("<" + value.format) if isinstance(value, Scalar) else 4


def _write_structs(out: bytearray, structs: Structs) -> int:
    out.extend(bytes(-(len(out) + 4) % 8))
    position = len(out)
    out.extend(struct.pack("<I", structs.length))
    out.extend(structs.data)
    return position


def _write_text(out: bytearray, text: str) -> int:
    out.extend(bytes(-len(out) % 4))
    position, data = len(out), text.encode()
    out.extend(struct.pack("<I", len(data)))
    out.extend(data + b"\0")
    return position


def _write_tables(out: bytearray, tables: Sequence[Table]) -> int:
    out.extend(bytes(-len(out) % 4))
    position = len(out)
    out.extend(struct.pack("<I", len(tables)) + bytes(4 * len(tables)))
    for index, table in enumerate(tables):
        place = position + 4 + 4 * index
        struct.pack_into("<I", out, place, _write_table(out, table) - place)
    return position
