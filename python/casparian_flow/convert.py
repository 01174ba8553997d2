"""Takes apart whatever a plugin publishes, lazily: into plain rows, and Arrow streams of everything that is a frame."""

from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from casparian_flow.columns import column_dict_streams, is_column
from casparian_flow.cutting import Stream
from casparian_flow.errors import DataError
from casparian_flow.installed import is_a
from casparian_flow.pandas_frames import pandas_streams
from casparian_flow.polars_frames import polars_streams
from casparian_flow.pyarrow_frames import arrow_streams, capsule_streams
from casparian_flow.rows import Row

Piece = Union[Row, Stream]

ACCEPTED = (
    "a frame of pandas, polars or pyarrow, anything with the Arrow PyCapsule interface, a dict of columns, "
    "a dict as one row, or a list or generator of these"
)


def pieces(data: Any, ignore_none: bool = False) -> Iterator[Piece]:
    """Rows are dicts; streams come with their row counts. `ignore_none` is for what a handler returns or yields."""
    if data is None and ignore_none:
        return iter(())
    if isinstance(data, Mapping):
        # Neither rows nor columns: nothing. Among other dicts it is a row of nulls.
        return iter(_of_mapping(data, _shape(data)) if data else ())
    frame = None if isinstance(data, (list, tuple)) else _frame_streams(data)
    if frame is not None:
        return frame
    if _is_series_of_items(data):
        return _each(data, ignore_none)
    raise DataError(f"{_type_name(data)} was published; publish takes {ACCEPTED}")


def _frame_streams(data: Any) -> Optional[Iterator[Stream]]:
    if is_a(data, "pandas", "DataFrame", "Series"):
        return pandas_streams(data)
    if is_a(data, "polars", "DataFrame", "LazyFrame", "Series"):
        return polars_streams(data)
    if is_a(data, "pyarrow", "Table", "RecordBatch", "RecordBatchReader"):
        return arrow_streams(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return capsule_streams(data)
    return None


def _is_series_of_items(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return not hasattr(data, "_fields")
    return isinstance(data, Iterable) and not isinstance(data, (str, bytes, bytearray, memoryview)) and not is_column(data)


def _each(items: Iterable[Any], ignore_none: bool) -> Iterator[Piece]:
    """The first dict decides for all: a row whose cells happen to be lists is not taken for columns after other rows."""
    shape: Optional[str] = None
    for item in items:
        if isinstance(item, Mapping):
            shape = shape or _shape(item)
            yield from _of_mapping(item, shape)
        else:
            yield from pieces(item, ignore_none)


def _shape(data: Mapping[Any, Any]) -> str:
    return "columns" if data and all(map(is_column, data.values())) else "row"


def _of_mapping(data: Mapping[str, Any], shape: str) -> Iterable[Piece]:
    if shape == "row":
        return (dict(data),)
    if _shape(data) != "columns":
        cell = next((name for name, value in data.items() if not is_column(value)), None)
        raise DataError(f"a dict of columns, then one with a single value under {cell!r}; wrap each row's lists or publish one kind")
    return column_dict_streams(data)


def _type_name(data: Any) -> str:
    kind = type(data)
    if data is None:
        return "None"
    return f"a {kind.__name__}" if kind.__module__ == "builtins" else f"a {kind.__module__}.{kind.__name__}"
