"""Reads a lake with programs that know nothing of us. usage: check.py VALUES LAKE; prints what differs, cell by cell."""

import datetime as dt
import glob
import math
import subprocess
import sys
from decimal import Decimal

import duckdb
import polars
import pyarrow.parquet

space = {}
exec(open(sys.argv[1]).read(), space)
COLUMNS = space["COLUMNS"]
LAKE = sys.argv[2]
FILES = sorted(glob.glob(f"{LAKE}/files/*.parquet"))
assert FILES, "no file"


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isnan(a) and math.isnan(b) or a == b
    return type(a) is type(b) and a == b


def check(reader, name, found, wanted):
    if len(found) != len(wanted) or not all(map(same, found, wanted)):
        print(f"{reader}: {name}: {found} instead of {wanted}")


def by_pyarrow():
    table = pyarrow.parquet.read_table(FILES[0], partitioning=None).sort_by("id")
    for name, kind, values in COLUMNS:
        column = table[name]
        if kind.startswith(("time", "timestamp")):
            column = column.cast("int64")
        check("pyarrow", name, column.to_pylist(), values)


def by_polars():
    table = polars.read_parquet(FILES[0]).sort("id")
    for name, kind, values in COLUMNS:
        column = table[name]
        if kind.startswith("time64"):
            # Its times are all of nanoseconds.
            values = [value and value * 1000 for value in values]
        if kind.startswith(("time", "timestamp")):
            column = column.to_physical()
        check("polars", name, column.to_list(), values)


def by_duckdb():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name, kind, values in COLUMNS:
        quoted = '"' + name.replace('"', '""') + '"'
        expression = quoted
        if kind.startswith("timestamp('ns', "):
            # Its timestamps with a zone have microseconds, before version 2 at least: the digits below are lost in reading.
            nearest = f"epoch_us(CAST({quoted} AS TIMESTAMPTZ))"
            lost = f"({{0}} - {nearest} * 1000) BETWEEN -1000 AND 1000"
            cases = [f"WHEN {number} THEN {lost.format(value)}" for number, value in enumerate(values) if value is not None]
            expression, values = f"CASE id {' '.join(cases)} END", [value and True for value in values]
        elif kind.startswith("timestamp('ns'"):
            expression = f"epoch_ns({quoted})"
        elif kind.startswith("timestamp"):
            expression = f"epoch_us({quoted})"
        elif kind.startswith("time64"):
            expression = f"epoch_us({quoted})"
        rows = connection.execute(f"SELECT {expression} FROM read_parquet({FILES!r}) ORDER BY id").fetchall()
        check("duckdb", name, [row[0] for row in rows], values)


def in_sqlite(kind, value):
    """The form of docs/sinks.md, as the shell quotes it."""
    if value is None:
        return "NULL"
    if kind == "uint64" and value >= 2**63:
        return f"'{value}'"
    if kind == "binary":
        return f"X'{value.hex().upper()}'"
    if kind == "bool_":
        return str(int(value))
    if isinstance(value, Decimal):
        return f"'{value:f}'"
    if kind == "string":
        return "'" + value.replace("'", "''") + "'"
    if kind == "date32":
        return f"'{value.year:04}-{value.month:02}-{value.day:02}'"
    if kind.startswith("time64"):
        return f"'{dt.time(*clock(value // 10**6)).isoformat()}.{value % 10**6:06}'"
    if kind.startswith("timestamp"):
        digits = 9 if "'ns'" in kind else 6
        seconds, rest = divmod(value, 10**digits)
        moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)
        zone = "+00:00" if "', '" in kind else ""
        return f"'{moment.year:04}{moment:-%m-%d %H:%M:%S}.{rest:0{digits}}{zone}'"
    return str(value)


def real(told):
    return None if told == "NULL" else math.nan if told == "'NaN'" else float(told)


def clock(seconds):
    return seconds // 3600, seconds // 60 % 60, seconds % 60


def by_sqlite():
    for name, kind, values in COLUMNS:
        if kind.startswith(("list_", "struct")):
            continue
        quoted = '"' + name.replace('"', '""') + '"'
        is_float = kind.startswith("float")
        shown = f"CASE typeof({quoted}) WHEN 'real' THEN printf('%!.17g', {quoted}) ELSE quote({quoted}) END"
        query = f"SELECT {shown} || char(30) FROM tables ORDER BY id"
        told = subprocess.run(["sqlite3", f"{LAKE}/shop.db", query], capture_output=True, check=True).stdout
        found = [cell.lstrip("\n") for cell in told.decode().split("\x1e")][:-1]
        if is_float:
            check("sqlite3", name, [real(cell) for cell in found], values)
        else:
            check("sqlite3", name, found, [in_sqlite(kind, value) for value in values])
    query = "SELECT list, struct FROM tables ORDER BY id"
    told = subprocess.run(["sqlite3", "-separator", " ", f"{LAKE}/shop.db", query], capture_output=True, check=True, text=True).stdout
    wanted = ['[] {"a":9223372036854775807,"b":""}', '[1,null,3] {"a":null,"b":"x"}', '[2147483647] {"a":1,"b":null}', " "]
    check("sqlite3", "list and struct", told.split("\n")[:-1], wanted)


by_pyarrow()
by_polars()
by_duckdb()
by_sqlite()
