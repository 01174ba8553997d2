"""Tables, batches and readers of pyarrow, and whatever speaks the Arrow PyCapsule interface."""

from typing import Any, Iterator, Sequence

from casparian_flow.cutting import Stream, cut
from casparian_flow.errors import DataError
from casparian_flow.frames import Buffer
from casparian_flow.installed import installed
from casparian_flow.names import check_names
from casparian_flow.polars_frames import frame_streams
from casparian_flow.rows import column_streams


def arrow_streams(data: Any) -> Iterator[Stream]:
    pa = installed("pyarrow")
    if isinstance(data, pa.RecordBatchReader):
        return _reader_streams(data)
    return table_streams(pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else data)


def table_streams(table: Any) -> Iterator[Stream]:
    check_names(table.schema.names)
    if table.num_columns == 0 and table.num_rows == 0:
        return
    table = _without_views(table)
    yield from cut(table.num_rows, lambda start, count: _write(table.slice(start, count)), table.nbytes)


def _reader_streams(reader: Any) -> Iterator[Stream]:
    """Batch by batch, so that a reader larger than memory passes. An empty one still tells its schema."""
    pa = installed("pyarrow")
    empty = True
    for batch in reader:
        empty = False
        yield from table_streams(pa.Table.from_batches([batch]))
    if empty:
        yield from table_streams(reader.schema.empty_table())


def capsule_streams(data: Any) -> Iterator[Stream]:
    pa, pl = installed("pyarrow"), installed("polars")
    if pa is None and pl is None:
        raise DataError(f"{type(data).__name__} speaks Arrow, and reading that takes pyarrow or polars: install one of them")
    if pa is None:
        yield from frame_streams(pl.DataFrame(data))
    elif hasattr(data, "__arrow_c_stream__"):
        yield from _reader_streams(_checked(pa, data, pa.RecordBatchReader.from_stream))
    else:
        yield from table_streams(pa.Table.from_batches([_checked(pa, data, pa.record_batch)]))


def _checked(pa: Any, data: Any, read: Any) -> Any:
    try:
        return read(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{type(data).__name__} is no table to Arrow: {error}") from error


def arrow_column(name: str, values: Sequence[Any]) -> Any:
    """Python values as an Arrow column, typed by our rules."""
    pa = installed("pyarrow")
    tables = [pa.ipc.open_stream(stream).read_all() for stream, _ in column_streams([name], [values], len(values))]
    return pa.concat_tables(tables).column(0)


def _write(table: Any) -> Buffer:
    pa = installed("pyarrow")
    if any(column.num_chunks > 1 for column in table.columns):
        table = table.combine_chunks()
    batches = table.to_batches() or [_empty_batch(pa, table)]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return memoryview(sink.getvalue())


def _empty_batch(pa: Any, table: Any) -> Any:
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in table.columns], schema=table.schema)


def _without_views(table: Any) -> Any:
    """Views become plain strings and bytes: a slice of a view column would carry all of the column's data along."""
    pa = installed("pyarrow")
    fields = [field.with_type(_without_view(pa, field.type)) for field in table.schema]
    schema = pa.schema(fields, metadata=table.schema.metadata)
    return table if schema.equals(table.schema) else table.cast(schema)


def _without_view(pa: Any, type_: Any) -> Any:
    if str(type_) == "string_view":
        return pa.large_string()
    if str(type_) == "binary_view":
        return pa.large_binary()
    if pa.types.is_struct(type_):
        return pa.struct([_field_without_view(pa, type_.field(i)) for i in range(type_.num_fields)])
    if pa.types.is_list(type_):
        return pa.list_(_field_without_view(pa, type_.value_field))
    if pa.types.is_large_list(type_):
        return pa.large_list(_field_without_view(pa, type_.value_field))
    return type_


def _field_without_view(pa: Any, field: Any) -> Any:
    return field.with_type(_without_view(pa, field.type))
