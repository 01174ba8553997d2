"""Those who only convert, one run each. usage: reading.py duckdb|polars|dlt csv|ndjson|glob|sql SOURCE OUTPUT (of sql: the question)"""

import sys


def duckdb_run(kind: str, source: str, output: str) -> None:
    import duckdb

    if kind == "sql":
        duckdb.sql(output.replace("FROM readings", f"FROM read_parquet('{source}', union_by_name = true)")).fetchall()
        return
    reader = {"csv": f"read_csv('{source}')", "ndjson": f"read_json('{source}')", "glob": f"read_csv('{source}/**/*.csv')"}[kind]
    duckdb.sql(f"COPY (SELECT * FROM {reader}) TO '{output}' (FORMAT parquet, COMPRESSION snappy)")


def polars_run(kind: str, source: str, output: str) -> None:
    import polars

    frame = polars.scan_csv(source, try_parse_dates=True) if kind == "csv" else polars.scan_ndjson(source)
    frame.sink_parquet(output, compression="snappy")


def dlt_run(kind: str, source: str, output: str) -> None:
    import dlt
    from dlt.sources.filesystem import filesystem, read_csv

    files = filesystem(bucket_url=source, file_glob="**/*.csv") | read_csv()
    place = dlt.destinations.filesystem(bucket_url=output)
    pipeline = dlt.pipeline("bench", destination=place, dataset_name="bench", pipelines_dir=output + "-state")
    pipeline.run(files.with_name("readings"), loader_file_format="parquet")


if __name__ == "__main__":
    {"duckdb": duckdb_run, "polars": polars_run, "dlt": dlt_run}[sys.argv[1]](*sys.argv[2:])
