"""Damages a catalog behind everybody's back: `damage.py CATALOG NAME [VALUE...]`."""

import sqlite3
import sys

DAMAGES = {
    "job_gone": "DELETE FROM processing_job WHERE rows = 2",
    "artifact_gone": "DELETE FROM artifact WHERE rows = 2",
    "artifact_rows": "UPDATE artifact SET rows = 9 WHERE rows = 2",
    "receipt_rows": "UPDATE processing_job SET rows = 9 WHERE rows = 1",
    "promoting": "UPDATE artifact SET state = 'PROMOTING' WHERE rows = 2",
    "hash_of": "UPDATE output_file SET hash = ?, size_bytes = ? WHERE rows = 1",
}


def values(name, arguments):
    if name != "hash_of":
        return ()
    import hashlib

    with open(arguments[0], "rb") as file:
        content = file.read()
    return hashlib.sha256(content).digest(), len(content)


connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA foreign_keys = OFF")
changed = connection.execute(DAMAGES[sys.argv[2]], values(sys.argv[2], sys.argv[3:])).rowcount
connection.commit()
sys.exit(0 if changed else 1)
