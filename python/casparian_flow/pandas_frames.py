"""Frames of pandas: through pyarrow where it is installed, else as columns of Python objects."""

from typing import Any, Iterator, List

from casparian_flow.cutting import Stream
from casparian_flow.errors import DataError
from casparian_flow.installed import installed
from casparian_flow.names import check_names
from casparian_flow.pyarrow_frames import arrow_column, table_streams
from casparian_flow.rows import column_streams


def pandas_streams(data: Any) -> Iterator[Stream]:
    pd = installed("pandas")
    if isinstance(data, pd.Series):
        data = data.to_frame("value" if data.name is None else data.name)
    frame = _with_text_names(_with_index(pd, data))
    if not frame.columns.size:
        return _without_columns(frame)
    if installed("pyarrow"):
        return table_streams(arrow_table(frame))
    columns = [object_list(frame[name]) for name in frame.columns]
    return column_streams(list(frame.columns), columns, len(frame))


def _without_columns(frame: Any) -> Iterator[Stream]:
    if len(frame):
        raise DataError(f"{len(frame)} rows without a column")
    return iter(())


def holds_data(pd: Any, index: Any) -> bool:
    """False for row numbers. A name, more than one level, or labels that are no integers were put there by somebody."""
    if index.nlevels > 1 or index.name is not None:
        return True
    labels_none = len(index) == 0 and index.dtype == object  # What older versions give a frame without rows.
    return not (isinstance(index, pd.RangeIndex) or pd.api.types.is_integer_dtype(index.dtype) or labels_none)


def _with_index(pd: Any, frame: Any) -> Any:
    if not holds_data(pd, frame.index):
        return frame
    try:
        return frame.reset_index()
    except ValueError as error:
        raise DataError(f"the index cannot become a column ({error}); rename it, or use reset_index(drop=True)") from error


def _with_text_names(frame: Any) -> Any:
    names = [str(name) for name in frame.columns]
    check_names(names)
    if names != list(frame.columns):
        frame = frame.copy(deep=False)
        frame.columns = names
    return frame


def object_list(series: Any) -> List[Any]:
    """The values as Python objects, None for everything that pandas calls missing."""
    missing = series.isna()
    values = series.astype(object).tolist()
    return [None if gone else value for value, gone in zip(values, missing)] if missing.any() else values


def arrow_table(frame: Any) -> Any:
    pa = installed("pyarrow")
    mixed = [name for name in frame.columns if frame[name].dtype == object and not _one_simple_type(frame[name])]
    table = _converted(pa, frame.drop(columns=mixed) if mixed else frame)
    if mixed:
        made = {name: arrow_column(name, object_list(frame[name])) for name in mixed}
        table = pa.table({name: made[name] if name in made else table.column(name) for name in frame.columns})
    # What pandas notes there (its version, its index) differs from frame to frame and says nothing about the data.
    return table.replace_schema_metadata(None)


def _one_simple_type(series: Any) -> bool:
    """True where pyarrow makes the one type of it that there is; nan and None are its nulls."""
    kinds = set(map(type, series.tolist())) - {type(None), float}
    return len(kinds) <= 1 and kinds <= {str, bool, int, bytes}


def _converted(pa: Any, frame: Any) -> Any:
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except MemoryError:
        raise
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise _named(pa, frame, error) from error


def _named(pa: Any, frame: Any, error: Exception) -> DataError:
    """The error with the column that causes it, which pyarrow does not always say."""
    for name in frame.columns:
        try:
            pa.Array.from_pandas(frame[name])
        except Exception as cause:
            return DataError(f"{cause} (pandas dtype {frame[name].dtype})", name)
    return DataError(str(error))
