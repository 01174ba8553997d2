"""A dict of columns: lists, and the arrays and series of the data libraries, also mixed."""

import array
from typing import Any, Dict, Iterator, List, Mapping, Optional

from casparian_flow.cutting import Stream
from casparian_flow.errors import DataError
from casparian_flow.installed import imported, installed, is_a
from casparian_flow.names import check_names
from casparian_flow.pandas_frames import arrow_table, holds_data, object_list
from casparian_flow.pyarrow_frames import arrow_column, table_streams
from casparian_flow.rows import column_streams
from casparian_flow.vectors import check_keys


def is_column(value: Any) -> bool:
    return _library(value) is not None


def column_dict_streams(data: Mapping[str, Any]) -> Iterator[Stream]:
    names = list(data)
    check_keys(names)
    check_names(names)
    rows = _common_length(data)
    libraries = {_library(value) for value in data.values()}
    if libraries == {"python"} or installed("pyarrow") is None:
        return column_streams(names, [_as_list(name, value) for name, value in data.items()], rows)
    columns = {name: _as_arrow(name, value) for name, value in data.items()}
    return table_streams(installed("pyarrow").table(columns))


def _library(value: Any) -> Optional[str]:
    """Where a column comes from, or None if the value is no column but a cell."""
    if isinstance(value, (list, tuple, range, array.array)):
        return "python"
    if is_a(value, "numpy", "ndarray"):
        return "numpy" if value.ndim else None
    if is_a(value, "pandas", "Series", "Index") or _is_pandas_array(value):
        return "pandas"
    if is_a(value, "polars", "Series"):
        return "polars"
    return "pyarrow" if is_a(value, "pyarrow", "Array", "ChunkedArray") else None


def _is_pandas_array(value: Any) -> bool:
    pd = imported("pandas")
    return pd is not None and hasattr(pd, "api") and isinstance(value, pd.api.extensions.ExtensionArray)


def _common_length(data: Mapping[str, Any]) -> int:
    lengths = {name: len(value) for name, value in data.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name!r} {length}" for name, length in list(lengths.items())[:20])
        raise DataError(f"the columns differ in length: {shown}")
    return next(iter(lengths.values()))


def _as_list(name: str, value: Any) -> List[Any]:
    library = _library(value)
    if library == "numpy":
        _check_flat(name, value)
        return list(value) if value.dtype.kind in "mM" else list(value.tolist())
    if library == "pandas":
        return object_list(_series(name, value))
    return list(value.to_list() if library == "polars" else value)


def _as_arrow(name: str, value: Any) -> Any:
    pa = installed("pyarrow")
    library = _library(value)
    if library == "pyarrow":
        return value
    if library == "pandas":
        return arrow_table(_series(name, value).to_frame(name)).column(0)
    if library == "polars":
        return value.to_arrow()
    if library == "numpy" and value.dtype != object:
        _check_flat(name, value)
        return _from_numpy(pa, name, value)
    return arrow_column(name, _as_list(name, value))


def _from_numpy(pa: Any, name: str, value: Any) -> Any:
    try:
        return pa.array(value)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{error} (numpy dtype {value.dtype})", name) from error


def _check_flat(name: str, value: Any) -> None:
    if value.ndim != 1:
        raise DataError(f"an array of {value.ndim} dimensions is no column", name)


def _series(name: str, value: Any) -> Any:
    pd = installed("pandas")
    if isinstance(value, pd.Series):
        if holds_data(pd, value.index):
            raise DataError("a Series whose index holds data, which a dict of columns would lose; publish a DataFrame", name)
        return value
    return pd.Series(value)
