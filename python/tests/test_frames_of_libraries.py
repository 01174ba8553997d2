"""Frames of pandas, polars and pyarrow, and whatever speaks Arrow."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from host import has_package

PANDAS = "import pandas as pd, numpy as np"
POLARS = "import polars as pl"
ARROW = "import pyarrow as pa"

pytestmark = pytest.mark.usefixtures("libraries")


@pytest.fixture(scope="module")
def libraries():
    if not (has_package("pandas") and has_package("polars")):
        pytest.skip("needs pandas and polars")


# --- pandas


@pytest.mark.parametrize(
    "data, rows",
    [
        ("pd.DataFrame({'a': [1, 2], 'b': ['x', None]})", [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        ("pd.DataFrame({'a': [1.5, float('nan')]})", [{"a": 1.5}, {"a": None}]),
        ("pd.DataFrame({'a': [1, 2]}, index=[7, 9])", [{"a": 1}, {"a": 2}]),
        ("pd.DataFrame({'a': [1]}, index=['k'])", [{"index": "k", "a": 1}]),
        ("pd.DataFrame({'a': [1]}, index=pd.Index(['k'], name='key'))", [{"key": "k", "a": 1}]),
        ("pd.DataFrame({'a': [1]}, index=pd.Index([5], name='id'))", [{"id": 5, "a": 1}]),
        ("pd.DataFrame({'r': ['n', 'n'], 'p': ['x', 'y'], 'v': [1, 2]}).groupby(['r', 'p']).sum()", [{"r": "n", "p": "x", "v": 1}, {"r": "n", "p": "y", "v": 2}]),
        ("pd.DataFrame({'r': ['n', 'n'], 'v': [1, 2]}).groupby('r')['v'].sum()", [{"r": "n", "v": 3}]),
        ("pd.Series([1, 2])", [{"value": 1}, {"value": 2}]),
        ("pd.Series([1], name='n')", [{"n": 1}]),
        ("pd.DataFrame([[1, 2]])", [{"0": 1, "1": 2}]),
        ("[pd.DataFrame({'a': [1]}), pd.DataFrame({'a': [2]})]", [{"a": 1}, {"a": 2}]),
        ("pd.DataFrame({'a': [[1, 2], None], 'b': [{'x': 1}, {'x': None}]})", [{"a": [1, 2], "b": {"x": 1}}, {"a": None, "b": {"x": None}}]),
        ("pd.DataFrame({'a': [Decimal('1.50'), float('nan')]})", [{"a": Decimal("1.50")}, {"a": None}]),
        ("pd.DataFrame({'a': pd.array([1, None], dtype='Int64'), 'b': pd.array([True, None], dtype='boolean')})", [{"a": 1, "b": True}, {"a": None, "b": None}]),
        ("pd.DataFrame({'a': pd.Categorical(['x', None, 'x'])})", [{"a": "x"}, {"a": None}, {"a": "x"}]),
        ("pd.DataFrame({'a': [date(2020, 1, 1), None]}, dtype=object)", [{"a": dt.date(2020, 1, 1)}, {"a": None}]),
        ("pd.DataFrame({'a': [b'x', None]})", [{"a": b"x"}, {"a": None}]),
        ("{'a': pd.Series([1, 2]), 'b': [None, 'x']}", [{"a": 1, "b": None}, {"a": 2, "b": "x"}]),
        ("{'a': pd.array([1, None], dtype='Int64')}", [{"a": 1}, {"a": None}]),
        ("{'a': np.array([1, 2]), 'b': np.array(['x', 'y'])}", [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        ("{'a': np.array([1.5, float('nan')])}", None),
        ("{'a': np.array([1, 'x', None], dtype=object)[:1]}", [{"a": 1}]),
        ("(pd.DataFrame({'a': [n]}) for n in range(2))", [{"a": 0}, {"a": 1}]),
    ],
)  # fmt: skip
def test_pandas(publish, data, rows):
    values = publish(data, PANDAS).values()
    assert rows is None or values == rows


def test_nan_of_numpy_and_plain_floats_stays_nan(publish):
    for data in ("{'a': np.array([float('nan')])}", "{'a': [float('nan')]}"):
        (row,) = publish(data, PANDAS).values()
        assert row["a"] != row["a"]


def test_an_empty_frame_tells_its_columns(publish):
    answer = publish("pd.DataFrame({'a': [1], 'b': ['x']})[:0]", PANDAS)
    assert (answer.rows, answer.table().column_names) == ({"out": 0}, ["a", "b"])
    assert publish("pd.DataFrame(columns=['a'])", PANDAS).table().column_names == ["a"]
    assert publish("pd.DataFrame()", PANDAS).streams == []


def test_the_authors_frame_is_not_changed(publish):
    setup = PANDAS + "\nf = pd.DataFrame([[1]], index=pd.Index(['k'], name='key'))\ndef two():\n yield f\n yield {'columns': str(list(f.columns)), 'index': str(f.index.name)}"
    assert publish("two()", setup).values()[-1] == {"columns": "[0]", "index": "key"}


@pytest.mark.parametrize(
    "data, message",
    [
        ("pd.DataFrame([[1, 2]], columns=['a', 'a'])", "column 'a' is there twice"),
        ("pd.DataFrame([[1, 2]], columns=[1, '1'])", "column '1' is there twice"),
        ("pd.DataFrame({'_job_id': [1]})", "reserved for lineage"),
        ("pd.DataFrame({'a': [1, 'x']})", "column 'a': holds both int and str"),
        ("pd.DataFrame({'a': [date(2020, 1, 1), datetime.datetime(2020, 1, 1)]}, dtype=object)", "column 'a': holds both date and datetime"),
        ("pd.DataFrame({'a': ['x', b'x']})", "column 'a': holds both bytes and str"),
        ("pd.DataFrame({'a': [2**70]})", "column 'a'"),
        ("pd.DataFrame({'a': [1j]})", "column 'a'"),
        ("pd.DataFrame({'a': [object()]})", "column 'a': values of type object cannot be stored"),
        ("pd.DataFrame(index=range(3))", "3 rows without a column"),
        ("pd.DataFrame({'id': [1]}).set_index('id', drop=False)", "the index cannot become a column"),
        ("{'a': pd.Series([1], index=['k'])}", "column 'a': a Series whose index holds data"),
        ("{'a': np.zeros((1, 2))}", "column 'a': an array of 2 dimensions"),
    ],
)  # fmt: skip
def test_what_pandas_holds_and_a_topic_cannot_is_refused(publish, data, message):
    error = publish(data, PANDAS).error
    assert error["class"] == "data", error["traceback"]
    assert message in error["message"]


def test_types_of_pandas_survive_exactly(publish_with_pyarrow):
    data = """pd.DataFrame({
      'i': pd.Series([1], dtype='int16'), 'u': pd.Series([2**63], dtype='uint64'), 'f': pd.Series([0.5], dtype='float32'),
      't': pd.to_datetime(['2024-05-31 00:00:00.000000001']), 'z': pd.to_datetime(['2024-05-31']).tz_localize('Europe/Paris').as_unit('ns'),
      'c': pd.Categorical(['x']), 'd': [Decimal('1.50')], 'l': [[1]]})"""
    table = publish_with_pyarrow(data, PANDAS).table()
    types = {field.name: str(field.type) for field in table.schema}
    assert types.pop("c").startswith("dictionary<values=")
    assert types == {
        "i": "int16", "u": "uint64", "f": "float", "t": "timestamp[ns]", "z": "timestamp[ns, tz=Europe/Paris]",
        "d": "decimal128(3, 2)", "l": "list<item: int64>",
    }  # fmt: skip
    assert table.column("t").cast(pa.int64()).to_pylist()[0] % 1000 == 1
    assert table.schema.metadata is None


# --- polars


@pytest.mark.parametrize(
    "data, rows",
    [
        ("pl.DataFrame({'a': [1, None], 'b': ['x', 'y']})", [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]),
        ("pl.LazyFrame({'a': [1, 2, 3]}).filter(pl.col('a') > 1)", [{"a": 2}, {"a": 3}]),
        ("pl.Series('s', [1])", [{"s": 1}]),
        ("pl.Series([1])", [{"value": 1}]),
        ("[pl.DataFrame({'a': [1]}), pl.LazyFrame({'a': [2]})]", [{"a": 1}, {"a": 2}]),
        ("{'a': pl.Series([1, 2]), 'b': [3, 4]}", [{"a": 1, "b": 3}, {"a": 2, "b": 4}]),
        ("pl.DataFrame({'a': [[1, 2], []], 's': [{'x': 1}, None]})", [{"a": [1, 2], "s": {"x": 1}}, {"a": [], "s": None}]),
    ],
)
def test_polars(publish, data, rows):
    assert publish(data, POLARS).values() == rows


def test_types_of_polars_survive_exactly(publish):
    data = """pl.DataFrame({
      'i': pl.Series([1], dtype=pl.UInt8), 'd': pl.Series(['1.5'], dtype=pl.String).cast(pl.Decimal(20, 3)),
      'z': pl.Series([datetime.datetime(2024, 5, 31)]).dt.replace_time_zone('Europe/Paris').dt.cast_time_unit('ns'),
      'c': pl.Series(['x'], dtype=pl.Categorical), 't': [time(1)], 'n': pl.Series([None], dtype=pl.Null), 's': ['x']})"""
    types = {field.name: str(field.type) for field in publish(data, POLARS).table().schema}
    assert types.pop("c").startswith("dictionary<values=large_string")
    assert types == {
        "i": "uint8", "d": "decimal128(20, 3)", "z": "timestamp[ns, tz=Europe/Paris]", "t": "time64[ns]", "n": "null", "s": "large_string",
    }  # fmt: skip


def test_a_lazy_frame_comes_in_batches_and_tells_its_columns_without_rows(publish):
    answer = publish("pl.LazyFrame({'a': range(200_000)}).with_columns(b=pl.col('a') * 2)", POLARS)
    assert answer.rows == {"out": 200_000} and len(answer.streams) > 1
    assert answer.table().column("b").to_pylist() == list(range(0, 400_000, 2))
    answer = publish("pl.LazyFrame({'a': [1]}).filter(pl.col('a') > 1)", POLARS)
    assert answer.table().column_names == ["a"]


@pytest.mark.parametrize(
    "data, message",
    [
        ("pl.DataFrame({'a': [object()]})", "column 'a': polars cannot write Object as Arrow"),
        ("pl.DataFrame({'a': pl.Series([1], dtype=pl.Int128)})", "column 'a': polars cannot write Int128"),
        ("pl.DataFrame({'a': pl.Series([{'x': [1]}], dtype=pl.Struct({'x': pl.List(pl.Int128)}))})", "column 'a': polars cannot write Int128"),
        ("pl.DataFrame({'_job_id': [1]})", "reserved for lineage"),
    ],
)
def test_what_polars_holds_and_a_topic_cannot_is_refused(publish, data, message):
    assert message in publish(data, POLARS).error["message"]


def test_an_error_of_the_query_is_the_plugins(publish):
    error = publish("pl.LazyFrame({'a': ['x']}).select(pl.col('a').cast(pl.Int64))", POLARS).error
    assert error["class"] == "plugin" and "InvalidOperationError" in error["message"]


# --- pyarrow and the capsule interface

CAPSULES = """
class Stream:
    def __init__(self, data): self.data = data
    def __arrow_c_stream__(self, requested_schema=None): return self.data.__arrow_c_stream__(requested_schema)

class Array:
    def __init__(self, data): self.data = data
    def __arrow_c_array__(self, requested_schema=None): return self.data.__arrow_c_array__(requested_schema)
"""


@pytest.mark.parametrize(
    "data, rows",
    [
        ("pa.table({'a': [1, None]})", [{"a": 1}, {"a": None}]),
        ("pa.record_batch({'a': [1]})", [{"a": 1}]),
        ("pa.table({'a': [1, 2]}).to_reader(max_chunksize=1)", [{"a": 1}, {"a": 2}]),
        ("{'a': pa.array([1]), 'b': pa.chunked_array([['x']])}", [{"a": 1, "b": "x"}]),
        ("Stream(pa.table({'a': [1]}))", [{"a": 1}]),
        ("Array(pa.record_batch({'a': [1]}))", [{"a": 1}]),
        ("[Stream(pa.table({'a': [1]})), pa.table({'a': [2]})]", [{"a": 1}, {"a": 2}]),
        ("pa.Table.from_batches([pa.record_batch({'a': pa.array(['x']).dictionary_encode()}), pa.record_batch({'a': pa.array(['y']).dictionary_encode()})])", [{"a": "x"}, {"a": "y"}]),
    ],
)  # fmt: skip
def test_pyarrow(publish_with_pyarrow, data, rows):
    assert publish_with_pyarrow(data, ARROW + CAPSULES).values() == rows


def test_a_table_keeps_its_schema(publish_with_pyarrow):
    setup = ARROW + """
schema = pa.schema([
    pa.field('a', pa.int8(), nullable=False), pa.field('b', pa.large_string(), metadata={'k': 'v'}), pa.field('m', pa.map_(pa.string(), pa.int8())),
    pa.field('d', pa.dictionary(pa.int8(), pa.string(), ordered=True)), pa.field('f', pa.list_(pa.float32(), 2)), pa.field('x', pa.decimal256(50, 2))],
    metadata={'origin': 'sensor'})
"""
    names = {}
    exec(setup, names)
    for data in ("schema.empty_table()", "pa.RecordBatchReader.from_batches(schema, [])"):
        assert publish_with_pyarrow(data, setup).table().schema.equals(names["schema"], check_metadata=True)


def test_views_become_plain_strings(publish_with_pyarrow):
    if not hasattr(pa, "string_view"):
        pytest.skip("this pyarrow has no views")
    setup = ARROW + "\nt = pa.table({'s': pa.array(['x' * 20, None], pa.string_view()), 'l': pa.array([['y' * 20], []], pa.list_(pa.string_view()))})"
    table = publish_with_pyarrow("t", setup).table()
    assert [str(field.type) for field in table.schema] == ["large_string", "list<item: large_string>"]
    assert table.to_pylist() == [{"s": "x" * 20, "l": ["y" * 20]}, {"s": None, "l": []}]


def test_large_tables_are_cut(publish_with_pyarrow):
    answer = publish_with_pyarrow("pa.table({'n': pa.array(range(300_000)), 's': ['x' * 100] * 300_000})", ARROW)
    assert len(answer.streams) >= 5
    assert all(len(stream) < 9 * 2**20 for _, stream in answer.streams)
    assert answer.table().column("n").to_pylist() == list(range(300_000))


def test_a_large_dictionary_does_not_make_frames_of_single_rows(publish_with_pyarrow):
    setup = ARROW + "\nd = pa.DictionaryArray.from_arrays(pa.array([n % 100 for n in range(200_000)], pa.int32()), ['x' * 100_000 + str(n) for n in range(150)])"
    answer = publish_with_pyarrow("pa.table({'d': d})", setup)
    assert answer.rows == {"out": 200_000}
    assert len(answer.streams) < 20


@pytest.mark.parametrize(
    "data, message",
    [
        ("pa.table([[1], [2]], names=['a', 'a'])", "column 'a' is there twice"),
        ("pa.table({'_file_version_id': [1]})", "reserved for lineage"),
        ("pa.array([1])", "Array is no table to Arrow"),
        ("Stream(pa.chunked_array([[1]]))", "Stream is no table to Arrow"),
    ],
)
def test_what_is_no_table_to_arrow_is_refused(publish_with_pyarrow, data, message):
    error = publish_with_pyarrow(data, ARROW + CAPSULES).error
    assert error["class"] == "data" and message in error["message"], error


def test_capsules_are_read_by_polars_where_pyarrow_is_missing(publish):
    values = publish("Stream(pl.DataFrame({'a': [1]}))", POLARS + CAPSULES).values()
    assert values == [{"a": 1}]
