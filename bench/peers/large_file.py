"""The peer for one large file: the plugin's own reading, written by pyarrow. usage: large_file.py SOURCE OUTPUT"""

import sys

import pyarrow.csv
import pyarrow.parquet

with pyarrow.csv.open_csv(sys.argv[1]) as reader:
    with pyarrow.parquet.ParquetWriter(sys.argv[2], reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
