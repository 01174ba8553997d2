"""Every kind of data, read back from the stream that it becomes."""

import datetime
import decimal
import subprocess
import sys

import pandas
import polars
import pyarrow
import pytest

from casparian_flow import cutting
from casparian_flow.errors import DataError
from casparian_flow.output import Output


class Collected:
    """In place of the channel to the host."""

    def __init__(self):
        self.streams = []

    def in_child(self):
        return False

    def send(self, kind, length, topic, stream):
        self.streams.append((bytes(stream), pyarrow.ipc.open_stream(stream).read_all().num_rows))


def batches(data):
    collected = Collected()
    output = Output(("t",), collected)
    output.publish("t", data)
    counts = output.finish()
    assert counts == {"t": sum(count for _, count in collected.streams)}
    return collected.streams

ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
COLUMNS = {"a": [1, 2], "b": ["x", None]}


class Capsule:
    """Nothing but the Arrow PyCapsule interface."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def tables(data):
    return [pyarrow.ipc.open_stream(stream).read_all() for stream, _ in batches(data)]


def rows(data):
    return [row for table in tables(data) for row in table.to_pylist()]


TABLE = pyarrow.table(COLUMNS)


@pytest.mark.parametrize(
    "data",
    [
        pandas.DataFrame(COLUMNS),
        polars.DataFrame(COLUMNS),
        polars.LazyFrame(COLUMNS),
        TABLE,
        TABLE.to_batches()[0],
        TABLE.to_reader(),
        Capsule(TABLE),
        COLUMNS,
        {name: tuple(values) for name, values in COLUMNS.items()},
        ROWS,
        tuple(ROWS),
        (row for row in ROWS),
        [pandas.DataFrame(COLUMNS)],
        (TABLE.slice(start, 1) for start in (0, 1)),
        [ROWS[0], TABLE.slice(1)],
    ],
    ids=lambda data: type(data).__name__,
)
def test_f03_every_kind_of_data_arrives(data):
    assert rows(data) == ROWS


def test_rows_with_different_keys_lose_nothing():
    assert rows([{"a": 1}, {"b": 2}]) == [{"a": 1, "b": None}, {"a": None, "b": 2}]


def test_an_empty_table_keeps_its_columns_and_nothing_is_nothing():
    assert tables(pandas.DataFrame({"a": [], "b": []}))[0].column_names == ["a", "b"]
    assert tables([]) == [] and tables({}) == []


def test_a_pandas_index_that_holds_data_becomes_columns():
    frame = pandas.DataFrame({"k": ["x", "x", "y"], "v": [1, 2, 3]})
    assert rows(frame.groupby("k").sum()) == [{"k": "x", "v": 3}, {"k": "y", "v": 3}]
    assert rows(frame[frame.v > 1])[0] == {"k": "x", "v": 2}
    assert rows(frame.v.rename("v").to_frame().set_axis(["p", "q", "r"]))[0] == {"index": "p", "v": 1}
    assert rows(pandas.DataFrame([[1, 2]])) == [{"0": 1, "1": 2}]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "None was published"),
        ("text", "a str was published"),
        (object(), "a object was published"),
        ({"a": [1], "b": [1, 2]}, "the columns differ in length"),
        ({1: [1]}, "column names are text"),
        (pandas.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a' is there twice"),
        ({"_file_version_id": [1]}, "reserved for lineage"),
        ({"a": [1, "x"]}, "column 'a'"),
        (pandas.DataFrame({"a": [1, "x"]}), "a"),
        ({"a": [2**53 + 1, 0.5]}, "is not exact as a float"),
    ],
)
def test_what_cannot_be_stored_is_named(data, message):
    with pytest.raises(DataError, match=message):
        list(batches(data))


def test_types_survive_exactly():
    zone = datetime.timezone.utc
    columns = {
        "decimal": [decimal.Decimal("1.50"), None],
        "zoned": [datetime.datetime(2024, 2, 29, 12, tzinfo=zone), None],
        "day": [datetime.date(2024, 2, 29), None],
        "nested": [[{"a": 1}], None],
        "raw": [b"\x00\xff", None],
    }
    table = pyarrow.table(columns)
    assert tables(table)[0].schema == table.schema
    assert rows(columns) == table.to_pylist()
    assert tables(polars.from_arrow(table))[0].column("decimal").type == pyarrow.decimal128(3, 2)


def test_large_data_is_cut_into_batches():
    table = pyarrow.table({"a": range(200_000), "text": ["x" * 200] * 200_000})
    streams = list(batches(table))
    assert sum(count for _, count in streams) == 200_000
    assert max(len(stream) for stream, _ in streams) < 16 * 1024 * 1024
    counts = [count for _, count in batches(polars.from_arrow(table))]
    assert sum(counts) == 200_000 and max(counts) <= cutting.ROWS_MAX


PLAIN = {
    "none": [None, None, None],
    "flag": [True, None, False],
    "whole": [1, -(2**63), None],
    "real": [1.5, 2, None],
    "text": ["a", "é", None],
    "raw": [b"a", None, b""],
    "day": [datetime.date(2020, 1, 1), None, datetime.date(1960, 1, 1)],
    "time": [datetime.datetime(2020, 1, 1, 2, 3, 4, 5), None, datetime.datetime(1960, 1, 1)],
    "zoned": [datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), None, None],
    "clock": [datetime.time(1, 2, 3, 4), None, datetime.time(0)],
    "exact": [decimal.Decimal("1.50"), decimal.Decimal("-3"), None],
    "list": [[1, 2], None, []],
    "struct": [{"a": 1, "b": "x"}, None, {"a": 2, "b": None}],
}


def test_the_writer_without_pyarrow_agrees_with_pyarrow():
    [(stream, count)] = batches(PLAIN)
    table = pyarrow.ipc.open_stream(stream).read_all()
    table.validate(full=True)
    assert count == 3
    assert table.to_pydict() == PLAIN
    assert table.schema == pyarrow.table(PLAIN).schema


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, "x"], "column 'c': holds both int and str"),
        ([True, 1], "holds both bool and int"),
        ([2**64], "beyond 64 bits"),
        ([object()], "values of type object cannot be stored"),
        ([decimal.Decimal("NaN")], "is not a number that a decimal can hold"),
    ],
)
def test_the_writer_names_what_it_cannot_store(values, message):
    with pytest.raises(DataError, match=message):
        list(batches({"c": values}))


def test_it_works_in_an_interpreter_without_pyarrow():
    code = """
import sys
sys.modules["pyarrow"] = None
from casparian_flow.output import Output
class Collected:
    in_child = lambda self: False
    def send(self, kind, length, topic, stream):
        sys.stdout.buffer.write(len(stream).to_bytes(4, "big") + stream)
output = Output(("t",), Collected())
output.publish("t", ({"n": n, "t": str(n)} for n in range(10_000)))
output.finish()
"""
    raw = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    total = 0
    while raw:
        size = int.from_bytes(raw[:4], "big")
        total += pyarrow.ipc.open_stream(raw[4 : 4 + size]).read_all().num_rows
        raw = raw[4 + size :]
    assert total == 10_000
