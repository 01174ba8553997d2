"""Values that are easily lost on the way: what a plugin publishes, and what other programs are to read."""

import datetime as dt
from decimal import Decimal

LONG = "n" * 200
NINES = "9" * 28 + "." + "9" * 10

# Name, Arrow type, values. Times and timestamps are counts of their unit.
COLUMNS = [
    ("id", "int64", [0, 1, 2, 3]),
    ("i8", "int8", [-128, 127, 0, None]),
    ("i64", "int64", [-(2**63), 2**63 - 1, 2**53 + 1, None]),
    ("u32", "uint32", [0, 2**32 - 1, 1, None]),
    ("u64", "uint64", [0, 2**64 - 1, 2**63, None]),
    ("f32", "float32", [float("inf"), float("-inf"), 0.5, None]),
    ("f64", "float64", [float("nan"), float("-inf"), 5e-324, None]),
    ("decimal", "decimal128(38, 10)", [Decimal(NINES), Decimal("-" + NINES), Decimal("-0.0500000000"), None]),
    ("text", "string", ["", "\U0001f600é", "NULL", None]),
    ("quoting", "string", ["'; DROP TABLE t; --", 'a"b,c\n', "\ufeffx", None]),
    ("bytes", "binary", [b"", b"\x00\xff", b"abc", None]),
    ("flag", "bool_", [True, False, True, None]),
    ("day", "date32", [dt.date(1, 1, 1), dt.date(1815, 12, 10), dt.date(9999, 12, 31), None]),
    ("time", "time64('us')", [0, 86_399_999_999, 1, None]),
    ("at_us", "timestamp('us')", [-(10**16) + 1, 1, 253_402_300_799_999_999, None]),
    # To DuckDB one more in either direction is an infinity.
    ("at_ns", "timestamp('ns')", [-(2**63) + 2, 1, 2**63 - 2, None]),
    ("at_us_zone", "timestamp('us', 'Europe/Berlin')", [-1, 1, 1_700_000_000_123_456, None]),
    ("at_ns_zone", "timestamp('ns', 'UTC')", [-1, 1, 1_700_000_000_123_456_789, None]),
    ("list", "list_(int32)", [[], [1, None, 3], [2**31 - 1], None]),
    ("struct", "struct(a=int64, b=string)", [{"a": 2**63 - 1, "b": ""}, {"a": None, "b": "x"}, {"a": 1, "b": None}, None]),
    ('with "quotes"', "int64", [1, 2, 3, 4]),
    ("with blank", "int64", [1, 2, 3, 4]),
    ("select", "int64", [1, 2, 3, 4]),
    ("\U0001f600é", "int64", [1, 2, 3, 4]),
    (LONG, "int64", [1, 2, 3, 4]),
]
