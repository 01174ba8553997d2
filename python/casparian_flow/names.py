"""Which column names a frame may have."""

from collections import Counter
from typing import Sequence

from casparian_flow.errors import DataError

LINEAGE = ("_job_id", "_file_version_id")


def check_names(names: Sequence[str]) -> None:
    for name in names:
        if name in LINEAGE:
            raise DataError(f"column {name!r} is reserved for lineage; rename it")
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError("a column name that is not valid Unicode", name.encode("utf-8", "backslashreplace").decode()) from None
    if len(set(names)) < len(names):
        twice = ", ".join(f"column {name!r} is there {_times(count)}" for name, count in Counter(names).items() if count > 1)
        raise DataError(twice)


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
