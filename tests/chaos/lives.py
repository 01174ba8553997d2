"""What every program here has in common: a seed that decides all that is done, and a directory that stays where something is wrong."""

import argparse
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def parser(description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--casparian", type=Path, required=True, help="the binary")
    made.add_argument("--seed", type=int, default=None, help="by default a new one")
    made.add_argument("--catalog", help="a URL; by default SQLite in the project")
    made.add_argument("--dir", help="where to work; by default the system's temporary directory")
    return made


def live(arguments: argparse.Namespace, kind: str, run: Callable[[argparse.Namespace, Path], list]) -> int:
    """The exit code. `run` gives what is wrong."""
    if arguments.seed is None:
        arguments.seed = secrets.randbelow(1 << 31)
    print(f"seed {arguments.seed}", flush=True)
    began = time.monotonic()
    root = Path(tempfile.mkdtemp(prefix=f"casparian-{kind}-", dir=arguments.dir))
    wrong = run(arguments, root)
    print(f"{time.monotonic() - began:.0f} s")
    for one in wrong:
        print(f"WRONG {one}")
    if wrong:
        print(f"replay: --seed {arguments.seed} with the same other arguments; what is left: {root}")
        return 1
    shutil.rmtree(root)
    return 0
