"""As much of FlatBuffers as Arrow's metadata needs: tables, strings and vectors, written front to back."""

from __future__ import annotations

import struct
from typing import Any, Callable, List, Tuple

# A field of a table: its slot, its struct format ("ref" for what lies elsewhere), its value.
Field = Tuple[int, str, Any]
# Writes a child and returns where it begins.
Child = Callable[["Buffer"], int]


class Buffer:
    def __init__(self) -> None:
        self.data = bytearray()

    def align(self, size: int) -> int:
        self.data.extend(bytes(-len(self.data) % size))
        return len(self.data)

    def patch_ref(self, at: int, child: Child) -> None:
        """References are relative to where they stand, and point forward."""
        position = child(self)
        struct.pack_into("<I", self.data, at, position - at)


def finish(root: Child) -> bytes:
    buffer = Buffer()
    buffer.data.extend(bytes(4))
    buffer.patch_ref(0, root)
    buffer.align(8)
    return bytes(buffer.data)


def table(*fields: Field) -> Child:
    def write(buffer: Buffer) -> int:
        # Largest first keeps every field aligned without gaps between them.
        ordered = sorted(fields, key=lambda field: -_size(field[1]))
        slots = max((slot for slot, _, _ in fields), default=-1) + 1
        offsets = [0] * slots
        # The first field of 8 bytes must not follow the 4 of the table's own head directly.
        at = 8 if ordered and _size(ordered[0][1]) == 8 else 4
        for slot, kind, _ in ordered:
            offsets[slot] = at
            at += _size(kind)
        vtable = buffer.align(2)
        buffer.data.extend(struct.pack(f"<HH{slots}H", 4 + 2 * slots, at, *offsets))
        position = buffer.align(8)
        buffer.data.extend(bytes(at))
        struct.pack_into("<i", buffer.data, position, position - vtable)
        for slot, kind, value in ordered:
            if kind != "ref":
                struct.pack_into(f"<{kind}", buffer.data, position + offsets[slot], value)
        for slot, kind, value in ordered:
            if kind == "ref":
                buffer.patch_ref(position + offsets[slot], value)
        return position

    return write


def _size(kind: str) -> int:
    return 4 if kind == "ref" else struct.calcsize(f"<{kind}")


def string(text: str) -> Child:
    def write(buffer: Buffer) -> int:
        position = buffer.align(4)
        raw = text.encode()
        buffer.data.extend(struct.pack("<I", len(raw)) + raw + b"\0")
        return position

    return write


def vector(children: List[Child]) -> Child:
    def write(buffer: Buffer) -> int:
        position = buffer.align(4)
        buffer.data.extend(struct.pack("<I", len(children)) + bytes(4 * len(children)))
        for index, child in enumerate(children):
            buffer.patch_ref(position + 4 + 4 * index, child)
        return position

    return write


def pairs(values: List[Tuple[int, int]]) -> Child:
    """A vector of structs of two 64-bit numbers, aligned to 8 behind its count."""

    def write(buffer: Buffer) -> int:
        buffer.align(8)
        buffer.data.extend(bytes(4))
        position = len(buffer.data)
        buffer.data.extend(struct.pack("<I", len(values)))
        for pair in values:
            buffer.data.extend(struct.pack("<qq", *pair))
        return position

    return write
