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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--casparian", type=Path, required=True, help="the binary")
    casparian = parser.parse_args().casparian
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
        with polars.Config(tbl_hide_dataframe_shape=True, tbl_cols=-1, tbl_width_chars=140, fmt_str_lengths=30):
            print(rows, flush=True)
    print("\nonce more:", flush=True)
    command(casparian, project, "run")


def command(casparian: Path, project: Path, *arguments: str) -> None:
    print(f"$ casparian {' '.join(arguments)}", flush=True)
    environment = {**os.environ, "CASPARIAN_PYTHON_INTERPRETER": sys.executable}
    subprocess.run([casparian, *arguments], cwd=project, env=environment, check=True)


if __name__ == "__main__":
    main()
