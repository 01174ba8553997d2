"""The peer for small files: a plain loop. usage: small_files.py SOURCE [OUTPUT]; without OUTPUT it only reads."""

import sys
from pathlib import Path

import polars

source = Path(sys.argv[1])
output = Path(sys.argv[2]) if len(sys.argv) > 2 else None
for number, path in enumerate(sorted(source.rglob("*.csv"))):
    frame = polars.read_csv(path)
    if output:
        frame.write_parquet(output / f"{number}.parquet")
