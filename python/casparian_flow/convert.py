"""Any data that plugins publish, as Arrow IPC streams that fit a frame. A library is touched only when data of it shows up."""

from __future__ import annotations

import io
import sys
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from casparian_flow import arrow_ipc
from casparian_flow.arrow_ipc import DataError

ROWS_MAX = 65_536
BYTES_AIM = 8 * 1024 * 1024
# Rows that a generator yields one by one are sent in batches of this many.
ROW_BATCH = 4_096
RESERVED = ("_job_id", "_file_version_id")

ACCEPTED = (
    "a pandas, polars or pyarrow table, an object with the Arrow PyCapsule interface, a dict of columns, "
    "a dict that is one row, a list of rows, or a generator of these"
)


def batches(data: Any) -> Iterator[Tuple[bytes, int]]:
    """Arrow IPC streams and their numbers of rows."""
    if data is None:
        raise DataError(f"None was published; publish takes {ACCEPTED}")
    if isinstance(data, dict):
        yield from _dict(data)
    elif _is_of(data, "pandas"):
        yield from _pandas(data)
    elif _is_of(data, "polars"):
        yield from _polars(data)
    elif _is_of(data, "pyarrow"):
        yield from _pyarrow(data)
    elif hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        yield from _capsule(data)
    elif isinstance(data, (str, bytes, bytearray, memoryview)) or not hasattr(data, "__iter__"):
        raise DataError(f"a {_name(data)} was published; publish takes {ACCEPTED}")
    else:
        yield from _iterable(data)


def _is_of(data: Any, library: str) -> bool:
    return any(cls.__module__.split(".", 1)[0] == library for cls in type(data).__mro__)


def _name(data: Any) -> str:
    cls = type(data)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"


def _check_names(names: Iterable[Any]) -> None:
    seen = set()
    for name in names:
        if not isinstance(name, str):
            raise DataError(f"column name {name!r} is a {_name(name)}; column names are text")
        if name in RESERVED:
            raise DataError(f"column '{name}' is reserved for lineage; give it another name")
        if name in seen:
            raise DataError(f"column '{name}' is there twice; give each column a name of its own")
        seen.add(name)


def _pyarrow_or_none() -> Any:
    try:
        import pyarrow
    except ImportError:
        return None
    return pyarrow


def _iterable(data: Iterable[Any]) -> Iterator[Tuple[bytes, int]]:
    """Rows are collected into batches; anything else is a table of its own."""
    rows: List[Dict[Any, Any]] = []
    for item in data:
        if isinstance(item, dict) and not _is_columns(item):
            rows.append(item)
            if len(rows) >= ROW_BATCH:
                yield from _rows(rows)
                rows = []
            continue
        if rows:
            yield from _rows(rows)
            rows = []
        if item is not None:
            yield from batches(item)
    if rows:
        yield from _rows(rows)


def _dict(data: Dict[Any, Any]) -> Iterator[Tuple[bytes, int]]:
    if not data:
        return
    if _is_columns(data):
        yield from _columns(data)
    else:
        yield from _rows([data])


def _is_columns(data: Dict[Any, Any]) -> bool:
    """Columns where every value is a sequence of values; a dict with any scalar is a row."""
    return bool(data) and all(_is_column(value) for value in data.values())


def _is_column(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return True
    return type(value).__module__.split(".", 1)[0] in ("numpy", "pandas", "polars", "pyarrow") and (
        hasattr(value, "__len__") and getattr(value, "ndim", 1) == 1
    )


def _rows(rows: List[Dict[Any, Any]]) -> Iterator[Tuple[bytes, int]]:
    names: Dict[Any, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    yield from _columns({name: [row.get(name) for row in rows] for name in names})


def _columns(columns: Dict[Any, Any]) -> Iterator[Tuple[bytes, int]]:
    _check_names(columns)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns differ in length: {lengths}")
    pyarrow = _pyarrow_or_none()
    if pyarrow is None:
        yield from arrow_ipc.streams({name: list(values) for name, values in columns.items()})
        return
    arrays = {name: _arrow_array(pyarrow, name, values) for name, values in columns.items()}
    yield from _table(pyarrow, pyarrow.table(arrays))


def _arrow_array(pyarrow: Any, name: str, values: Any) -> Any:
    if isinstance(values, (list, tuple)):
        arrow_ipc.check_mixed(name, values)
    try:
        array = pyarrow.array(values)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"column '{name}': {error}") from None
    return array


def _pandas(data: Any) -> Iterator[Tuple[bytes, int]]:
    import pandas

    if isinstance(data, pandas.Series):
        data = data.to_frame(data.name if data.name is not None else "value")
    if not isinstance(data, pandas.DataFrame):
        raise DataError(f"a {_name(data)} was published; publish takes {ACCEPTED}")
    data = _with_index_as_columns(pandas, data)
    data = data.set_axis([str(name) for name in data.columns], axis=1)
    _check_names(data.columns)
    pyarrow = _pyarrow_or_none()
    if pyarrow is None:
        columns = {name: _python_values(pandas, data[name]) for name in data.columns}
        yield from arrow_ipc.streams(columns)
        return
    try:
        table = pyarrow.Table.from_pandas(data, preserve_index=False)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(" ".join(str(part) for part in error.args)) from None
    yield from _table(pyarrow, table.replace_schema_metadata(None))


def _with_index_as_columns(pandas: Any, data: Any) -> Any:
    """An index that holds data becomes columns: a named one, several levels, or one that is no mere numbering."""
    index = data.index
    if isinstance(index, pandas.MultiIndex) or index.name is not None:
        return data.reset_index()
    is_numbering = pandas.api.types.is_integer_dtype(index.dtype) or len(index) == 0
    return data if is_numbering else data.reset_index()


def _python_values(pandas: Any, series: Any) -> List[Any]:
    values: List[Any] = []
    for value, is_null in zip(series.astype(object), series.isna()):
        if is_null is True or (not hasattr(is_null, "__len__") and bool(is_null)):
            values.append(None)
        elif hasattr(value, "to_pydatetime"):
            values.append(value.to_pydatetime())
        else:
            values.append(value.item() if type(value).__module__ == "numpy" else value)
    return values


def _polars(data: Any) -> Iterator[Tuple[bytes, int]]:
    import polars

    if isinstance(data, polars.LazyFrame):
        data = data.collect(engine="streaming")
    if isinstance(data, polars.Series):
        data = data.to_frame(data.name or "value")
    if not isinstance(data, polars.DataFrame):
        raise DataError(f"a {_name(data)} was published; publish takes {ACCEPTED}")
    _check_names(data.columns)
    rows = _rows_per_batch(int(data.estimated_size()), data.height)
    for start in range(0, max(data.height, 1), rows):
        part = data.slice(start, rows)
        buffer = io.BytesIO()
        part.write_ipc_stream(buffer, compat_level=polars.CompatLevel.oldest())
        yield buffer.getvalue(), part.height


def _pyarrow(data: Any) -> Iterator[Tuple[bytes, int]]:
    import pyarrow

    if isinstance(data, pyarrow.RecordBatchReader):
        _check_names(data.schema.names)
        sent = False
        for batch in data:
            sent = True
            yield from _table(pyarrow, pyarrow.Table.from_batches([batch]))
        if not sent:
            yield from _table(pyarrow, data.schema.empty_table())
    elif isinstance(data, pyarrow.RecordBatch):
        yield from _table(pyarrow, pyarrow.Table.from_batches([data]))
    elif isinstance(data, pyarrow.Table):
        yield from _table(pyarrow, data)
    else:
        raise DataError(f"a {_name(data)} was published; publish takes {ACCEPTED}")


def _capsule(data: Any) -> Iterator[Tuple[bytes, int]]:
    pyarrow = _pyarrow_or_none()
    if pyarrow is None:
        raise DataError(
            f"a {_name(data)} was published; taking it needs pyarrow: install it for {sys.executable}"
        )
    if hasattr(data, "__arrow_c_stream__"):
        yield from _pyarrow(pyarrow.RecordBatchReader.from_stream(data))
    else:
        yield from _pyarrow(pyarrow.record_batch(data))


def _table(pyarrow: Any, table: Any) -> Iterator[Tuple[bytes, int]]:
    _check_names(table.column_names)
    rows = _rows_per_batch(table.nbytes, table.num_rows)
    for start in range(0, max(table.num_rows, 1), rows):
        part = table.slice(start, rows)
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, part.schema) as writer:
            # One batch a stream: a table in many small chunks is written as one.
            writer.write_table(part.combine_chunks())
        yield sink.getvalue(), part.num_rows


def _rows_per_batch(size: int, rows: int) -> int:
    if rows == 0 or size == 0:
        return ROWS_MAX
    return max(1, min(ROWS_MAX, BYTES_AIM * rows // size))
