"""Frames of polars. polars writes Arrow streams itself, so pyarrow need not be there."""

import io
from typing import Any, Iterator

from casparian_flow.cutting import ROWS_MAX, Stream, cut
from casparian_flow.errors import DataError
from casparian_flow.frames import Buffer
from casparian_flow.installed import installed
from casparian_flow.names import check_names


def polars_streams(data: Any) -> Iterator[Stream]:
    pl = installed("polars")
    if isinstance(data, pl.LazyFrame):
        return _lazy_streams(pl, data)
    if isinstance(data, pl.Series):
        return frame_streams(data.to_frame(data.name or "value"))
    return frame_streams(data)


def frame_streams(frame: Any) -> Iterator[Stream]:
    check_names(frame.columns)
    for name, dtype in frame.schema.items():
        _check_type(name, dtype)
    if frame.width:
        yield from cut(frame.height, lambda start, count: _write(frame.slice(start, count)), frame.estimated_size())
    elif frame.height:
        raise DataError(f"{frame.height} rows without a column")


def _lazy_streams(pl: Any, frame: Any) -> Iterator[Stream]:
    """Batch by batch where polars can, so that a query larger than memory passes."""
    if not hasattr(frame, "collect_batches"):
        yield from frame_streams(_collected(pl, frame))
        return
    empty = True
    for batch in frame.collect_batches(chunk_size=ROWS_MAX, maintain_order=True):
        empty = False
        yield from frame_streams(batch)
    if empty:
        yield from frame_streams(pl.DataFrame(schema=frame.collect_schema()))


def _collected(pl: Any, frame: Any) -> Any:
    version = tuple(int(part) for part in pl.__version__.split(".")[:2])
    return frame.collect(engine="streaming") if version >= (1, 23) else frame.collect(streaming=True)


def _check_type(name: str, dtype: Any) -> None:
    if str(dtype) in ("Object", "Int128", "UInt128"):
        raise DataError(f"polars cannot write {dtype} as Arrow; cast the column", name)
    inner = [getattr(dtype, "inner", None), *(field.dtype for field in getattr(dtype, "fields", ()))]
    for part in inner:
        if part is not None:
            _check_type(name, part)


def _write(frame: Any) -> Buffer:
    pl = installed("polars")
    sink = io.BytesIO()
    try:
        # Oldest: plain strings in place of views, which every reader understands.
        frame.write_ipc_stream(sink, compat_level=pl.CompatLevel.oldest())
    except pl.exceptions.PolarsError as error:
        raise DataError(f"polars cannot write this frame as Arrow: {error}") from error
    return sink.getbuffer()
