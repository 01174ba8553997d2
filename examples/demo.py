"""Runs every example in a copy of its own and shows what came out. `make demo` calls it; the trees themselves stay as they are."""

import argparse
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
    command(casparian, project, "run")
    print(flush=True)
    command(casparian, project, "topics")
    for topic in sorted(path for path in (project / "lake").iterdir() if path.is_dir()):
        print(f"\nlake/{topic.name}, the first rows:")
        rows = polars.scan_parquet(topic / "*.parquet").head(ROWS_SHOWN).collect()
        shown = [*rows.columns[:COLUMNS_SHOWN], "_job_id", "_file_version_id"]
        with polars.Config(tbl_hide_dataframe_shape=True, tbl_cols=-1, tbl_width_chars=160, fmt_str_lengths=28):
            print(rows.select(list(dict.fromkeys(shown))), flush=True)
    print("\nonce more:", flush=True)
    command(casparian, project, "run")


def command(casparian: Path, project: Path, *arguments: str) -> None:
    print(f"$ casparian {' '.join(arguments)}", flush=True)
    environment = {**os.environ, "CASPARIAN_PYTHON_INTERPRETER": sys.executable}
    ended = subprocess.run([casparian, *arguments], cwd=project, env=environment)
    if ended.returncode != 0:
        sys.exit(f"demo: casparian {' '.join(arguments)} ended with {ended.returncode}")


if __name__ == "__main__":
    main()
