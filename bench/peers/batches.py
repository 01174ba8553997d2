"""The peers for Parquet: batches of an Arrow file, written and synced. usage: batches.py pyarrow|polars|polars-default SOURCE OUTPUT"""

import os
import sys

import pyarrow
import pyarrow.ipc

ROW_GROUP_ROWS = 1 << 20

writer, source, output = sys.argv[1:]
with pyarrow.memory_map(source) as file:
    table = pyarrow.ipc.open_file(file).read_all()
    if writer == "pyarrow":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, output, compression="snappy", row_group_size=ROW_GROUP_ROWS)
    else:
        import polars

        chosen = {} if writer == "polars-default" else {"compression": "snappy", "row_group_size": ROW_GROUP_ROWS}
        polars.from_arrow(table).write_parquet(output, **chosen)
with open(output, "rb") as written:
    os.fsync(written.fileno())
