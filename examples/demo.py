"""Runs every example in a copy of its own and shows what came out. `make demo` calls it; the trees themselves stay as they are."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars

EXAMPLES = Path(__file__).resolve().parent
ROWS_SHOWN = 4
COLUMNS_SHOWN = 6
ROWS_IN_QUARANTINE = 3  # The exit code that says so.


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--casparian", type=Path, required=True, help="the binary")
    casparian = parser.parse_args().casparian.resolve()
    for example in sorted(path.parent for path in EXAMPLES.glob("*/casparian.toml")):
        with tempfile.TemporaryDirectory(prefix="casparian-demo-") as temporary:
            project = Path(temporary) / example.name
            shutil.copytree(example, project)
            show(casparian, project)


def show(casparian: Path, project: Path) -> None:
    print(f"\n=== examples/{project.name} " + "=" * 60, flush=True)
    run(casparian, project)
    print(flush=True)
    command(casparian, project, "topics")
    for topic in sorted(path for path in (project / "lake").iterdir() if path.is_dir()):
        print(f"\nlake/{topic.name}, the first rows:")
        rows = polars.scan_parquet(topic / "*.parquet").head(ROWS_SHOWN).collect()
        shown = [*rows.columns[:COLUMNS_SHOWN], "_job_id", "_file_version_id"]
        with polars.Config(tbl_hide_dataframe_shape=True, tbl_cols=-1, tbl_width_chars=160, fmt_str_lengths=28):
            print(rows.select(list(dict.fromkeys(shown))), flush=True)
    print("\nonce more:", flush=True)
    run(casparian, project)
    question = (project / "question.sql").read_text()
    print(f"\n{question}", flush=True)
    command(casparian, project, "sql", "-", question=question)


def run(casparian: Path, project: Path) -> None:
    """Rows in quarantine are part of what is shown; a failed file is none."""
    if command(casparian, project, "run", good=(0, ROWS_IN_QUARANTINE)) == ROWS_IN_QUARANTINE:
        failed = subprocess.run(
            [casparian, "jobs", "list", "--status", "FAILED", "--json"], cwd=project, capture_output=True, check=True
        )
        if json.loads(failed.stdout)["jobs"]:
            sys.exit("demo: files failed")
        print(flush=True)
        command(casparian, project, "quarantine", "--rows")


def command(casparian: Path, project: Path, *arguments: str, question: str = "", good: tuple = (0,)) -> int:
    source = " < question.sql" if question else ""
    print(f"$ casparian {' '.join(arguments)}{source}", flush=True)
    environment = {**os.environ, "CASPARIAN_PYTHON_INTERPRETER": sys.executable}
    ended = subprocess.run([casparian, *arguments], cwd=project, env=environment, input=question, text=True)
    if ended.returncode not in good:
        sys.exit(f"demo: casparian {' '.join(arguments)} ended with {ended.returncode}")
    return ended.returncode


if __name__ == "__main__":
    main()
