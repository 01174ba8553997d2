"""A CSV file into a table of PostgreSQL, beside psql's \\copy of the same rows, lineage among them, into a table with the same columns.

The second line is what the server itself logged for the two COPY statements: a difference of whole runs would be mostly noise.

The server is that of .ci/with-postgres: both sides load into it with fsync and full_page_writes off.
"""

import os
import re
import shutil
from pathlib import Path

import measure
import trees
from project import expect, run_plugin
from table import Line, compared, say

ROUNDS = 3
SERVER = os.environ.get("CASPARIAN_TEST_POSTGRES", "")


def postgresql(casparian: list, work: Path, megabytes: int) -> list:
    if not SERVER:
        return [Line("table in PostgreSQL", "not measured", "", "", ".ci/with-postgres starts a server")]
    source, rows = work / "data", work / "rows.csv"
    say(f"making a CSV file of {megabytes:,} MB")
    source.mkdir(parents=True)
    trees.large_csv(source / "large.csv", megabytes)
    say("table in PostgreSQL")
    config = f'[sinks.warehouse]\nuri = "{SERVER}"\n'
    sql("ALTER DATABASE postgres SET log_min_duration_statement = 0")
    ours, peer = [], []
    for number in range(ROUNDS):
        sql("DROP TABLE IF EXISTS measured, peer, _casparian_commits, _casparian_columns")
        ours.append(run_plugin(casparian, work / f"project-{number}", "postgresql", source, config=config))
        expect(ours[-1], "jobs_completed", 1)
        sql(f"\\copy measured to '{rows}' csv")
        sql("CREATE TABLE peer (LIKE measured)")
        peer.append(sql(f"\\copy peer from '{rows}' csv"))
    sql("DROP TABLE measured, peer, _casparian_commits, _casparian_columns")
    shutil.rmtree(work)
    whole, copied = (min(run.seconds for run in runs) for runs in (ours, peer))
    return [
        compared(f"{megabytes:,} MB of CSV into a table of PostgreSQL, whole run", whole, copied, "psql \\copy", "<= 1.2"),
        compared("... the load alone, by the server's log", copy_seconds('"public"."measured"'), copy_seconds("peer FROM"), "psql \\copy", ""),
    ]


def copy_seconds(table: str) -> float:
    """The shortest COPY into a table."""
    log = Path(SERVER.split("host=")[1]) / "server.log"
    found = re.findall(rf"duration: ([0-9.]+) ms  statement: COPY +{re.escape(table)}", log.read_text())
    return min(float(milliseconds) for milliseconds in found) / 1000


def sql(command: str) -> measure.Measured:
    psql = Path(os.environ["CASPARIAN_TEST_POSTGRES_BIN"]) / "psql"
    return measure.run([psql, "-Xqc", command, SERVER], {"PGOPTIONS": "-c client_min_messages=warning"})
