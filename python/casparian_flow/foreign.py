"""numpy and pandas scalars that stand among plain Python values (a cell taken out of a frame), as plain values."""

import sys
from typing import Any

from casparian_flow.errors import DataError


def is_foreign(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in ("numpy", "pandas")


def to_plain(value: Any, where: str) -> Any:
    kind = type(value)
    if not is_foreign(kind):
        return value
    if kind.__name__ in ("NaTType", "NAType"):
        return None
    if kind.__name__ in ("Timestamp", "Timedelta"):
        return _from_pandas(value, where)
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.ndarray):
        # tolist() would make bare integers of nanosecond times.
        return list(value) if value.dtype.kind in "mM" else value.tolist()
    if isinstance(value, (numpy.datetime64, numpy.timedelta64)):
        return _from_numpy_time(numpy, value, where)
    return value.item() if isinstance(value, numpy.generic) else value


def _from_pandas(value: Any, where: str) -> Any:
    stamp = hasattr(value, "to_pydatetime")
    if value.nanosecond if stamp else value.nanoseconds:
        raise _too_fine(value, where)
    return value.to_pydatetime() if stamp else value.to_pytimedelta()


def _from_numpy_time(numpy: Any, value: Any, where: str) -> Any:
    if numpy.isnat(value):
        return None
    if numpy.datetime_data(value.dtype)[0] in ("D", "W", "M", "Y") and isinstance(value, numpy.datetime64):
        return value.astype("datetime64[D]").item()
    micros = value.astype(f"{value.dtype.kind}8[us]")
    if micros != value:
        raise _too_fine(value, where)
    return micros.item()


def _too_fine(value: Any, where: str) -> DataError:
    return DataError(f"{value!r} is finer than microseconds; publish it in a frame of pandas, polars or pyarrow", where)
