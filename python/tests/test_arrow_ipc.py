"""The writer of Arrow streams against pyarrow's reader: random columns, slices of them, and the bytes themselves."""

import datetime as dt
import random
from decimal import Decimal

import pyarrow as pa
import pytest

from casparian_flow.arrow_ipc import write_stream
from casparian_flow.vectors import vector

SCALARS = {
    "null": lambda r: None,
    "bool": lambda r: r.random() < 0.5,
    "int": lambda r: r.randint(-(2**63), 2**63 - 1),
    "float": lambda r: r.uniform(-1e300, 1e300),
    "text": lambda r: "".join(chr(r.choice([0, 65, 0xFC, 0x20AC, 0x1F600])) for _ in range(r.randrange(5))),
    "bytes": lambda r: r.randbytes(r.randrange(5)),
    "date": lambda r: dt.date.fromordinal(r.randint(1, dt.date.max.toordinal())),
    "timestamp": lambda r: dt.datetime.min + dt.timedelta(microseconds=r.randrange(10**17)),
    "zoned": lambda r: dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(microseconds=r.randrange(10**17)),
    "time": lambda r: dt.time(r.randrange(24), r.randrange(60), r.randrange(60), r.randrange(10**6)),
    "duration": lambda r: dt.timedelta(microseconds=r.randint(-(10**17), 10**17)),
    "decimal": lambda r: Decimal(r.randint(-(10**20), 10**20)).scaleb(-r.randrange(10)),
}


def generator(r, depth):
    """A function that makes values of one random type, nested up to a depth, with or without nulls."""
    nulls = r.choice([0, 0.3])
    kind = r.choice([*SCALARS, *(["list", "struct"] * 3 if depth else [])])
    if kind == "list":
        item = generator(r, depth - 1)
        make = lambda r: [item(r) for _ in range(r.randrange(4))]
    elif kind == "struct":
        fields = {name: generator(r, depth - 1) for name in ("a", "b", "ü")[: r.randint(1, 3)]}
        make = lambda r: {name: field(r) for name, field in fields.items()}
    else:
        make = SCALARS[kind]
    return lambda r: None if r.random() < nulls else make(r)


def read(names, vectors, rows):
    reader = pa.ipc.open_stream(write_stream(names, vectors, rows))
    (batch,) = list(reader)
    batch.validate(full=True)
    return batch


@pytest.mark.parametrize("seed", range(150))
def test_random_columns_are_read_back_and_so_is_every_slice(seed):
    r = random.Random(seed)
    rows = r.choice([0, 1, 7, 8, 9, 64, 100])
    columns = [[make(r) for _ in range(rows)] for make in (generator(r, 3) for _ in range(4))]
    names = ["a", "b b", "ü", ""]
    vectors = [vector(values, name) for name, values in zip(names, columns)]
    batch = read(names, vectors, rows)
    assert batch.schema.names == names
    for values, column in zip(columns, batch.columns):
        # pyarrow's own array of the same values, so that values it cannot show in Python (years beyond 9999) compare too.
        assert column.equals(pa.array(values, column.type))
        assert column.null_count == pa.array(values, column.type).null_count
    for _ in range(5):
        start = r.randint(0, rows)
        count = r.randint(0, rows - start)
        part = read(names, [vector.slice(start, count) for vector in vectors], count)
        assert part.equals(batch.slice(start, count))


def test_a_slice_of_a_slice():
    values = [[n] * (n % 4) for n in range(20)]
    part = vector(values, "c").slice(3, 15).slice(2, 5)
    assert read(["c"], [part], 5).column(0).to_pylist() == values[5:10]


def test_the_bytes_are_those_of_the_format():
    stream = write_stream(["n"], [vector([1, None], "n")], 2)
    assert stream[:4] == b"\xff\xff\xff\xff"
    assert stream.endswith(b"\xff\xff\xff\xff\0\0\0\0")
    assert len(stream) % 8 == 0
    # Validity 0b01, padded; then the two values.
    assert stream[-8 - 24 : -8] == b"\x01" + bytes(7) + (1).to_bytes(8, "little") + bytes(8)


def test_all_types_at_once_as_another_reader_sees_them():
    pl = pytest.importorskip("polars")
    columns = {
        "b": [True, None], "i": [1, None], "f": [0.5, None], "s": ["ü", None], "x": [b"x", None], "d": [dt.date(2020, 1, 1), None],
        "t": [dt.datetime(2020, 1, 1), None], "z": [dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc), None], "m": [dt.time(1, 2), None],
        "u": [dt.timedelta(1), None], "n": [Decimal("1.50"), None], "l": [[1], None], "r": [{"a": "x"}, {"a": None}], "0": [None, None],
    }  # fmt: skip
    stream = write_stream(list(columns), [vector(values, name) for name, values in columns.items()], 2)
    assert pl.read_ipc_stream(stream, use_pyarrow=False).to_dict(as_series=False) == columns
