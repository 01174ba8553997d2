"""Plain Python data: rows, columns, and the types found in them."""

import datetime as dt
import zoneinfo
from decimal import Decimal

import pyarrow as pa
import pytest

from host import has_package

US = pa.timestamp("us")


@pytest.mark.parametrize(
    "data, rows",
    [
        ("{'a': 1, 'b': 'x'}", [{"a": 1, "b": "x"}]),
        ("{'a': None}", [{"a": None}]),
        ("{'a': [1, 2], 'b': ('x', 'y')}", [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        ("{'a': range(2), 'b': array.array('d', [0.5, 1.5])}", [{"a": 0, "b": 0.5}, {"a": 1, "b": 1.5}]),
        ("{'id': 1, 'tags': ['a', 'b']}", [{"id": 1, "tags": ["a", "b"]}]),
        ("[{'a': 1}, {'a': 2}]", [{"a": 1}, {"a": 2}]),
        ("[{'a': 1}, {'b': 'x', 'a': 2}, {'c': None}]", [{"a": 1, "b": None, "c": None}, {"a": 2, "b": "x", "c": None}, {"a": None, "b": None, "c": None}]),
        ("({'n': n} for n in range(3))", [{"n": 0}, {"n": 1}, {"n": 2}]),
        ("iter([[{'n': 0}], {'n': 1}, ({'n': 2},)])", [{"n": 0}, {"n": 1}, {"n": 2}]),
        ("[{'a': [1, 2]}, {'a': [3]}]", [{"a": 1}, {"a": 2}, {"a": 3}]),
        ("[{'a': 1, 't': [1]}, {'t': [2, 3]}]", [{"a": 1, "t": [1]}, {"a": None, "t": [2, 3]}]),
        ("collections.OrderedDict(a=1)", [{"a": 1}]),
        ("[{'a': 1}, {}]", [{"a": 1}, {"a": None}]),
        ("map(lambda n: {'n': n}, [1])", [{"n": 1}]),
    ],
)
def test_rows_and_columns_arrive_as_they_are(publish, data, rows):
    assert publish(data).values() == rows


def test_nothing_to_publish_is_no_row_and_no_batch(publish):
    for data in ("[]", "{}", "iter([])"):
        answer = publish(data)
        assert answer.rows == {"out": 0}
        assert answer.streams == []


def test_columns_without_rows_still_tell_their_names(publish):
    table = publish("{'a': [], 'b': []}").table()
    assert (table.num_rows, table.column_names) == (0, ["a", "b"])


def test_rows_without_any_column_are_counted(publish):
    assert publish("[{}, {}]").rows == {"out": 2}


@pytest.mark.parametrize(
    "values, type_",
    [
        ("[None, None]", pa.null()),
        ("[True, None, False]", pa.bool_()),
        ("[-2**63, 2**63 - 1, None]", pa.int64()),
        ("[1.5, None, float('inf'), -0.0]", pa.float64()),
        ("[1, 2.5, 2**53]", pa.float64()),
        ("['x', '', None, '\U0001f600 \\x00']", pa.string()),
        ("[b'\\x00\\xff', b'', None]", pa.binary()),
        ("[bytearray(b'x'), memoryview(b'yz')]", pa.binary()),
        ("[date(1, 1, 1), date(9999, 12, 31), None]", pa.date32()),
        ("[datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), None]", US),
        ("[datetime.datetime(2024, 5, 31, tzinfo=timezone.utc)]", pa.timestamp("us", "UTC")),
        ("[datetime.datetime(2024, 5, 31, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))]", pa.timestamp("us", "-05:30")),
        ("[datetime.datetime(2024, 1, 31, fold=1, tzinfo=zoneinfo.ZoneInfo('Europe/Paris')), None]", pa.timestamp("us", "Europe/Paris")),
        ("[time(23, 59, 59, 999999), None]", pa.time64("us")),
        ("[timedelta(days=-1, microseconds=1), None]", pa.duration("us")),
        ("[Decimal('1.50'), Decimal('-100.1'), None]", pa.decimal128(5, 2)),
        ("[Decimal('1E+3'), Decimal('0.001')]", pa.decimal128(7, 3)),
        ("[Decimal('-0.00'), 7]", pa.decimal128(3, 2)),
        ("[Decimal('9' * 38)]", pa.decimal128(38, 0)),
        ("[[1, None], [], None, [2]]", pa.list_(pa.int64())),
        ("[[[1.5]], [None, []]]", pa.list_(pa.list_(pa.float64()))),
        ("[(1, 2)]", pa.list_(pa.int64())),
        ("[[]]", pa.list_(pa.null())),
        ("[{'x': 1}, {'y': 'b'}, None]", pa.struct([("x", pa.int64()), ("y", pa.string())])),
        ("[{'deep': [{'er': date(2020, 1, 1)}]}]", pa.struct([("deep", pa.list_(pa.struct([("er", pa.date32())])))])),
        ("[{}]", pa.struct([])),
    ],
)
def test_types_are_found_and_survive_exactly(publish, values, type_):
    answer = publish(f"[{{'first': 0, 'c': value}} for value in {values}]")
    column = answer.table().column("c")
    assert column.type == type_
    names = {"Decimal": Decimal, "datetime": dt, "date": dt.date, "time": dt.time, "timedelta": dt.timedelta, "timezone": dt.timezone}
    expected = eval(values, {**names, "zoneinfo": zoneinfo})
    assert column == pa.chunked_array([pa.array(_as_pyarrow_takes(expected), type_)])


def _as_pyarrow_takes(values):
    return [bytes(value) if isinstance(value, (bytearray, memoryview)) else value for value in values]


@pytest.mark.parametrize(
    "values",
    [[True, None], [1, 2], [1.5, 2], ["x"], [b"x"], [[1], None], [{"a": 1}], [{"a": [None, "x"]}], [dt.date(2020, 1, 1)], [dt.time(1)],
     [dt.timedelta(1)], [Decimal("0.05"), None], [Decimal("1E+3"), Decimal("0.001")], [Decimal("0")], [Decimal("-0.00")], [Decimal("99.99")], [dt.datetime(2020, 1, 1)], [dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)], [None], [[]], [{}]],
)  # fmt: skip
def test_the_types_are_those_that_pyarrow_would_find(values):
    from casparian_flow.rows import column_streams

    (stream, _), = column_streams(["c"], [values], len(values))
    assert pa.ipc.open_stream(stream).read_all().column("c").type == pa.array(values).type


def test_instants_of_several_zones_become_utc(publish):
    code = "[{'t': datetime.datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=h)))} for h in (1, 2)]"
    table = publish(code).table()
    assert table.schema.field("t").type == pa.timestamp("us", "UTC")
    assert [t.hour for t in table.column("t").to_pylist()] == [11, 10]


@pytest.mark.parametrize(
    "values, message",
    [
        ("[1, 'x']", "topic 'out', column 'c': holds both int and str; convert the values to one type"),
        ("[True, 1]", "holds both bool and int"),
        ("['x', b'x']", "holds both bytes and str"),
        ("[date(2020, 1, 1), datetime.datetime(2020, 1, 1)]", "holds both date and datetime"),
        ("[1.5, Decimal(1)]", "holds both Decimal and float"),
        ("[2**53 + 1, 0.5]", "9007199254740993 is not exact as a float"),
        ("[10**400, 0.5]", "is not exact as a float"),
        ("[2**63]", "9223372036854775808 is beyond 64 bits; publish the column as decimal.Decimal or str"),
        ("[datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 1, tzinfo=timezone.utc)]", "both with and without a time zone"),
        ("[time(1, tzinfo=timezone.utc)]", "a time of day with a time zone"),
        ("[Decimal('NaN')]", "NaN is not a number that a decimal can hold; publish None"),
        ("[Decimal('1E+38')]", "need 39 digits, 0 of them after the point; 38 are possible"),
        ("[Decimal('1E+999999')]", "need 1000000 digits"),
        ("[Decimal('1E-39')]", "need 39 digits"),
        ("[timedelta.max]", "does not fit 64 bits"),
        ("['\\udc80']", "not valid Unicode"),
        ("[{1, 2}]", "values of type set cannot be stored"),
        ("[uuid.uuid4()]", "values of type uuid.UUID cannot be stored; convert it first, e.g. with str()"),
        ("[collections.namedtuple('P', 'x')(1)]", "use value._asdict()"),
        ("[1j]", "values of type complex"),
    ],
)
def test_what_cannot_survive_is_refused_with_its_column(publish, values, message):
    error = publish(f"[{{'first': 0, 'c': value}} for value in {values}]").error
    assert error["class"] == "data"
    assert message in error["message"]
    assert "topic 'out', column 'c'" in error["message"]


def test_an_error_inside_of_a_nested_value_names_the_way_to_it(publish):
    error = publish("[{'c': {'items': [{'price': 1}, {'price': 'x'}]}}]").error
    assert "column 'c.items[].price': holds both int and str" in error["message"]


@pytest.mark.parametrize(
    "data, message",
    [
        ("[{1: 'x'}]", "column names are text, and a key of this dict is of type int: 1"),
        ("[{'a': {2: 'x'}}]", "column 'a': column names are text, and a key of this dict is of type int: 2"),
        ("{1: [1]}", "column names are text, and a key of this dict is of type int: 1"),
        ("{'a': [1], 'b': [1, 2]}", "the columns differ in length: 'a' 1, 'b' 2"),
        ("[{'_job_id': 1}]", "column '_job_id' is reserved for lineage"),
        ("{'_file_version_id': [1]}", "column '_file_version_id' is reserved for lineage"),
        ("[{'\\udc80': 1}]", "a column name that is not valid Unicode"),
        ("[{'a': [1]}, {'a': 1}]", "a dict of columns, then one with a single value under 'a'"),
        ("None", "None was published; publish takes a frame of pandas, polars or pyarrow"),
        ("[None]", "None was published"),
        ("'text'", "a str was published; publish takes a frame of pandas, polars or pyarrow"),
        ("[1, 2]", "a int was published"),
        ("[[1, 2]]", "a int was published"),
        ("7", "a int was published"),
        ("b'x'", "a bytes was published"),
        ("collections.namedtuple('P', 'x')(1)", "P was published"),
        ("object()", "a object was published"),
        ("open('/dev/null').read", "a builtin_function_or_method was published"),
    ],
)
def test_what_is_no_table_is_refused_by_type(publish, data, message):
    error = publish(data).error
    assert error["class"] == "data"
    assert error["message"].startswith("DataError: topic 'out'")
    assert message in error["message"]


def test_numpy_and_pandas_cells_among_plain_values(publish):
    if not has_package("pandas"):
        pytest.skip("needs pandas")
    setup = "import numpy as np, pandas as pd"
    code = """[{'i': np.int32(1), 'f': np.float32(0.5), 'b': np.bool_(True), 's': np.str_('x'), 'n': pd.NA, 'm': pd.NaT,
      't': pd.Timestamp('2024-05-31 01:02:03.000004'), 'd': np.datetime64('2024-05-31'), 'u': np.datetime64('2024-05-31T00:00:01', 'ns'),
      'z': pd.Timedelta(1, 'us'), 'l': np.array([1, 2], dtype='i2'), 'k': 0}]"""
    day = dt.datetime(2024, 5, 31)
    assert publish(code, setup).values() == [
        {
            "i": 1, "f": 0.5, "b": True, "s": "x", "n": None, "m": None, "t": dt.datetime(2024, 5, 31, 1, 2, 3, 4), "d": day.date(),
            "u": day.replace(second=1), "z": dt.timedelta(microseconds=1), "l": [1, 2], "k": 0,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["pd.Timestamp('2024-05-31 00:00:00.000000001')", "np.datetime64(1, 'ns')", "pd.Timedelta(1, 'ns')"])
def test_nanoseconds_among_plain_values_are_refused_and_not_cut(publish, value):
    if not has_package("pandas"):
        pytest.skip("needs pandas")
    error = publish(f"[{{'c': {value}}}]", "import numpy as np, pandas as pd").error
    assert "column 'c'" in error["message"] and "finer than microseconds" in error["message"]


def test_a_generator_of_rows_is_cut_into_batches_and_read_lazily(publish):
    answer = publish("({'n': n, 's': 'x' * 10} for n in range(20_000))")
    assert answer.rows == {"out": 20_000}
    assert len(answer.streams) == 3
    assert answer.table().column("n").to_pylist() == list(range(20_000))


def test_a_plugin_may_use_one_dict_again_and_again(publish):
    setup = """
def rows():
    row = {'k': 0, 'tags': []}
    for n in range(3):
        row['k'] = n
        row['tags'].append(n)
        yield row
"""
    assert publish("rows()", setup).values() == [{"k": 0, "tags": [0]}, {"k": 1, "tags": [0, 1]}, {"k": 2, "tags": [0, 1, 2]}]


def test_wide_rows_go_in_smaller_batches(publish):
    answer = publish("({'n': n, 's': 'x' * 1_000_000} for n in range(20))")
    assert answer.rows == {"out": 20}
    assert all(len(stream) < 12_000_000 for _, stream in answer.streams)


def test_columns_are_cut_by_bytes_and_typed_as_a_whole(publish):
    answer = publish("{'n': range(100_000), 's': ['x' * 1000] * 99_999 + [None], 'late': [None] * 99_999 + [1.5]}")
    assert len(answer.streams) > 10
    assert all(len(stream) <= 8 * 2**20 for _, stream in answer.streams)
    assert {table.schema.field("late").type for table in answer.tables("out")} == {pa.float64()}
    assert answer.table().column("n").to_pylist() == list(range(100_000))


def test_a_single_row_may_be_large_but_not_without_limit(publish):
    assert publish("{'k': 0, 's': 'x' * 40_000_000}").rows == {"out": 1}
    error = publish("[{'k': 0, 's': 'x' * 70_000_000}]").error
    assert "row 0 alone needs more than 63 MiB" in error["message"]
